/** Asks a server in a pod, or on the node itself, what a client asks it through the API. */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { PassThrough, Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { createDeflateRaw, createGunzip, createGzip, createInflateRaw } from "node:zlib";
import type { Fetch } from "../../src/client/client.ts";
import { encodeHead } from "../../src/relay/proxy-answer.ts";
import type { ProxyRequest } from "../../src/relay/protocol.ts";
import { createLinkRewriter, rewriteLink, type LinkContext } from "./html-links.ts";
import { sendBody } from "./send-body.ts";

export interface ProxyPort {
  host: string;
  port: number;
}

/** As Go's proxies have it. After the connection a pod may think as long as it likes. */
const CONNECT_MS_MAX = 30_000;
const HEADERS_BYTES_MAX = 64 * 1024;

const HOP_BY_HOP = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "proxy-authenticate",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export interface ProxyExchange {
  proxy: ProxyRequest;
  /** Asks the server; rejects when it cannot be reached. `signal` ends the request. */
  ask(body: Readable | undefined, signal: AbortSignal): Promise<ProxyAnswer>;
  /** Where the client waits for the answer, and where the body of its request is fetched. */
  url: string;
  credential: string;
  fetch: Fetch;
  signal: AbortSignal;
}

export interface ProxyAnswer {
  status: number;
  headers: [string, string][];
  body: Readable;
}

/** Resolves when the client has the whole answer, or has gone. Rejects where the way to the client breaks. */
export async function serveProxy(exchange: ProxyExchange): Promise<void> {
  const { url, credential, fetch, signal } = exchange;
  const gone = new AbortController();
  const stopped = AbortSignal.any([signal, gone.signal]);
  const answer = new PassThrough();
  answer.on("error", () => undefined);
  const body = Readable.toWeb(answer) as ReadableStream<Uint8Array>;
  const sent = sendBody({ url, credential, body, fetch, signal }).finally(() => gone.abort());
  // It may fail while the pod still thinks. Who waits for it below hears of that; until then it must not end the agent.
  sent.catch(() => undefined);
  try {
    await fill(answer, exchange, stopped);
  } catch (error) {
    answer.destroy(error instanceof Error ? error : undefined);
  }
  await sent;
}

async function fill(answer: PassThrough, exchange: ProxyExchange, stopped: AbortSignal): Promise<void> {
  let asked: ProxyAnswer;
  try {
    asked = await exchange.ask(await requestBody(exchange, stopped), stopped);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    answer.end(encodeHead({ refused: { code: 503, message: `error trying to reach service: ${why}` } }));
    return;
  }
  const { body, ...head } = asked;
  answer.write(encodeHead(head));
  await pipeline(body, answer, { signal: stopped });
}

async function requestBody(exchange: ProxyExchange, stopped: AbortSignal): Promise<Readable | undefined> {
  const { proxy, url, credential, fetch } = exchange;
  if (!proxy.hasBody) return undefined;
  const headers = { authorization: `Bearer ${credential}` };
  const response = await fetch(new Request(url, { headers, signal: stopped }));
  if (!response.ok) throw new Error(`the body of the request is not there: ${response.status}`);
  if (response.body === null) return Readable.from([]);
  const body = Readable.fromWeb(response.body as NodeReadableStream);
  // It may break off before anybody reads it, and after the pod has answered.
  return body.on("error", () => undefined);
}

/** Over a connection of its own. The body of the answer has its links rewritten. */
export function askPort(
  proxy: ProxyRequest,
  { host, port }: ProxyPort,
  { body, signal }: { body: Readable | undefined; signal: AbortSignal },
): Promise<ProxyAnswer> {
  const options: RequestOptions = {
    host,
    port,
    method: proxy.method,
    path: proxy.path,
    headers: groupedHeaders(proxy, body !== undefined),
    setHost: false,
    agent: false,
    // Servers that end their lines with a lone LF are as old as HTTP, and Go reads them. The connection serves this one answer.
    insecureHTTPParser: true,
    maxHeaderSize: HEADERS_BYTES_MAX,
    signal,
  };
  // The certificate of a pod is its own affair: the API server does not look at it either.
  const outgoing =
    proxy.scheme === "https" ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
  return new Promise((resolve, reject) => {
    outgoing.setTimeout(CONNECT_MS_MAX, () => outgoing.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
    outgoing.once("socket", (socket) => socket.once("connect", () => outgoing.setTimeout(0)));
    outgoing.on("error", (error) => reject(dialError(error, { host, port })));
    outgoing.once("response", (response) => resolve(rewritten(answerOf(response), linkContext(proxy, { host, port }))));
    outgoing.once("upgrade", (_response, socket) => {
      socket.destroy();
      reject(new Error("the server switches protocols without having been asked"));
    });
    outgoing.once("close", () => reject(new Error("the server hung up")));
    if (body === undefined) outgoing.end();
    else pipeline(body, outgoing).catch((error: Error) => outgoing.destroy(error));
  });
}

/** As Go tells it, where it is one of the usual reasons. */
function dialError(error: Error, { host, port }: ProxyPort): Error {
  const reasons: Record<string, string> = {
    ECONNREFUSED: "connect: connection refused",
    EHOSTUNREACH: "connect: no route to host",
    ENETUNREACH: "connect: network is unreachable",
    ETIMEDOUT: "i/o timeout",
  };
  const reason = reasons[(error as { code?: string }).code ?? ""];
  return reason === undefined ? error : new Error(`dial tcp ${host}:${port}: ${reason}`, { cause: error });
}

/** Node takes several values of one name as a list. */
export function groupedHeaders({ headers }: ProxyRequest, hasBody: boolean): Record<string, string | string[]> {
  const grouped: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const before = grouped[name];
    grouped[name] = before === undefined ? value : [before, value].flat();
  }
  if (hasBody && grouped["content-length"] === undefined) grouped["transfer-encoding"] = "chunked";
  // A server that was told of the end would not read the rest of a body that it has answered already. Nothing is kept all the same.
  return { ...grouped, connection: "keep-alive" };
}

export function answerOf(response: IncomingMessage): ProxyAnswer {
  const { rawHeaders, headers: parsed } = response;
  const named = (parsed.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? "").toLowerCase();
    if (!HOP_BY_HOP.has(name) && !named.includes(name)) headers.push([name, rawHeaders[i + 1] ?? ""]);
  }
  return { status: response.statusCode ?? 502, headers, body: response };
}

