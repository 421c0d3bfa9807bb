/** A client's request to a pod of this node, or to the node: from the hub's message to the end of the answer. */
import { PassThrough, Readable } from "node:stream";
import type { WebSocket } from "ws";
import { isStatusError } from "../../src/machinery/status-error.ts";
import { encodeHead, type ProxyHead } from "../../src/relay/proxy-answer.ts";
import type { ProxyRequest, StreamTarget } from "../../src/relay/protocol.ts";
import type { Page, PageRequest } from "../pages/page.ts";
import { askPort, serveProxy, type ProxyAnswer, type ProxyPort } from "./proxy.ts";
import { askSocket, bridgeSockets, UpgradeRefused } from "./proxy-socket.ts";
import { sendBody } from "./send-body.ts";
import type { Fetch } from "../../src/client/client.ts";

/** What the node knows of where a proxied request may go. */
export interface ProxiedNode {
  /**
   * An address of this very pod, or of the node where the target names no pod: the asked one if it is one of its own.
   * @throws StatusError "NotFound" for a pod that does not run here
   */
  addressOf(target: Pick<StreamTarget, "namespace" | "pod" | "uid">, asked: string): string;
  /** What a kubelet would serve. */
  page(request: PageRequest): Promise<Page>;
}

/**
 * Where a proxied request goes: nobody makes the agent dial an address that is not one of `own`, and no name is looked up between the
 * question and the dial. Undefined: there is none.
 */
export function ownAddress(own: readonly string[], asked: string): string | undefined {
  return own.includes(asked) ? asked : own[0];
}

export interface ProxyDeps {
  node: ProxiedNode;
  target: StreamTarget;
  proxy: ProxyRequest;
  /** Where this stream is dialled. */
  url: string;
  credential: string;
  fetch: Fetch;
  /** Dials the client's WebSocket; it is paused. */
  dialSocket: (subprotocol: string) => Promise<WebSocket>;
  stopped: AbortSignal;
}

/** Never rejects because of the pod: the client is told. Rejects where the way to the client breaks. */
export async function serveProxied(deps: ProxyDeps): Promise<void> {
  const { proxy, url, credential, fetch, stopped } = deps;
  if (proxy.upgrade !== undefined) return await serveSocket(deps);
  await serveProxy({
    proxy,
    url,
    credential,
    fetch,
    signal: stopped,
    ask: async (body, signal) =>
      proxy.port === undefined ? await askNode(deps) : await askPort(proxy, portOf(deps), { body, signal }),
  });
}

function portOf({ node, target, proxy }: ProxyDeps): ProxyPort {
  return { host: node.addressOf(target, proxy.address), port: proxy.port ?? 0 };
}

async function askNode({ node, proxy }: ProxyDeps): Promise<ProxyAnswer> {
  const { method, path } = proxy;
  const { pathname, searchParams } = new URL(path, "http://node");
  const { status, type, body } = await node.page({ method, path: pathname, query: searchParams });
  const stream = typeof body === "string" ? Readable.from([Buffer.from(body)]) : body;
  return { status, headers: [["content-type", type]], body: stream };
}

async function serveSocket(deps: ProxyDeps): Promise<void> {
  const { proxy, stopped } = deps;
  if (proxy.port === undefined) return await answer(deps, await askNode(deps));
  let asked: Awaited<ReturnType<typeof askSocket>>;
  try {
    asked = await askSocket(proxy, portOf(deps));
  } catch (error) {
    return await answer(deps, refusalOf(error));
  }
  if ("answer" in asked) return await answer(deps, asked.answer);
  const { socket: pod } = asked;
  pod.on("error", () => undefined);
  let client: WebSocket;
  try {
    client = await deps.dialSocket(pod.protocol);
  } catch (error) {
    pod.terminate();
    throw error;
  }
  const cut = () => client.close(1001, "the agent stops");
  stopped.addEventListener("abort", cut);
  await bridgeSockets(client, pod);
  stopped.removeEventListener("abort", cut);
}

function refusalOf(error: unknown): ProxyHead {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UpgradeRefused)
    return { refused: { code: 500, message: `Internal error occurred: ${message}` } };
  const code = isStatusError(error) ? error.code : 503;
  return { refused: { code, message: `error dialing backend: ${message}` } };
}

/** Instead of a WebSocket. */
async function answer({ url, credential, fetch, stopped }: ProxyDeps, of: ProxyAnswer | ProxyHead): Promise<void> {
  const passing = new PassThrough();
  passing.on("error", () => undefined);
  const body = Readable.toWeb(passing) as ReadableStream<Uint8Array>;
  const sent = sendBody({ url, credential, body, fetch, signal: stopped });
  if ("body" in of) {
    const { body: source, ...head } = of;
    passing.write(encodeHead(head));
    source.on("error", () => passing.destroy());
    passing.once("close", () => source.destroy());
    source.pipe(passing);
  } else passing.end(encodeHead(of));
  await sent;
}
