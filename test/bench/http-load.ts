/**
 * A load generator in a thread of its own: plain HTTP/1.1 on keep-alive connections, one request at a time on each. It parses no more
 * than it must, so that the server is what is measured.
 */
import { connect, type Socket } from "node:net";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

export interface LoadRequest {
  port: number;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Here and in the body "{n}" becomes the number of the request. */
  path: string;
  /** A body is JSON unless they say otherwise. */
  headers: Record<string, string>;
  body?: string;
  /** Number of the first request. */
  first?: number;
  connections: number;
  /** Requests that do not count, then those that do. */
  warmUp: number;
  requests: number;
}

export interface LoadResult {
  requestsPerSecond: number;
  bytesPerSecond: number;
  /** Answers that were no 2xx. */
  failures: number;
  p50Ms: number;
  p99Ms: number;
}

export async function load(request: LoadRequest): Promise<LoadResult> {
  const worker = new Worker(new URL(import.meta.url), { workerData: request });
  try {
    return await new Promise<LoadResult>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  } finally {
    await worker.terminate();
  }
}

interface Tally {
  next: number;
  finished: number;
  failures: number;
  bytes: number;
  startedMs: number;
  latenciesMs: number[];
}

async function generate(request: LoadRequest): Promise<LoadResult> {
  const total = request.warmUp + request.requests;
  const tally: Tally = { next: 0, finished: 0, failures: 0, bytes: 0, startedMs: 0, latenciesMs: [] };
  await Promise.all(Array.from({ length: request.connections }, () => drive(request, tally, total)));
  const seconds = (performance.now() - tally.startedMs) / 1000;
  const sorted = tally.latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    requestsPerSecond: sorted.length / seconds,
    bytesPerSecond: tally.bytes / seconds,
    failures: tally.failures,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

function bytesOf(request: LoadRequest, number: number): string {
  const body = request.body?.replaceAll("{n}", String(number));
  const path = request.path.replaceAll("{n}", String(number));
  const lines = [`${request.method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${request.port}`];
  const headers = body === undefined ? request.headers : { "Content-Type": "application/json", ...request.headers };
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return `${lines.join("\r\n")}\r\n\r\n${body ?? ""}`;
}

/** One connection until there is nothing left to send. */
function drive(request: LoadRequest, tally: Tally, total: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(request.port, "127.0.0.1");
    socket.setNoDelay(true);
    const isFixed = request.body === undefined && !request.path.includes("{n}");
    const fixed = isFixed ? bytesOf(request, 0) : undefined;
    let sentMs = 0;
    let counted = false;
    const answer = new AnswerReader();
    const send = (): void => {
      const number = tally.next++;
      if (number >= total) {
        socket.end();
        resolve();
        return;
      }
      if (number === request.warmUp) tally.startedMs = performance.now();
      counted = number >= request.warmUp;
      sentMs = performance.now();
      socket.write(fixed ?? bytesOf(request, (request.first ?? 0) + number));
    };
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      if (!answer.take(chunk)) return;
      if (counted) {
        tally.bytes += answer.bodyBytes;
        tally.latenciesMs.push(performance.now() - sentMs);
        if (!answer.ok) tally.failures++;
      }
      answer.reset();
      send();
    });
  });
}

/** Knows when an answer is complete, by Content-Length or by the last chunk. */
class AnswerReader {
  ok = false;
  bodyBytes = 0;
  #head: Buffer = Buffer.alloc(0);
  #expected = -1;
  #chunked = false;
  #inBody = false;
  #tail = "";

  reset(): void {
    this.ok = false;
    this.bodyBytes = 0;
    this.#head = Buffer.alloc(0);
    this.#expected = -1;
    this.#chunked = false;
    this.#inBody = false;
    this.#tail = "";
  }

  /** True when the answer is complete. */
  take(chunk: Buffer): boolean {
    if (this.#inBody) return this.#body(chunk);
    this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const end = this.#head.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const head = this.#head.toString("latin1", 0, end).toLowerCase();
    this.ok = head.startsWith("http/1.1 2");
    const length = /\r\ncontent-length: *([0-9]+)/.exec(head);
    this.#chunked = head.includes("\r\ntransfer-encoding: chunked");
    this.#expected = this.#chunked ? -1 : Number(length?.[1] ?? 0);
    this.#inBody = true;
    return this.#body(this.#head.subarray(end + 4));
  }

  #body(chunk: Buffer): boolean {
    this.bodyBytes += chunk.length;
    if (!this.#chunked) return this.bodyBytes >= this.#expected;
    this.#tail = (this.#tail + chunk.toString("latin1", Math.max(0, chunk.length - 5))).slice(-5);
    return this.#tail === "0\r\n\r\n";
  }
}

if (!isMainThread && workerData !== null) {
  const result = await generate(workerData as LoadRequest);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread's port has no origin
  parentPort?.postMessage(result);
}
