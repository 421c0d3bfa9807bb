/**
 * The nodes' tunnels of a cluster in its ClusterHub object. Sockets hibernate: the runtime keeps them, answers their heartbeats and
 * remembers when it last did, while the object itself may be gone. So nothing here may live in a variable.
 */
import { PING, PONG } from "../../relay/protocol.ts";
import { createTunnels, type Interest, type TunnelPeer, type Tunnels, type TunnelsDeps } from "../../relay/tunnels.ts";

export interface HubTunnels extends Tunnels {
  /** Answers an authenticated request for the tunnel of this node. */
  accept(nodeName: string): Response;
  /** Is this socket a tunnel? The object may hold others. */
  owns(socket: WebSocket): boolean;
  /** For the object's webSocketClose. */
  socketClosed(socket: WebSocket): void;
  /** For the object's webSocketMessage. */
  message(socket: WebSocket, data: string | ArrayBuffer): void;
}

/** Kept with the socket by the runtime: at most 2 KiB, sure to fit everywhere. */
interface Attachment {
  nodeName: string;
  connectedMs: number;
  interest: Interest;
}

const TAG = "tunnel";
const nodeTag = (nodeName: string) => `n:${nodeName}`;
const ATTACHMENT_BYTES_MAX = 1900;

export function createHubTunnels(deps: Omit<TunnelsDeps, "peers"> & { state: DurableObjectState }): HubTunnels {
  const { state, clock, log } = deps;
  state.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
  /** Only so that one socket is one peer while the object lives. */
  const known = new WeakMap<WebSocket, HibernatingPeer>();
  const peerOf = (socket: WebSocket) => {
    const peer = known.get(socket) ?? makePeer(state, socket);
    known.set(socket, peer);
    return peer;
  };
  const peersOf = (tag: string) =>
    state
      .getWebSockets(tag)
      .filter((socket) => socket.readyState === WebSocket.OPEN)
      .map((socket) => peerOf(socket))
      .toSorted((a, b) => a.connectedMs - b.connectedMs);
  const tunnels = createTunnels({ ...deps, peers: { all: () => peersOf(TAG), of: (name) => peersOf(nodeTag(name)) } });
  return {
    ...tunnels,
    accept(nodeName) {
      const { 0: agentEnd, 1: hubEnd } = new WebSocketPair();
      state.acceptWebSocket(hubEnd, [TAG, nodeTag(nodeName)]);
      attach(hubEnd, { nodeName, connectedMs: clock.now(), interest: "all" });
      tunnels.accepted(peerOf(hubEnd));
      return new Response(null, { status: 101, webSocket: agentEnd });
    },
    owns: (socket) => state.getTags(socket).includes(TAG),
    socketClosed: (socket) => tunnels.closed(peerOf(socket)),
    message(socket, data) {
      const peer = peerOf(socket);
      if (typeof data === "string") tunnels.received(peer, data);
      else log.warn("dropped a binary message of an agent", { node: peer.nodeName, bytes: data.byteLength });
    },
  };
}

interface HibernatingPeer extends TunnelPeer {
  connectedMs: number;
}

function makePeer(state: DurableObjectState, socket: WebSocket): HibernatingPeer {
  const attachment = socket.deserializeAttachment() as Attachment;
  const { nodeName, connectedMs } = attachment;
  return {
    nodeName,
    connectedMs,
    interest: () => attachment.interest,
    setInterest(interest) {
      attachment.interest = interest;
      attach(socket, attachment);
    },
    lastSeenMs: () => Math.max(connectedMs, state.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0),
    bufferedBytes: () => socket.bufferedAmount,
    send: (text) => socket.send(text),
    close: (code, reason) => socket.close(code, reason),
  };
}

/** A node with more Secrets than can be kept is woken for every one. */
function attach(socket: WebSocket, attachment: Attachment): void {
  const fits = new TextEncoder().encode(JSON.stringify(attachment)).length <= ATTACHMENT_BYTES_MAX;
  socket.serializeAttachment(fits ? attachment : { ...attachment, interest: "all" });
}
