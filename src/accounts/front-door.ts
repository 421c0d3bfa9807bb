/**
 * Where requests go on a host that serves several clusters: `/v1` to the accounts, `/clusters/<id>/…` to that cluster's API, and everything else
 * to the cluster at the root, where there is one. kubectl takes a path in the address of a server, and asks for everything below it.
 */
import { tokenOf } from "../authn/index.ts";
import type { Fetch } from "../client/client.ts";
import { splitUrl } from "../http/request-info.ts";
import { respondError } from "../http/respond-error.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { Clock, Log, Random } from "../platform/platform.ts";
import type { ClusterHost, ClusterRecord } from "./accounts.ts";
import type { Clusters } from "./clusters.ts";

const PREFIX = "/clusters/";
const API = "/v1/";
/** What is known of a cluster is asked for again after this long: other isolates may have deleted it. */
const REMEMBER_MS = 2_000;
const REMEMBERED_MAX = 1_024;

export function clusterUrl(baseUrl: string, id: string): string {
  return `${baseUrl}${PREFIX}${id}`;
}

/** Does the request concern more than the cluster at the root? */
export function isOfAccounts(request: Request): boolean {
  const { path } = splitUrl(request.url);
  return path.startsWith(PREFIX) || path.startsWith(API);
}

export interface FrontDoorDeps {
  accounts: Fetch;
  clusters: Pick<Clusters, "find" | "onRemoval">;
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
    if (path.startsWith(API)) return await deps.accounts(request);
    return await deps.root(request);
  };
}

type Find = (id: string) => Promise<ClusterRecord | undefined>;

async function toCluster(deps: FrontDoorDeps, find: Find, request: Request, path: string): Promise<Response> {
  const { random, log } = deps;
  const end = path.indexOf("/", PREFIX.length);
  const id = path.slice(PREFIX.length, end < 0 ? undefined : end);
  const length = PREFIX.length + id.length;
  try {
    if (!hasCredential(request) || path.slice(length) === CA_PATH) throw unknown();
    const cluster = await find(id);
    if (cluster?.state !== "ready") throw unknown();
    const api = await deps.host.open(cluster);
    const response = await api.fetch(below(request, length));
    if (response.status !== 401) return response;
    await response.body?.cancel();
    throw unknown();
  } catch (error) {
    return respondError(error, { log, auditId: random.uuid(), request });
  }
}

/**
 * To whom a cluster does not know, it is as if it were not there: its own words would tell that it is. So nobody is anonymous here either (as
 * with kube-apiserver's --anonymous-auth=false), and none asks for a CA: it is not the one that signed the server's certificate.
 */
function unknown(): StatusError {
  return new StatusError("Unauthorized", "Unauthorized");
}

const CA_PATH = "/agent/v1/ca";

/** As the cluster itself would find one: what only looks like a credential makes nobody known. @throws StatusError "Unauthorized" */
function hasCredential({ headers }: Request): boolean {
  return tokenOf(headers) !== undefined;
}

/** The same request without the beginning of its path. */
function below(request: Request, length: number): Request {
  const { url } = request;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const rest = url.slice(start + length);
  return new Request(url.slice(0, start) + (rest.startsWith("/") ? rest : `/${rest}`), request);
}

function remembering({ clusters, clock }: FrontDoorDeps): Find {
  const remembered = new Map<string, { record: ClusterRecord; untilMs: number }>();
  clusters.onRemoval((id) => remembered.delete(id));
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
