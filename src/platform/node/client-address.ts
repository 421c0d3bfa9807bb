/** Who a request comes from, for those to whom it is handed on. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/**
 * Appends the client's address to X-Forwarded-For, as every reverse proxy does. Only requests to a proxy are handed on, and /v1 limits
 * strangers by their address; for all others the header would be made for nothing. Mutates `headers`.
 */
export function tellClientAddress(headers: () => Headers, incoming: IncomingMessage | Http2ServerRequest): void {
  const { remoteAddress } = incoming.socket;
  if (remoteAddress === undefined || !isOfInterest(incoming.url)) return;
  headers().append("x-forwarded-for", remoteAddress.replace(/^::ffff:(?=[0-9.]+$)/, ""));
}

function isOfInterest(url = ""): boolean {
  return url.includes("/proxy") || url.startsWith("/v1/");
}

/** The address that `tellClientAddress` told: the last one, whatever the client said itself. */
export function clientAddressOf({ headers }: Request): string {
  return headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
}
