/** Settings that no database holds. */
import type { Settings } from "../../src/storage/storage.ts";

export function memorySettings(): Settings & { values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    values,
    get: async (key) => values.get(key),
    async putIfAbsent(key, value) {
      const stored = values.get(key) ?? value;
      values.set(key, stored);
      return stored;
    },
    async replace(key, { from, to }) {
      if (values.get(key) === from) values.set(key, to);
      return values.get(key) ?? "";
    },
  };
}
