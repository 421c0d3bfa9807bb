/** Which of the WebSocket subprotocols that a client offers a stream is spoken in. */
import { badRequest } from "../../machinery/status-error.ts";

/**
 * The first of the client's list that is served; undefined where it offers none: then the stream has a protocol of its own.
 * @throws StatusError "BadRequest" for a request that is no WebSocket upgrade, or offers only what is not served
 */
export function subprotocolOf({ headers }: Request, served: readonly string[]): string | undefined {
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") throw badRequest("Upgrade request required");
  const offered = (headers.get("sec-websocket-protocol") ?? "")
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "" && !protocol.startsWith("base64url.bearer."));
  const chosen = offered.find((protocol) => served.includes(protocol));
  if (chosen === undefined && offered.length > 0) {
    throw badRequest(`unable to upgrade: none of the subprotocols is supported: ${offered.join(", ")}`);
  }
  return chosen;
}
