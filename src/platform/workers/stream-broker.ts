/**
 * Where a client's stream and the agent that serves it meet on the edge: one object per stream. It hands the two ends of one
 * WebSocketPair to the two requests and accepts neither, so the runtime moves the bytes, with back-pressure, and JavaScript reads none.
 */
import { DurableObject } from "cloudflare:workers";
import { StatusError } from "../../machinery/status-error.ts";
import { toBase64Url } from "../../pki/encoding.ts";
import type { AgentSockets } from "../../relay/agent-sockets.ts";
import type { NodeStreams } from "../../relay/node-streams.ts";
import type { TunnelMessage } from "../../relay/protocol.ts";
import { assertUpgrade, refusal } from "../../relay/refusal.ts";
import type { Random } from "../platform.ts";

/** How long either end waits for the other. */
const DIAL_MS_MAX = 15_000;
/** Set on answers that are the stream itself or its end; others are errors as `{code, message}`. */
const SERVED = "gantry-stream";

type Kind = "socket" | "body";

/** What the client's end says of the stream. */
interface Expectation {
  ticket: string;
  nodeName: string;
  kind: Kind;
  subprotocol: string | undefined;
}

interface Refusal {
  code: number;
  message: string;
}

class Refused extends Error {
  readonly answer: Refusal;
  constructor(answer: Refusal) {
    super(answer.message);
    this.answer = answer;
  }
}

export class StreamBroker extends DurableObject<unknown> {
  readonly #client = Promise.withResolvers<Expectation>();
  /** The client's answer: made by the agent's end when it arrives. */
  readonly #answer = Promise.withResolvers<Response>();
  #taken = false;

  constructor(state: DurableObjectState, env: unknown) {
    super(state, env);
    // Whoever waits for them handles their failure; until then it is nobody's.
    this.#client.promise.catch(() => {});
    this.#answer.promise.catch(() => {});
  }

  /** The agent cannot serve this stream, or is not there. */
  refuse(code: number, message: string): void {
    this.#answer.reject(new Refused({ code, message }));
  }

  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    try {
      if (pathname === "/client") return await this.#fromClient(searchParams);
      return await this.#fromAgent(request, searchParams);
    } catch (error) {
      if (error instanceof Refused) return Response.json(error.answer, { status: 502 });
      throw error;
    }
  }

  async #fromClient(query: URLSearchParams): Promise<Response> {
    const nodeName = query.get("node") ?? "";
    this.#client.resolve({
      ticket: query.get("ticket") ?? "",
      nodeName,
      kind: query.get("kind") === "body" ? "body" : "socket",
      subprotocol: query.get("subprotocol") ?? undefined,
    });
    return withinTime(this.#answer.promise, `node "${nodeName}" did not answer in time`);
  }

  async #fromAgent(request: Request, query: URLSearchParams): Promise<Response> {
    // The agent may be faster than the client's own request.
    const expected = await withinTime(this.#client.promise, "nobody waits for this stream");
    if (query.get("ticket") !== expected.ticket || query.get("node") !== expected.nodeName)
      throw new Refused({ code: 403, message: "the ticket is for another stream" });
    const isUpgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    if (isUpgrade !== (expected.kind === "socket"))
      throw new Refused({ code: 400, message: `this stream is a ${expected.kind}` });
    if (this.#taken) throw new Refused({ code: 404, message: "nobody waits for this stream" });
    this.#taken = true;
    return isUpgrade ? this.#spliceSockets(expected.subprotocol) : this.#relayBody(request);
  }

  #spliceSockets(subprotocol: string | undefined): Response {
    const { 0: clientEnd, 1: agentEnd } = new WebSocketPair();
    const headers: Record<string, string> = { [SERVED]: "1" };
    if (subprotocol !== undefined) headers["sec-websocket-protocol"] = subprotocol;
    this.#answer.resolve(new Response(null, { status: 101, webSocket: clientEnd, headers }));
    return new Response(null, { status: 101, webSocket: agentEnd, headers: { [SERVED]: "1" } });
  }

  async #relayBody(request: Request): Promise<Response> {
    if (request.body === null) throw new Refused({ code: 400, message: "a body is needed" });
    const { readable, writable } = new IdentityTransformStream();
    this.#answer.resolve(
      new Response(readable, {
        headers: { [SERVED]: "1", "content-type": "text/plain", "cache-control": "no-transform" },
      }),
    );
    try {
      await request.body.pipeTo(writable);
      return new Response(null, { status: 204, headers: { [SERVED]: "1" } });
    } catch {
      // The client has gone: the agent may stop reading its log.
      return new Response(null, { status: 410, headers: { [SERVED]: "1" } });
    }
  }
}

