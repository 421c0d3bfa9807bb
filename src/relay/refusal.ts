/** Why a client gets no stream. */
import { badRequest, StatusError, type StatusReason } from "../machinery/status-error.ts";

const REASONS: Record<number, StatusReason> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  503: "ServiceUnavailable",
};

/** Codes other than these are the agent's fault, not the client's: they become a 500. */
export function refusal(code: number, message: string): StatusError {
  return new StatusError(REASONS[code] ?? "InternalError", message);
}

/** exec, attach and port-forward are WebSockets. @throws StatusError "BadRequest" with the API server's words */
export function assertUpgrade(client: Request): void {
  if (client.headers.get("upgrade")?.toLowerCase() !== "websocket") throw badRequest("Upgrade request required");
}
