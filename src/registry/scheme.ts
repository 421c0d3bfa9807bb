/** The kinds this API serves, looked up by path or by kind. Everything a hot request needs of a kind is computed here, once. */
import { apiVersionOf, groupResource } from "../machinery/gvk.ts";
import { headOf, type Head } from "../storage/stored-value.ts";
import { formOf, type KindDefinition } from "./kind.ts";

/** A kind with what is derived from it. */
export interface Resource {
  kind: KindDefinition;
  group: string;
  version: string;
  /** Lower-case plural: "deployments". */
  plural: string;
  /** As the log and messages name it: "deployments.apps". */
  storageName: string;
  /** "apps/v1". */
  apiVersion: string;
  /** Goes before a single object and before each watched one. */
  head: Head;
  /** Goes before each item of a list: "" for built-ins. */
  itemHead: Head;
  listKind: string;
  /** What `value` of a stored object must be in to be served as it is. */
  form: string;
  namespaced: boolean;
  hasStatus: boolean;
  /** What field selectors may name beside metadata.name and metadata.namespace. */
  selectableFields(): ReadonlySet<string>;
}

export interface Scheme {
  /** In the order of definition. */
  readonly resources: readonly Resource[];
  find(at: { group: string; version: string; plural: string }): Resource | undefined;
  findKind(gvk: { group: string; version: string; kind: string }): Resource | undefined;
  /** Any version of a group-resource, for objects that are addressed by it (scale targets, references). */
  findStored(storageName: string): Resource | undefined;
}

function resourceOf(kind: KindDefinition): Resource {
  const apiVersion = apiVersionOf(kind);
  return {
    kind,
    group: kind.group,
    version: kind.version,
    plural: kind.plural,
    storageName: groupResource(kind.group, kind.plural),
    apiVersion,
    head: headOf(apiVersion, kind.kind),
    itemHead: "",
    listKind: `${kind.kind}List`,
    form: formOf(kind),
    namespaced: kind.namespaced,
    hasStatus: kind.subresources.some((subresource) => subresource.name === "status"),
    selectableFields: selectableFields(kind),
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

/** @throws Error when two kinds claim the same path: a fault of the build, not of a request */
export function createScheme(kinds: readonly KindDefinition[]): Scheme {
  const resources = kinds.map(resourceOf);
  const byPath = new Map<string, Resource>();
  const byKind = new Map<string, Resource>();
  const byStorageName = new Map<string, Resource>();
  for (const resource of resources) {
    const path = `${resource.group}/${resource.version}/${resource.plural}`;
    if (byPath.has(path)) throw new Error(`two kinds are served at ${path}`);
    byPath.set(path, resource);
    byKind.set(`${resource.group}/${resource.version}/${resource.kind.kind}`, resource);
    if (!byStorageName.has(resource.storageName)) byStorageName.set(resource.storageName, resource);
  }
  return {
    resources,
    find: ({ group, version, plural }) => byPath.get(`${group}/${version}/${plural}`),
    findKind: ({ group, version, kind }) => byKind.get(`${group}/${version}/${kind}`),
    findStored: (storageName) => byStorageName.get(storageName),
  };
}
