/** The kinds this API serves, looked up by path or by kind. Everything a hot request needs of a kind is computed here, once. */
import { canonicalise } from "../encoding/canonical.ts";
import { apiVersionOf, groupResource } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { headOf, type Head } from "../storage/stored-value.ts";
import { formOf, type KindDefinition } from "./kind.ts";
import type { Strategy } from "./strategy.ts";

/** A kind in one version, with what is derived from it. */
export interface Resource {
  kind: KindDefinition;
  group: string;
  version: string;
  /** Lower-case plural: "deployments". */
  plural: string;
  /** As the log names it: "deployments.apps". Shared by all versions that are stored together. */
  storageName: string;
  /** "apps/v1". */
  apiVersion: string;
  /** Goes before a single object and before each watched one. */
  head: Head;
  /** Goes before each item of a list: "" for built-ins. */
  itemHead: Head;
  listKind: string;
  /** The version that objects are stored in: itself, unless the kind says otherwise. */
  stored: Resource;
  /** Every version of what is stored together, by apiVersion; itself included. */
  versions: ReadonlyMap<string, Resource>;
  /** Of the stored version. */
  strategy: Strategy;
  /** What `value` of a stored object must be in to be spliced as it is; the same for all versions that are stored together. */
  form: string;
  namespaced: boolean;
  hasStatus: boolean;
  /** What field selectors may name beside metadata.name and metadata.namespace, in this version's words. */
  selectableFields: () => ReadonlySet<string>;
  /** The name under which a selectable field is stored. */
  storedField: (field: string) => string;
  /** The canonical form of an object of this version; undeclared members are dropped. */
  canonical(object: KubeObject): KubeObject;
}

export interface Scheme {
  /** In the order of definition, each version by itself. */
  readonly resources: readonly Resource[];
  find(at: { group: string; version: string; plural: string }): Resource | undefined;
  findKind(gvk: { group: string; version: string; kind: string }): Resource | undefined;
  /** The version that a group-resource is stored in, for objects that are addressed by it (scale targets, references). */
  findStored(storageName: string): Resource | undefined;
}

/** @throws Error when two kinds claim the same path, or a chain of stored kinds: a fault of the build, not of a request */
export function createScheme(kinds: readonly KindDefinition[]): Scheme {
  const byPath = new Map<string, Resource>();
  const byKind = new Map<string, Resource>();
  const byStorageName = new Map<string, Resource>();
  const families = new Map<KindDefinition, Resource>();
  const resources = kinds.map(resourceOf);
  for (const resource of resources) {
    const path = `${resource.group}/${resource.version}/${resource.plural}`;
    if (byPath.has(path)) throw new Error(`two kinds are served at ${path}`);
    byPath.set(path, resource);
    byKind.set(`${resource.group}/${resource.version}/${resource.kind.kind}`, resource);
  }
  return {
    resources,
    find: ({ group, version, plural }) => byPath.get(`${group}/${version}/${plural}`),
    findKind: ({ group, version, kind }) => byKind.get(`${group}/${version}/${kind}`),
    findStored: (storageName) => byStorageName.get(storageName),
  };

  function resourceOf(kind: KindDefinition): Resource {
    if (!kind.storedAs) return storedResource(kind);
    const stored = storedResource(kind.storedAs.kind);
    const resource: Resource = {
      ...ownParts(kind),
      storageName: stored.storageName,
      stored,
      versions: stored.versions,
      strategy: stored.strategy,
      form: stored.form,
      ...fieldNames(kind, stored),
    };
    addVersion(stored, resource);
    return resource;
  }

  /** The stored version need not be served itself. */
  function storedResource(kind: KindDefinition): Resource {
    const known = families.get(kind);
    if (known) return known;
    if (kind.storedAs)
      throw new Error(`${kind.version} ${kind.kind} has others stored as it, but is stored as another`);
    const resource = selfStored(kind);
    if (byStorageName.has(resource.storageName)) throw new Error(`two kinds are stored as ${resource.storageName}`);
    families.set(kind, resource);
    byStorageName.set(resource.storageName, resource);
    return resource;
  }
}

function addVersion(stored: Resource, resource: Resource): void {
  const versions = stored.versions as Map<string, Resource>;
  if (versions.has(resource.apiVersion))
    throw new Error(`two kinds are ${resource.apiVersion} of ${stored.storageName}`);
  versions.set(resource.apiVersion, resource);
}

/** What every version has for itself. */
function ownParts(kind: KindDefinition) {
  const apiVersion = apiVersionOf(kind);
  return {
    kind,
    group: kind.group,
    version: kind.version,
    plural: kind.plural,
    apiVersion,
    head: headOf(apiVersion, kind.kind),
    itemHead: "",
    listKind: `${kind.kind}List`,
    namespaced: kind.namespaced,
    hasStatus: kind.subresources.some((subresource) => subresource.name === "status"),
    canonical: (object: KubeObject) => canonicalise(object, kind.schema),
  };
}

function selfStored(kind: KindDefinition): Resource {
  const versions = new Map<string, Resource>();
  const parts = {
    ...ownParts(kind),
    storageName: groupResource(kind.group, kind.plural),
    versions,
    strategy: kind.strategy,
    form: formOf(kind),
    selectableFields: selectableFields(kind),
    storedField: (field: string) => field,
  };
  // It refers to itself.
  const resource: Resource = Object.assign(parts, { stored: parts as unknown as Resource });
  versions.set(resource.apiVersion, resource);
  return resource;
}

function fieldNames(
  { storedAs }: KindDefinition,
  stored: Resource,
): Pick<Resource, "selectableFields" | "storedField"> {
  const names = storedAs?.fields;
  if (!names) return { selectableFields: stored.selectableFields, storedField: stored.storedField };
  const known = new Set(Object.keys(names));
  return {
    selectableFields: () => known,
    storedField: (field) => (Object.hasOwn(names, field) ? names[field] : field) ?? field,
  };
}

/** A kind answers all its selectable fields for any object, so an empty one tells their names. */
function selectableFields(kind: KindDefinition): () => ReadonlySet<string> {
  let known: ReadonlySet<string> | undefined;
  return () => {
    known ??= new Set(Object.keys(kind.strategy.fields?.({ metadata: {}, spec: {}, status: {} }) ?? {}));
    return known;
  };
}
