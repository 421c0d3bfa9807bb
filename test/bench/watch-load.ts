/**
 * Watchers in a thread of their own, each on its own TLS connection, and one writer: from the sending of a write until each watcher
 * has read the event. One write at a time, so that latencies are the fan-out's and not a queue's.
 */
import { connect, type TLSSocket } from "node:tls";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

export interface WatchLoad {
  port: number;
  /** PEM */
  ca: string;
  watchPath: string;
  writePath: string;
  token: string;
  /** "{n}" becomes a number; what a watcher reads must hold the name `w-{n}`. */
  body: string;
  watchers: number;
  writes: number;
}

/** Milliseconds from the write to each watcher, in no order. */
export async function watchLoad(request: WatchLoad): Promise<{ latenciesMs: number[] }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: request });
  try {
    return await new Promise((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  } finally {
    await worker.terminate();
  }
}

/** Connections under way at once while they are opened. */
const OPENING = 20;
/** Writes before those that count. */
const WARM_UP = 5;

async function generate(load: WatchLoad): Promise<{ latenciesMs: number[] }> {
  const latenciesMs: number[] = [];
  const round: Round = { name: "", startMs: 0, left: 0, done: () => {} };
  const seen = (nowMs: number): void => {
    latenciesMs.push(nowMs - round.startMs);
    if (--round.left === 0) round.done();
  };
  for (let start = 0; start < load.watchers; start += OPENING) {
    const count = Math.min(OPENING, load.watchers - start);
    await Promise.all(Array.from({ length: count }, () => openWatch(load, round, seen)));
  }
  const writer = await open(load);
  for (let at = 0; at < load.writes + WARM_UP; at++) {
    if (at === WARM_UP) latenciesMs.length = 0;
    const name = `w-${at}`;
    const all = new Promise<void>((resolve) => {
      Object.assign(round, { name: `"${name}"`, left: load.watchers, done: resolve, startMs: performance.now() });
    });
    const answered = answerOf(writer);
    writer.write(requestText(load, "POST", load.writePath, load.body.replaceAll("{n}", String(at))));
    await Promise.all([all, answered]);
  }
  return { latenciesMs };
}

interface Round {
  /** As it stands in the event, with its quotes. */
  name: string;
  startMs: number;
  /** Watchers that have not read it yet. */
  left: number;
  done: () => void;
}

function open({ port, ca }: WatchLoad): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca, ALPNProtocols: ["http/1.1"] });
    socket.setNoDelay(true);
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** Resolves when the answer has begun: from then on the watcher misses nothing. */
async function openWatch(load: WatchLoad, round: Round, seen: (nowMs: number) => void): Promise<void> {
  const socket = await open(load);
  socket.write(requestText(load, "GET", load.watchPath));
  await new Promise<void>((resolve, reject) => {
    socket.once("data", (head: Buffer) => {
      const line = head.toString("latin1", 0, 12);
      if (line === "HTTP/1.1 200") resolve();
      else reject(new Error(head.toString()));
    });
  });
  socket.on("data", (chunk: Buffer) => {
    if (chunk.includes(round.name)) seen(performance.now());
  });
}

function answerOf(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("data", (answer: Buffer) => {
      if (answer.toString("latin1", 0, 10) === "HTTP/1.1 2") resolve();
      else reject(new Error(answer.toString()));
    });
  });
}

function requestText({ port, token }: WatchLoad, method: string, path: string, body?: string): string {
  const lines = [`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, `Authorization: Bearer ${token}`];
  if (body !== undefined) lines.push("Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`);
  return `${lines.join("\r\n")}\r\n\r\n${body ?? ""}`;
}

if (!isMainThread && workerData !== null) {
  const result = await generate(workerData as WatchLoad);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread's port has no origin
  parentPort?.postMessage(result);
}
