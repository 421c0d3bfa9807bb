/**
 * `/api` and `/apis`: the requests. Documents follow from the kinds, so each is made once, when first asked for. After
 * k8s.io/apiserver/pkg/endpoints/discovery/aggregated.
 */
import { dump } from "js-yaml";
import type { Scheme } from "../registry/scheme.ts";
import {
  AGGREGATED_VERSIONS,
  apiGroup,
  apiGroupDiscoveryList,
  apiGroupList,
  apiResourceList,
  apiVersions,
  groupsOf,
  storageVersionHash,
  type AggregatedVersion,
  type ServedGroups,
  type ServedResource,
  type VirtualKind,
} from "./discovery-documents.ts";
import { contentHash, isKnown } from "./entity-tag.ts";
import { matches, negotiate, parseAccept } from "./negotiate.ts";
import { readOnly, type PathHandler, type ServedPaths } from "./paths.ts";
import { JSON_HEADERS } from "./response.ts";

export type { VirtualKind } from "./discovery-documents.ts";

/** What a handler needs to know of everything that is served. */
interface Served {
  groups: ServedGroups;
  /** `/api` holds the core group, `/apis` the others. */
  core: ServedGroups;
  named: ServedGroups;
}

export function createDiscovery(deps: {
  scheme: Scheme;
  virtual: readonly VirtualKind[];
  /** host:port that clients within the cluster may use. */
  serverAddress: string;
}): ServedPaths {
  const { scheme, virtual, serverAddress } = deps;
  // Which paths there are is known without hashes; what stands in the documents is made by the first request.
  const outline = groupsOf([...scheme.resources.map(({ kind }) => kind), ...virtual.map(computed)]);
  const served = once(() => servedBy(scheme, virtual));
  const handlers = new Map<string, PathHandler>();
  const add = (path: string, handler: PathHandler): unknown => handlers.set(path, readOnly(handler));

  add(
    "/api",
    root(served, "core", (groups) => apiVersions(groups.get("") ?? new Map(), serverAddress)),
  );
  add("/apis", root(served, "named", apiGroupList));
  for (const [group, versions] of outline) {
    if (group !== "")
      add(
        `/apis/${group}`,
        classic(async () => apiGroup(group, (await served()).groups.get(group) ?? versions)),
      );
    for (const version of versions.keys()) {
      const members = async (): Promise<readonly ServedResource[]> =>
        (await served()).groups.get(group)?.get(version) ?? [];
      const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
      add(
        path,
        classic(async () => apiResourceList({ group, version }, await members())),
      );
    }
  }
  return {
    find: (path) => handlers.get(path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path),
    listed: [...handlers.keys(), "/apis/"],
  };
}

function computed(kind: VirtualKind): ServedResource {
  return { ...kind, verbs: ["create"], shortNames: [], categories: [], subresources: [] };
}

/** Every version of a resource names the hash of the one that is stored. */
async function servedBy(scheme: Scheme, virtual: readonly VirtualKind[]): Promise<Served> {
  const resources = scheme.resources.map(async ({ kind, stored }): Promise<ServedResource> => {
    if (kind.computed) return kind;
    return { ...kind, storageVersionHash: await storageVersionHash(stored.kind) };
  });
  const groups = groupsOf([...(await Promise.all(resources)), ...virtual.map(computed)]);
  return {
    groups,
    core: new Map([...groups].filter(([group]) => group === "")),
    named: new Map([...groups].filter(([group]) => group !== "")),
  };
}

/** A document in JSON or YAML. Kubernetes gives no entity tag for these. */
function classic(make: () => Promise<object>): PathHandler {
  const value = once(make);
  return async (request) => {
    const { encoding, contentType } = negotiate(request.headers.get("accept"));
    const document = await value();
    const text = encoding === "yaml" ? dump(document, { noRefs: true }) : JSON.stringify(document);
    return new Response(text, { status: 200, headers: { ...JSON_HEADERS, "Content-Type": contentType } });
  };
}

/** `/api` and `/apis` answer in the form that the client can read: everything at once, or only the names. */
function root(
  served: () => Promise<Served>,
  part: "core" | "named",
  names: (groups: ServedGroups) => object,
): PathHandler {
  const plain = classic(async () => names((await served())[part]));
  const documents = new Map<AggregatedVersion, () => Promise<{ text: string; etag: string }>>(
    AGGREGATED_VERSIONS.map((version) => [
      version,
      once(async () => {
        const text = JSON.stringify(apiGroupDiscoveryList((await served())[part], version));
        return { text, etag: `"${await contentHash(text)}"` };
      }),
    ]),
  );
  return async (request, at) => {
    const version = aggregatedVersion(request.headers.get("accept"));
    const document = version && (await documents.get(version)?.());
    if (!document) {
      const response = await plain(request, at);
      response.headers.set("Vary", "Accept");
      return response;
    }
    const headers = {
      "Content-Type": `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
      ETag: document.etag,
      Vary: "Accept",
      "Cache-Control": "public",
    };
    return isKnown(request, document.etag)
      ? new Response(null, { status: 304, headers })
      : new Response(document.text, { status: 200, headers });
  };
}

/**
 * The first entry of Accept, by quality, that asks for the aggregated document. It wins over entries before it that do not:
 * kube-apiserver looks for this form alone first.
 */
export function aggregatedVersion(accept: string | null): AggregatedVersion | undefined {
  if (accept === null || !accept.includes("APIGroupDiscoveryList")) return undefined;
  for (const clause of parseAccept(accept)) {
    const { params } = clause;
    if (!matches(clause, "application/json")) continue;
    if (params.get("as") !== "APIGroupDiscoveryList" || params.get("g") !== "apidiscovery.k8s.io") continue;
    const version = AGGREGATED_VERSIONS.find((candidate) => candidate === params.get("v"));
    if (version) return version;
  }
  return undefined;
}

/** Runs `make` when first called; a failure is not kept. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
