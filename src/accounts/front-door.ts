/**
 * Where requests go on a host that serves several clusters: `/v1` to the accounts, `/clusters/<id>/…` to that cluster's API, and everything else
 * to the cluster at the root, where there is one. kubectl takes a path in the address of a server, and asks for everything below it.
 */
import type { Fetch } from "../client/client.ts";
import { splitUrl } from "../http/request-info.ts";
import { pageNotFound } from "../http/paths.ts";
import { respondError } from "../http/respond-error.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { Clock, Log, Random } from "../platform/platform.ts";
import type { ClusterHost, ClusterRecord } from "./accounts.ts";
import type { Clusters } from "./clusters.ts";

const PREFIX = "/clusters/";
/** What is known of a cluster is asked for again after this long: other isolates may have deleted it. */
const REMEMBER_MS = 2_000;
const REMEMBERED_MAX = 1_024;

export function clusterUrl(baseUrl: string, id: string): string {
  return `${baseUrl}${PREFIX}${id}`;
}

export interface FrontDoorDeps {
  accounts: Fetch;
  clusters: Pick<Clusters, "find">;
  host: Pick<ClusterHost, "open">;
  /** The cluster at the root. */
  root: Fetch;
  clock: Clock;
  random: Random;
  log: Log;
}

/** Never throws. */
export function createFrontDoor(deps: FrontDoorDeps): Fetch {
  const find = remembering(deps);
  return async (request) => {
    const { path } = splitUrl(request.url);
    if (path.startsWith(PREFIX)) return await toCluster(deps, find, request, path);
    if (path.startsWith("/v1/") || path === "/v1") return await deps.accounts(request);
    return await deps.root(request);
  };
}

type Find = (id: string) => Promise<ClusterRecord | undefined>;

async function toCluster(deps: FrontDoorDeps, find: Find, request: Request, path: string): Promise<Response> {
  const { random, log } = deps;
  const end = path.indexOf("/", PREFIX.length);
  const id = path.slice(PREFIX.length, end < 0 ? undefined : end);
  try {
    const cluster = await find(id);
    if (cluster?.state !== "ready") throw unknownTo(request);
    const api = await deps.host.open(cluster);
    return await api.fetch(below(request, PREFIX.length + id.length));
  } catch (error) {
    return respondError(error, { log, auditId: random.uuid(), request });
  }
}

/** The same request without the beginning of its path. */
function below(request: Request, length: number): Request {
  const { url } = request;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const rest = url.slice(start + length);
  return new Request(url.slice(0, start) + (rest.startsWith("/") ? rest : `/${rest}`), request);
}

/** Whoever shows a credential learns no more than in a cluster that is there, and does not know them. */
function unknownTo({ headers }: Request): StatusError {
  const credential = headers.has("authorization") || headers.get("sec-websocket-protocol")?.includes("bearer");
  return credential ? new StatusError("Unauthorized", "Unauthorized") : pageNotFound();
}

function remembering({ clusters, clock }: FrontDoorDeps): Find {
  const remembered = new Map<string, { record: ClusterRecord; untilMs: number }>();
  return async (id) => {
    const known = remembered.get(id);
    if (known && known.untilMs > clock.now()) return known.record;
    remembered.delete(id);
    const record = await clusters.find(id);
    if (record?.state !== "ready") return record;
    if (remembered.size >= REMEMBERED_MAX) {
      const oldest = remembered.keys().next();
      if (!oldest.done) remembered.delete(oldest.value);
    }
    remembered.set(id, { record, untilMs: clock.now() + REMEMBER_MS });
    return record;
  };
}
