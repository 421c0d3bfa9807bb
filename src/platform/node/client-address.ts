/** Who a request comes from, for those to whom it is handed on. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/**
 * Appends the client's address to X-Forwarded-For, as every reverse proxy does. Only requests to a proxy are handed on; for all others the
 * header would be made for nothing. Mutates `headers`.
 */
export function tellClientAddress(headers: () => Headers, incoming: IncomingMessage | Http2ServerRequest): void {
  const { remoteAddress } = incoming.socket;
  if (remoteAddress === undefined || !incoming.url?.includes("/proxy")) return;
  headers().append("x-forwarded-for", remoteAddress.replace(/^::ffff:(?=[0-9.]+$)/, ""));
}
