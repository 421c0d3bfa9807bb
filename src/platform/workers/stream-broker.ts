/**
 * Where a client's stream and the agent that serves it meet on the edge: one object per stream. It hands the two ends of one
 * WebSocketPair to the two requests and accepts neither, so the runtime moves the bytes, with back-pressure, and JavaScript reads none.
 */
import { DurableObject, waitUntil } from "cloudflare:workers";
import { sameSecret } from "../../machinery/constant-time.ts";
import { StatusError } from "../../machinery/status-error.ts";
import type { Opener } from "../../machinery/opener.ts";
import { toBase64Url } from "../../pki/encoding.ts";
import type { AgentSockets } from "../../relay/agent-sockets.ts";
import type { NodeStreams } from "../../relay/node-streams.ts";
import { answerOf, decodeHead, HEAD_LENGTH_BYTES, headLength, hungUp } from "../../relay/proxy-answer.ts";
import type { StreamTarget, TunnelMessage } from "../../relay/protocol.ts";
import { assertUpgrade, refusal } from "../../relay/refusal.ts";
import type { Random } from "../platform.ts";

/** How long either end waits for the other. */
const DIAL_MS_MAX = 15_000;
/** Set on answers that are the stream itself or its end; others are errors as `{code, message}`. */
const SERVED = "gantry-stream";

