import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../../src/platform/node/libsql-database.ts";
import { storageSuite } from "./storage.suite.ts";

storageSuite("native driver on a file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-storage-"));
  const database = await openDatabase({ path: join(folder, "cluster.db") });
  return {
    database,
    async close() {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
