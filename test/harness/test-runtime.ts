/**
 * What a runtime lends to the black-box tests. This is Node's half; inside workerd `test/workers/test-runtime.ts` takes its place
 * (see vitest.config.ts), so the suites are the same files on both.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../../src/platform/node/libsql-database.ts";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import type { TestRuntime } from "./runtime.ts";

export const testRuntime: TestRuntime = {
  name: "Node",
  missing: undefined,
  // The process is the only writer of its database: decision 0002.
  cachesReads: true,
  createPlatform: createNodePlatform,
  async openDatabase() {
    const folder = await mkdtemp(join(tmpdir(), "gantry-test-"));
    const database = await openDatabase({ path: join(folder, "cluster.db"), durability: "normal" });
    return {
      database,
      async close() {
        await database.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
};
