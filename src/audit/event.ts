/** An audit.k8s.io/v1 Event (https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/), as a row of the audit log. */
import type { AuditRow } from "./audit-store.ts";
import type { StatusDetails } from "../machinery/status-error.ts";
import type { AuditLevel, AuditStage, AuditedRequest } from "./policy.ts";

interface AuditedUser {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
}

export interface AuditedCall {
  level: Exclude<AuditLevel, "None">;
  auditId: string;
  stage: AuditStage;
  receivedMs: number;
  stageMs: number;
  /** Path and query. */
  requestUri: string;
  request: AuditedRequest;
  /** Of the resource's version. */
  version: string;
  /** Undefined: the credential was no good. */
  user: AuditedUser | undefined;
  /** Whom that one acted as. */
  impersonated?: AuditedUser | undefined;
  address: string | undefined;
  userAgent: string | null;
  /** Of the object as far as the answer tells: creates learn their name there. */
  object: { name?: string; uid?: string; resourceVersion?: string };
  /** Undefined before there is an answer. */
  response?: AuditedResponse | undefined;
  annotations: Readonly<Record<string, string>>;
  requestObject?: unknown;
  responseObject?: unknown;
}

export interface AuditedResponse {
  code: number;
  /** What a Status that was answered says; absent where it was an object. */
  status?: { status: "Success" | "Failure"; message?: string; reason?: string; details?: StatusDetails };
}

/** As Kubernetes cuts it. */
const USER_AGENT_LENGTH_MAX = 1_024;
const URI_LENGTH_MAX = 4_096;

/** The stages of one request are rows of their own, in this order. */
const STAGE_ORDER: Readonly<Record<AuditStage, number>> = {
  RequestReceived: 0,
  ResponseStarted: 1,
  ResponseComplete: 2,
  Panic: 2,
};

export function auditRow(call: AuditedCall): AuditRow {
  const { request, auditId, stage, stageMs, user } = call;
  const { resource } = request;
  const plural = resource && (resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`);
  return {
    atMs: stageMs,
    id: `${auditId}-${STAGE_ORDER[stage]}`,
    user: user?.name ?? "",
    verb: request.verb,
    resource: resource && plural ? plural + (resource.subresource === "" ? "" : `/${resource.subresource}`) : "",
    namespace: resource?.namespace ?? "",
    event: JSON.stringify(eventOf(call)),
  };
}

function eventOf(call: AuditedCall): object {
  const { level, auditId, stage, request, user, impersonated, address, userAgent, response, annotations } = call;
  const { requestObject, responseObject } = call;
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level,
    auditID: auditId,
    stage,
    requestURI: call.requestUri.slice(0, URI_LENGTH_MAX),
    verb: request.verb,
    user: user ? userInfo(user) : {},
    ...(impersonated ? { impersonatedUser: userInfo(impersonated) } : {}),
    ...(address ? { sourceIPs: [address] } : {}),
    ...(userAgent ? { userAgent: cut(userAgent) } : {}),
    ...(request.resource ? { objectRef: objectReference(call, request.resource) } : {}),
    ...(response ? { responseStatus: { metadata: {}, ...response.status, code: response.code } } : {}),
    ...(requestObject === undefined ? {} : { requestObject }),
    ...(responseObject === undefined ? {} : { responseObject }),
    requestReceivedTimestamp: microTime(call.receivedMs),
    stageTimestamp: microTime(call.stageMs),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

function userInfo({ name, uid, groups, extra }: AuditedUser): object {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined ? {} : { extra }),
  };
}

function objectReference(
  { object, version }: AuditedCall,
  { group, resource, namespace, name, subresource }: NonNullable<AuditedRequest["resource"]>,
): object {
  const { uid, resourceVersion } = object;
  const shown = name === "" ? object.name : name;
  return {
    resource,
    ...(namespace === "" ? {} : { namespace }),
    ...(shown ? { name: shown } : {}),
    ...(uid ? { uid } : {}),
    ...(group === "" ? {} : { apiGroup: group }),
    apiVersion: version,
    ...(resourceVersion ? { resourceVersion } : {}),
    ...(subresource === "" ? {} : { subresource }),
  };
}

function cut(text: string): string {
  return text.length > USER_AGENT_LENGTH_MAX ? `${text.slice(0, USER_AGENT_LENGTH_MAX)}...TRUNCATED` : text;
}

function microTime(unixMs: number): string {
  return new Date(unixMs).toISOString().replace("Z", "000Z");
}
