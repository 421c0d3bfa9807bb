/** One request on its way through the API, and the services that the verbs need. */
import type { User } from "../authn/authenticator.ts";
import type { Authorization } from "../authz/authorization.ts";
import type { Authorizer, RuleResolver } from "../authz/authorizer.ts";
import type { Cluster } from "../cluster.ts";
import { badRequest, invalid } from "../machinery/status-error.ts";
import type { Opener } from "../machinery/opener.ts";
import type { WriteContext } from "../registry/context.ts";
import type { Registry } from "../registry/registry.ts";
import type { Resource, Scheme } from "../registry/scheme.ts";
import type { ObjectLookup, ServiceAccountTokens } from "../authn/service-account.ts";
import type { StoredObject } from "../storage/storage.ts";
import type { BodyDecoder } from "./body.ts";
import { fieldManagerOf } from "./field-manager.ts";
import type { Patcher } from "./patch.ts";
import type { Overlays } from "./overlays.ts";
import type { FlowHeaders, Sent } from "./response.ts";
import type { ResourceInfo } from "./request-info.ts";
import { dryRunErrors, writeOptions } from "./write-options.ts";

export interface ReviewedToken {
  user: User;
  /** Of those asked about, whom the token is for. */
  audiences: readonly string[];
}

export interface Services {
  cluster: Cluster;
  scheme: Scheme;
  registry: Registry;
  /** For reviews: by the policy as it is now. */
  authorizer: Authorizer & RuleResolver;
  tokens: ServiceAccountTokens;
  lookup: ObjectLookup;
  bodies: BodyDecoder;
  patcher: Patcher;
  overlays: Overlays;
  /** Joined items of lists that a cache answers more than once with the same array. */
  joinedLists: WeakMap<readonly StoredObject[], string>;
  /** For a PUT that creates, and for a GET that is to open a stream into a pod. @throws StatusError "Forbidden" */
  assertMayCreate(exchange: Exchange): Promise<void>;
  /** Who a token belongs to, for one of these audiences (the API's own where empty). */
  reviewToken(token: string, audiences: readonly string[]): Promise<ReviewedToken | undefined>;
}

export interface Exchange {
  request: Request;
  info: ResourceInfo;
  resource: Resource;
  /** Of the object: "" for cluster-scoped kinds, also for a namespace itself, and for lists over all namespaces. */
  namespace: string;
  query: URLSearchParams;
  user: User;
  /** Whose credential it came with: of what stays open. Undefined for the control plane's own. */
  opener: Opener | undefined;
  /** Is that credential still good? For what goes on long after it was asked. @throws StatusError "Unauthorized" */
  stillKnown(): Promise<void>;
  authorization: Authorization;
  auditId: string;
  flowHeaders: FlowHeaders;
  /** Texts of `Warning: 299` headers, in the order they came up. */
  warnings: string[];
  /** See WriteContext. */
  annotate?: ((key: string, text: string) => void) | undefined;
  /** Takes the object of a body before anything is done with it; absent where nobody asks. */
  decoded?: ((object: unknown) => void) | undefined;
  /** Where the length of the answer is noted, for the metrics. */
  sent?: Sent;
}

/** @throws StatusError "Invalid" when the options of the query are */
export function writeContext(exchange: Exchange): WriteContext {
  const { user, authorization, query, request, warnings, annotate } = exchange;
  return {
    user,
    authorization,
    fieldManager: fieldManagerOf(exchange),
    dryRun: request.method === "DELETE" ? isDryRun(query, "DeleteOptions") : writeOptions(exchange).dryRun,
    warn: (text) => warnings.push(text),
    annotate,
  };
}

/** `dryRun` knows one value. @throws StatusError "Invalid" */
export function isDryRun(query: URLSearchParams, options = "CreateOptions"): boolean {
  const values = query.getAll("dryRun");
  const errors = dryRunErrors(values);
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: options }, "", errors);
  return values.length > 0;
}

/** `dryRun` of a body counts like that of the query. */
export function addDryRun(exchange: Exchange, values: readonly string[]): void {
  if (values.length === 0) return;
  exchange.query = new URLSearchParams(exchange.query);
  for (const value of values) exchange.query.append("dryRun", value);
}

/** As k8s.io/apimachinery reads booleans: whatever is neither "0" nor "false" is true. */
export function booleanOption(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  return value !== "0" && value.toLowerCase() !== "false";
}

const INT64_MAX = 2n ** 63n - 1n;
/** Of any number of 64 bits. To read a million digits takes a tenth of a second. */
const INT64_DIGITS_MAX = 19;

/** A 64-bit integer, at most about as precise as a double. @throws StatusError "BadRequest" with Go's text */
export function integerOption(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  const fail = (why: string) => badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`);
  if (!/^[+-]?[0-9]+$/.test(value)) throw fail("invalid syntax");
  const digits = value.replace(/^[+-]?0*/, "");
  if (digits.length > INT64_DIGITS_MAX) throw fail("value out of range");
  const exact = value.length < 16 ? 0n : BigInt(value.replace("+", ""));
  if (exact > INT64_MAX || exact < -INT64_MAX - 1n) throw fail("value out of range");
  return Number(value);
}
