/**
 * pods, services and nodes /{name}/proxy and /{name}/proxy/{path}: whatever the client asks of a server in a pod, or of a node. After
 * UpgradeAwareHandler of k8s.io/apimachinery/pkg/util/proxy. The bytes of both bodies do not pass through here, and links are rewritten
 * where the answer is made: on the node.
 */
import { badRequest, StatusError } from "../../../machinery/status-error.ts";
import type { ProxyRequest } from "../../../relay/protocol.ts";
import type { Exchange, Services } from "../../exchange.ts";
import { forwardedHeaders, offeredSubprotocols, splitProxiedPath } from "./forwarded.ts";
import { locate, type ProxyLocation } from "./location.ts";

/** They travel with the message that asks the node's agent. */
const HEAD_BYTES_MAX = 64 * 1024;

export async function handleProxy(services: Services, exchange: Exchange): Promise<Response> {
  const { request, auditId } = exchange;
  const location = await locate(services, exchange);
  const { prefix, path } = splitProxiedPath(exchange.info.path);
  const upgrade = isUpgrade(request);
  // Browsers would resolve the links of a page without its slash against the wrong folder.
  if (!upgrade && path === "" && (request.method === "GET" || request.method === "HEAD")) {
    return new Response(null, {
      status: 301,
      headers: { Location: `${prefix}/${queryOf(request)}`, "Audit-Id": auditId },
    });
  }
  const proxy = proxyRequest(request, { location, prefix, path, upgrade });
  const { namespace = "", name = "", uid = "" } = location.pod ?? {};
  await exchange.authorization.confirm();
  return await services.cluster.streams.open({
    node: location.node,
    target: { kind: "proxy", namespace, pod: name, uid, query: "", proxy },
    client: request,
    opener: exchange.opener,
  });
}

function proxyRequest(
  request: Request,
  { location, prefix, path, upgrade }: { location: ProxyLocation; prefix: string; path: string; upgrade: boolean },
): ProxyRequest {
  const { scheme, port, address } = location;
  const headers = forwardedHeaders(request, { prefix, path });
  const target = (path === "" ? "/" : path) + queryOf(request);
  const bytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length, target.length);
  if (bytes > HEAD_BYTES_MAX) throw new StatusError("RequestEntityTooLarge", "the head of the request is too large");
  return {
    scheme,
    ...(port === undefined ? {} : { port }),
    address,
    method: request.method,
    path: target,
    headers,
    hasBody: request.body !== null,
    prefix,
    ...(upgrade ? { upgrade: { subprotocols: offeredSubprotocols(request.headers) } } : {}),
  };
}

/** @throws StatusError "BadRequest" for an upgrade to something else than a WebSocket: the edge has no other */
function isUpgrade({ headers, method }: Request): boolean {
  const upgrade = headers.get("upgrade");
  if (upgrade === null || !/(^|,)\s*upgrade\s*(,|$)/i.test(headers.get("connection") ?? "")) return false;
  if (upgrade.toLowerCase() === "websocket" && method === "GET") return true;
  throw badRequest(`unable to upgrade to ${JSON.stringify(upgrade)}: only WebSocket connections are passed on`);
}

/** With its "?", or "". */
function queryOf({ url }: Request): string {
  return new URL(url).search;
}
