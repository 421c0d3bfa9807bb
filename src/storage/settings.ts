import type { Database, Statement } from "./database.ts";
import { callDatabase } from "./errors.ts";
import type { Settings } from "./storage.ts";

function select(key: string): Statement {
  return { sql: "SELECT value FROM settings WHERE key = ?", args: [key], single: true };
}

/** @throws StorageError "unavailable" from all methods */
export function createSettings({ database }: { database: Database }): Settings {
  return {
    async get(key) {
      const [found] = await callDatabase(() => database.batch([select(key)], "read"));
      const value = found?.rows[0]?.[0];
      return value === undefined ? undefined : String(value);
    },
    async putIfAbsent(key, value) {
      const insert = {
        sql: "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
        args: [key, value],
      };
      const [, stored] = await callDatabase(() => database.batch([insert, select(key)], "write"));
      return String(stored?.rows[0]?.[0]);
    },
    async replace(key, { from, to }) {
      const update = { sql: "UPDATE settings SET value = ? WHERE key = ? AND value = ?", args: [to, key, from] };
      const [, stored] = await callDatabase(() => database.batch([update, select(key)], "write"));
      return String(stored?.rows[0]?.[0]);
    },
  };
}
