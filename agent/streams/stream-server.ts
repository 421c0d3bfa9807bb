/** Serves what the hub asks for over the tunnel: each stream is dialled out, with a ticket that is good once. */
import type { WebSocket } from "ws";
import type { Fetch } from "../../src/client/client.ts";
import { isStatusError, StatusError } from "../../src/machinery/status-error.ts";
import type { Log } from "../../src/platform/platform.ts";
import { hungUp } from "../../src/relay/proxy-answer.ts";
import type { TunnelMessage } from "../../src/relay/protocol.ts";
import { EngineError, type Engine } from "../engines/engine.ts";
import { dial } from "../tunnel.ts";
import { channelProtocol } from "./channel-protocol.ts";
import { bridgeSession, type ExecStreams } from "./exec.ts";
import { logOptions, type LogOptions } from "./log.ts";
import { bridgePortForward } from "./port-forward.ts";

import { sendBody } from "./send-body.ts";
import { serveProxied, type ProxiedNode } from "./serve-proxy.ts";

export type OpenMessage = Extract<TunnelMessage, { type: "open" }>;

export interface ContainerAt {
  namespace: string;
  pod: string;
  uid: string;
  /** Undefined where the client named none. */
  container: string | undefined;
}

/** What the node knows of its pods. All throw StatusError: "NotFound", "BadRequest" ("… is waiting to start: …"). */
export interface ServedPods extends ProxiedNode {
  /** The running container. */
  findContainer(at: ContainerAt): Promise<{ id: string }>;
  openLog(at: ContainerAt, options: LogOptions): Promise<ReadableStream<Uint8Array>>;
  /** The running sandbox. */
  findSandbox(at: Omit<ContainerAt, "container">): Promise<{ id: string }>;
}

export interface StreamServer {
  serve(message: OpenMessage): void;
  /** Cuts what is open. */
  stop(): void;
}

export interface StreamServerDeps {
  server: string;
  pods: ServedPods;
  engine: Pick<Engine, "exec" | "attach" | "portForward">;
  fetch: Fetch;
  credential: () => string;
  ca: () => string | undefined;
  /** Tunnel. */
  send: (message: TunnelMessage) => void;
  log: Log;
}

type Serve = (deps: StreamServerDeps, message: OpenMessage, stopped: AbortSignal) => Promise<void>;

/** All reject only before the client has been answered. */
const SERVE: Readonly<Record<OpenMessage["target"]["kind"], Serve>> = {
  exec: serveExec,
  attach: serveExec,
  log: serveLog,
  portforward: servePortForward,
  proxy: serveProxyRequest,
};

export function createStreamServer(deps: StreamServerDeps): StreamServer {
  const stopped = new AbortController();
  return {
    serve(message) {
      const { id, target } = message;
      SERVE[target.kind](deps, message, stopped.signal).catch((error: unknown) => {
        const { code, message: text } = refusalOf(error);
        deps.log.info("a stream was refused", { kind: target.kind, pod: `${target.namespace}/${target.pod}`, error });
        deps.send({ type: "refuse", id, code, message: text });
      });
    },
    stop: () => stopped.abort(),
  };
}

async function serveExec(deps: StreamServerDeps, message: OpenMessage, stopped: AbortSignal): Promise<void> {
  const { target } = message;
  const query = new URLSearchParams(target.query);
  const protocol = channelProtocol(target.subprotocol);
  if (protocol === undefined) throw new StatusError("BadRequest", `unknown subprotocol ${target.subprotocol}`);
  const streams = streamsOf(query);
  const { id: containerId } = await deps.pods.findContainer(containerAt(target, query));
  const request = { containerId, stdin: streams.stdin, tty: streams.tty };
  const session =
    target.kind === "attach"
      ? await deps.engine.attach(request)
      : await deps.engine.exec({ ...request, command: query.getAll("command") });
  let socket: WebSocket;
  try {
    socket = await dialed(deps, message);
  } catch (error) {
    session.close();
    // Who cannot be reached cannot be refused either; the client's wait ends by itself.
    return deps.log.warn("a stream could not be dialled", { error });
  }
  // The process' end is awaited by the bridge; until then a failure must not count as unhandled.
  session.exit.catch(() => {});
  const cut = () => socket.close(1001, "the agent stops");
  stopped.addEventListener("abort", cut);
  await bridgeSession({ socket, session, protocol, streams });
  stopped.removeEventListener("abort", cut);
}

