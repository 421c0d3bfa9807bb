/** One TLS port for HTTP/2 and HTTP/1.1. kubectl sends tokens only over TLS; WebSockets need HTTP/1.1. */
import type { IncomingMessage } from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { identifyClient } from "./client-address.ts";

/** `incoming` is what the request came as, for whoever wants to know its connection. */
export type ServerFetch = (request: Request, incoming: IncomingMessage | Http2ServerRequest) => Promise<Response>;

export interface RunningServer {
  host: string;
  port: number;
  http: Http2SecureServer;
  /** Stops accepting, lets open answers finish for `graceMs`, then cuts what is left. */
  stop(graceMs: number): Promise<void>;
}

/** What the operator reads when the server cannot start: one line, no stack. */
export class StartupError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "StartupError";
  }
}

/** As Go's servers take (http.DefaultMaxHeaderBytes): selectors of many names and long tokens exceed what Node takes by default. */
const HEADERS_BYTES_MAX = 1_048_576;

export async function startServer(options: {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** PEM. */
  identity: { key: string; certificate: string };
  /** PEM. Clients are asked for a certificate of this authority. Whether it is one is not looked at here, and none is as good. */
  clientCa?: string;
  fetch: ServerFetch;
}): Promise<RunningServer> {
  const listener = getRequestListener((request, { incoming }) => options.fetch(request, incoming));
  const settings = {
    allowHTTP1: true,
    // Of HTTP/1.1, where its types do not know it; the other is of HTTP/2.
    maxHeaderSize: HEADERS_BYTES_MAX,
    settings: { maxHeaderListSize: HEADERS_BYTES_MAX },
    key: options.identity.key,
    cert: options.identity.certificate,
    ...(options.clientCa === undefined ? {} : { ca: options.clientCa, requestCert: true, rejectUnauthorized: false }),
  };
  const http = createSecureServer(settings, (incoming, outgoing) => {
    identifyClient(incoming);
    void listener(incoming, outgoing);
  });
  // Watches stay open for half an hour and say nothing for a minute: no time-out may cut them.
  http.setTimeout(0);
  const connections = track(http);
  await listen(http, options);
  const { port } = http.address() as AddressInfo;
  return {
    host: options.host,
    port,
    http,
    stop: (graceMs) => stop(http, connections, graceMs),
  };
}

interface Connections {
  sockets: Set<Socket>;
  sessions: Set<ServerHttp2Session>;
}

function track(http: Http2SecureServer): Connections {
  const connections: Connections = { sockets: new Set(), sessions: new Set() };
  http.on("connection", (socket: Socket) => {
    connections.sockets.add(socket);
    socket.once("close", () => connections.sockets.delete(socket));
  });
  http.on("session", (session) => {
    connections.sessions.add(session);
    session.once("close", () => connections.sessions.delete(session));
    session.on("error", () => session.destroy());
  });
  // A client that speaks no TLS, or trusts another CA, is its own problem.
  http.on("tlsClientError", () => {});
  return connections;
}

function listen(http: Http2SecureServer, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE"
          ? new StartupError(`port ${port} on ${host} is in use: choose another with --port`)
          : new StartupError(`cannot listen on ${host}:${port}: ${error.message}`, { cause: error }),
      );
    });
    http.listen(port, host, () => resolve());
  });
}

async function stop(http: Http2SecureServer, { sockets, sessions }: Connections, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()));
  for (const session of sessions) session.close();
  const timer = setTimeout(() => {
    for (const session of sessions) session.destroy();
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  // Idle keep-alive connections of HTTP/1.1 have nothing to finish.
  (http as unknown as { closeIdleConnections?: () => void }).closeIdleConnections?.();
  await closed;
  clearTimeout(timer);
}
