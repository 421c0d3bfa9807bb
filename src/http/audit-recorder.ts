/** What of a request goes into the audit log: looked at when it is known who asks, when it is answered, and when the answer ends. */
import type { Audit } from "../audit/audit.ts";
import { auditRow, type AuditedResponse } from "../audit/event.ts";
import { isSensitive, scopeOf, type AuditedRequest, type AuditScope, type AuditStage } from "../audit/policy.ts";
import { ANONYMOUS, NODES_GROUP, type User } from "../authn/authenticator.ts";
import { StatusError, type Status, type StatusDetails } from "../machinery/status-error.ts";
import type { Clock, Log } from "../platform/platform.ts";
import { StorageError } from "../storage/errors.ts";
import { copyOf, valueOf, withoutManagedFields } from "./audited-bodies.ts";
import { endReported } from "./reported-end.ts";
import type { RequestInfo } from "./request-info.ts";
import { asStatusError } from "./respond-error.ts";
import { splitUrl } from "./request-info.ts";

/** A request on its way, as far as it has come. */
export interface AuditedExchange {
  request: Request;
  auditId: string;
  startMs: number;
  info: RequestInfo | undefined;
  /** In the process, without a token. */
  isInternal: boolean;
  /** Who the token says it is. */
  actor: User | undefined;
  /** Who it acts as: the same, unless it impersonates. */
  acting: User | undefined;
  /** Undefined: it did not come so far. */
  authorized: { decision: "allow" | "forbid"; reason: string } | undefined;
  /** Of what took part in it. */
  annotations: Map<string, string> | undefined;
  failure: unknown;
  /** The beginning of the answer's text. */
  answerHead: string;
  /** What is recorded of it, once that was looked up. */
  scope?: AuditScope;
  bodyCopy?: Request;
  /** Where bodies are recorded: takes one that only its decoder can read. */
  decoded?: (object: unknown) => void;
  requestObject?: unknown;
}

export interface AuditRecorder {
  /** When it is known who asks, before the body is read. Is anything recorded of it? */
  identified(exchange: AuditedExchange): boolean;
  /** The answer to send: the same, or one that tells when it has ended. Waits only where bodies are recorded. */
  answered(exchange: AuditedExchange, response: Response): Response | Promise<Response>;
}

type Recorded = {
  stage: AuditStage;
  scope: AuditScope;
  info: RequestInfo;
  response?: AuditedResponse;
  requestObject?: unknown;
  responseObject?: unknown;
};

/** What goes on after its answer has begun (k8s.io/apiserver/pkg/endpoints/filters/longrunning.go). */
const STREAMS = new Set(["exec", "attach", "portforward", "proxy", "log"]);

const NOTHING: AuditScope = { level: "None", omitStages: new Set(), omitManagedFields: false };

export function createAuditRecorder(deps: {
  audit: Audit;
  clock: Clock;
  log: Log;
  clientAddress: ((request: Request) => string | undefined) | undefined;
}): AuditRecorder {
  const { audit, clock, log, clientAddress } = deps;

  function scopeFor({ info, isInternal, actor = ANONYMOUS }: AuditedExchange): AuditScope {
    // Control loops are part of the control plane; what a node says through its sync comes from outside.
    if (info === undefined || (isInternal && !actor.groups.includes(NODES_GROUP))) return NOTHING;
    return scopeOf(audit.policy, auditedRequest(info, actor));
  }

  return {
    identified(exchange) {
      const scope = scopeFor(exchange);
      exchange.scope = scope;
      const { info, request } = exchange;
      if (scope.level === "None" || info === undefined) return false;
      record(exchange, { stage: "RequestReceived", scope, info });
      if (scope.level !== "Metadata" && info.isResource && request.body !== null) keepBody(exchange);
      return true;
    },
    answered(exchange, response) {
      const { info, scope = scopeFor(exchange) } = exchange;
      if (scope.level === "None" || info === undefined) return response;
      if (exchange.actor === undefined) {
        // Whose request it is was not found out: Kubernetes goes no further with it than this.
        record(exchange, { stage: "ResponseStarted", scope, info, response: answerOf(exchange, info, response) });
        return response;
      }
      if (scope.level === "Metadata") return finish(exchange, { scope, info, response });
      return withBodies(exchange, { scope, info, response });
    },
  };

  async function withBodies(
    exchange: AuditedExchange,
    { scope, info, response }: { scope: AuditScope; info: RequestInfo; response: Response },
  ): Promise<Response> {
    const shown = (object: unknown) => (scope.omitManagedFields ? withoutManagedFields(object) : object);
    const { bodyCopy } = exchange;
    const requestObject = shown(bodyCopy ? await valueOf(bodyCopy) : exchange.requestObject);
    const isObject = info.isResource && !isStream(info) && response.body !== null;
    const isWhole = isObject && scope.level === "RequestResponse";
    const responseObject = isWhole ? shown(await valueOf(response.clone())) : undefined;
    return finish(exchange, { scope, info, response, requestObject, responseObject });
  }

  /** The last events of a request. Where the answer goes on, the very last one comes when that has ended. */
  function finish(
    exchange: AuditedExchange,
    answered: Omit<Recorded, "stage" | "response"> & { response: Response },
  ): Response {
    const { response, ...rest } = answered;
    const { info, scope } = rest;
    const event = { ...rest, response: answerOf(exchange, info, response) };
    const stage = isUnforeseen(exchange.failure) ? "Panic" : "ResponseComplete";
    const hasFailed = exchange.failure !== undefined;
    if (isStream(info)) record(exchange, { ...event, stage: "ResponseStarted" });
    if (!isStream(info) || hasFailed) {
      record(exchange, { ...event, stage });
      return response;
    }
    // A socket that was handed over is pumped by the runtime: nobody is told of its end.
    if (response.body === null || scope.omitStages.has("ResponseComplete")) return response;
    return endReported(response, () => record(exchange, { ...event, stage: "ResponseComplete" }));
  }

  function record(exchange: AuditedExchange, recorded: Recorded): void {
    const { stage, scope, info, response } = recorded;
    const { level, omitStages } = scope;
    if (level === "None" || omitStages.has(stage)) return;
    const { request, actor, acting } = exchange;
    const { path, query } = splitUrl(request.url);
    const event = {
      level,
      stage,
      auditId: exchange.auditId,
      receivedMs: exchange.startMs,
      stageMs: stage === "RequestReceived" ? exchange.startMs : clock.now(),
      requestUri: query === "" ? path : `${path}?${query}`,
      request: auditedRequest(info, actor ?? ANONYMOUS),
      version: info.isResource ? info.version : "",
      user: actor,
      impersonated: acting === actor ? undefined : acting,
      address: exchange.isInternal ? undefined : clientAddress?.(request),
      userAgent: request.headers.get("user-agent"),
      object: objectOf(exchange, info),
      response,
      annotations: annotationsOf(exchange),
      requestObject: recorded.requestObject,
      responseObject: recorded.responseObject,
    };
    try {
      audit.trail.record(auditRow(event), { untrusted: actor === undefined || actor.name === ANONYMOUS.name });
    } catch (error) {
      log.error("a request was not audited", { error });
    }
  }
}

