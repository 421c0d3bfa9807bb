/** WebSockets of tests: what both runtimes' clients have in common. */
import type { Fetch } from "../../src/client/client.ts";
import type { ServerSockets } from "../../src/platform/sockets.ts";

export interface TestSockets {
  /** What a cluster is given to answer upgrades with. */
  sockets: ServerSockets;
  /** Dials what `fetch` serves. @throws Error that begins with the status when the upgrade is refused */
  connect(
    fetch: Fetch,
    path: string,
    options?: { protocols?: string[]; headers?: Record<string, string> },
  ): Promise<TestSocket>;
  close(): Promise<void>;
}

export interface TestSocket {
  /** The subprotocol that the server chose, "" for none. */
  protocol: string;
  /** The next message; undefined when the socket is closed. @throws for a binary one */
  next(): Promise<string | undefined>;
  /** The code the server closed with. */
  closed: Promise<number>;
  close(): void;
}

/** As far as ws and workerd agree. */
interface SocketLike {
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): unknown;
  addEventListener(type: "close", listener: (event: { code: number }) => void): unknown;
  close(code?: number): unknown;
}

/** Attach it before the socket can have received anything. */
export function testSocket(socket: SocketLike, protocol: () => string): TestSocket {
  const messages: unknown[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<number>();
  const state = { over: false };
  let wake: (() => void) | undefined;
  socket.addEventListener("message", ({ data }) => {
    messages.push(data);
    wake?.();
  });
  socket.addEventListener("close", ({ code }) => {
    state.over = true;
    resolve(code);
    wake?.();
  });
  return {
    get protocol() {
      return protocol();
    },
    closed,
    async next() {
      while (messages.length === 0 && !state.over) await new Promise<void>((go) => (wake = go));
      const message = messages.shift();
      if (message !== undefined && typeof message !== "string") throw new Error("a binary message");
      return message;
    },
    close: () => void socket.close(1000),
  };
}
