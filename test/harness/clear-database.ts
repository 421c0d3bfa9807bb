import type { Database } from "../../src/storage/database.ts";

/** Drops every table, so that tests can share one server. */
export async function clearDatabase(database: Database): Promise<void> {
  const [tables] = await database.batch(
    [
      {
        sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'libsql_%'",
      },
    ],
    "read",
  );
  const drops = (tables?.rows ?? []).map(([name]) => ({ sql: `DROP TABLE "${String(name)}"` }));
  if (drops.length > 0) await database.batch(drops, "write");
}
