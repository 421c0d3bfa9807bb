/** What a cluster serves, from its discovery: the way of each kind to its path. */
import type { Client, Fetch } from "../../client/client.ts";
import { createClient } from "../../client/fetch-client.ts";
import type { ResourceRef } from "../../machinery/gvk.ts";
import { StatusError, type Status } from "../../machinery/status-error.ts";

export interface ServedKind extends ResourceRef {
  kind: string;
  verbs: readonly string[];
}

/** Requests stay in the process: the host is never dialled. */
export const INSIDE = "https://cluster.internal";
const ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

interface DiscoveryList {
  items: {
    metadata?: { name?: string };
    versions?: {
      version: string;
      resources?: { resource: string; scope: string; verbs: string[]; responseKind?: { kind: string } }[];
    }[];
  }[];
}

/** Of each group the preferred version comes first. */
export async function servedKinds(fetch: Fetch): Promise<ServedKind[]> {
  const documents = await Promise.all(["/api", "/apis"].map((path) => discovery(fetch, path)));
  return documents.flatMap(({ items }) =>
    items.flatMap(({ metadata, versions = [] }) =>
      versions.flatMap(({ version, resources = [] }) =>
        resources.map(({ resource, scope, verbs, responseKind }) => ({
          group: metadata?.name ?? "",
          version,
          resource,
          namespaced: scope === "Namespaced",
          kind: responseKind?.kind ?? "",
          verbs,
        })),
      ),
    ),
  );
}

async function discovery(fetch: Fetch, path: string): Promise<DiscoveryList> {
  const response = await fetch(new Request(INSIDE + path, { headers: { accept: ACCEPT } }));
  if (!response.ok) throw StatusError.fromStatus((await response.json()) as Status);
  return (await response.json()) as DiscoveryList;
}

export function insideClient(fetch: Fetch, userAgent: string): Client {
  return createClient({ baseUrl: INSIDE, fetch, token: () => "", userAgent });
}
