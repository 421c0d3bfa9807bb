/** A reader for those who know nothing of forms: every value it gives is in the current stored form. Rows that are so already pass. */
import type { SnapshotReader, StorageReader, StoredObject } from "../storage/storage.ts";
import type { Scheme } from "./scheme.ts";
import { currentValue } from "./stored-form.ts";

export type CurrentReader = StorageReader & SnapshotReader;

export function createCurrentReader({
  storage,
  snapshot,
  scheme,
}: {
  storage: StorageReader;
  snapshot: SnapshotReader["snapshot"];
  scheme: Pick<Scheme, "findStored">;
}): CurrentReader {
  function current<T extends StoredObject>(row: T): T {
    const resource = scheme.findStored(row.resource);
    if (!resource || resource.form === row.form) return row;
    return { ...row, value: currentValue(resource, row), form: resource.form };
  }

  return {
    revision: () => storage.revision(),
    getMany: async (keys, wholes) => (await storage.getMany(keys, wholes)).map(current),
    async get(key) {
      const { object, revision } = await storage.get(key);
      return { object: object && current(object), revision };
    },
    async list(query) {
      const page = await storage.list(query);
      return { ...page, objects: page.objects.map(current) };
    },
    async snapshot(query) {
      const { revision, objects, lists, changes } = await snapshot(query);
      return {
        revision,
        objects: objects.map(current),
        lists: lists.map((list) => list.map(current)),
        ...(changes ? { changes: { ...changes, entries: changes.entries.map(current) } } : {}),
      };
    },
  };
}
