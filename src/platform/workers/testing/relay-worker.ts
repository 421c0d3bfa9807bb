/** For tests: the relay's edge half alone. Clients reach pods' streams at /stream/<node>, agents say who they are in a header. */
import { DurableObject } from "cloudflare:workers";
import { createRevocations, type Opener, type Revocation, type Revocations } from "../../../machinery/opener.ts";
import { isStatusError } from "../../../machinery/status-error.ts";
import type { ProxyRequest, StreamTarget } from "../../../relay/protocol.ts";
import type { LogEntry } from "../../../storage/storage.ts";
import { asSent } from "../as-sent.ts";
import { createHubStreams, type HubStreams } from "../hub-streams.ts";
import { createHubTunnels, type HubTunnels } from "../hub-tunnels.ts";
import { createWorkersPlatform } from "../platform.ts";
import {
  createWorkersAgentSockets,
  createWorkersStreams,
  StreamBroker,
  tunnelNodeOf,
  type OpenMessage,
  type StreamOpened,
} from "../stream-broker.ts";

export { StreamBroker };

interface Env {
  HUB: DurableObjectNamespace<TestHub>;
  BROKER: DurableObjectNamespace<StreamBroker>;
}

export class TestHub extends DurableObject<Env> {
  readonly #tunnels: HubTunnels;
  readonly #revocations: Revocations;
  readonly #streams: HubStreams;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    const { clock, timers, log } = createWorkersPlatform("hub");
    const broker = (id: string) => env.BROKER.get(env.BROKER.idFromString(id));
    this.#revocations = createRevocations({ now: () => clock.now() });
    const { storage } = state;
    this.#streams = createHubStreams({ storage, brokerOf: broker, revocations: this.#revocations, clock, log });
    this.#tunnels = createHubTunnels({
      state,
      clock,
      timers,
      log,
      refused: ({ id, ...refusal }) => this.ctx.waitUntil(broker(id).refuse(refusal)),
    });
  }

  override async fetch(request: Request): Promise<Response> {
    const nodeName = tunnelNodeOf(request);
    return nodeName === undefined ? new Response(null, { status: 404 }) : this.#tunnels.accept(nodeName);
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): void {
    this.#tunnels.message(socket, data);
  }

  async openStream(nodeName: string, message: OpenMessage, opener: Opener | undefined): Promise<StreamOpened> {
    const begun = await this.#streams.begin(message.id, { opener, nodeName });
    if (begun !== "begun") return begun;
    return this.#tunnels.openStream(nodeName, message) ? "asked" : "away";
  }

  async revoke(revocation: Revocation): Promise<void> {
    this.#revocations.add(revocation);
    await this.#streams.revoke(revocation);
  }

  async lastSeen(): Promise<Record<string, number>> {
    return this.#tunnels.lastSeen();
  }

  async committed(entries: LogEntry[]): Promise<void> {
    this.#tunnels.committed(entries);
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      return await route(request, env);
    } catch (error) {
      if (isStatusError(error)) return Response.json(error.toStatus(), { status: error.code });
      throw error;
    }
  },
} satisfies ExportedHandler<Env>;

async function route(request: Request, env: Env): Promise<Response> {
  const { pathname, search, searchParams } = new URL(request.url);
  const hub = env.HUB.get(env.HUB.idFromName("hub"));
  const { random } = createWorkersPlatform("worker");
  const sockets = createWorkersAgentSockets({ brokers: env.BROKER, hub: (inner) => hub.fetch(inner) });
  const nodeName = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
  const streamId = /^\/agent\/v1\/streams\/(.+)$/.exec(pathname)?.[1];
  if (streamId !== undefined)
    return sockets.stream(request, {
      id: streamId,
      ticket: searchParams.get("ticket") ?? "",
      nodeName,
      subprotocol: searchParams.get("subprotocol") ?? undefined,
    });
  if (pathname === "/agent/v1/tunnel") return sockets.tunnel(request, nodeName);
  if (pathname === "/seen") return Response.json(await hub.lastSeen());
  if (pathname === "/revoke") {
    await hub.revoke(await request.json());
    return new Response(null, { status: 204 });
  }
  if (pathname === "/commit") {
    await hub.committed(await request.json());
    return new Response(null, { status: 204 });
  }
  const streams = createWorkersStreams({
    brokers: env.BROKER,
    openStream: (node, message, opener) => hub.openStream(node, message, opener),
    random,
  });
  const opener = { user: searchParams.get("user") ?? "somebody", credential: searchParams.get("credential") ?? "c" };
  const subprotocol = request.headers.get("sec-websocket-protocol")?.split(",")[0]?.trim();
  // A request to be proxied is described by the query, as JSON.
  const proxy = searchParams.get("proxy");
  const target: StreamTarget = {
    kind: (searchParams.get("kind") ?? "exec") as StreamTarget["kind"],
    namespace: "default",
    pod: "p",
    uid: searchParams.get("uid") ?? "u",
    query: search.slice(1),
    ...(proxy === null ? {} : { proxy: JSON.parse(proxy) as ProxyRequest }),
    ...(subprotocol === undefined || proxy !== null ? {} : { subprotocol }),
  };
  return asSent(await streams.open({ node: pathname.replace("/stream/", ""), target, client: request, opener }));
}
