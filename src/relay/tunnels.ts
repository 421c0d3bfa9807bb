/**
 * The hub's side of the nodes' tunnels: whom a commit concerns, wakes, streams to open, signs of life. It keeps almost nothing itself,
 * because on the edge the sockets outlive the object: what a tunnel must remember is kept by the runtime with its socket (TunnelPeer).
 */
import type { KubeObject } from "../machinery/meta.ts";
import type { Clock, Log, Timers } from "../platform/platform.ts";
import type { Presence } from "../hub/hub.ts";
import type { LogEntry } from "../storage/storage.ts";
import { nodeRoute } from "./node-route.ts";
import { CLOSE_DELETED, CLOSE_REPLACED, CLOSE_SLOW, type TunnelMessage } from "./protocol.ts";

/** "all": not told yet, or more than the runtime can keep with a socket. */
export type Interest = "all" | { secrets: readonly string[]; configMaps: readonly string[] };

/** One connected tunnel. */
export interface TunnelPeer {
  readonly nodeName: string;
  interest(): Interest;
  setInterest(interest: Interest): void;
  /** Unix ms of the last message or answered heartbeat; the time it was accepted when there was none. */
  lastSeenMs(): number;
  /** Not yet taken by the network. */
  bufferedBytes(): number;
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** The connected tunnels, kept by the runtime. */
export interface TunnelPeers {
  all(): Iterable<TunnelPeer>;
  /** Oldest first. */
  of(nodeName: string): Iterable<TunnelPeer>;
}

export interface Tunnels extends Presence {
  /** A new tunnel was accepted; older ones of its node are closed. */
  accepted(peer: TunnelPeer): void;
  /** A tunnel has closed: until then its node was alive. */
  closed(peer: TunnelPeer): void;
  /** A text frame of an agent other than its heartbeat. Never throws: what cannot be read is logged and dropped. */
  received(peer: TunnelPeer, text: string): void;
  /** Wakes the nodes that these entries of the log concern. Call it after each commit, in order. */
  committed(entries: readonly LogEntry[]): void;
  /** Asks a node to dial a stream; false when its tunnel is down. */
  openStream(nodeName: string, message: Extract<TunnelMessage, { type: "open" }>): boolean;
  /** A sign of life that did not come through a tunnel (a poll). */
  seen(nodeName: string): void;
}

export interface TunnelsDeps {
  peers: TunnelPeers;
  clock: Clock;
  timers: Timers;
  log: Log;
  /** An agent cannot serve a stream. */
  refused: (answer: { id: string; nodeName: string; code: number; message: string }) => void;
}

/** Bursts of commits reach a node as one wake: the first at once, the next not before this. */
const WAKE_INTERVAL_MS = 50;
const BUFFERED_BYTES_MAX = 4 * 1024 * 1024;
/** A node that remembered is remembered this long. */
const SEEN_MS_MAX = 15 * 60_000;

export function createTunnels(deps: TunnelsDeps): Tunnels {
  const { peers, clock, timers, log, refused } = deps;
  const wakes = createWakes({ peers, clock, timers });
  const routes = new Map<string, string>();
  const remembered = new Map<string, number>();

  function concerns(entry: LogEntry): Iterable<string> {
    switch (entry.resource) {
      case "pods":
        return new Set([entry.fields["spec.nodeName"] ?? "", entry.before?.fields["spec.nodeName"] ?? ""]);
      case "services":
      case "endpointslices.discovery.k8s.io":
        return connected(peers);
      case "nodes":
        return routeChanged(routes, entry) ? connected(peers) : [entry.name];
      case "secrets":
      case "configmaps":
        return interested(peers, entry);
      default:
        return [];
    }
  }

  return {
    accepted(peer) {
      for (const older of peers.of(peer.nodeName))
        if (older !== peer) older.close(CLOSE_REPLACED, "another tunnel of this node was opened");
    },

    closed(peer) {
      remembered.set(peer.nodeName, Math.max(remembered.get(peer.nodeName) ?? 0, peer.lastSeenMs()));
    },

    received(peer, text) {
      const message = parseMessage(text);
      if (message?.type === "refuse") {
        const { id, code, message: why } = message;
        refused({ id, nodeName: peer.nodeName, code, message: why });
      } else if (message?.type === "interest") {
        peer.setInterest({ secrets: message.secrets, configMaps: message.configMaps });
      } else {
        log.warn("dropped a message of an agent", { node: peer.nodeName, bytes: text.length });
      }
    },

    committed(entries) {
      for (const entry of entries) {
        if (entry.resource === "nodes" && entry.type === "DELETED")
          for (const peer of peers.of(entry.name)) peer.close(CLOSE_DELETED, "the node was deleted");
        for (const nodeName of concerns(entry)) if (nodeName !== "") wakes.wake(nodeName, entry.revision);
      }
    },

    openStream(nodeName, message) {
      // The newest tunnel: of an older one that is closing nobody may read any more.
      const peer = [...peers.of(nodeName)].at(-1);
      return peer !== undefined && deliver(peer, message);
    },

    seen: (nodeName) => void remembered.set(nodeName, clock.now()),

    async lastSeen() {
      const times: Record<string, number> = {};
      const now = clock.now();
      for (const [nodeName, at] of remembered) {
        if (now - at > SEEN_MS_MAX) remembered.delete(nodeName);
        else times[nodeName] = at;
      }
      for (const peer of peers.all()) times[peer.nodeName] = Math.max(times[peer.nodeName] ?? 0, peer.lastSeenMs());
      return times;
    },
  };
}

/** False when the peer is so slow that it was closed instead. */
function deliver(peer: TunnelPeer, message: TunnelMessage): boolean {
  if (peer.bufferedBytes() > BUFFERED_BYTES_MAX) {
    peer.close(CLOSE_SLOW, "the agent reads too slowly");
    return false;
  }
  peer.send(JSON.stringify(message));
  return true;
}

function createWakes({ peers, clock, timers }: Pick<TunnelsDeps, "peers" | "clock" | "timers">) {
  /** Per node: when it was woken last, and the revision a later wake will name. */
  const nodes = new Map<string, { lastMs: number; pending: number | undefined }>();

  function send(nodeName: string, revision: number): void {
    nodes.set(nodeName, { lastMs: clock.now(), pending: undefined });
    let delivered = false;
    for (const peer of peers.of(nodeName)) delivered = deliver(peer, { type: "wake", revision }) || delivered;
    if (!delivered) nodes.delete(nodeName);
  }

  return {
    wake(nodeName: string, revision: number): void {
      const state = nodes.get(nodeName);
      if (state === undefined || clock.now() - state.lastMs >= WAKE_INTERVAL_MS) return send(nodeName, revision);
      const waiting = state.pending !== undefined;
      state.pending = revision;
      if (waiting) return;
      timers.after(Math.max(0, state.lastMs + WAKE_INTERVAL_MS - clock.now()), () => {
        const { pending } = nodes.get(nodeName) ?? {};
        if (pending !== undefined) send(nodeName, pending);
      });
    },
  };
}

function connected(peers: TunnelPeers): Set<string> {
  return new Set(Array.from(peers.all(), (peer) => peer.nodeName));
}

function interested(peers: TunnelPeers, entry: LogEntry): Set<string> {
  const name = `${entry.namespace}/${entry.name}`;
  const nodes = new Set<string>();
  for (const peer of peers.all()) {
    const interest = peer.interest();
    const names = interest === "all" ? [name] : entry.resource === "secrets" ? interest.secrets : interest.configMaps;
    if (names.includes(name)) nodes.add(peer.nodeName);
  }
  return nodes;
}

/** Nodes write their status often; others care only where a node and its pods are found. */
function routeChanged(routes: Map<string, string>, entry: LogEntry): boolean {
  const before = routes.get(entry.name);
  if (entry.type === "DELETED") routes.delete(entry.name);
  else routes.set(entry.name, JSON.stringify(nodeRoute(JSON.parse(entry.value) as KubeObject)));
  return entry.type !== "MODIFIED" || before !== routes.get(entry.name);
}

function parseMessage(text: string): TunnelMessage | undefined {
  try {
    const message = JSON.parse(text) as Partial<Record<string, unknown>> | null;
    if (message?.type === "refuse") {
      const { id, code, message: why } = message;
      if (typeof id === "string" && typeof code === "number" && typeof why === "string")
        return { type: "refuse", id, code, message: why };
    }
    if (message?.type === "interest" && isNames(message.secrets) && isNames(message.configMaps))
      return { type: "interest", secrets: message.secrets, configMaps: message.configMaps };
  } catch {
    // Falls through: the caller logs what it drops.
  }
  return undefined;
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}
