import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { hasSqld } from "./test/harness/sqld.ts";

/** Files at once. Vitest's own figure is one less than there are cores, which on two leaves one idle: tests wait a good deal. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

/**
 * unit: everything that needs nothing but Node. workers: the suites of storage, watch and the API inside workerd. cluster: control
 * plane, real agents, real containers and real kubectl, one file at a time and after all others. clients: real clients (kubectl,
 * client libraries, raw HTTP) against a control plane in a process of its own, without nodes.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          maxWorkers,
          include: [
            "src/**/*.test.ts",
            "agent/**/*.test.ts",
            "test/{contract,api,model,scheduler,security}/**/*.test.ts",
          ],
          exclude: ["**/node_modules/**", "src/platform/workers/**", "**/*.workers.test.ts"],
          testTimeout: 20_000,
          // What the tests of a file share is begun in hooks: an accounts API loads its library of logins and hashes passwords there.
          hookTimeout: 20_000,
        },
      },
      {
        plugins: [
          cloudflareTest({ miniflare: { compatibilityDate: "2026-10-01", compatibilityFlags: ["nodejs_compat"] } }),
        ],
        resolve: {
          alias: [
            {
              find: /^.*\/test-runtime\.ts$/,
              replacement: fileURLToPath(new URL("test/workers/test-runtime.ts", import.meta.url)),
            },
          ],
        },
        test: {
          name: "workers",
          maxWorkers,
          // To start workerd and load all of src into it takes longer than most files' tests do. Modules keep no state of clusters, and
          // each file makes its own; the same files run isolated from each other in `unit`.
          isolate: false,
          include: [
            "test/workers/**/*.test.ts",
            "src/**/*.workers.test.ts",
            // Without a libSQL server test/workers/runtime.test.ts says what is missing.
            ...(hasSqld() ? ["test/{api,model,security}/**/*.test.ts"] : []),
          ],
          // What runs the edge in a process of its own, or needs files.
          exclude: ["**/node_modules/**", "**/*.node.test.ts"],
          globalSetup: ["test/workers/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "cluster",
          include: ["test/cluster/**/*.test.ts"],
          // Containers and network namespaces are the machine's, and nodes that answer late are lost: nothing runs beside it.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: "clients",
          include: ["test/clients/**/*.test.ts"],
          maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