async function withinTime<T>(promise: Promise<T>, otherwise: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Refused({ code: 503, message: otherwise })), DIAL_MS_MAX);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

type OpenMessage = Extract<TunnelMessage, { type: "open" }>;

/** The stateless worker's half, for clients. */
export function createWorkersStreams(deps: {
  brokers: DurableObjectNamespace<StreamBroker>;
  /** ClusterHub's `Tunnels.openStream`, over RPC. */
  openStream: (nodeName: string, message: OpenMessage) => Promise<boolean>;
  random: Random;
}): NodeStreams {
  const { brokers, openStream, random } = deps;
  return {
    async open({ node, target, client }) {
      if (target.kind !== "log") assertUpgrade(client);
      const id = brokers.newUniqueId();
      const stub = brokers.get(id);
      const ticket = toBase64Url(random.bytes(32));
      const query = new URLSearchParams({ ticket, node, kind: target.kind === "log" ? "body" : "socket" });
      if (target.subprotocol !== undefined) query.set("subprotocol", target.subprotocol);
      const answer = stub.fetch(new Request(`https://broker/client?${query}`, client));
      answer.catch(() => {});
      const opened = await openStream(node, { type: "open", id: id.toString(), ticket, target });
      if (!opened) await stub.refuse(503, `node "${node}" is not connected`);
      return served(await answer);
    },
  };
}

/** The stateless worker's half, for agents. */
export function createWorkersAgentSockets(deps: {
  brokers: DurableObjectNamespace<StreamBroker>;
  /** ClusterHub's fetch. */
  hub: (request: Request) => Promise<Response>;
}): AgentSockets {
  const { brokers, hub } = deps;
  return {
    tunnel: (request, nodeName) => hub(new Request(tunnelUrl(nodeName), request)),
    async stream(request, { id, ticket, nodeName }) {
      const query = new URLSearchParams({ ticket, node: nodeName });
      const stub = brokers.get(parseId(brokers, id));
      return served(await stub.fetch(new Request(`https://broker/agent?${query}`, request)));
    },
  };
}

const TUNNEL_PATH = "/tunnel";

function tunnelUrl(nodeName: string): string {
  return `https://hub${TUNNEL_PATH}?${new URLSearchParams({ node: nodeName })}`;
}

/** In ClusterHub's fetch: the node whose tunnel this request opens. It has been authenticated by the worker that made it. */
export function tunnelNodeOf(request: Request): string | undefined {
  const { pathname, searchParams } = new URL(request.url);
  return pathname === TUNNEL_PATH ? (searchParams.get("node") ?? undefined) : undefined;
}

function parseId(brokers: DurableObjectNamespace<StreamBroker>, id: string): DurableObjectId {
  try {
    return brokers.idFromString(id);
  } catch (cause) {
    throw new StatusError("NotFound", "nobody waits for this stream", { cause });
  }
}

/** @throws StatusError for what the broker or the agent refused */
async function served(response: Response): Promise<Response> {
  if (response.status === 101 || response.headers.has(SERVED)) return response;
  const { code, message } = await response.json<Refusal>();
  throw refusal(code, message);
}
