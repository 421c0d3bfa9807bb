/** The agents' API, `/agent/v1/*`: see protocol.ts. Mounted before the Kubernetes API; it authenticates joins and renewals itself. */
import type { User } from "../authn/authenticator.ts";
import { nodeIdentityOf, userOf, type NodeCredentials, type NodeIdentity } from "../authn/node-credential.ts";
import type { Cluster } from "../cluster.ts";
import { nodes } from "../kinds/core/nodes/types.ts";
import { badRequest, isStatusError, StatusError } from "../machinery/status-error.ts";
import { StorageError } from "../storage/errors.ts";
import type { AgentSockets } from "./agent-sockets.ts";
import { isTooDeep } from "./body-depth.ts";
import { assertOwner, join, renew } from "./join.ts";
import { readOrUndefined, type ClientFor } from "./node-registration.ts";
import { TUNNEL_HEADER, type SyncRequest } from "./protocol.ts";
import { sync, type SyncDeps, type SyncReader } from "./sync.ts";

export interface AgentRoutesDeps {
  cluster: Pick<Cluster, "keys" | "platform" | "config"> & { storage: SyncReader };
  credentials: NodeCredentials;
  clientFor: ClientFor;
  /** See SyncDeps. */
  learn: SyncDeps["learn"];
  sockets: AgentSockets;
  /** A node without a tunnel gave a sign of life (Tunnels.seen). */
  seen(nodeName: string): void | Promise<void>;
}

export type AgentRoutes = (request: Request, user: User | undefined) => Promise<Response | undefined>;

const PREFIX = "/agent/v1/";
/** Statuses of a few hundred pods. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Undefined for other paths. `user` is who the request's token authenticated as; for join and renew the app must not refuse what it does
 * not know: they carry a join token, or a credential that has ended.
 */
export function createAgentRoutes(deps: AgentRoutesDeps): AgentRoutes {
  return async (request, user) => {
    const url = new URL(request.url);
    if (!url.pathname.startsWith(PREFIX)) return undefined;
    try {
      return await route(deps, { request, url, user });
    } catch (error) {
      return failure(deps, error);
    }
  };
}

interface Call {
  request: Request;
  url: URL;
  user: User | undefined;
}

async function route(deps: AgentRoutesDeps, call: Call): Promise<Response> {
  const { request, url } = call;
  const path = url.pathname.slice(PREFIX.length);
  const streamId = /^streams\/([A-Za-z0-9_-]{1,128})$/.exec(path)?.[1];
  if (streamId !== undefined) {
    expectMethod(request, "GET", "POST");
    const { nodeName } = nodeOf(call);
    const ticket = url.searchParams.get("ticket") ?? "";
    const subprotocol = url.searchParams.get("subprotocol") ?? undefined;
    return deps.sockets.stream(request, { id: streamId, ticket, nodeName, subprotocol });
  }
  switch (path) {
    case "join":
      expectMethod(request, "POST");
      return Response.json(await join(deps, bearer(request), await readJson(request)));
    case "renew":
      expectMethod(request, "POST");
      return Response.json(await renew(deps, bearer(request), await readJson(request)));
    case "sync":
      expectMethod(request, "POST");
      return synced(deps, nodeOf(call), request);
    case "tunnel":
      expectMethod(request, "GET");
      return tunnel(deps, nodeOf(call), request);
    case "ca":
      expectMethod(request, "GET");
      return new Response(deps.cluster.keys.clusterCa, { headers: { "content-type": "application/x-pem-file" } });
    default:
      throw new StatusError("NotFound", "the server could not find the requested resource");
  }
}

async function synced(deps: AgentRoutesDeps, identity: NodeIdentity, request: Request): Promise<Response> {
  const { storage, platform } = deps.cluster;
  const body = checkedSync(await readJson(request));
  const clientFor: SyncDeps["clientFor"] = (known) => deps.clientFor(userOf(identity), known);
  const answer = await sync({ storage, clientFor, learn: deps.learn, log: platform.log }, identity, body);
  if (request.headers.get(TUNNEL_HEADER) === "down") await deps.seen(identity.nodeName);
  return Response.json(answer);
}

async function tunnel(deps: AgentRoutesDeps, identity: NodeIdentity, request: Request): Promise<Response> {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket")
    throw badRequest("the tunnel is a WebSocket: an upgrade is needed");
  const client = deps.clientFor(userOf(identity));
  assertOwner(await readOrUndefined(client.get(nodes, { name: identity.nodeName })), identity);
  return deps.sockets.tunnel(request, identity.nodeName);
}

function nodeOf({ user }: Call): NodeIdentity {
  const identity = nodeIdentityOf(user);
  if (identity === undefined) throw new StatusError("Unauthorized", "a node credential is needed");
  return identity;
}

function checkedSync(body: Partial<SyncRequest>): SyncRequest {
  const { since, digest, podStatuses, nodeStatus, holds, lacks, keepsPeers } = body;
  const statusesOk =
    Array.isArray(podStatuses) &&
    podStatuses.every(
      (s) => isObject(s) && isText(s.namespace) && isText(s.name) && isText(s.uid) && isObject(s.status),
    );
  const areReferences = (of: SyncRequest["holds"] | undefined): of is SyncRequest["holds"] =>
    isObject(of) && isNames(of.secrets) && isNames(of.configMaps);
  if (typeof since !== "number" || !isText(digest) || !statusesOk || !areReferences(holds))
    throw badRequest("no valid sync request");
  if (nodeStatus !== undefined && !isObject(nodeStatus)) throw badRequest("nodeStatus must be an object");
  if (lacks !== undefined && !areReferences(lacks)) throw badRequest("lacks must be names");
  const lacking = lacks === undefined ? {} : { lacks };
  return {
    since,
    digest,
    podStatuses,
    holds,
    ...lacking,
    ...(nodeStatus ? { nodeStatus } : {}),
    keepsPeers: keepsPeers === true,
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((n) => isObject(n) && isText(n.namespace) && isText(n.name));
}

function expectMethod(request: Request, ...methods: string[]): void {
  if (!methods.includes(request.method))
    throw new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource");
}

function bearer(request: Request): string | undefined {
  return /^Bearer (\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
}

/** @throws StatusError "BadRequest" | "RequestEntityTooLarge" */
async function readJson<T extends object>(request: Request): Promise<Partial<T>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) throw new StatusError("RequestEntityTooLarge", "the request is too large");
    chunks.push(chunk);
  }
  const text = await new Blob(chunks).text();
  if (isTooDeep(text)) throw badRequest("the request nests too deeply");
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body)) return body as Partial<T>;
  } catch (cause) {
    throw badRequest("the request is no JSON", cause);
  }
  throw badRequest("the request is no JSON object");
}

function failure({ cluster }: AgentRoutesDeps, error: unknown): Response {
  if (isStatusError(error)) return Response.json(error.toStatus(), { status: error.code });
  const { log } = cluster.platform;
  if (error instanceof StorageError) {
    log.warn("an agent's request met storage trouble", { error });
    const status = new StatusError("ServiceUnavailable", "the storage is unavailable: try again");
    return Response.json(status.toStatus(), { status: status.code });
  }
  log.error("an agent's request failed", { error });
  const status = new StatusError("InternalError", "internal error");
  return Response.json(status.toStatus(), { status: status.code });
}
