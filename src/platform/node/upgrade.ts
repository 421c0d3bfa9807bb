/**
 * Upgrades on Node. `fetch` sees an upgrade as an ordinary GET and may answer with `acceptUpgrade(…)`; anything else it answers is
 * written to the socket as a plain HTTP response. So authorization and errors are those of every other request.
 */
import type { IncomingMessage } from "node:http";
import { Readable, type Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { WebSocketServer, type WebSocket } from "ws";
import type { Log, Random } from "../platform.ts";
import { identifyClient } from "./client-address.ts";

export interface Upgrades {
  /**
   * A Response that tells `attachUpgrades` to accept this request's WebSocket with the subprotocol (undefined: none) and to hand it over.
   * It is recognised by a header, so it may be copied on its way, but it must get there: only an upgrade may be answered with it.
   */
  accept(options: {
    subprotocol?: string | undefined;
    connected: (socket: WebSocket) => void;
    failed: () => void;
  }): Response;
  /** Serves the upgrades of an HTTP/1.1 server, or of an HTTP/2 server that allows HTTP/1. Returns the undo. */
  attach(server: UpgradeSource, fetch: UpgradeFetch): () => void;
}

type UpgradeFetch = (request: Request, incoming: IncomingMessage) => Promise<Response>;

/** node:http, node:https and node:http2 servers. */
export interface UpgradeSource {
  on(event: "upgrade", listener: UpgradeListener): unknown;
  off(event: "upgrade", listener: UpgradeListener): unknown;
}
type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface Acceptance {
  subprotocol: string | undefined;
  connected: (socket: WebSocket) => void;
  failed: () => void;
}

const MARKER = "gantry-accept-upgrade";
/** Frames of exec are 32 KiB; port-forward's SPDY frames stay below this too. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
const SUBPROTOCOL_HEADER = "sec-websocket-protocol";

export function createUpgrades(deps: { random: Random; log: Log }): Upgrades {
  const { random, log } = deps;
  const accepted = new Map<string, Acceptance>();
  const chosen = new WeakMap<IncomingMessage, string>();
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
    handleProtocols: (_offered, request) => asToken(chosen.get(request) ?? "") || false,
  });
  sockets.on("headers", (headers, request) => {
    const subprotocol = chosen.get(request);
    if (subprotocol === undefined || subprotocol === asToken(subprotocol)) return;
    const index = headers.findIndex((line) => line.toLowerCase().startsWith(SUBPROTOCOL_HEADER));
    if (index >= 0) headers[index] = `Sec-WebSocket-Protocol: ${subprotocol}`;
  });

  function upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, acceptance: Acceptance): void {
    let done = false;
    const fail = () => {
      if (!done) acceptance.failed();
      done = true;
    };
    socket.once("close", fail);
    if (acceptance.subprotocol !== undefined) chosen.set(incoming, acceptance.subprotocol);
    const offered = incoming.headers[SUBPROTOCOL_HEADER];
    // Without a choice ws must not see the offers: it would refuse names that are no tokens.
    if (acceptance.subprotocol === undefined) delete incoming.headers[SUBPROTOCOL_HEADER];
    else if (offered !== undefined) incoming.headers[SUBPROTOCOL_HEADER] = offered.split(",").map(asToken).join(",");
    sockets.handleUpgrade(incoming, socket, head, (webSocket) => {
      done = true;
      webSocket.on("error", (error) => log.debug("a WebSocket failed", { error }));
      acceptance.connected(webSocket);
    });
  }

  async function serve(incoming: IncomingMessage, socket: Duplex, head: Buffer, fetch: UpgradeFetch): Promise<void> {
    const aborted = new AbortController();
    const abort = () => aborted.abort();
    socket.on("error", (error) => log.debug("the connection of an upgrade failed", { error }));
    socket.once("close", abort);
    const response = await fetch(toRequest(incoming, socket, aborted.signal), incoming);
    const id = response.headers.get(MARKER) ?? "";
    const acceptance = accepted.get(id);
    accepted.delete(id);
    if (acceptance === undefined) return writeResponse(socket, response);
    if (socket.destroyed) return acceptance.failed();
    upgrade(incoming, socket, head, acceptance);
  }

  return {
    accept({ subprotocol, connected, failed }) {
      const id = random.uuid();
      accepted.set(id, { subprotocol, connected, failed });
      return new Response(null, { headers: { [MARKER]: id } });
    },
    attach(server, fetch) {
      const listener: UpgradeListener = (incoming, socket, head) => {
        serve(incoming, socket, head, fetch).catch((error: unknown) => {
          log.error("an upgrade failed", { error, path: incoming.url?.split("?")[0] });
          socket.destroy();
        });
      };
      server.on("upgrade", listener);
      return () => void server.off("upgrade", listener);
    },
  };
}

/** A subprotocol as ws takes it: RFC 6455 wants a token, and Kubernetes' "SPDY/3.1+portforward.k8s.io" is none. */
function asToken(subprotocol: string): string {
  return subprotocol.trim().replaceAll("/", "~");
}

function toRequest(incoming: IncomingMessage, socket: Duplex, signal: AbortSignal): Request {
  const scheme = "encrypted" in socket ? "https" : "http";
  const headers = new Headers();
  identifyClient(incoming);
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? ""])
      if (!name.startsWith(":")) headers.append(name, one);
  }
  const url = new URL(incoming.url ?? "/", `${scheme}://${incoming.headers.host ?? "localhost"}`);
  return new Request(url, { method: incoming.method ?? "GET", headers, signal });
}

/** One response on a connection that then closes. */
async function writeResponse(socket: Duplex, response: Response): Promise<void> {
  if (socket.destroyed) return response.body?.cancel();
  const lines = [`HTTP/1.1 ${response.status} ${response.statusText || "Status"}`];
  response.headers.forEach((value, name) => {
    if (!["connection", "transfer-encoding", "keep-alive"].includes(name)) lines.push(`${name}: ${value}`);
  });
  lines.push("connection: close", "", "");
  socket.write(lines.join("\r\n"));
  if (response.body === null) return void socket.end();
  // Where the types of workerd are in scope too (the tests' harness), the two streams do not overlap.
  await pipeline(Readable.fromWeb(response.body as unknown as NodeReadableStream), socket);
}
