/** What of a client's request goes on to a pod, a service or a node. */

import { ADDRESS_HEADER } from "../../identity-headers.ts";

/** Of one connection, not of the request: RFC 9110, 7.6.1, and what Go's ReverseProxy adds to it. */
const HOP_BY_HOP = [
  "connection",
  "proxy-connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
];
/** The client's credentials are for the API alone, and so is whom it acts as. */
const WITHHELD = /^(authorization|impersonate-.*)$/;
const WEBSOCKET_BEARER = "base64url.bearer.authorization.k8s.io.";
/** Made anew for each connection. */
const OF_HANDSHAKE = /^sec-websocket-/;

export interface ProxiedPath {
  /** Of this request up to what is proxied: "/api/v1/namespaces/n/pods/p/proxy". Links that the answer contains begin with it. */
  prefix: string;
  /** As the pod gets it: "" where the request ends with "/proxy". Still encoded, without dot segments and empty ones. */
  path: string;
}

/** `path` is that of the request. */
export function splitProxiedPath(path: string): ProxiedPath {
  const parts = path.split("/");
  // "", "api", "v1", "namespaces", "n", "pods", "p", "proxy", …; "", "api", "v1", "nodes", "m", "proxy", …
  const length = parts[3] === "namespaces" ? 8 : 6;
  const prefix = parts.slice(0, length).join("/");
  const rest = path.slice(prefix.length);
  return { prefix, path: rest === "" ? "" : cleaned(rest) };
}

function cleaned(path: string): string {
  const { pathname } = new URL(`http://pod${path}`);
  return pathname.replaceAll(/\/{2,}/g, "/");
}

/** The subprotocols that the client offers, without its token. */
export function offeredSubprotocols(headers: Headers): string[] {
  return (headers.get("sec-websocket-protocol") ?? "")
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "" && !protocol.startsWith(WEBSOCKET_BEARER));
}

/** Pairs in the order in which they came, with Host and X-Forwarded-Uri. */
export function forwardedHeaders(request: Request, { prefix, path }: ProxiedPath): [string, string][] {
  const { headers } = request;
  const named = (headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase());
  const dropped = new Set([...HOP_BY_HOP, ...named, "host", "x-forwarded-uri", ADDRESS_HEADER]);
  const kept = [...headers].filter(([name]) => !dropped.has(name) && !WITHHELD.test(name) && !OF_HANDSHAKE.test(name));
  return [["host", new URL(request.url).host], ...kept, ["x-forwarded-uri", prefix + path]];
}