async function servePortForward(deps: StreamServerDeps, message: OpenMessage, stopped: AbortSignal): Promise<void> {
  const { namespace, pod, uid, query, subprotocol } = message.target;
  const { id: sandboxId } = await deps.pods.findSandbox({ namespace, pod, uid });
  const ports = (new URLSearchParams(query).get("ports") ?? "").split(",").filter(Boolean).map(Number);
  const connection = await deps.engine.portForward({ sandboxId, ports });
  // Until the bridge listens: an engine that hangs up meanwhile is seen there as an end.
  connection.socket.on("error", () => undefined);
  let socket: WebSocket;
  try {
    socket = await dialed(deps, message);
  } catch (error) {
    connection.socket.destroy();
    return deps.log.warn("a stream could not be dialled", { error });
  }
  const cut = () => socket.close(1001, "the agent stops");
  stopped.addEventListener("abort", cut);
  await bridgePortForward({ socket, connection, ports, subprotocol });
  stopped.removeEventListener("abort", cut);
}

async function serveLog(deps: StreamServerDeps, message: OpenMessage, stopped: AbortSignal): Promise<void> {
  const query = new URLSearchParams(message.target.query);
  const log = await deps.pods.openLog(containerAt(message.target, query), logOptions(query));
  const { server, fetch, credential } = deps;
  try {
    await sendBody({ url: server + pathOf(message), credential: credential(), body: log, fetch, signal: stopped });
  } catch (error) {
    brokeOff(deps, message, error);
  }
}

async function serveProxyRequest(deps: StreamServerDeps, message: OpenMessage, stopped: AbortSignal): Promise<void> {
  const { target } = message;
  if (target.proxy === undefined) throw new StatusError("BadRequest", "a proxy without a request");
  const { server, fetch, credential, pods } = deps;
  try {
    await serveProxied({
      node: pods,
      target,
      proxy: target.proxy,
      url: server + pathOf(message),
      credential: credential(),
      fetch,
      dialSocket: (subprotocol) =>
        dialed(deps, message, subprotocol === "" ? "" : `&subprotocol=${encodeURIComponent(subprotocol)}`),
      stopped,
    });
  } catch (error) {
    brokeOff(deps, message, error);
  }
}

/** Where its dial has not arrived yet the client would wait for it in vain until time is up; one that is being answered sees it by itself. */
function brokeOff({ log, send }: StreamServerDeps, { id, target }: OpenMessage, error: unknown): void {
  log.debug("a stream broke off", { kind: target.kind, error });
  const { code, message } = hungUp();
  send({ type: "refuse", id, code, message });
}

function dialed(deps: StreamServerDeps, message: OpenMessage, more = ""): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = dial(deps.server, pathOf(message) + more, deps);
    socket.once("open", () => {
      // Nothing is read before the bridge listens.
      socket.pause();
      resolve(socket);
    });
    socket.on("error", reject);
  });
}

function pathOf({ id, ticket }: OpenMessage): string {
  return `/agent/v1/streams/${encodeURIComponent(id)}?ticket=${encodeURIComponent(ticket)}`;
}

function containerAt({ namespace, pod, uid }: OpenMessage["target"], query: URLSearchParams): ContainerAt {
  return { namespace, pod, uid, container: query.get("container") ?? undefined };
}

function streamsOf(query: URLSearchParams): ExecStreams {
  const flag = (name: string) => ["true", "1"].includes(query.get(name) ?? "");
  const tty = flag("tty");
  // A terminal has one output.
  return { stdin: flag("stdin"), stdout: flag("stdout"), stderr: flag("stderr") && !tty, tty };
}

function refusalOf(error: unknown): { code: number; message: string } {
  if (isStatusError(error)) return { code: error.code, message: error.message };
  if (error instanceof EngineError)
    return { code: error.code === "not-found" ? 404 : 500, message: `error in the container engine: ${error.message}` };
  return { code: 500, message: "the agent failed to serve this stream" };
}
