/** The two brokers of streams, each behind a port of this machine, with agents that do nothing by themselves. Node only. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { createHttpsFetch } from "../../agent/https-fetch.ts";
import { openIdentity } from "../../agent/join.ts";
import { dial } from "../../agent/tunnel.ts";
import type { Fetch } from "../../src/client/client.ts";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import { startRelayServer } from "../../src/platform/node/testing/relay-server.ts";
import type { TunnelMessage } from "../../src/relay/protocol.ts";
import { startRelayWorker } from "../../src/relay/testing/start-relay-worker.ts";
import { eventually } from "./eventually.ts";

export type OpenMessage = Extract<TunnelMessage, { type: "open" }>;

export interface StreamRelay {
  url: string;
  ca: string | undefined;
  fetch: Fetch;
  /** What a node of this name says who it is by. */
  credentialOf(nodeName: string): Promise<string>;
  stop(): Promise<void>;
}

export const RELAYS: [string, () => Promise<StreamRelay>][] = [
  ["Node", startOnNode],
  ["the edge", startOnEdge],
];

async function startOnNode(): Promise<StreamRelay> {
  const platform = createNodePlatform({ level: "error" });
  const server = await startRelayServer(platform);
  const { url, ca } = server;
  const https = createHttpsFetch({ ca });
  const directory = await mkdtemp(join(tmpdir(), "gantry-relay-"));
  const stops: (() => void)[] = [];
  return {
    url,
    ca,
    fetch: https.fetch,
    async credentialOf(nodeName) {
      const token = await server.token();
      const at = { server: url, nodeName, token, directory: join(directory, nodeName), fetch: https.fetch, platform };
      const identity = await openIdentity(at);
      stops.push(() => identity.stop());
      return identity.credential();
    },
    async stop() {
      for (const stop of stops) stop();
      https.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function startOnEdge(): Promise<StreamRelay> {
  const worker = await startRelayWorker();
  const http = createHttpsFetch();
  return {
    url: worker.url,
    ca: undefined,
    fetch: http.fetch,
    credentialOf: async (nodeName) => nodeName,
    async stop() {
      http.close();
      await worker.stop();
    },
  };
}

export interface SilentAgent {
  nodeName: string;
  credential: string;
  /** What the hub has asked it to serve, oldest first. */
  opened: OpenMessage[];
  say(message: TunnelMessage): void;
  stop(): void;
}

/** An agent with a tunnel that serves nothing. */
export async function connectAgent(relay: StreamRelay, nodeName: string): Promise<SilentAgent> {
  const credential = await relay.credentialOf(nodeName);
  const socket = dial(relay.url, "/agent/v1/tunnel", { credential: () => credential, ca: () => relay.ca });
  const opened: OpenMessage[] = [];
  socket.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString()) as TunnelMessage;
    if (message.type === "open") opened.push(message);
  });
  await once(socket, "open");
  return {
    nodeName,
    credential,
    opened,
    say: (message) => socket.send(JSON.stringify(message)),
    stop: () => socket.terminate(),
  };
}

/** A client's exec of a pod of this node. Settles when it is answered. */
export function execOn(relay: StreamRelay, nodeName: string, query = "kind=exec&command=cat"): Promise<WebSocket> {
  return socketTo(relay, `/stream/${nodeName}?${query}`, { protocols: ["v5.channel.k8s.io"] });
}

/** Rejects with `status` where the upgrade is refused. */
export function socketTo(
  relay: StreamRelay,
  path: string,
  { protocols = [], credential }: { protocols?: string[]; credential?: string } = {},
): Promise<WebSocket> {
  const socket = new WebSocket(relay.url.replace(/^http/, "ws") + path, protocols, {
    headers: credential === undefined ? {} : { authorization: `Bearer ${credential}` },
    perMessageDeflate: false,
    ...(relay.ca === undefined ? {} : { ca: relay.ca }),
  });
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(socket));
    socket.once("unexpected-response", (_request, response) => {
      response.resume();
      reject(Object.assign(new Error(`${response.statusCode}`), { status: response.statusCode }));
    });
    socket.on("error", reject);
  });
}

/** The stream that the agent was asked for last, once there are so many. */
export async function openedOf({ opened }: SilentAgent, count: number): Promise<OpenMessage> {
  await eventually(() => {
    if (opened.length < count) throw new Error(`${opened.length} streams were opened`);
  });
  const message = opened[count - 1];
  if (!message) throw new Error("nothing was opened");
  return message;
}

/** The status of an upgrade: 101, or why not. */
export async function dialStatus(relay: StreamRelay, path: string, credential: string): Promise<number> {
  try {
    const socket = await socketTo(relay, path, { credential });
    socket.terminate();
    return 101;
  } catch (error) {
    return (error as { status?: number }).status ?? 0;
  }
}
