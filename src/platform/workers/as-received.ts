/** How a request gets to the API: without what only a proxy in front may say of its client. The runtime tells the address by itself. */
import { isIdentityHeader } from "../../http/identity-headers.ts";

export function asReceived(request: Request): Request {
  const found = [...request.headers.keys()].filter(isIdentityHeader);
  const address = request.headers.get("cf-connecting-ip");
  const isHandedOn = address !== null && request.url.includes("/proxy");
  if (found.length === 0 && !isHandedOn) return request;
  const headers = new Headers(request.headers);
  for (const name of found) headers.delete(name);
  // As every reverse proxy does.
  if (isHandedOn) headers.set("x-forwarded-for", address);
  return new Request(request, { headers });
}
