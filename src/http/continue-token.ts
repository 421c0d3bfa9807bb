/**
 * Where a paged list goes on, in the form of k8s.io/apiserver (pkg/storage/continue.go), which no client may read: version, revision
 * and last key. Ours are the time of issue, which makes a token expire where nothing is written and its revision never leaves the log, and
 * how many objects are left, so that no page counts again what the first one has counted.
 */
import { StatusError, badRequest } from "../machinery/status-error.ts";

export interface ContinueToken {
  /** Undefined: the snapshot is gone; go on in the current state. */
  revision: number | undefined;
  after: { namespace: string; name: string };
  issuedMs: number;
  /** Objects of the snapshot after that key, where the page has said so. */
  left?: number | undefined;
}

/** As long as Kubernetes keeps a snapshot by default (etcd compaction interval). */
export const CONTINUE_LIFETIME_MS = 5 * 60_000;

const VERSION = "meta.k8s.io/v1";

export function encodeContinue(token: ContinueToken): string {
  const text = JSON.stringify({
    v: VERSION,
    rv: token.revision ?? -1,
    start: `${token.after.namespace}/${token.after.name}`,
    at: token.issuedMs,
    left: token.left,
  });
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws StatusError "BadRequest" for what this server never gave out */
export function decodeContinue(text: string): ContinueToken {
  const { v, rv, start, at, left } = parse(text);
  if (v !== undefined && typeof v !== "string") throw invalidToken("", wrongType("v", v, "string"));
  if (v !== VERSION) throw invalidToken(`: server does not recognize this encoded version ${v ?? ""}`);
  if (rv !== undefined && !Number.isSafeInteger(rv)) throw invalidToken("", wrongType("rv", rv, "int64"));
  if (start !== undefined && typeof start !== "string") throw invalidToken("", wrongType("start", start, "string"));
  if (rv === undefined || rv === 0)
    throw invalidToken(`: incorrect encoded start resourceVersion (version ${VERSION})`);
  if (start === undefined || start === "") throw invalidToken(`: encoded start key empty (version ${VERSION})`);
  // Without a time of issue it is not from here, however well made.
  if (!isPlainKey(start) || typeof at !== "number") throw invalidToken(`: ${start}`);
  const slash = start.indexOf("/");
  return {
    revision: (rv as number) < 0 ? undefined : (rv as number),
    after: { namespace: start.slice(0, Math.max(slash, 0)), name: start.slice(slash + 1) },
    issuedMs: at,
    ...(Number.isSafeInteger(left) && (left as number) >= 0 ? { left: left as number } : {}),
  };
}

/** One that does not leave its resource: no empty part, no "." and no "..". */
function isPlainKey(start: string): boolean {
  const key = start.startsWith("/") ? start.slice(1) : start;
  return key.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

interface Encoded {
  v?: unknown;
  rv?: unknown;
  start?: unknown;
  at?: unknown;
  left?: unknown;
}

function parse(text: string): Encoded {
  const json = decodeBase64(text);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw invalidToken("", jsonFault(json), cause);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw invalidToken("", wrongType("", value, "storage.continueToken"));
}

/** Unpadded base64url, with the position of the first fault as Go's decoder tells it. */
function decodeBase64(text: string): string {
  const at = /[^A-Za-z0-9_-]/.exec(text)?.index ?? (text.length % 4 === 1 ? text.length - 1 : -1);
  if (at >= 0) throw invalidToken("", `illegal base64 data at input byte ${at}`);
  return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
}

function jsonFault(json: string): string {
  const first = /[^\s]/.exec(json)?.[0];
  if (first === undefined) return "unexpected end of JSON input";
  if (/[[{"0-9tfn-]/.test(first)) return "the text is no JSON";
  return `invalid character '${first}' looking for beginning of value`;
}

/** "" is the token itself. */
function wrongType(member: string, value: unknown, type: string): string {
  const where = member === "" ? "Go value of type " : `Go struct field continueToken.${member} of type `;
  return `json: cannot unmarshal ${jsonTypeOf(value)} into ${where}${type}`;
}

function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function invalidToken(what: string, why = "", cause?: unknown): StatusError {
  return badRequest(`invalid continue token: continue key is not valid${what}${why === "" ? "" : `: ${why}`}`, cause);
}

/** 410 with a token that goes on after the same key, in whatever state the cluster is then. */
export function expiredContinue(token: ContinueToken, nowMs: number): StatusError {
  return new StatusError(
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    { continueToken: encodeContinue({ revision: undefined, after: token.after, issuedMs: nowMs }) },
  );
}
