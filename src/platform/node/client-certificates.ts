/**
 * The certificates that clients show on their TLS connections. They travel beside the requests, never in their headers: what a client
 * writes there is not looked at, and what wraps a request anew (a cluster below `/clusters/`) has none.
 */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { TLSSocket } from "node:tls";
import type { ClientCertificate } from "../../authn/client-certificate.ts";

export interface ConnectionCertificates {
  /** Notes down what the connection of `incoming` has shown, for `of`. */
  received(request: Request, incoming: IncomingMessage | Http2ServerRequest): void;
  of(request: Request): ClientCertificate | undefined;
}

export function createConnectionCertificates(): ConnectionCertificates {
  const requests = new WeakMap<Request, ClientCertificate>();
  /** By socket or session; undefined: it has shown none. */
  const connections = new WeakMap<object, ClientCertificate | undefined>();

  function shownOn(connection: object, socket: unknown): ClientCertificate | undefined {
    if (connections.has(connection)) return connections.get(connection);
    const certificate = isTls(socket) ? socket.getPeerX509Certificate() : undefined;
    const shown = certificate && { der: new Uint8Array(certificate.raw) };
    connections.set(connection, shown);
    return shown;
  }

  return {
    received(request, incoming) {
      // The socket of HTTP/2 is made up anew for each request.
      const session = "stream" in incoming ? incoming.stream.session : undefined;
      const shown = session ? shownOn(session, session.socket) : shownOn(incoming.socket, incoming.socket);
      if (shown) requests.set(request, shown);
    },
    of: (request) => requests.get(request),
  };
}

function isTls(socket: unknown): socket is TLSSocket {
  return socket instanceof TLSSocket;
}
