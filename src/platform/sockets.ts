/** WebSockets that the server itself speaks on. Streams to nodes do not pass here: no JavaScript reads those. */

/** The server's end. Messages of the client are not heard. */
export interface ServerSocket {
  send(text: string): void;
  /** What has been sent and has not left yet. */
  readonly bufferedBytes: number;
  close(code: number, reason: string): void;
}

export interface ServerSockets {
  /** The answer to an upgrade. Exactly one of the callbacks is called. */
  accept(options: {
    subprotocol: string | undefined;
    connected: (socket: ServerSocket) => void;
    /** The client had gone before. */
    failed: () => void;
    /** After `connected`, once, whoever closed. */
    closed: () => void;
  }): Response;
}
