/**
 * The server of a port-forward for engines that have none: each pair of streams with one requestID becomes a connection to localhost.
 * As k8s.io/kubelet/pkg/cri/streaming/portforward does it.
 */
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Timers } from "../../src/platform/platform.ts";
import { createSpdyConnection, type IncomingStream } from "./spdy.ts";

export const PORT_FORWARD_PROTOCOL = "portforward.k8s.io";

const PORT_MAX = 65_535;
const CONNECT_MS_MAX = 10_000;
/** How long the first stream of a pair waits for the other. */
const PAIR_MS_MAX = 30_000;

export interface PortForwardServerOptions {
  /** For the texts of errors. */
  pod: string;
  uid: string;
  timers: Timers;
}

interface Pair {
  error?: IncomingStream;
  data?: IncomingStream;
  stopTimer: () => void;
}

/** Serves the connection until it is closed; its connections then end too. */
export function servePortForward(socket: Duplex, options: PortForwardServerOptions): void {
  const { timers } = options;
  const pairs = new Map<string, Pair>();
  const open = new Set<Socket>();

  function receive(stream: IncomingStream): void {
    const { streamtype: type } = stream.headers;
    if ((type !== "error" && type !== "data") || portOf(stream) === undefined) return refuse(stream);
    const id = stream.headers["requestid"] ?? String(type === "error" ? stream.id : stream.id - 2);
    const pair = pairs.get(id) ?? newPair(id);
    if (pair[type] !== undefined) return refuse(stream);
    pair[type] = stream;
    const { error, data } = pair;
    if (error === undefined || data === undefined) return;
    pair.stopTimer();
    pairs.delete(id);
    void forward({ error, data, port: portOf(data) ?? 0 });
  }

  function newPair(id: string): Pair {
    const pair: Pair = {
      stopTimer: timers.after(PAIR_MS_MAX, () => {
        pairs.delete(id);
        if (pair.error) void say(pair.error, `(request=${id}) timed out waiting for streams`);
        if (pair.data) refuse(pair.data);
      }),
    };
    pairs.set(id, pair);
    return pair;
  }

  async function forward({ error, data, port }: { error: IncomingStream; data: IncomingStream; port: number }) {
    const { pod, uid } = options;
    let failure: string | undefined;
    try {
      const connection = await connected(port);
      open.add(connection);
      failure = await pipeBoth(data, connection).finally(() => open.delete(connection));
    } catch (cause) {
      failure = cause instanceof Error ? cause.message : String(cause);
      refuse(data);
    }
    await say(
      error,
      failure === undefined ? "" : `error forwarding port ${port} to pod ${pod}, uid ${uid}: ${failure}`,
    );
  }

  const connection = createSpdyConnection(socket, { onStream: receive });
  const end = () => {
    for (const { stopTimer } of pairs.values()) stopTimer();
    for (const one of open) one.destroy();
  };
  void connection.closed.then(end);
}

function portOf({ headers }: IncomingStream): number | undefined {
  const text = headers["port"] ?? "";
  const port = Number(text);
  return /^[0-9]{1,5}$/.test(text) && port >= 1 && port <= PORT_MAX ? port : undefined;
}

function refuse(stream: IncomingStream): void {
  stream.readable.cancel().catch(() => undefined);
  stream.writable.close().catch(() => undefined);
}

/** Says it, if it is anything, and ends the stream. */
async function say(stream: IncomingStream, text: string): Promise<void> {
  const writer = stream.writable.getWriter();
  stream.readable.cancel().catch(() => undefined);
  try {
    if (text !== "") await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // Nobody is left to be told.
  }
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "localhost", port, allowHalfOpen: true, timeout: CONNECT_MS_MAX });
    const fail = (error: Error) => {
      socket.destroy();
      reject(new Error(`failed to connect to localhost:${port}: ${reasonOf(error)}`, { cause: error }));
    };
    socket.once("error", fail);
    socket.once("timeout", () => fail(new Error("timed out")));
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.off("error", fail);
      resolve(socket);
    });
  });
}

function reasonOf(error: Error): string {
  // Both families of addresses were tried.
  const { code } = error as { code?: string };
  return code === "ECONNREFUSED" ? "connection refused" : (code ?? error.message);
}

/** The client may end its direction first; with the pod's the connection is over. Resolves with what went wrong. */
async function pipeBoth({ readable, writable }: IncomingStream, connection: Socket): Promise<string | undefined> {
  const web = Duplex.toWeb(connection) as {
    readable: ReadableStream<Uint8Array>;
    writable: WritableStream<Uint8Array>;
  };
  const over = new AbortController();
  const incoming = readable.pipeTo(web.writable, { signal: over.signal }).catch(() => undefined);
  try {
    await web.readable.pipeTo(writable);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    over.abort();
    await incoming;
    connection.destroy();
  }
}
