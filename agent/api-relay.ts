/**
 * The API for this node's pods. `https://kubernetes.default.svc` must show a certificate of the cluster's CA, which a public server cannot;
 * so the agent answers on the ClusterIP and passes requests on unchanged, with the pod's own token. It adds no right of its own.
 */
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer, request as httpsRequest, Agent, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { pipeline, type Duplex } from "node:stream";
import type { Log } from "../src/platform/platform.ts";

export interface ApiRelay {
  port: number;
  /** Serves with this certificate from now on; the key stays. */
  renew(certificatePem: string): void;
  stop(): Promise<void>;
}

export interface ApiRelayOptions {
  /** Where the service proxy sends what pods send to the `kubernetes` ClusterIP. */
  host: string;
  /** 0 lets the system choose. */
  port: number;
  keyPem: string;
  certificatePem: string;
  /** e.g. "https://api.example.com" */
  server: string;
  /** PEM the server is checked with; undefined trusts what the system trusts. */
  ca: () => string | undefined;
  log: Log;
}

/** RFC 9110, 7.6.1: for one connection only. */
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer", "upgrade"];

/** @throws when the address is taken */
export async function startApiRelay(options: ApiRelayOptions): Promise<ApiRelay> {
  const { log } = options;
  let certificatePem = options.certificatePem;
  const upstream = new Agent({ keepAlive: true, maxFreeSockets: 8 });
  const server = createServer({ key: options.keyPem, cert: certificatePem });
  // Watches stay open and say nothing for a minute at a time.
  server.requestTimeout = 0;
  // Longer than Go's clients keep an idle connection, so that they close it and not we.
  server.keepAliveTimeout = 120_000;
  server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) =>
    forward(options, upstream, incoming, outgoing),
  );
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
    forwardUpgrade(options, { incoming, socket, head }),
  );
  server.on("tlsClientError", (error) => log.debug("a pod did not finish its TLS handshake", { error }));
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    renew(next) {
      certificatePem = next;
      server.setSecureContext({ key: options.keyPem, cert: certificatePem });
    },
    async stop() {
      upstream.destroy();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, { host, port }: ApiRelayOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** The request to the server, not yet sent. */
function dialUpstream(
  options: ApiRelayOptions,
  incoming: IncomingMessage,
  how: { agent: Agent | false; upgrade: boolean },
) {
  // The server may be reached below a path. A pod that names another server, as one asks a proxy, asks for what is not there.
  const path = incoming.url?.startsWith("/") ? incoming.url : "/";
  const url = new URL(options.server.replace(/\/$/, "") + path);
  const headers = forwardable(incoming.headers);
  headers["host"] = url.host;
  if (how.upgrade) {
    headers["connection"] = "Upgrade";
    headers["upgrade"] = incoming.headers.upgrade;
  }
  const ca = options.ca();
  const { method = "GET" } = incoming;
  if (url.protocol === "http:") return httpRequest(url, { method, headers });
  return httpsRequest(url, { method, headers, agent: how.agent, ...(ca === undefined ? {} : { ca }) });
}

function forward(options: ApiRelayOptions, agent: Agent, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const request = dialUpstream(options, incoming, { agent, upgrade: false });
  request.once("response", (response) => {
    outgoing.writeHead(response.statusCode ?? 502, forwardable(response.headers));
    // The head goes out before the first event of a watch.
    outgoing.flushHeaders();
    pipeline(response, outgoing, () => {});
  });
  request.once("error", (error) => unreachable(options, error, outgoing));
  outgoing.once("close", () => request.destroy());
  pipeline(incoming, request, () => {});
}

function unreachable({ log }: ApiRelayOptions, error: Error, outgoing: ServerResponse): void {
  log.debug("a request of a pod did not reach the API", { error });
  if (outgoing.headersSent) return void outgoing.destroy();
  const body = JSON.stringify(UNREACHABLE);
  outgoing.writeHead(503, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  outgoing.end(body);
}

const UNREACHABLE = {
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  message: "the control plane is out of reach of this node",
  reason: "ServiceUnavailable",
  details: { retryAfterSeconds: 5 },
  code: 503,
};

interface Upgrade {
  incoming: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

function forwardUpgrade(options: ApiRelayOptions, { incoming, socket, head }: Upgrade): void {
  const request = dialUpstream(options, incoming, { agent: false, upgrade: true });
  socket.on("error", () => request.destroy());
  socket.once("close", () => request.destroy());
  request.once("upgrade", (response, upstream: Socket, first: Buffer) => {
    socket.write(headText(response));
    if (first.length > 0) socket.write(first);
    if (head.length > 0) upstream.write(head);
    pipeline(socket, upstream, () => socket.destroy());
    pipeline(upstream, socket, () => upstream.destroy());
  });
  request.once("response", (response) => {
    response.headers.connection = "close";
    socket.write(headText(response));
    pipeline(response, socket, () => {});
  });
  request.once("error", (error) => {
    options.log.debug("an upgrade of a pod did not reach the API", { error });
    socket.end("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  });
  request.end();
}

/** The head as it came, less what Node has undone: a body after it is not chunked any more and ends with the connection. */
function headText(response: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`];
  const upgraded = response.statusCode === 101;
  for (const [name, value] of Object.entries(response.headers)) {
    if (!upgraded && name === "transfer-encoding") continue;
    for (const one of Array.isArray(value) ? value : [value ?? ""]) lines.push(`${name}: ${one}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function forwardable(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = { ...headers };
  for (const name of HOP_BY_HOP) delete kept[name];
  if (kept["transfer-encoding"] !== undefined) delete kept["content-length"];
  return kept;
}
