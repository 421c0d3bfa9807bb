/**
 * `fetch` for the agent: trusts the cluster's own CA, keeps connections, streams bodies both ways. Node's built-in fetch cannot be told of
 * a CA without a package of its own.
 */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { Fetch } from "../src/client/client.ts";

export interface HttpsFetch {
  fetch: Fetch;
  /** Trusts this CA from now on; connections of before are closed when idle. */
  trust(caPem: string | undefined): void;
  close(): void;
}

/** Watches and logs hold a connection each; the rest is a handful. */
const SOCKETS_MAX = 256;
const IDLE_SOCKETS_MAX = 8;
/** Longer than the heartbeat, shorter than what NAT routers forget. */
const KEEP_ALIVE_MS = 30_000;

/** `ca`: PEM; undefined trusts what the system trusts. */
export function createHttpsFetch(options: { ca?: string | undefined } = {}): HttpsFetch {
  const pool = {
    keepAlive: true,
    maxSockets: SOCKETS_MAX,
    maxFreeSockets: IDLE_SOCKETS_MAX,
    keepAliveMsecs: KEEP_ALIVE_MS,
  };
  const plain = new HttpAgent(pool);
  const secure = (ca: string | undefined) => new HttpsAgent({ ...pool, ...(ca === undefined ? {} : { ca }) });
  let tls = secure(options.ca);
  return {
    fetch: (request) => {
      const { protocol } = new URL(request.url);
      if (request.signal.aborted) return Promise.reject(request.signal.reason as Error);
      const head = { method: request.method, headers: headersOf(request) };
      return exchange(
        request,
        protocol === "https:"
          ? httpsRequest(request.url, { ...head, agent: tls })
          : httpRequest(request.url, { ...head, agent: plain }),
      );
    },
    trust(ca) {
      const old = tls;
      tls = secure(ca);
      old.destroy();
    },
    close() {
      plain.destroy();
      tls.destroy();
    },
  };
}

function headersOf(request: Request): Record<string, string> {
  const headers = Object.fromEntries(request.headers);
  // What it would have to unpack itself it does not ask for.
  headers["accept-encoding"] = "identity";
  // Node frames no body of a DELETE by itself.
  if (request.body !== null && headers["content-length"] === undefined) headers["transfer-encoding"] = "chunked";
  return headers;
}

function exchange(request: Request, outgoing: ClientRequest): Promise<Response> {
  return new Promise<Response>((resolve, reject) => {
    const abort = () => outgoing.destroy(request.signal.reason as Error);
    request.signal.addEventListener("abort", abort, { once: true });
    outgoing.once("close", () => request.signal.removeEventListener("abort", abort));
    outgoing.once("error", reject);
    outgoing.once("response", (incoming) => {
      try {
        resolve(toResponse(incoming));
      } catch (error) {
        outgoing.destroy();
        reject(error);
      }
    });
    if (request.body === null) {
      outgoing.end();
      return;
    }
    // Node would keep the head back until the body begins, and the body may say nothing for a long time.
    outgoing.flushHeaders();
    // An answer that comes early (the client has gone) ends the connection and so the source of the body.
    const source = Readable.fromWeb(request.body as NodeReadableStream);
    outgoing.once("close", () => source.destroy());
    pipeline(source, outgoing).catch(reject);
  });
}

function toResponse(incoming: IncomingMessage): Response {
  const headers = new Headers();
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2)
    headers.append(incoming.rawHeaders[i] ?? "", incoming.rawHeaders[i + 1] ?? "");
  const status = incoming.statusCode ?? 502;
  if ([204, 205, 304].includes(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>;
  return new Response(body, { status, statusText: incoming.statusMessage ?? "", headers });
}
