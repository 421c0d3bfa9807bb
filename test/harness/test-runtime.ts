/**
 * What a runtime lends to the black-box tests. This is Node's half; inside workerd `test/workers/test-runtime.ts` takes its place
 * (see vitest.config.ts), so the suites are the same files on both.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clusterUrl } from "../../src/accounts/front-door.ts";
import { clusterAuthenticators } from "../../src/accounts/index.ts";
import { DEFAULT_CLUSTER_CONFIG, type ClusterConfig } from "../../src/cluster.ts";
import { createNodeClusterHost } from "../../src/platform/node/cluster-host.ts";
import { createDatabaseFiles } from "../../src/platform/node/database-files.ts";
import { openDatabase } from "../../src/platform/node/libsql-database.ts";
import { WebSocket } from "ws";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import { createServerSockets } from "../../src/platform/node/server-sockets.ts";
import { createUpgrades } from "../../src/platform/node/upgrade.ts";
import type { TestRuntime } from "./runtime.ts";
import { silentLog } from "./silent-log.ts";
import { testSocket, type TestSockets } from "./sockets.ts";

export const testRuntime: TestRuntime = {
  name: "Node",
  missing: undefined,
  // The process is the only writer of its database: decision 0002.
  cachesReads: true,
  cpuMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  createPlatform: createNodePlatform,
  createSockets,
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
  async openClusters({ platform, baseUrl, fetchDocument }) {
    const folder = await mkdtemp(join(tmpdir(), "gantry-test-"));
    const databases = createDatabaseFiles(folder, { durability: "normal" });
    await databases.create("accounts");
    const database = await databases.open("accounts");
    const host = createNodeClusterHost({
      databases,
      platform,
      upgrades: createUpgrades(platform),
      masterKey: new Uint8Array(32),
      configOf: (id) => testConfig(baseUrl, id),
      authenticatorsOf: (cluster) => clusterAuthenticators({ ...platform, database, cluster, baseUrl, fetchDocument }),
    });
    return {
      database,
      host,
      async stop() {
        await host.stop();
        await database.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
};

function testConfig(baseUrl: string, id: string): ClusterConfig {
  const serverUrl = clusterUrl(baseUrl, id);
  return { ...DEFAULT_CLUSTER_CONFIG, serverUrl, issuer: serverUrl, adminTokenHashes: [] };
}

/** Each connection has a server of its own on loopback. */
function createSockets(): TestSockets {
  const upgrades = createUpgrades({ random: createNodePlatform().random, log: silentLog });
  const servers: Server[] = [];
  return {
    sockets: createServerSockets(upgrades),
    async connect(fetch, path, { protocols = [], headers = {} } = {}) {
      const server = createServer();
      servers.push(server);
      upgrades.attach(server, fetch);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { headers });
      const socket = testSocket(client, () => client.protocol);
      await new Promise<void>((resolve, reject) => {
        client.once("open", resolve);
        client.once("error", reject);
        client.once("unexpected-response", (_request, { statusCode }) => {
          client.terminate();
          reject(new Error(`${statusCode}: the upgrade was refused`));
        });
      });
      return socket;
    },
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}
