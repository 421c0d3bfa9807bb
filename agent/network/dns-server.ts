/**
 * The node's DNS server: answers pods for the cluster's names from what the agent holds, so names resolve while the control plane
 * is away, and passes every other question on. UDP and TCP.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { createServer, type Server, type Socket as TcpSocket } from "node:net";
import * as dns from "dns-packet";
import type { Log, Timers } from "../../src/platform/platform.ts";
import type { Zone } from "./dns-zone.ts";

const TTL_SECONDS = 5;
const UPSTREAM_TIMEOUT_MS = 3_000;
/** Questions passed on at once; beyond that the answer is SERVFAIL. */
const FORWARDING_MAX = 256;
const AUTHORITATIVE = dns.AUTHORITATIVE_ANSWER | dns.RECURSION_AVAILABLE;
const NXDOMAIN = 3;
const SERVFAIL = 2;

export interface DnsServer {
  port: number;
  close(): Promise<void>;
}

/** @throws when the address cannot be bound */
export async function startDnsServer(deps: {
  address: string;
  /** 0 lets the system choose; UDP and TCP share the number. */
  port: number;
  /** Asked for every question. */
  zone(): Zone;
  /** Addresses of the node's own resolvers, in order. */
  upstreams: readonly string[];
  timers: Timers;
  log: Log;
}): Promise<DnsServer> {
  const udp = createSocket("udp4");
  const forwarder = createForwarder(deps);
  const respond = async (message: Uint8Array): Promise<Uint8Array | undefined> => {
    const query = decode(message);
    if (query === undefined) return undefined;
    return answerLocally(query, deps.zone()) ?? (await forwarder.ask(query, message));
  };
  udp.on("message", (message, peer) => void reply(udp, peer, respond(message)));
  udp.on("error", (error) => deps.log.warn("dns socket failed", { error }));
  await new Promise<void>((resolve, reject) => {
    udp.once("error", reject);
    udp.bind(deps.port, deps.address, () => {
      udp.off("error", reject);
      resolve();
    });
  });
  const { port } = udp.address();
  const tcp = await startTcp({ address: deps.address, port, respond });
  return {
    port,
    async close() {
      forwarder.close();
      await new Promise<void>((resolve) => udp.close(() => resolve()));
      await tcp.close();
    },
  };
}

function decode(message: Uint8Array): dns.DecodedPacket | undefined {
  try {
    const query = dns.decode(Buffer.from(message));
    return query.type === "query" && query.questions?.length === 1 ? query : undefined;
  } catch {
    // Not DNS: nothing can be answered, and a log line a packet would be a way to fill the disk.
    return undefined;
  }
}

/** Undefined where the question is not about the cluster. */
function answerLocally(query: dns.DecodedPacket, zone: Zone): Uint8Array | undefined {
  const question = query.questions?.[0];
  if (question === undefined) return undefined;
  const { name, type } = question;
  const found = zone.answer({ name, type });
  if (found.kind === "foreign") return undefined;
  const answers: dns.Answer[] = [];
  const additionals: dns.Answer[] = [];
  if (found.kind === "a") {
    for (const data of found.addresses) answers.push({ type: "A", name, ttl: TTL_SECONDS, data });
  } else if (found.kind === "cname") {
    answers.push({ type: "CNAME", name, ttl: TTL_SECONDS, data: found.target });
  } else if (found.kind === "srv") {
    for (const { port, target, address } of found.targets) {
      answers.push({ type: "SRV", name, ttl: TTL_SECONDS, data: { priority: 0, weight: 100, port, target } });
      additionals.push({ type: "A", name: target, ttl: TTL_SECONDS, data: address });
    }
  }
  const rcode = found.kind === "no-name" ? NXDOMAIN : 0;
  return encode(query, { rcode, flags: AUTHORITATIVE, answers, additionals });
}

function encode(
  query: dns.DecodedPacket,
  {
    rcode,
    flags,
    answers = [],
    additionals = [],
  }: { rcode: number; flags: number; answers?: dns.Answer[]; additionals?: dns.Answer[] },
): Uint8Array {
  const asked = (query.flags ?? 0) & dns.RECURSION_DESIRED;
  return dns.encode({
    type: "response",
    id: query.id ?? 0,
    flags: flags | asked | rcode,
    questions: query.questions ?? [],
    answers,
    additionals,
  });
}

async function reply(udp: Socket, peer: RemoteInfo, response: Promise<Uint8Array | undefined>): Promise<void> {
  const bytes = await response;
  // The pod may be gone, or the server closed, by the time upstream has answered: DNS over UDP may lose answers.
  if (bytes !== undefined) udp.send(bytes, peer.port, peer.address, () => {});
}

function createForwarder({ upstreams, timers }: { upstreams: readonly string[]; timers: Timers }) {
  const open = new Set<() => void>();
  const askOne = (upstream: string, message: Uint8Array): Promise<Uint8Array | undefined> =>
    new Promise((resolve) => {
      const socket = createSocket(upstream.includes(":") ? "udp6" : "udp4");
      const finish = (answer: Uint8Array | undefined): void => {
        if (!open.delete(giveUp)) return;
        cancel();
        socket.close();
        resolve(answer);
      };
      const giveUp = (): void => finish(undefined);
      const cancel = timers.after(UPSTREAM_TIMEOUT_MS, giveUp);
      open.add(giveUp);
      socket.on("message", (answer) => {
        // A wrong id is not an answer to this question (or a forged one).
        if (answer.length >= 2 && answer[0] === message[0] && answer[1] === message[1]) finish(answer);
      });
      socket.on("error", giveUp);
      socket.connect(53, upstream, () => socket.send(message));
    });
  return {
    async ask(query: dns.DecodedPacket, message: Uint8Array): Promise<Uint8Array> {
      for (const upstream of open.size < FORWARDING_MAX ? upstreams : []) {
        const answer = await askOne(upstream, message);
        if (answer !== undefined) return answer;
      }
      return encode(query, { rcode: SERVFAIL, flags: dns.RECURSION_AVAILABLE });
    },
    close() {
      for (const giveUp of open) giveUp();
    },
  };
}

/** DNS over TCP: each message is preceded by its length in two bytes. */
async function startTcp(deps: {
  address: string;
  port: number;
  respond: (message: Uint8Array) => Promise<Uint8Array | undefined>;
}): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<TcpSocket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    void serveTcp(socket, deps.respond).finally(() => socket.end());
  });
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(deps.port, deps.address, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function serveTcp(
  socket: TcpSocket,
  respond: (message: Uint8Array) => Promise<Uint8Array | undefined>,
): Promise<void> {
  let pending = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      pending = Buffer.concat([pending, chunk as Buffer]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const length = pending.readUInt16BE(0);
        const answer = await respond(pending.subarray(2, 2 + length));
        pending = pending.subarray(2 + length);
        if (answer === undefined) return;
        const framed = Buffer.alloc(2 + answer.length);
        framed.writeUInt16BE(answer.length, 0);
        framed.set(answer, 2);
        socket.write(framed);
      }
    }
  } catch {
    // The pod cut the connection; there is nobody left to tell.
  }
}
