/** GET /audit: the audit log, newest first, filtered and paged. Only who may do everything reads it: no default role names the path. */
import type { Audit } from "../audit/audit.ts";
import type { AuditPosition, AuditQuery } from "../audit/audit-store.ts";
import { badRequest } from "../machinery/status-error.ts";
import { readOnly, type ServedPaths } from "./paths.ts";
import { JSON_HEADERS } from "./response.ts";

export const AUDIT_PATH = "/audit";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 500;

export function createAuditPath({ store, trail }: Audit): ServedPaths {
  const handler = readOnly(async (_request, { query }) => {
    const asked = auditQuery(new URLSearchParams(query));
    await trail.flush();
    const { events, next } = await store.read(asked);
    const metadata = next ? { continue: positionText(next) } : {};
    // Stored texts are spliced, not parsed.
    const head = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":${JSON.stringify(metadata)},"items":[`;
    return new Response(`${head}${events.join(",")}]}`, { status: 200, headers: { ...JSON_HEADERS } });
  });
  return { find: (path) => (path === AUDIT_PATH ? handler : undefined), listed: [] };
}

/** `user`, `verb`, `resource`, `namespace`; `since` and `until` in RFC 3339; `limit`, `continue`. @throws StatusError "BadRequest" */
export function auditQuery(query: URLSearchParams): AuditQuery {
  const asked: AuditQuery = { limit: limitOf(query.get("limit")) };
  for (const name of ["user", "verb", "resource", "namespace"] as const) {
    const value = query.get(name);
    if (value !== null) asked[name] = value;
  }
  const since = timeOf(query, "since");
  const until = timeOf(query, "until");
  if (since !== undefined) asked.sinceMs = since;
  if (until !== undefined) asked.untilMs = until;
  const after = query.get("continue");
  if (after) asked.after = positionOf(after);
  return asked;
}

function limitOf(text: string | null): number {
  if (text === null) return LIMIT_DEFAULT;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) throw badRequest("limit must be a positive integer");
  return Math.min(limit, LIMIT_MAX);
}

function timeOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const unixMs = Date.parse(text);
  if (Number.isNaN(unixMs)) throw badRequest(`${name} must be a time as in RFC 3339`);
  return unixMs;
}

function positionText({ atMs, id }: AuditPosition): string {
  return `${atMs}.${id}`;
}

function positionOf(text: string): AuditPosition {
  const match = /^(\d{1,15})\.([0-9a-f-]{1,64})$/.exec(text);
  if (!match?.[1] || !match[2]) throw badRequest("continue is not one of this log");
  return { atMs: Number(match[1]), id: match[2] };
}
