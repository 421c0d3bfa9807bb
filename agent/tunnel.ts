/** The one connection a node keeps: over it the hub wakes it and asks it to dial streams. */
import { WebSocket, type ClientOptions } from "ws";
import type { Platform } from "../src/platform/platform.ts";
import { CLOSE_REPLACED, HEARTBEAT_INTERVAL_MS, PING, PONG, type TunnelMessage } from "../src/relay/protocol.ts";

export interface Tunnel {
  connected(): boolean;
  /** Undelivered when the tunnel is down: what matters is said again after the next connect. */
  send(message: TunnelMessage): void;
  stop(): void;
}

export interface TunnelOptions {
  /** e.g. "https://api.example.com" */
  server: string;
  credential: () => string;
  /** PEM; undefined trusts what the system trusts. */
  ca: () => string | undefined;
  platform: Platform;
  onMessage: (message: TunnelMessage) => void;
  onUp: () => void;
  /** `refused`: the server answered 401, the credential is no good. */
  onDown: (why: { refused: boolean }) => void;
}

/** Two unanswered heartbeats and a bit. */
const SILENCE_MS_MAX = 2.5 * HEARTBEAT_INTERVAL_MS;
const HANDSHAKE_MS_MAX = 10_000;
/** The first retry comes soon, for a cut line; later ones spread a whole fleet over half a minute, for a server that restarts. */
const RETRY_MS_FIRST = 2000;
const RETRY_MS_MAX = 30_000;
const FAILURES_PATIENT = 4;

export function openTunnel(options: TunnelOptions): Tunnel {
  const { platform, onMessage, onUp, onDown } = options;
  const { timers, random, clock, log } = platform;
  let socket: WebSocket | undefined;
  let failures = 0;
  let stopped = false;
  let stopTimer: (() => void) | undefined;

  function connect(): void {
    const next = dial(options.server, "/agent/v1/tunnel", options);
    socket = next;
    let heardMs = clock.now();
    let refused = false;
    next.on("open", () => {
      failures = 0;
      heardMs = clock.now();
      onUp();
      beat();
    });
    next.on("message", (data: Buffer, isBinary) => {
      heardMs = clock.now();
      const text = data.toString();
      if (isBinary || text === PONG) return;
      const message = parse(text);
      if (message) onMessage(message);
      else log.warn("dropped a message of the hub", { bytes: text.length });
    });
    next.on("unexpected-response", (_request, response) => {
      refused = response.statusCode === 401;
      log.warn("the tunnel was refused", { status: response.statusCode });
      response.resume();
      next.terminate();
    });
    next.on("error", (error) => log.debug("the tunnel failed", { error }));
    next.once("close", (code) => {
      stopTimer?.();
      log.debug("the tunnel is down", { code });
      // Two agents with one identity must not take the tunnel from each other every second.
      if (code === CLOSE_REPLACED) failures = Math.max(failures, FAILURES_PATIENT);
      onDown({ refused });
      retry();
    });

    function beat(): void {
      if (clock.now() - heardMs > SILENCE_MS_MAX) return next.terminate();
      next.send(PING);
      stopTimer = timers.after(HEARTBEAT_INTERVAL_MS, beat);
    }
  }

  function retry(): void {
    if (stopped) return;
    const spread = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** failures);
    failures += 1;
    stopTimer = timers.after(spread * random.fraction(), connect);
  }

  connect();
  return {
    connected: () => socket?.readyState === WebSocket.OPEN,
    send(message) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    stop() {
      stopped = true;
      stopTimer?.();
      socket?.close(1000, "the agent stops");
      // Whoever does not answer the close frame is not waited for.
      socket?.terminate();
    },
  };
}

/** Dials a WebSocket of the agents' API. */
export function dial(server: string, path: string, options: Pick<TunnelOptions, "credential" | "ca">): WebSocket {
  const ca = options.ca();
  const client: ClientOptions = {
    headers: { authorization: `Bearer ${options.credential()}` },
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_MS_MAX,
    ...(ca === undefined ? {} : { ca }),
  };
  return new WebSocket(server.replace(/^http/, "ws") + path, client);
}

function parse(text: string): TunnelMessage | undefined {
  try {
    const message = JSON.parse(text) as TunnelMessage;
    return message.type === "wake" || message.type === "open" ? message : undefined;
  } catch {
    return undefined;
  }
}
