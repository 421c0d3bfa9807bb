/** A watch over a WebSocket: one text message an event, after WatchServer.HandleWS of k8s.io/apiserver. */
import type { Timers } from "../platform/platform.ts";
import type { ServerSocket, ServerSockets } from "../platform/sockets.ts";

export function isSocketRequest({ headers }: Request): boolean {
  return (
    headers.get("upgrade")?.toLowerCase() === "websocket" && /\bupgrade\b/i.test(headers.get("connection") ?? "upgrade")
  );
}

/** Above this no event is sent until the client has taken some. */
const BUFFERED_BYTES_MAX = 1024 * 1024;
const LOOK_AGAIN_MS = 20;
/** A client that takes nothing for so long has gone, or resumes. */
const STALL_MS_MAX = 60_000;

export function acceptWatchSocket(watch: {
  sockets: ServerSockets;
  timers: Timers;
  request: Request;
  body: ReadableStream<Uint8Array>;
}): Response {
  const reader = watch.body.getReader();
  const gone = () => void reader.cancel().catch(() => {});
  return watch.sockets.accept({
    subprotocol: subprotocolOf(watch.request),
    connected: (socket) => void pump(reader, socket, watch.timers),
    failed: gone,
    closed: gone,
  });
}

/** Any is as good: events are text in each. A bearer token that came as one is no protocol. */
function subprotocolOf({ headers }: Request): string | undefined {
  return (headers.get("sec-websocket-protocol") ?? "")
    .split(",")
    .map((offered) => offered.trim())
    .find((offered) => offered !== "" && !offered.startsWith("base64url.bearer."));
}

/** Ends with the watch, or with its reader, which is cancelled when the client goes. Never throws. */
async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  socket: ServerSocket,
  timers: Timers,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return socket.close(1000, "");
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (socket.bufferedBytes > BUFFERED_BYTES_MAX && !(await drained(socket, timers))) {
          socket.close(1013, "the client is too slow");
          return await reader.cancel();
        }
        socket.send(`${line}\n`);
      }
    }
  } catch {
    socket.close(1011, "the watch failed");
  }
}

/** No runtime tells when a socket has room again, so it is looked at. */
async function drained(socket: ServerSocket, timers: Timers): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < STALL_MS_MAX; waitedMs += LOOK_AGAIN_MS) {
    await new Promise<void>((resolve) => void timers.after(LOOK_AGAIN_MS, resolve));
    if (socket.bufferedBytes <= BUFFERED_BYTES_MAX) return true;
  }
  return false;
}
