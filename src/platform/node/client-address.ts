/** Who a request comes from: the connection says, and no header that the client has sent. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { ADDRESS_HEADER, isIdentityHeader } from "../../http/identity-headers.ts";

type Incoming = IncomingMessage | Http2ServerRequest;

/** Takes off what only a proxy in front may say, and adds the client's address. Changes `incoming`, before its headers are read. */
export function identifyClient(incoming: Incoming): void {
  const { rawHeaders, headers } = incoming;
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    if (!isIdentityHeader(name)) continue;
    rawHeaders.splice(at, 2);
    // oxlint-disable-next-line typescript/no-dynamic-delete -- a header's name
    delete headers[name];
  }
  const address = incoming.socket.remoteAddress?.replace(/^::ffff:(?=[0-9.]+$)/, "");
  if (address === undefined) return;
  rawHeaders.push(ADDRESS_HEADER, address);
  headers[ADDRESS_HEADER] = address;
  if (!incoming.url?.includes("/proxy")) return;
  // Handed on to whom the proxy leads to, as every reverse proxy does.
  rawHeaders.push("x-forwarded-for", address);
  headers["x-forwarded-for"] = address;
}

/** As `identifyClient` found it. */
export function clientAddressOf({ headers }: Request): string {
  return headers.get(ADDRESS_HEADER) ?? "";
}
