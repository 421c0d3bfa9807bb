/** What of a request goes into the audit log: looked at once when it is known who asks, and once when it is answered. */
import type { Audit } from "../audit/audit.ts";
import { auditRow } from "../audit/event.ts";
import { isSensitive, levelOf, type AuditedRequest, type AuditLevel } from "../audit/policy.ts";
import { ANONYMOUS, NODES_GROUP, type User } from "../authn/authenticator.ts";
import type { Clock, Log } from "../platform/platform.ts";
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
  isAuthorized: boolean;
  reason?: string | undefined;
  failure: unknown;
  /** The beginning of the answer's text. */
  answerHead: string;
  bodyCopy?: Request;
}

export interface AuditRecorder {
  /** When it is known who asks, before the body is read. */
  identified(exchange: AuditedExchange): void;
  /** Waits only where bodies are recorded. */
  answered(exchange: AuditedExchange, response: Response): void | Promise<void>;
}

/** Larger bodies are left out of an event: the log is for people. */
const BODY_BYTES_MAX = 64 * 1024;
const STREAMS = new Set(["exec", "attach", "portforward", "proxy"]);

export function createAuditRecorder(deps: {
  audit: Audit;
  clock: Clock;
  log: Log;
  clientAddress: ((request: Request) => string | undefined) | undefined;
}): AuditRecorder {
  const { audit, clock, log, clientAddress } = deps;

  function levelFor({ info, isInternal, actor = ANONYMOUS }: AuditedExchange): AuditLevel {
    // Control loops are part of the control plane; what a node says through its sync comes from outside.
    if (info === undefined || (isInternal && !actor.groups.includes(NODES_GROUP))) return "None";
    return levelOf(audit.policy, auditedRequest(info, actor));
  }

  return {
    identified(exchange) {
      const level = levelFor(exchange);
      if (level === "None" || level === "Metadata" || exchange.request.body === null) return;
      exchange.bodyCopy = exchange.request.clone();
    },
    answered(exchange, response) {
      const { info } = exchange;
      const level = levelFor(exchange);
      if (level === "None" || info === undefined) return;
      if (level === "Metadata") return record(exchange, { level, info, response });
      return recordBodies(exchange, { level, info, response });
    },
  };

  async function recordBodies(
    exchange: AuditedExchange,
    { level, info, response }: { level: Exclude<AuditLevel, "None">; info: RequestInfo; response: Response },
  ): Promise<void> {
    const requestObject = exchange.bodyCopy && (await jsonOf(exchange.bodyCopy));
    const isWhole = level === "RequestResponse" && !isStream(info) && response.body !== null;
    const responseObject = isWhole ? await jsonOf(response.clone()) : undefined;
    record(exchange, { level, info, response, requestObject, responseObject });
  }

  function record(
    exchange: AuditedExchange,
    answered: {
      level: Exclude<AuditLevel, "None">;
      info: RequestInfo;
      response: Response;
      requestObject?: unknown;
      responseObject?: unknown;
    },
  ): void {
    const { level, info, response, requestObject, responseObject } = answered;
    const { request, actor = ANONYMOUS, acting, failure } = exchange;
    const { path, query } = splitUrl(request.url);
    const asked = auditedRequest(info, actor);
    const status = failure === undefined ? undefined : asStatusError(failure, QUIET).toStatus();
    // Validation may quote what was sent.
    const message = isSensitive(asked) ? "" : (status?.message ?? "");
    const decision = exchange.isAuthorized ? "allow" : response.status === 403 ? "forbid" : undefined;
    const row = auditRow({
      level,
      auditId: exchange.auditId,
      receivedMs: exchange.startMs,
      answeredMs: clock.now(),
      requestUri: query === "" ? path : `${path}?${query}`,
      request: asked,
      version: info.isResource ? info.version : "",
      user: actor,
      impersonated: acting === actor ? undefined : acting,
      address: exchange.isInternal ? undefined : clientAddress?.(request),
      userAgent: request.headers.get("user-agent"),
      object: { ...objectIn(exchange.answerHead), ...(status?.details?.name ? { name: status.details.name } : {}) },
      code: response.status,
      failure: status && { reason: status.reason ?? "", message },
      decision,
      reason: exchange.reason,
      requestObject,
      responseObject,
      isStream: isStream(info),
    });
    try {
      audit.trail.record(row, { untrusted: response.status === 401 || actor.name === ANONYMOUS.name });
    } catch (error) {
      log.error("a request was not audited", { error });
    }
  }
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

const METADATA = /"metadata": ?\{/;

/** Metadata of a stored object begins with its revision and its name (storage/stored-value.ts); people get it with spaces. */
function objectIn(head: string): { name?: string; uid?: string; resourceVersion?: string } {
  const start = head.search(METADATA);
  if (start < 0) return {};
  const found: { name?: string; uid?: string; resourceVersion?: string } = {};
  for (const field of ["name", "uid", "resourceVersion"] as const) {
    const match = new RegExp(`[{,]\\s*"${field}": ?"([^"\\\\]*)"`).exec(head.slice(start));
    if (match?.[1] !== undefined) found[field] = match[1];
  }
  return found;
}

async function jsonOf(message: Request | Response): Promise<unknown> {
  if (!message.headers.get("content-type")?.includes("json")) return undefined;
  const text = await textOf(message.body);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function textOf(body: ReadableStream<Uint8Array> | null): Promise<string | undefined> {
  if (body === null) return undefined;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > BODY_BYTES_MAX) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}
