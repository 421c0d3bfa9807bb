/** Drizzle over the `Database` port: each of its queries is a batch of one. For what asks for drizzle (better-auth), and is not hot. */
import { drizzle } from "drizzle-orm/sqlite-proxy";
import type { Database, SqlValue } from "../storage/database.ts";

export function createOrm(database: Database) {
  return drizzle(async (sql, params, method) => {
    const reads = /^\s*select\b/i.test(sql);
    const [result] = await database.batch([{ sql, args: params as SqlValue[] }], reads ? "read" : "write");
    const rows = (result?.rows ?? []).map((row) => [...row]);
    // Of "get" it wants the row itself, undefined where there is none.
    return { rows: method === "get" ? (rows[0] as unknown as unknown[]) : rows };
  });
}
