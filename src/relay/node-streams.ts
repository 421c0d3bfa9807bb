/**
 * Opens streams on nodes for clients: exec, attach and port-forward as WebSockets, logs as an HTTP body. Implemented by a broker per
 * runtime, in which no JavaScript reads the bytes on the edge.
 */
import type { Opener } from "../machinery/opener.ts";
import type { StreamTarget } from "./protocol.ts";

export interface NodeStreams {
  /**
   * Answers `client` with what the agent of `node` serves: a 101 for exec and attach, a streamed body for logs, the pod's own answer for a
   * proxy. Waits for the agent
   * first, so that a refusal is an ordinary HTTP error.
   * @throws StatusError "ServiceUnavailable" when the node is not connected, the code with which the agent refused, or
   * "Unauthorized" for an opener who has just been revoked
   */
  open(request: { node: string; target: StreamTarget; client: Request; opener: Opener | undefined }): Promise<Response>;
}
