/** `ServerSockets` on a WebSocketPair: the worker keeps one end, and lives as long as it is open. */
import type { ServerSocket, ServerSockets } from "../sockets.ts";

export function createServerSockets(): ServerSockets {
  return {
    accept({ subprotocol, connected, closed }) {
      const { 0: client, 1: server } = new WebSocketPair();
      server.accept();
      const over = once(closed);
      server.addEventListener("close", over);
      server.addEventListener("error", over);
      connected(serverSocket(server));
      return new Response(null, {
        status: 101,
        webSocket: client,
        headers: subprotocol === undefined ? {} : { "sec-websocket-protocol": subprotocol },
      });
    },
  };
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (!done) run();
    done = true;
  };
}

function serverSocket(socket: WebSocket): ServerSocket {
  return {
    send(text) {
      // After the client's close a send would throw; the watch is being cancelled then.
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    close(code, reason) {
      if (socket.readyState === WebSocket.OPEN) socket.close(code, reason);
    },
  };
}
