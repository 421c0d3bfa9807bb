/** A reader for those who know nothing of forms: every value it gives is in the current stored form. Rows that are so already pass. */
import type { StorageReader, StorageWriter, StoredObject } from "../storage/storage.ts";
import type { Scheme } from "./scheme.ts";
import { currentValue } from "./stored-form.ts";

export type CurrentReader = StorageReader & Partial<Pick<StorageWriter, "changes">>;

export function createCurrentReader({
  storage,
  changes,
  scheme,
}: {
  storage: StorageReader;
  changes?: StorageWriter["changes"] | undefined;
  scheme: Pick<Scheme, "findStored">;
}): CurrentReader {
  function current<T extends StoredObject>(row: T): T {
    const resource = scheme.findStored(row.resource);
    if (!resource || resource.form === row.form) return row;
    return { ...row, value: currentValue(resource, row), form: resource.form };
  }

  const reader: StorageReader = {
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
  };
  if (!changes) return reader;
  return {
    ...reader,
    async changes(query) {
      const page = await changes(query);
      return { ...page, entries: page.entries.map(current) };
    },
  };
}
