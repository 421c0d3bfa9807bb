/**
 * What is served, as documents: the classic ones (APIVersions, APIGroupList, APIGroup, APIResourceList) and the aggregated one of
 * KEP-3352. Pure functions of the kinds; members stand in the order that Kubernetes writes them in. After
 * k8s.io/apiserver/pkg/endpoints/{installer.go,discovery}.
 */
import { toBase64 } from "../machinery/base64.ts";
import { apiVersionOf, type GroupVersion, type GroupVersionKind } from "../machinery/gvk.ts";
import type { KindDefinition, SubresourceDefinition } from "../registry/kind.ts";
import { compareGroups, compareText, compareVersions } from "./api-order.ts";

/** What discovery says of a resource that is computed and never stored: a review. It can only be created. */
export type VirtualKind = Pick<KindDefinition, "group" | "version" | "kind" | "plural" | "singular" | "namespaced">;

/** One resource in one version. */
export interface ServedResource extends VirtualKind {
  verbs: readonly string[];
  shortNames: readonly string[];
  categories: readonly string[];
  subresources: readonly SubresourceDefinition[];
  /** Opaque to clients; absent for what is not stored. */
  storageVersionHash?: string;
}

/** The resources of a version, sorted by name. */
export type ServedVersions = ReadonlyMap<string, readonly ServedResource[]>;

/** Versions by group, both in the order of discovery. */
export type ServedGroups = ReadonlyMap<string, ServedVersions>;

export function groupsOf(resources: readonly ServedResource[]): ServedGroups {
  const groups = new Map<string, Map<string, ServedResource[]>>();
  for (const resource of resources.toSorted((a, b) => compareText(a.plural, b.plural))) {
    const versions = groups.get(resource.group) ?? new Map<string, ServedResource[]>();
    groups.set(resource.group, versions);
    const members = versions.get(resource.version);
    if (members) members.push(resource);
    else versions.set(resource.version, [resource]);
  }
  return new Map(
    [...groups]
      .toSorted(([a], [b]) => compareGroups(a, b))
      .map(([group, versions]) => [group, new Map([...versions].toSorted(([a], [b]) => compareVersions(a, b)))]),
  );
}

/** The first eight bytes of a hash of what is stored (StorageVersionHash of kube-apiserver). */
export async function storageVersionHash({ group, version, kind }: GroupVersionKind): Promise<string> {
  const text = new TextEncoder().encode(`${group}/${version}/${kind}`);
  return toBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", text)).subarray(0, 8));
}

/** `/api`. It and the other documents of the core group carry no apiVersion, for the sake of clients older than that member. */
export function apiVersions(core: ServedVersions, serverAddress: string): object {
  return {
    kind: "APIVersions",
    versions: [...core.keys()],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

/** `/apis` */
export function apiGroupList(groups: ServedGroups): object {
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: [...groups].map(([name, versions]) => namesOf(name, versions)),
  };
}

/** `/apis/<group>` */
export function apiGroup(name: string, versions: ServedVersions): object {
  return { kind: "APIGroup", apiVersion: "v1", ...namesOf(name, versions) };
}

function namesOf(name: string, versions: ServedVersions): object {
  const list = [...versions.keys()].map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: list, preferredVersion: list[0] };
}

/** `/api/<version>` and `/apis/<group>/<version>` */
export function apiResourceList(at: GroupVersion, members: readonly ServedResource[]): object {
  const resources = members.flatMap((member) => [
    { name: member.plural, value: classicResource(member) },
    ...member.subresources.map((subresource) => ({
      name: `${member.plural}/${subresource.name}`,
      value: classicSubresource(member, subresource),
    })),
  ]);
  return {
    kind: "APIResourceList",
    ...(at.group === "" ? {} : { apiVersion: "v1" }),
    groupVersion: apiVersionOf(at),
    resources: resources.toSorted((a, b) => compareText(a.name, b.name)).map(({ value }) => value),
  };
}

function classicResource({
  plural,
  singular,
  namespaced,
  kind,
  verbs,
  storageVersionHash: hash,
  ...rest
}: ServedResource) {
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: verbs.toSorted(),
    ...names(rest),
    ...(hash === undefined ? {} : { storageVersionHash: hash }),
  };
}

function classicSubresource(parent: ServedResource, { name, body, verbs }: SubresourceDefinition) {
  const foreign = body && !sameVersion(body, parent);
  return {
    name: `${parent.plural}/${name}`,
    singularName: "",
    namespaced: parent.namespaced,
    ...(foreign ? { group: body.group, version: body.version } : {}),
    kind: body?.kind ?? parent.kind,
    verbs: verbs.toSorted(),
  };
}

function names({ shortNames, categories }: Pick<ServedResource, "shortNames" | "categories">) {
  return {
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  };
}

function sameVersion(a: GroupVersion, b: GroupVersion): boolean {
  return a.group === b.group && a.version === b.version;
}

/** The versions of `apidiscovery.k8s.io` that are served, newest first. They differ in name only. */
export const AGGREGATED_VERSIONS = ["v2", "v2beta1"] as const;
export type AggregatedVersion = (typeof AGGREGATED_VERSIONS)[number];

/** All of `/api` or `/apis` at once. */
export function apiGroupDiscoveryList(groups: ServedGroups, version: AggregatedVersion): object {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: [...groups].map(([name, versions]) => ({
      metadata: { name },
      versions: [...versions].map(([served, members]) => ({
        version: served,
        resources: members.map(aggregatedResource),
        freshness: "Current",
      })),
    })),
  };
}

function aggregatedResource(member: ServedResource): object {
  const { plural, singular, kind, namespaced, verbs, subresources } = member;
  return {
    resource: plural,
    responseKind: responseKind(member, { kind }),
    scope: namespaced ? "Namespaced" : "Cluster",
    singularResource: singular,
    verbs: verbs.toSorted(),
    ...names(member),
    ...(subresources.length > 0
      ? { subresources: subresources.toSorted(byName).map((one) => aggregatedSubresource(member, one)) }
      : {}),
  };
}

function aggregatedSubresource(parent: ServedResource, { name, body, verbs }: SubresourceDefinition): object {
  return {
    subresource: name,
    responseKind: responseKind(parent, body ?? { kind: parent.kind }),
    verbs: verbs.toSorted(),
  };
}

/** Group and version stay empty where they are those of the list, as kube-apiserver leaves them. */
function responseKind(parent: GroupVersion, of: { kind: string } | GroupVersionKind): GroupVersionKind {
  const isForeign = "group" in of && !sameVersion(of, parent);
  return { group: isForeign ? of.group : "", version: isForeign ? of.version : "", kind: of.kind };
}

function byName(a: { name: string }, b: { name: string }): number {
  return compareText(a.name, b.name);
}
