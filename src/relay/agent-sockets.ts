/** The runtime's half of what agents dial: how a WebSocket is accepted and where the ends of a stream meet. */

export interface AgentEndAt {
  id: string;
  ticket: string;
  nodeName: string;
  /** Of a WebSocket that is proxied: what the pod has chosen. */
  subprotocol?: string | undefined;
}

export interface AgentSockets {
  /** `request` is an authenticated upgrade to the tunnel of this node. The answer carries the accepted WebSocket. */
  tunnel(request: Request, nodeName: string): Promise<Response>;
  /**
   * The agent's end of a stream: an upgrade, or a POST whose body is the stream; that one is answered when the body has been relayed. A
   * GET that is no upgrade asks for the body of the client's request.
   * @throws StatusError "NotFound" when nobody waits for it, "Forbidden" for a wrong ticket or node
   */
  stream(request: Request, at: AgentEndAt): Promise<Response>;
}
