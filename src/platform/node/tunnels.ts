/** The nodes' tunnels in this process. */
import type { WebSocket } from "ws";
import { PING, PONG } from "../../relay/protocol.ts";
import { createTunnels, type Interest, type TunnelPeer, type Tunnels, type TunnelsDeps } from "../../relay/tunnels.ts";
import type { Upgrades } from "./upgrade.ts";

export interface NodeTunnels extends Tunnels {
  /** Answers an authenticated request for the tunnel of this node. */
  accept(nodeName: string): Response;
  /** Closes all; agents reconnect with jitter. */
  close(): void;
}

/** An agent that is silent for longer is gone, whatever TCP says: three heartbeats. */
const SILENCE_MS_MAX = 30_000;

export function createNodeTunnels(
  deps: Omit<TunnelsDeps, "peers"> & { upgrades: Pick<Upgrades, "accept"> },
): NodeTunnels {
  const { upgrades, clock, timers } = deps;
  /** Oldest first. */
  const sockets = new Map<string, Set<TunnelPeer>>();
  const tunnels = createTunnels({
    ...deps,
    peers: {
      all: () => [...sockets.values()].flatMap((peers) => [...peers]),
      of: (nodeName) => [...(sockets.get(nodeName) ?? [])],
    },
  });

  function connected(nodeName: string, socket: WebSocket): void {
    const { peer, seen } = peerOf(nodeName, socket, () => clock.now());
    const peers = sockets.get(nodeName) ?? new Set();
    sockets.set(nodeName, peers.add(peer));
    let stopWatching: (() => void) | undefined;
    const watch = () => {
      stopWatching = timers.after(SILENCE_MS_MAX, () => {
        if (clock.now() - peer.lastSeenMs() >= SILENCE_MS_MAX) socket.terminate();
        else watch();
      });
    };
    watch();
    socket.on("message", (data: Buffer, isBinary) => {
      seen();
      if (isBinary) return;
      const text = data.toString();
      if (text === PING) socket.send(PONG);
      else tunnels.received(peer, text);
    });
    socket.once("close", () => {
      stopWatching?.();
      tunnels.closed(peer);
      peers.delete(peer);
      if (peers.size === 0 && sockets.get(nodeName) === peers) sockets.delete(nodeName);
    });
    tunnels.accepted(peer);
  }

  return {
    ...tunnels,
    accept: (nodeName) => upgrades.accept({ connected: (socket) => connected(nodeName, socket), failed: () => {} }),
    close() {
      for (const peers of sockets.values()) for (const peer of peers) peer.close(1012, "the server restarts");
    },
  };
}

function peerOf(nodeName: string, socket: WebSocket, now: () => number): { peer: TunnelPeer; seen: () => void } {
  let interest: Interest = "all";
  let lastSeenMs = now();
  const peer: TunnelPeer = {
    nodeName,
    interest: () => interest,
    setInterest: (next) => void (interest = next),
    lastSeenMs: () => lastSeenMs,
    bufferedBytes: () => socket.bufferedAmount,
    send: (text) => socket.send(text),
    close: (code, reason) => socket.close(code, reason),
  };
  return { peer, seen: () => void (lastSeenMs = now()) };
}
