/** A WebSocket of a client's, passed on to a server in a pod. Only what has answered 101 becomes one: everything else is an answer. */
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { splice } from "../../src/platform/node/splice.ts";
import type { ProxyRequest } from "../../src/relay/protocol.ts";
import { answerOf, groupedHeaders, type ProxyAnswer, type ProxyPort } from "./proxy.ts";

const HANDSHAKE_MS_MAX = 10_000;

/** A paused WebSocket, or what the pod answered instead. @throws Error when it cannot be reached, or answers with nothing to pass on */
export async function askSocket(
  proxy: ProxyRequest,
  { host, port }: ProxyPort,
): Promise<{ socket: WebSocket } | { answer: ProxyAnswer }> {
  const { connection: _ours, ...headers } = groupedHeaders(proxy, false);
  const address = host.includes(":") ? `[${host}]` : host;
  const url = `${proxy.scheme === "https" ? "wss" : "ws"}://${address}:${port}${proxy.path}`;
  const socket = new WebSocket(url, proxy.upgrade?.subprotocols ?? [], {
    headers,
    rejectUnauthorized: false,
    perMessageDeflate: false,
    followRedirects: false,
    handshakeTimeout: HANDSHAKE_MS_MAX,
  });
  const response = await new Promise<IncomingMessage | undefined>((resolve, reject) => {
    socket.once("open", () => {
      // At once: what the pod says first must not be lost.
      socket.pause();
      resolve(undefined);
    });
    socket.once("unexpected-response", (_request, answered) => resolve(answered));
    socket.on("error", reject);
  });
  if (response === undefined) return { socket };
  const { socket: connection } = response;
  response.once("close", () => connection.destroy());
  const answer = answerOf(response);
  if (answer.status >= 400) return { answer };
  // Whatever its connection would be good for: nobody gets hold of it (CVE-2018-1002105).
  connection.destroy();
  throw new UpgradeRefused(answer.status);
}

/** An answer that neither upgrades nor fails: nothing of it may reach the client as if it were what it asked for. */
export class UpgradeRefused extends Error {
  constructor(status: number) {
    super(`invalid upgrade response: status code ${status}`);
    this.name = "UpgradeRefused";
  }
}

/** Resolves when both are closed. */
export async function bridgeSockets(client: WebSocket, pod: WebSocket): Promise<void> {
  splice(client, pod);
  const closed = Promise.all([closedOf(client), closedOf(pod)]);
  client.resume();
  pod.resume();
  await closed;
}

function closedOf(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