export function linkContext({ prefix, headers, scheme }: ProxyRequest, { host, port }: ProxyPort): LinkContext {
  const address = host.includes(":") ? `[${host}]` : host;
  const isDefault = port === (scheme === "https" ? 443 : 80);
  return {
    prefix,
    podHost: isDefault ? address : `${address}:${port}`,
    requestHost: headers.find(([name]) => name === "host")?.[1] ?? "",
  };
}

/** A redirect leads back through the proxy, and so do the links of a page. */
export function rewritten(answer: ProxyAnswer, context: LinkContext): ProxyAnswer {
  const { headers, body } = answer;
  const valueOf = (name: string) => headers.find(([candidate]) => candidate === name)?.[1];
  if (valueOf("location")) {
    const rewrite = ([name, value]: [string, string]): [string, string] =>
      name === "location" ? [name, rewriteLink(value, context)] : [name, value];
    return { ...answer, headers: headers.map(rewrite) };
  }
  const type = (valueOf("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  const coding = CODINGS[valueOf("content-encoding") ?? ""];
  if (type !== "text/html" || coding === undefined) return answer;
  const steps: Transform[] = coding(createLinkRewriter(context));
  let last: Readable = body;
  for (const step of steps) {
    const source = last;
    source.on("error", (error) => step.destroy(error));
    step.once("close", () => source.destroy());
    last = source.pipe(step);
  }
  // Its length is another now.
  return { ...answer, headers: headers.filter(([name]) => name !== "content-length"), body: last };
}

/** Encodings in which links can be found. */
const CODINGS: Readonly<Record<string, ((rewriter: Transform) => Transform[]) | undefined>> = {
  "": (rewriter) => [rewriter],
  gzip: (rewriter) => [createGunzip(), rewriter, createGzip()],
  deflate: (rewriter) => [createInflateRaw(), rewriter, createDeflateRaw()],
};
