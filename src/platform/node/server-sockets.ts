/** `ServerSockets` on ws, by way of the server's upgrades. */
import type { WebSocket } from "ws";
import type { ServerSocket, ServerSockets } from "../sockets.ts";
import type { Upgrades } from "./upgrade.ts";

export function createServerSockets(upgrades: Pick<Upgrades, "accept">): ServerSockets {
  return {
    accept: ({ subprotocol, connected, failed, closed }) =>
      upgrades.accept({
        subprotocol,
        failed,
        connected(socket) {
          socket.once("close", closed);
          connected(serverSocket(socket));
        },
      }),
  };
}

function serverSocket(socket: WebSocket): ServerSocket {
  return {
    send: (text) => socket.send(text),
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    close: (code, reason) => socket.close(code, reason),
  };
}
