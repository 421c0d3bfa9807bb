/** What a route is: one declaration from which its handling and its documentation follow. */
import type { Clock, Log, Random } from "../../platform/platform.ts";
import { AccountsError, type ClusterHost, type ClusterRecord, type Principal, type Role } from "../accounts.ts";
import type { SendMail } from "../accounts.ts";
import type { Clusters } from "../clusters.ts";
import type { ClusterIssuers } from "../issuers.ts";
import type { Organisations } from "../organisations.ts";
import type { People } from "../people.ts";
import type { PageQuery } from "../pages.ts";
import { rank } from "../principals.ts";
import type { Tokens } from "../tokens.ts";
import type { Schema } from "./schema.ts";

export interface Services {
  organisations: Organisations;
  clusters: Clusters;
  tokens: Tokens;
  people: People;
  host: ClusterHost;
  /** Of each cluster. */
  issuers: ClusterIssuers;
  /** Does the runtime verify issuers' certificates by an authority that is given? */
  takesCertificateAuthority: boolean;
  clock: Clock;
  random: Random;
  log: Log;
  sendMail?: SendMail | undefined;
  /** Public address, e.g. "https://gantry.example.com". */
  baseUrl: string;
  /** PEM of who signed the server's certificate; absent where the public ones did. */
  serverCa?: string | undefined;
}

export interface Call<B = unknown> {
  request: Request;
  /** Of the path, by name. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** Checked along the route's schema. */
  body: B;
  principal: Principal;
  page: PageQuery;
  /** Of the caller's Idempotency-Key, where there is one and the route creates: the same for one wish, however often it is sent. */
  key?: string;
}

export interface Reply {
  status?: number;
  body?: object;
}

export interface Route {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With `{name}` for each parameter. */
  path: string;
  operationId: string;
  summary: string;
  query?: Readonly<Record<string, string>>;
  body?: Schema<unknown>;
  /** Bodies of other kinds are the handler's own business. */
  bodyType?: string;
  answer?: Schema<unknown>;
  answerType?: string;
  /** 200 unless said otherwise. */
  status?: number;
  paged?: true;
  /** Takes an Idempotency-Key; a member of this name in the answer is a secret and is not kept. */
  creates?: { secret?: string };
  /** How often one caller may try it, over all processes and isolates. */
  limit?: { attemptsMax: number; windowMs: number };
  handle(services: Services, call: Call): Promise<Reply | Response>;
}

/** A route whose body has the type of its schema. */
export function route<B>(
  declared: Omit<Route, "body" | "handle"> & {
    body?: Schema<B>;
    handle(services: Services, call: Call<B>): Promise<Reply | Response>;
  },
): Route {
  return declared;
}

export function nothingHere(): AccountsError {
  return new AccountsError("not-found", "there is nothing here that you may see");
}

/** @throws AccountsError "not-found" for who is no member, "forbidden" for who is one with a smaller role */
export function assertRole(principal: Principal, organisation: string, role: Role): void {
  const held = principal.roles.get(organisation);
  if (held === undefined) throw nothingHere();
  assertNotOfOneCluster(principal);
  if (rank(held) < rank(role)) throw new AccountsError("forbidden", `this needs the role ${role}; yours is ${held}`);
}

/** @throws AccountsError "forbidden" for robots */
export function personOf(principal: Principal): string {
  if (principal.person === undefined) throw new AccountsError("forbidden", "only a person may do this");
  return principal.person;
}

/** A cluster that the caller may see. @throws AccountsError as above */
export async function clusterFor(
  { clusters }: Pick<Services, "clusters">,
  { params, principal }: Pick<Call, "params" | "principal">,
  role: Role,
): Promise<ClusterRecord> {
  const { cluster: id = "" } = params;
  const elsewhere = principal.cluster !== undefined && principal.cluster !== id;
  const cluster = elsewhere ? undefined : await clusters.find(id);
  const held = cluster && principal.roles.get(cluster.organisation);
  if (!cluster || held === undefined || cluster.state === "deleting") throw nothingHere();
  // Its own tokens are for its Kubernetes API; here they may look at it.
  if (principal.kind === "cluster" && role !== "viewer")
    throw new AccountsError("forbidden", "a cluster's own token may not do this");
  if (rank(held) < rank(role)) throw new AccountsError("forbidden", `this needs the role ${role}; yours is ${held}`);
  return cluster;
}

/** Who may see all clusters of their organisations: no token that is for one cluster alone. */
export function assertNotOfOneCluster({ cluster }: Principal): void {
  if (cluster !== undefined) throw new AccountsError("forbidden", "this token is good for one cluster alone");
}

export const timeOf = (ms: number): string => new Date(ms).toISOString();
export const timeOrNull = (ms: number | null): string | null => (ms === null ? null : timeOf(ms));
