/** For tests: a small API server in memory, seen as client and as log. Names, uids, compare-and-swap and subresources; nothing else. */
import type { Client } from "../../client/client.ts";
import { groupResource, type ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { alreadyExists, conflict, forbidden, notFound, OBJECT_MODIFIED } from "../../machinery/status-error.ts";
import type { LogEntry, StoredObject } from "../../storage/storage.ts";
import { storedValue } from "../../storage/stored-value.ts";
import type { SyncReader } from "../sync.ts";

export interface MemoryApi {
  client(asUser: string): Client;
  storage: SyncReader;
  /** Everything that was written, oldest first. */
  entries: LogEntry[];
  onCommit(listener: (entries: LogEntry[]) => void): void;
  /** Refuse writes to this group-resource and subresource, e.g. "pods/status". */
  forbid(what: string): void;
}

export function createMemoryApi(): MemoryApi {
  const heads = new Map<string, StoredObject>();
  const entries: LogEntry[] = [];
  const listeners: ((entries: LogEntry[]) => void)[] = [];
  const refused = new Set<string>();
  let uids = 0;

  function append(ref: ResourceRef, object: KubeObject, type: LogEntry["type"]): KubeObject {
    const { name = "", namespace = "", uid = "" } = object.metadata;
    const key = keyOf(ref, namespace, name);
    const before = heads.get(key);
    const nodeName = (object.spec as { nodeName?: string } | undefined)?.nodeName;
    const entry: LogEntry = {
      type,
      resource: groupResource(ref.group, ref.resource),
      namespace: ref.namespaced ? namespace : "",
      name,
      uid,
      revision: entries.length + 1,
      form: "v1/1",
      labels: object.metadata.labels ?? {},
      fields: ref.resource === "pods" ? { "spec.nodeName": nodeName ?? "" } : {},
      value: storedValue(object),
      ...(before ? { before: { labels: before.labels, fields: before.fields } } : {}),
    };
    if (type === "DELETED") heads.delete(key);
    else heads.set(key, entry);
    entries.push(entry);
    for (const listener of listeners) listener([entry]);
    return load(entry);
  }

  const head = (ref: ResourceRef, namespace: string | undefined, name: string) => {
    const stored = heads.get(keyOf(ref, namespace ?? "", name));
    if (!stored) throw notFound(ref, name);
    return stored;
  };
  const check = (ref: ResourceRef, name: string, subresource?: string) => {
    const what = subresource === undefined ? ref.resource : `${ref.resource}/${subresource}`;
    if (refused.has(what)) throw forbidden(ref, name, "not allowed");
  };

  function client(): Client {
    return {
      get: async <T extends KubeObject>(ref: ResourceRef, at: { namespace?: string; name: string }) =>
        load(head(ref, at.namespace, at.name)) as T,
      async create<T extends KubeObject>(ref: ResourceRef, object: T, at?: { namespace?: string }) {
        const { name = "" } = object.metadata;
        const namespace = at?.namespace ?? object.metadata.namespace ?? "";
        check(ref, name);
        if (ref.namespaced && !heads.has(`namespaces//${namespace}`))
          throw notFound({ group: "", resource: "namespaces" }, namespace);
        if (heads.has(keyOf(ref, namespace, name))) throw alreadyExists(ref, name);
        uids += 1;
        const metadata = { ...object.metadata, uid: `uid-${uids}`, ...(ref.namespaced ? { namespace } : {}) };
        return append(ref, { ...object, metadata }, "ADDED") as T;
      },
      async update<T extends KubeObject>(ref: ResourceRef, object: T, subresource?: string) {
        const { name = "", namespace, resourceVersion } = object.metadata;
        check(ref, name, subresource);
        const stored = head(ref, namespace, name);
        if (resourceVersion !== undefined && resourceVersion !== String(stored.revision))
          throw conflict(ref, name, OBJECT_MODIFIED);
        const old = load(stored);
        const next: KubeObject =
          subresource === "status" ? { ...old, status: object.status } : { ...object, status: old.status };
        if (storedValue(next) === stored.value) return old as T;
        return append(ref, next, "MODIFIED") as T;
      },
      async delete(ref, at) {
        append(ref, load(head(ref, at.namespace, at.name)), "DELETED");
      },
      list: () => Promise.reject(new Error("not in the memory API")),
      patch: () => Promise.reject(new Error("not in the memory API")),
      createSubresource: () => Promise.reject(new Error("not in the memory API")),
      deleteCollection: () => Promise.reject(new Error("not in the memory API")),
      watch() {
        throw new Error("not in the memory API");
      },
    };
  }

  return {
    client,
    entries,
    onCommit: (listener) => void listeners.push(listener),
    forbid: (what) => void refused.add(what),
    storage: {
      getMany: async (keys) =>
        keys.flatMap(({ resource, namespace, name }) => heads.get(`${resource}/${namespace}/${name}`) ?? []),
      get: async ({ resource, namespace, name }) => ({
        object: heads.get(`${resource}/${namespace}/${name}`),
        revision: entries.length,
      }),
      async snapshot({ keys = [], lists, changes }) {
        const revision = entries.length;
        const listed = lists.map(({ resource, selector }) =>
          [...heads.values()].filter(
            (object) =>
              object.resource === resource &&
              (selector?.fields ?? []).every(({ field, value }) => object.fields[field] === value),
          ),
        );
        const snapshot = {
          revision,
          objects: keys.flatMap(({ resource, namespace, name }) => heads.get(`${resource}/${namespace}/${name}`) ?? []),
          lists: listed,
        };
        if (!changes) return snapshot;
        const { since, limit } = changes;
        const page = {
          entries: entries.slice(since, since + limit),
          revision: Math.min(revision, since + limit),
          more: revision > since + limit,
          floor: 0,
        };
        return { ...snapshot, changes: page };
      },
    },
  };
}

function keyOf(ref: ResourceRef, namespace: string, name: string): string {
  return `${groupResource(ref.group, ref.resource)}/${ref.namespaced ? namespace : ""}/${name}`;
}

function load(stored: StoredObject): KubeObject {
  const object = JSON.parse(stored.value) as KubeObject;
  object.metadata.resourceVersion = String(stored.revision);
  return object;
}
