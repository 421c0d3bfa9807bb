/** The one place that knows how a failure becomes an HTTP response. */
import { StatusError, type Status } from "../machinery/status-error.ts";
import type { Log } from "../platform/platform.ts";
import { StorageError } from "../storage/errors.ts";
import { isPretty, negotiate, type Form } from "./negotiate.ts";
import { splitUrl } from "./request-info.ts";
import { encoded } from "./respond-object.ts";
import { JSON_HEADERS, type FlowHeaders } from "./response.ts";

/** Any failure as the error the client gets. Causes stay inside; what nobody expected is logged. */
export function asStatusError(error: unknown, log: Log): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof StorageError) return fromStorage(error, log);
  log.error("request failed", { error: describe(error) });
  return new StatusError("InternalError", "Internal error occurred: the request could not be completed", {
    cause: error,
  });
}

function fromStorage(error: StorageError, log: Log): StatusError {
  switch (error.code) {
    case "compacted":
      return new StatusError("Expired", "The resourceVersion for the provided list or watch is too old.", {
        cause: error,
      });
    case "future":
      return new StatusError("Timeout", error.message, {
        cause: error,
        details: {
          causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
          retryAfterSeconds: 1,
        },
      });
    case "unreadable":
      log.error("a stored object is unreadable", { error: describe(error) });
      return new StatusError("InternalError", "Internal error occurred: a stored object cannot be decrypted", {
        cause: error,
      });
    default:
      log.warn("storage is unavailable", { error: describe(error) });
      return new StatusError("ServiceUnavailable", "the storage of the cluster is unavailable, please try again", {
        cause: error,
        details: { retryAfterSeconds: 1 },
      });
  }
}

/** 504 for a revision that has not been written yet, as clients know it. */
export function tooLargeResourceVersion(asked: number | string, current: number): StatusError {
  return new StatusError("Timeout", `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by: ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/** In the form that the client takes; in JSON where it takes none, so that a refusal is never hidden. */
export function respondError(
  error: unknown,
  { log, auditId, flowHeaders, request }: { log: Log; auditId: string; flowHeaders?: FlowHeaders; request: Request },
): Response {
  const statusError = asStatusError(error, log);
  const headers: Record<string, string> = { ...JSON_HEADERS, "Audit-Id": auditId, ...flowHeaders };
  // It repeats what the client has sent, and is no page.
  headers["X-Content-Type-Options"] = "nosniff";
  const retryAfter = statusError.details?.retryAfterSeconds;
  if (retryAfter !== undefined) headers["Retry-After"] = String(retryAfter);
  if (statusError.code === 401) headers["WWW-Authenticate"] = 'Bearer realm="kubernetes"';
  const form = formOfError(request);
  headers["Content-Type"] = form.contentType;
  return new Response(encoded(statusError.toStatus(), form), { status: statusError.code, headers });
}

function formOfError(request: Request): Pick<Form, "encoding" | "pretty" | "contentType"> {
  const query = new URLSearchParams(splitUrl(request.url).query);
  try {
    const form = negotiate(request.headers.get("accept"));
    return { ...form, pretty: form.pretty || isPretty(request, query) };
  } catch {
    return { encoding: "json", contentType: "application/json", pretty: true };
  }
}

/** `Status` of what succeeded without an object to show. */
export function successStatus(details: Status["details"]): Status {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", ...(details ? { details } : {}) };
}
