/** An agent's refusal as the API error the client gets. */
import { StatusError, type StatusReason } from "../machinery/status-error.ts";

const REASONS: Record<number, StatusReason> = {
  400: "BadRequest",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  503: "ServiceUnavailable",
};

/** Codes other than these are the agent's fault, not the client's: they become a 500. */
export function refusal(code: number, message: string): StatusError {
  return new StatusError(REASONS[code] ?? "InternalError", message);
}
