/** Failures as `application/problem+json` (RFC 9457): the one place under /v1 that knows HTTP's status codes. */
import { isStatusError } from "../../machinery/status-error.ts";
import type { Log } from "../../platform/platform.ts";
import { DatabaseError } from "../../storage/database.ts";
import { StorageError } from "../../storage/errors.ts";
import { AccountsError, type AccountsErrorCode } from "../accounts.ts";

const STATUS: Record<AccountsErrorCode, [status: number, title: string]> = {
  invalid: [400, "The request is not valid"],
  unauthenticated: [401, "You are not logged in"],
  forbidden: [403, "Your role does not allow this"],
  "not-found": [404, "There is nothing here"],
  "method-not-allowed": [405, "The method is not allowed here"],
  conflict: [409, "This conflicts with what is there"],
  "too-large": [413, "The body is too large"],
  limit: [422, "A limit is reached"],
  "key-reused": [422, "The idempotency key was used for another request"],
  "rate-limited": [429, "Too many requests"],
  unavailable: [503, "This is not available now"],
};
const RETRY_AFTER_SECONDS = 1;

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  errors?: readonly { pointer: string; detail: string }[];
}

export function problemResponse(error: unknown, log: Log): Response {
  const { code, message, errors } = asAccountsError(error, log);
  const [status, title] = STATUS[code];
  const body: Problem = { type: "about:blank", title, status, detail: message, code };
  if (errors.length > 0) body.errors = errors;
  const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
  if (status === 401) headers.set("www-authenticate", 'Bearer realm="gantry"');
  if (status === 503) headers.set("retry-after", String(RETRY_AFTER_SECONDS));
  return new Response(JSON.stringify(body), { status, headers });
}

export function statusOf(code: AccountsErrorCode): number {
  return STATUS[code][0];
}

/** Causes stay inside; what nobody expected is logged, and told as "unavailable". */
export function asAccountsError(error: unknown, log: Log): AccountsError {
  if (error instanceof AccountsError) return error;
  if (error instanceof StorageError && error.code === "compacted")
    return new AccountsError("conflict", "the history of the cluster does not reach back so far", { cause: error });
  // From the Kubernetes API of a cluster, as the caller.
  if (isStatusError(error, "Forbidden")) return new AccountsError("forbidden", error.message, { cause: error });
  const known = error instanceof DatabaseError || error instanceof StorageError || isStatusError(error);
  log[known ? "warn" : "error"]("a request to /v1 failed", { error });
  return new AccountsError("unavailable", "the request could not be completed, please try again", { cause: error });
}
