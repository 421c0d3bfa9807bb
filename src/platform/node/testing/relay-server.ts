/** For tests: the agents' API of one cluster on a TLS port, over the memory API. Everything real but the Kubernetes API behind it. */
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createBootstrapToken, type NewBootstrapToken } from "../../../authn/bootstrap-token.ts";
import { createNodeCredentials } from "../../../authn/node-credential.ts";
import type { User } from "../../../authn/authenticator.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../../cluster.ts";
import type { Opener } from "../../../machinery/opener.ts";
import { isStatusError } from "../../../machinery/status-error.ts";
import type { ClusterKeys } from "../../../pki/cluster-keys.ts";
import { loadClusterKeys } from "../../../pki/load-cluster-keys.ts";
import { issueServerIdentity } from "../../../pki/server-identity.ts";
import { createAgentRoutes } from "../../../relay/agent-routes.ts";
import { createMemoryApi, type MemoryApi } from "../../../relay/testing/memory-api.ts";
import type { ProxyRequest, StreamTarget } from "../../../relay/protocol.ts";
import type { Platform } from "../../platform.ts";
import { createNodeStreamBroker, type NodeStreamBroker } from "../stream-broker.ts";
import { createNodeTunnels, type NodeTunnels } from "../tunnels.ts";
import { createUpgrades, type Upgrades } from "../upgrade.ts";
import { memorySettings } from "../../../../test/harness/memory-settings.ts";

export interface RelayServer {
  url: string;
  ca: string;
  keys: ClusterKeys;
  upgrades: Upgrades;
  api: MemoryApi;
  tunnels: NodeTunnels;
  broker: NodeStreamBroker;
  /** Requests as "METHOD path", oldest first. */
  requests: string[];
  token(options?: NewBootstrapToken): Promise<string>;
  /** Other paths than the agents'. */
  handle(handler: (request: Request) => Promise<Response>): void;
  /** Answers everything with 503, as if down. */
  down(down: boolean): void;
  stop(): Promise<void>;
}

/** Clients reach pods' streams at `/stream/<node>?…`; the query is the target's, the subprotocol the first one offered. */
export async function startRelayServer(platform: Platform): Promise<RelayServer> {
  const { clock, timers, random, log } = platform;
  const keys = await loadClusterKeys({
    settings: memorySettings(),
    masterKey: new Uint8Array(32),
    clock,
    random,
  });
  const config = { ...DEFAULT_CLUSTER_CONFIG, serverUrl: "", issuer: "https://gantry.test", adminTokenHashes: [] };
  const api = createMemoryApi();
  const admin = api.client("admin");
  const namespaces = { group: "", version: "v1", resource: "namespaces", namespaced: false };
  await admin.create(namespaces, { metadata: { name: "kube-system" } });
  const upgrades = createUpgrades({ random, log });
  const tunnels: NodeTunnels = createNodeTunnels({
    upgrades,
    clock,
    timers,
    log,
    refused: (answer) => broker.refused(answer),
  });
  const broker = createNodeStreamBroker({ tunnels, upgrades, clock, timers, random });
  api.onCommit((entries) => tunnels.committed(entries));
  const credentials = createNodeCredentials({ keys, clock, issuer: config.issuer });
  const routes = createAgentRoutes({
    learn: () => {},
    cluster: { keys, platform, config, storage: api.storage },
    credentials,
    clientFor: (user) => api.client(user.name),
    sockets: { tunnel: async (_request, nodeName) => tunnels.accept(nodeName), stream: broker.stream },
    seen: (nodeName) => tunnels.seen(nodeName),
  });
  const requests: string[] = [];
  let down = false;
  let handler: ((request: Request) => Promise<Response>) | undefined;

  async function serve(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    requests.push(`${request.method} ${pathname}`);
    if (down) return new Response("down", { status: 503 });
    try {
      const token = request.headers.get("authorization")?.replace(/^Bearer /, "");
      let user: User | undefined;
      if (!/\/(join|renew)$/.test(pathname)) user = await credentials.authenticate({ token });
      const answer = await routes(request, user);
      if (answer) return answer;
      const node = /^\/stream\/(.+)$/.exec(pathname)?.[1];
      if (node === undefined) return (await handler?.(request)) ?? new Response("nothing here", { status: 404 });
      return await broker.open({ node, client: request, target: targetOf(request, search), opener: openerOf(search) });
    } catch (error) {
      if (isStatusError(error)) return Response.json(error.toStatus(), { status: error.code });
      throw error;
    }
  }

  const identity = await issueServerIdentity({ keys, clock, cluster: config });
  const server = createSecureServer({ allowHTTP1: true, key: identity.keyPem, cert: identity.certificatePem });
  const listener = getRequestListener(serve);
  server.on("request", (incoming, outgoing) => void listener(incoming, outgoing));
  upgrades.attach(server, serve);
  const open = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: keys.clusterCa,
    keys,
    upgrades,
    api,
    tunnels,
    broker,
    requests,
    token: (options) => createBootstrapToken({ client: admin, clock, random }, options),
    handle: (next) => void (handler = next),
    down: (value) => void (down = value),
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** A request to be proxied is described by the query's `proxy`, as JSON. */
function proxyOf(query: URLSearchParams): Pick<StreamTarget, "proxy"> {
  const text = query.get("proxy");
  return text === null ? {} : { proxy: JSON.parse(text) as ProxyRequest };
}

function openerOf(search: string): Opener {
  return { user: "somebody", credential: new URLSearchParams(search).get("credential") ?? "c" };
}

function targetOf(request: Request, search: string): StreamTarget {
  const query = new URLSearchParams(search);
  const offered = request.headers.get("sec-websocket-protocol")?.split(",")[0];
  return {
    kind: query.get("kind") as StreamTarget["kind"],
    namespace: "default",
    pod: query.get("pod") ?? "p",
    uid: query.get("uid") ?? "u",
    query: search.slice(1),
    ...proxyOf(query),
    ...(offered === undefined ? {} : { subprotocol: offered.trim() }),
  };
}
