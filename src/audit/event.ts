/** An audit.k8s.io/v1 Event (https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/), as a row of the audit log. */
import type { AuditRow } from "./audit-store.ts";
import type { AuditLevel, AuditedRequest } from "./policy.ts";

interface AuditedUser {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
}

export interface AuditedCall {
  level: Exclude<AuditLevel, "None">;
  auditId: string;
  receivedMs: number;
  answeredMs: number;
  /** Path and query. */
  requestUri: string;
  request: AuditedRequest;
  /** Of the resource's version. */
  version: string;
  user: AuditedUser;
  /** Whom that one acted as. */
  impersonated?: AuditedUser | undefined;
  address: string | undefined;
  userAgent: string | null;
  /** Of the object as far as the answer tells: creates learn their name there. */
  object: { name?: string; uid?: string; resourceVersion?: string };
  code: number;
  failure?: { reason: string; message: string } | undefined;
  /** Undefined: it did not come so far. */
  decision?: "allow" | "forbid" | undefined;
  reason?: string | undefined;
  requestObject?: unknown;
  responseObject?: unknown;
  /** The answer goes on: a watch, a stream. */
  isStream: boolean;
}

/** As Kubernetes cuts it. */
const USER_AGENT_LENGTH_MAX = 1_024;
const URI_LENGTH_MAX = 4_096;

export function auditRow(call: AuditedCall): AuditRow {
  const { request, auditId, receivedMs, user } = call;
  const { resource } = request;
  const plural = resource && (resource.group === "" ? resource.resource : `${resource.resource}.${resource.group}`);
  return {
    atMs: receivedMs,
    id: auditId,
    user: user.name,
    verb: request.verb,
    resource: resource && plural ? plural + (resource.subresource === "" ? "" : `/${resource.subresource}`) : "",
    namespace: resource?.namespace ?? "",
    event: JSON.stringify(eventOf(call)),
  };
}

function eventOf(call: AuditedCall): object {
  const { level, auditId, request, user, impersonated, address, userAgent, decision, reason, isStream } = call;
  const { requestObject, responseObject } = call;
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level,
    auditID: auditId,
    stage: isStream ? "ResponseStarted" : "ResponseComplete",
    requestURI: call.requestUri.slice(0, URI_LENGTH_MAX),
    verb: request.verb,
    user: userInfo(user),
    ...(impersonated ? { impersonatedUser: userInfo(impersonated) } : {}),
    ...(address ? { sourceIPs: [address] } : {}),
    ...(userAgent ? { userAgent: cut(userAgent) } : {}),
    ...(request.resource ? { objectRef: objectReference(call, request.resource) } : {}),
    responseStatus: responseStatus(call),
    ...(requestObject === undefined ? {} : { requestObject }),
    ...(responseObject === undefined ? {} : { responseObject }),
    requestReceivedTimestamp: microTime(call.receivedMs),
    stageTimestamp: microTime(call.answeredMs),
    ...(decision
      ? {
          annotations: {
            "authorization.k8s.io/decision": decision,
            "authorization.k8s.io/reason": reason ?? "",
          },
        }
      : {}),
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

function responseStatus({ code, failure }: AuditedCall): object {
  return { metadata: {}, ...(failure ? { status: "Failure", ...failure } : {}), code };
}

function cut(text: string): string {
  return text.length > USER_AGENT_LENGTH_MAX ? `${text.slice(0, USER_AGENT_LENGTH_MAX)}...TRUNCATED` : text;
}

function microTime(unixMs: number): string {
  return new Date(unixMs).toISOString().replace("Z", "000Z");
}