/** Before it is read. Only of resources: what other paths take and answer may be secrets, and is no object. */
function keepBody(exchange: AuditedExchange): void {
  const { request } = exchange;
  if (!request.headers.get("content-type")?.includes("protobuf")) exchange.bodyCopy = request.clone();
  else exchange.decoded = (object) => void (exchange.requestObject = copyOf(object));
}

/** The failure was logged when it was answered. */
const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function auditedRequest(info: RequestInfo, user: User): AuditedRequest {
  const { verb, path } = info;
  return info.isResource ? { user, verb, path, resource: info } : { user, verb, path };
}

function isStream(info: RequestInfo): boolean {
  return info.verb === "watch" || (info.isResource && STREAMS.has(info.subresource));
}

/** Neither a refusal nor trouble with the database: in Kubernetes it would have been a panic. */
function isUnforeseen(failure: unknown): boolean {
  return failure !== undefined && !(failure instanceof StatusError) && !(failure instanceof StorageError);
}

function annotationsOf({ actor, authorized, annotations }: AuditedExchange): Record<string, string> {
  return {
    ...actor?.audited,
    ...(authorized
      ? { "authorization.k8s.io/decision": authorized.decision, "authorization.k8s.io/reason": authorized.reason }
      : {}),
    ...(annotations ? Object.fromEntries(annotations) : {}),
  };
}

function answerOf(
  { failure, answerHead }: AuditedExchange,
  info: RequestInfo,
  { status: code }: Response,
): AuditedResponse {
  const status = failure === undefined ? successIn(answerHead) : asStatusError(failure, QUIET).toStatus();
  if (!status) return { code };
  const { message, reason, details } = status;
  // Validation may quote what was sent.
  const isSecret = info.isResource && isSensitive({ resource: info });
  const shown = isSecret ? withoutCauses(details) : details;
  return {
    code,
    status: {
      status: status.status,
      ...(message === undefined || isSecret ? {} : { message }),
      ...(reason === undefined ? {} : { reason }),
      ...(shown ? { details: shown } : {}),
    },
  };
}

function withoutCauses(details: StatusDetails | undefined): StatusDetails | undefined {
  if (!details) return undefined;
  const { causes: _, ...rest } = details;
  return rest;
}

/** What a deletion answers, if it answers no object. */
function successIn(head: string): Status | undefined {
  if (!head.startsWith('{"kind":"Status"')) return undefined;
  try {
    return JSON.parse(head) as Status;
  } catch {
    return undefined;
  }
}

/** Verbs whose answers are of many objects. */
const OF_MANY = new Set(["list", "watch", "deletecollection"]);

function objectOf({ failure, answerHead }: AuditedExchange, info: RequestInfo): ObjectIdentity {
  if (OF_MANY.has(info.verb)) return {};
  const name = failure instanceof StatusError ? failure.details?.name : undefined;
  return { ...objectIn(answerHead), ...(name ? { name } : {}) };
}

interface ObjectIdentity {
  name?: string;
  uid?: string;
  resourceVersion?: string;
}

const METADATA = /"metadata": ?\{/;
const TABLE = /^\{\s*"kind": ?"Table"/;

/** Metadata of a stored object begins with its revision and its name (storage/stored-value.ts); people get it with spaces. */
function objectIn(head: string): ObjectIdentity {
  const start = head.search(METADATA);
  if (start < 0 || TABLE.test(head)) return {};
  const found: ObjectIdentity = {};
  for (const field of ["name", "uid", "resourceVersion"] as const) {
    const match = new RegExp(`[{,]\\s*"${field}": ?"([^"\\\\]*)"`).exec(head.slice(start));
    if (match?.[1] !== undefined) found[field] = match[1];
  }
  return found;
}
