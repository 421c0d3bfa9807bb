import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase, type OpenDatabaseOptions } from "../../src/platform/node/libsql-database.ts";
import type { Database } from "../../src/storage/database.ts";

export interface TemporaryDatabase {
  database: Database;
  path: string;
  close(): Promise<void>;
}

/** A database on a file of its own, removed with its folder on close. */
export async function openTemporaryDatabase(
  options: Omit<OpenDatabaseOptions, "path"> = {},
): Promise<TemporaryDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-storage-"));
  const path = join(folder, "cluster.db");
  const database = await openDatabase({ ...options, path });
  return {
    database,
    path,
    async close() {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