/** "either": a WebSocket that is proxied is one only if the pod says so. */
type Kind = "socket" | "body" | "either";

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
  #asked = false;
  #taken = false;
  #isSpliced = false;
  readonly #gone = new AbortController();
  /** Of a request that is proxied, until the agent fetches it. */
  #requestBody: ReadableStream<Uint8Array> | null = null;

  constructor(state: DurableObjectState, env: unknown) {
    super(state, env);
    // Whoever waits for them handles their failure; until then it is nobody's.
    this.#client.promise.catch(() => {});
    this.#answer.promise.catch(() => {});
  }

  /** Is somebody waiting here, or being served? An object that was made anew, because its stream was over, knows of nobody. */
  isServing(): boolean {
    return this.#asked;
  }

  /** Its opener is no longer let in. Nothing here holds the sockets of a splice: the object breaks off, and they with it. */
  end(): void {
    this.#answer.reject(new Refused({ code: 401, message: "Unauthorized" }));
    this.#gone.abort();
    if (this.#isSpliced) this.ctx.abort("the stream was revoked");
  }

  /** The agent of this node cannot serve the stream, or is not there. What another node says of it is not heard. */
  async refuse({ code, message, nodeName }: Refusal & { nodeName: string }): Promise<void> {
    const expected = await withinTime(this.#client.promise, "nobody waits for this stream");
    if (expected.nodeName === nodeName) this.#answer.reject(new Refused({ code, message }));
  }

  /** The client has gone: an agent whose body is being relayed need not go on. */
  abandon(): void {
    this.#gone.abort();
  }

  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    try {
      if (pathname === "/client") return await this.#fromClient(request, searchParams);
      return await this.#fromAgent(request, searchParams);
    } catch (error) {
      if (error instanceof Refused) return Response.json(error.answer, { status: 502 });
      throw error;
    }
  }

  async #fromClient(request: Request, query: URLSearchParams): Promise<Response> {
    const nodeName = query.get("node") ?? "";
    this.#asked = true;
    this.#requestBody = request.body;
    this.#client.resolve({
      ticket: query.get("ticket") ?? "",
      nodeName,
      kind: (query.get("kind") ?? "socket") as Kind,
      subprotocol: query.get("subprotocol") ?? undefined,
    });
    return withinTime(this.#answer.promise, `node "${nodeName}" did not answer in time`);
  }

  async #fromAgent(request: Request, query: URLSearchParams): Promise<Response> {
    // The agent may be faster than the client's own request.
    const expected = await withinTime(this.#client.promise, "nobody waits for this stream");
    if (!sameSecret(query.get("ticket") ?? "", expected.ticket) || query.get("node") !== expected.nodeName)
      throw new Refused({ code: 403, message: "the ticket is for another stream" });
    const isUpgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    if (request.method === "GET" && !isUpgrade) return this.#takeRequestBody();
    if (expected.kind !== "either" && isUpgrade !== (expected.kind === "socket"))
      throw new Refused({ code: 400, message: `this stream is a ${expected.kind}` });
    if (this.#taken) throw new Refused({ code: 404, message: "nobody waits for this stream" });
    this.#taken = true;
    if (!isUpgrade) return this.#relayBody(request);
    return this.#spliceSockets(expected.subprotocol ?? query.get("subprotocol") ?? undefined);
  }

  #takeRequestBody(): Response {
    const body = this.#requestBody;
    if (body === null) throw new Refused({ code: 404, message: "nobody waits for this stream" });
    this.#requestBody = null;
    // A client that has its answer sends no more: workerd logs "Can't read from request stream after response has been sent" of what is
    // left of this body, which nobody wants any more.
    return new Response(body, { headers: { [SERVED]: "1" } });
  }

  #spliceSockets(subprotocol: string | undefined): Response {
    const { 0: clientEnd, 1: agentEnd } = new WebSocketPair();
    this.#isSpliced = true;
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
      await request.body.pipeTo(writable, { signal: this.#gone.signal });
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

export type OpenMessage = Extract<TunnelMessage, { type: "open" }>;
/** "asked": the agent is to dial. Others: why it is not. */
export type StreamOpened = "asked" | "away" | "revoked" | "full";

function refusalOf(outcome: Exclude<StreamOpened, "asked">, node: string): Refusal {
  if (outcome === "away") return { code: 503, message: `node "${node}" is not connected` };
  if (outcome === "full") return { code: 503, message: "too many streams are open in this cluster" };
  return { code: 401, message: "Unauthorized" };
}

/** The stateless worker's half, for clients. */
export function createWorkersStreams(deps: {
  brokers: DurableObjectNamespace<StreamBroker>;
  /** ClusterHub's `Tunnels.openStream`, over RPC. */
  openStream: (nodeName: string, message: OpenMessage, opener: Opener | undefined) => Promise<StreamOpened>;
  random: Random;
}): NodeStreams {
  const { brokers, openStream, random } = deps;
  return {
    async open({ node, target, client, opener }) {
      const kind = kindOf(target);
      if (kind === "socket") assertUpgrade(client);
      const id = brokers.newUniqueId();
      const stub = brokers.get(id);
      const ticket = toBase64Url(random.bytes(32));
      const query = new URLSearchParams({ ticket, node, kind });
      if (target.subprotocol !== undefined) query.set("subprotocol", target.subprotocol);
      // The answer to a HEAD would lose the head of the pod's answer, which is in its body.
      const like = client.method === "HEAD" ? { headers: client.headers } : client;
      const answer = stub.fetch(new Request(`https://broker/client?${query}`, like));
      answer.catch(() => {});
      const opened = await openStream(node, { type: "open", id: id.toString(), ticket, target }, opener);
      if (opened !== "asked") await stub.refuse({ ...refusalOf(opened, node), nodeName: node });
      // Told, the broker ends the agent's work at once; else it would notice with the next bytes.
      client.signal.addEventListener("abort", () => waitUntil(stub.abandon()));
      const response = await served(await answer);
      return target.kind === "proxy" && response.status !== 101 ? await proxied(response, client.method) : response;
    },
  };
}

function kindOf({ kind, proxy }: StreamTarget): Kind {
  if (kind === "proxy") return proxy?.upgrade ? "either" : "body";
  return kind === "log" ? "body" : "socket";
}

/** What a pod answers. Only its head is read; the rest goes on as it is. @throws StatusError as the agent refused */
async function proxied({ body }: Response, method: string): Promise<Response> {
  if (body === null) throw hungUp();
  const reader = body.getReader({ mode: "byob" });
  const exactly = async (length: number) => {
    const { value } = await reader.readAtLeast(length, new Uint8Array(length)).catch((cause: unknown) => {
      throw hungUp(cause);
    });
    if (value === undefined || value.length < length) throw hungUp();
    return value;
  };
  const length = headLength(await exactly(HEAD_LENGTH_BYTES));
  const head = decodeHead(await exactly(length));
  reader.releaseLock();
  // A body of which something has been read makes no response; the runtime moves the rest.
  const response = answerOf(head, body.pipeThrough(new IdentityTransformStream()), method);
  // What has no encoding the runtime would compress, and hold back until a block is full.
  if (!response.headers.has("content-encoding")) response.headers.set("content-encoding", "identity");
  return response;
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
    async stream(request, { id, ticket, nodeName, subprotocol }) {
      const query = new URLSearchParams({ ticket, node: nodeName });
      if (subprotocol !== undefined) query.set("subprotocol", subprotocol);
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
