/** Two WebSockets as one: what one side sends the other receives, message by message, and a side that does not read stops the other. */
import type { WebSocket } from "ws";

/** Above the high mark the sender is paused, below the low one it goes on. */
const BUFFERED_BYTES_HIGH = 1024 * 1024;
const BUFFERED_BYTES_LOW = 256 * 1024;

/** Ends when either side ends. Attach it before either side can have received a message. */
export function splice(a: WebSocket, b: WebSocket): void {
  forward(a, b);
  forward(b, a);
}

function forward(from: WebSocket, to: WebSocket): void {
  from.on("message", (data: Buffer, isBinary) => {
    if (to.readyState !== to.OPEN) return;
    to.send(data, { binary: isBinary }, () => {
      if (from.isPaused && to.bufferedAmount <= BUFFERED_BYTES_LOW) from.resume();
    });
    if (to.bufferedAmount > BUFFERED_BYTES_HIGH) from.pause();
  });
  from.once("close", (code: number, reason: Buffer) => {
    // A paused socket would not see the answer to its close frame.
    to.resume();
    if (isSendable(code)) to.close(code, reason);
    else if (code === 1005) to.close();
    else to.close(1011, "the other end is gone");
  });
  from.on("error", () => to.close(1011, "the other end failed"));
}

/** 1005 and 1006 only describe; they may not be sent (RFC 6455, 7.4.1). */
function isSendable(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
}
