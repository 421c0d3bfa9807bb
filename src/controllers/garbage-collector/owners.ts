/** Finds out what became of owners. One counts as gone only when the API itself says so, and then for good: uids never come back. */
import type { Client } from "../../client/client.ts";
import type { Informer } from "../../controller-runtime/informer.ts";
import { keyOf } from "../../controller-runtime/views/view.ts";
import { apiVersionOf, groupResource, type GroupVersion, type ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject, ObjectMeta, OwnerReference } from "../../machinery/meta.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import { FOREGROUND, type OwnerState } from "./plan.ts";

/** One stored resource, under the version that is watched. */
export interface CollectedResource extends ResourceRef {
  kind: string;
  /** All versions (and groups) it is served in. */
  versions: readonly GroupVersion[];
}

export interface Owners {
  /** Undefined for a kind that is not served. */
  resourceOf(reference: OwnerReference): CollectedResource | undefined;
  /** `namespace` is the dependent's: owners live there or nowhere. */
  stateOf(reference: OwnerReference, namespace: string): Promise<OwnerState>;
  /** Does an object of this uid live in another namespace? */
  isElsewhere(reference: OwnerReference, namespace: string): boolean;
}

/** Remembered absences: a thousand dependents of one owner ask once. As many as Kubernetes' absentOwnerCache. */
const ABSENT_MAX = 500;

export function createOwners(deps: {
  client: Client;
  informers: ReadonlyMap<string, Informer>;
  resources: readonly CollectedResource[];
}): Owners {
  const { client, informers } = deps;
  const byKind = new Map(
    deps.resources.flatMap((resource) =>
      resource.versions.map((version) => [`${apiVersionOf(version)}/${resource.kind}`, resource] as const),
    ),
  );
  const absent = new Set<string>();

  const resourceOf = ({ apiVersion, kind }: OwnerReference): CollectedResource | undefined =>
    byKind.get(`${apiVersion}/${kind}`);
  const informerOf = ({ group, resource }: ResourceRef): Informer | undefined =>
    informers.get(groupResource(group, resource));

  async function read(resource: CollectedResource, at: { namespace?: string; name: string }) {
    try {
      return (await client.get<KubeObject>(resource, at)).metadata;
    } catch (error) {
      if (isStatusError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  function remember(id: string): void {
    const [oldest] = absent;
    if (absent.size >= ABSENT_MAX && oldest !== undefined) absent.delete(oldest);
    absent.add(id);
  }

  return {
    resourceOf,
    async stateOf(reference, namespace) {
      const resource = resourceOf(reference);
      if (resource === undefined || (resource.namespaced && namespace === "")) return "unknown";
      const at = { name: reference.name, ...(resource.namespaced ? { namespace } : {}) };
      const known = informerOf(resource)?.get(keyOf(at));
      if (known?.metadata.uid === reference.uid) return presence(known.metadata);
      const id = `${groupResource(resource.group, resource.resource)}|${keyOf(at)}|${reference.uid}`;
      if (absent.has(id)) return "absent";
      const live = await read(resource, at);
      if (live?.uid === reference.uid) return presence(live);
      remember(id);
      return "absent";
    },
    isElsewhere(reference, namespace) {
      const resource = resourceOf(reference);
      if (!resource?.namespaced) return false;
      for (const { metadata } of informerOf(resource)?.all() ?? []) {
        if (metadata.uid === reference.uid) return metadata.namespace !== namespace;
      }
      return false;
    },
  };
}

function presence({
  deletionTimestamp,
  finalizers = [],
}: {
  deletionTimestamp?: ObjectMeta["deletionTimestamp"];
  finalizers?: readonly string[];
}): OwnerState {
  return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND) ? "ending" : "present";
}
