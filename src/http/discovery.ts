/**
 * `/api` and `/apis`: what is served, in the classic documents and in the aggregated one of KEP-3352. It follows from the kinds, so
 * every document is made once.
 */
import type { KindDefinition } from "../registry/kind.ts";
import type { Scheme } from "../registry/scheme.ts";
import type { PathHandler, PathLookup } from "./paths.ts";
import { JSON_HEADERS } from "./response.ts";

/** Resources that are computed and never stored: reviews. */
export type VirtualKind = Pick<KindDefinition, "group" | "version" | "kind" | "plural" | "singular" | "namespaced">;

interface Entry {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  namespaced: boolean;
  verbs: readonly string[];
  shortNames: readonly string[];
  categories: readonly string[];
  subresources: KindDefinition["subresources"];
}

/** What kubectl lists first: Kubernetes' own order of groups by priority; all others follow by name. */
const GROUP_ORDER = [
  "",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "flowcontrol.apiserver.k8s.io",
];

const AGGREGATED =
  /application\/json\s*;(?=[^,]*\bg=apidiscovery\.k8s\.io\b)(?=[^,]*\bv=v2\b(?!beta))(?=[^,]*\bas=APIGroupDiscoveryList\b)/;
const AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

export function createDiscovery(deps: {
  scheme: Scheme;
  virtual: readonly VirtualKind[];
  serverAddress: string;
}): PathLookup {
  const entries = entriesOf(deps);
  const groups = groupBy(entries);
  const documents = new Map<string, PathHandler>();
  const core = new Map([...groups].filter(([group]) => group === ""));
  const named = new Map([...groups].filter(([group]) => group !== ""));
  documents.set("/api", rootHandler(apiVersions(core, deps.serverAddress), aggregated(core)));
  documents.set("/apis", rootHandler(groupList(named), aggregated(named)));
  for (const [group, versions] of groups) {
    if (group !== "")
      documents.set(`/apis/${group}`, fixed({ ...apiGroup(group, versions), kind: "APIGroup", apiVersion: "v1" }));
    for (const [version, kinds] of versions) {
      const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
      documents.set(path, fixed(resourceList(group, version, kinds)));
    }
  }
  const paths = [...documents.keys(), "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"];
  documents.set("/", fixed({ paths: paths.toSorted() }));
  return (path) => documents.get(path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path);
}

function entriesOf({ scheme, virtual }: { scheme: Scheme; virtual: readonly VirtualKind[] }): Entry[] {
  const stored = scheme.resources.map(({ kind }) => kind as Entry);
  const computed = virtual.map((kind) => ({
    ...kind,
    verbs: ["create"],
    shortNames: [],
    categories: [],
    subresources: [],
  }));
  return [...stored, ...computed];
}

type Groups = Map<string, Map<string, Entry[]>>;

function rank(group: string): number {
  const index = GROUP_ORDER.indexOf(group);
  return index < 0 ? GROUP_ORDER.length : index;
}

function groupBy(entries: readonly Entry[]): Groups {
  const sorted = entries.toSorted((a, b) => rank(a.group) - rank(b.group) || compare(a.group, b.group));
  const groups: Groups = new Map();
  for (const entry of sorted) {
    const versions = groups.get(entry.group) ?? new Map<string, Entry[]>();
    groups.set(entry.group, versions);
    const kinds = versions.get(entry.version) ?? [];
    versions.set(entry.version, kinds);
    kinds.push(entry);
  }
  for (const [group, versions] of groups) {
    groups.set(group, new Map([...versions].toSorted(([a], [b]) => compareVersions(a, b))));
  }
  return groups;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function versionRank(version: string): [number, number, number] {
  const [, major = "0", level = "", minor = "0"] = /^v([0-9]+)(?:(alpha|beta)([0-9]+))?$/.exec(version) ?? [];
  return [level === "" ? 2 : level === "beta" ? 1 : 0, Number(major), Number(minor)];
}

/** v2 before v1 before v1beta2 before v1beta1 before v1alpha1: the first is the preferred one. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [versionRank(a), versionRank(b)];
  return y[0] - x[0] || y[1] - x[1] || y[2] - x[2];
}

function apiVersions(core: Groups, serverAddress: string): object {
  const versions = [...core.values()].flatMap((byVersion) => [...byVersion.keys()]);
  return { kind: "APIVersions", versions, serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }] };
}

function groupList(groups: Groups): object {
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: [...groups].map(([group, versions]) => apiGroup(group, versions)),
  };
}

function apiGroup(name: string, versions: ReadonlyMap<string, unknown>): object {
  const list = [...versions.keys()].map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: list, preferredVersion: list[0] };
}

function resourceList(group: string, version: string, kinds: readonly Entry[]): object {
  const resources: object[] = [];
  for (const kind of kinds) {
    resources.push({
      name: kind.plural,
      singularName: kind.singular,
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs: kind.verbs,
      ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
      ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    });
    for (const subresource of kind.subresources) {
      resources.push({
        name: `${kind.plural}/${subresource.name}`,
        singularName: "",
        namespaced: kind.namespaced,
        ...(subresource.body ? { group: subresource.body.group, version: subresource.body.version } : {}),
        kind: subresource.body?.kind ?? kind.kind,
        verbs: subresource.verbs,
      });
    }
  }
  const groupVersion = group === "" ? version : `${group}/${version}`;
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: resources.toSorted(byName) };
}

function byName(a: object, b: object): number {
  return compare((a as { name: string }).name, (b as { name: string }).name);
}

function aggregated(groups: Groups): object {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: [...groups].map(([name, versions]) => ({
      metadata: { name, creationTimestamp: null },
      versions: [...versions].map(([version, kinds]) => ({
        version,
        freshness: "Current",
        resources: kinds.map(aggregatedResource),
      })),
    })),
  };
}

function aggregatedResource(kind: Entry): object {
  const { group, version } = kind;
  return {
    resource: kind.plural,
    responseKind: { group, version, kind: kind.kind },
    scope: kind.namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(kind.subresources.length > 0
      ? {
          subresources: kind.subresources.map((subresource) => ({
            subresource: subresource.name,
            responseKind: subresource.body ?? { group, version, kind: kind.kind },
            verbs: subresource.verbs,
          })),
        }
      : {}),
  };
}

function fixed(value: object): PathHandler {
  const text = JSON.stringify(value);
  return () => new Response(text, { status: 200, headers: { ...JSON_HEADERS } });
}

/** The roots answer in the form that the client can read, and with 304 where it has that already. */
function rootHandler(classic: object, discovery: object): PathHandler {
  const classicText = JSON.stringify(classic);
  const text = JSON.stringify(discovery);
  let etag: Promise<string> | undefined;
  return async (request) => {
    if (!AGGREGATED.test(request.headers.get("accept") ?? "")) {
      return new Response(classicText, { status: 200, headers: { ...JSON_HEADERS, Vary: "Accept" } });
    }
    etag ??= entityTag(text);
    const tag = await etag;
    const headers = { "Content-Type": AGGREGATED_TYPE, ETag: tag, Vary: "Accept", "Cache-Control": "public" };
    const known = (request.headers.get("if-none-match") ?? "").split(",").some((value) => value.trim() === tag);
    return known ? new Response(null, { status: 304, headers }) : new Response(text, { status: 200, headers });
  };
}

async function entityTag(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return `"${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase()}"`;
}
