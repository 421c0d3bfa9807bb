/**
 * Where a paged list goes on. Opaque to clients: revision, last key and time of issue. The time makes a token expire where nothing
 * is written and the revision never falls out of the log.
 */
import { StatusError, badRequest } from "../machinery/status-error.ts";

export interface ContinueToken {
  /** Undefined: the snapshot is gone; go on in the current state. */
  revision: number | undefined;
  after: { namespace: string; name: string };
  issuedMs: number;
}

/** As long as Kubernetes keeps a snapshot by default (etcd compaction interval). */
export const CONTINUE_LIFETIME_MS = 5 * 60_000;

export function encodeContinue(token: ContinueToken): string {
  const text = JSON.stringify({
    v: "meta.k8s.io/v1",
    rv: token.revision ?? -1,
    start: `${token.after.namespace}/${token.after.name}`,
    at: token.issuedMs,
  });
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws StatusError "BadRequest" for what this server never gave out */
export function decodeContinue(text: string): ContinueToken {
  const parsed = parse(text);
  const { rv, start, at } = parsed;
  if (typeof rv !== "number" || typeof start !== "string" || typeof at !== "number" || !start.includes("/")) {
    throw badRequest("invalid continue token: continue key is not valid");
  }
  const slash = start.indexOf("/");
  return {
    revision: rv < 0 ? undefined : rv,
    after: { namespace: start.slice(0, slash), name: start.slice(slash + 1) },
    issuedMs: at,
  };
}

function parse(text: string): { rv?: unknown; start?: unknown; at?: unknown } {
  try {
    const value: unknown = JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
    if (typeof value === "object" && value !== null) return value;
  } catch (error) {
    throw badRequest("invalid continue token: continue key is not valid", error);
  }
  throw badRequest("invalid continue token: continue key is not valid");
}

/** 410 with a token that goes on after the same key, in whatever state the cluster is then. */
export function expiredContinue(token: ContinueToken, nowMs: number): StatusError {
  return new StatusError(
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    { continueToken: encodeContinue({ revision: undefined, after: token.after, issuedMs: nowMs }) },
  );
}
