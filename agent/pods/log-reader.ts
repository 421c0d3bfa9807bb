/**
 * Reads a container's log (CRI format: `<time> <stdout|stderr> <P|F> <text>`) as the bytes a client of `kubectl logs` gets. Reads only
 * as fast as the client takes, in blocks; follows the file until the container has ended.
 */
import { watch } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { Timers } from "../../src/platform/platform.ts";

export interface LogOptions {
  follow?: boolean;
  tailLines?: number;
  limitBytes?: number;
  /** Unix ms: lines before it are left out. */
  sinceMs?: number;
  timestamps?: boolean;
  stream?: "stdout" | "stderr";
}

export interface LogSource {
  path: string;
  /** False once nothing more can be written to the file. */
  running(): boolean;
}

const BLOCK_BYTES = 64 * 1024;
const POLL_MS = 500;
const NEWLINE = 10;
const SPACE = 32;

interface Line {
  time: string;
  stream: string;
  partial: boolean;
  text: Buffer;
}

/** @returns undefined for what is no log line. */
export function parseLogLine(line: Buffer): Line | undefined {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  const third = line.indexOf(SPACE, second + 1);
  if (first <= 0 || second < 0) return undefined;
  const tags = line.toString("latin1", second + 1, third < 0 ? line.length : third);
  const text = third < 0 ? Buffer.alloc(0) : line.subarray(third + 1);
  return {
    time: line.toString("latin1", 0, first),
    stream: line.toString("latin1", first + 1, second),
    partial: tags.split(":")[0] === "P",
    text,
  };
}

/** Where the last `lines` lines begin. */
async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines === 0) return size;
  let left = lines;
  let end = size;
  while (end > 0) {
    const begin = Math.max(0, end - BLOCK_BYTES);
    const { buffer } = await file.read(Buffer.alloc(end - begin), 0, end - begin, begin);
    for (let i = buffer.length - 1; i >= 0; i--) {
      // The newline at the very end closes the last line, it does not begin another.
      if (buffer[i] !== NEWLINE || begin + i === size - 1) continue;
      if (--left === 0) return begin + i + 1;
    }
    end = begin;
  }
  return 0;
}

/** Turns lines of the file into what is sent. */
class Formatter {
  private lineBegins = true;
  private readonly options: LogOptions;
  constructor(options: LogOptions) {
    this.options = options;
  }

  format(raw: Buffer): Uint8Array | undefined {
    const line = parseLogLine(raw);
    if (line === undefined) return undefined;
    const { sinceMs, stream, timestamps } = this.options;
    if (stream !== undefined && line.stream !== stream) return undefined;
    if (sinceMs !== undefined && Date.parse(line.time) < sinceMs) return undefined;
    const parts: Buffer[] = [];
    if (timestamps === true && this.lineBegins) parts.push(Buffer.from(`${line.time} `));
    parts.push(line.text);
    if (!line.partial) parts.push(Buffer.from("\n"));
    this.lineBegins = !line.partial;
    return Buffer.concat(parts);
  }
}

/** Resolves when the file changes, at the latest after a moment, or when aborted. */
function changed(path: string, timers: Timers, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(path, () => done());
    watcher.on("error", () => done());
    const undo = timers.after(POLL_MS, () => done());
    const done = () => {
      undo();
      watcher.close();
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done);
  });
}

async function* readLines(
  file: FileHandle,
  source: LogSource,
  options: LogOptions,
  timers: Timers,
  signal: AbortSignal,
) {
  let offset = options.tailLines === undefined ? 0 : await tailOffset(file, options.tailLines);
  let rest = Buffer.alloc(0);
  while (!signal.aborted) {
    // Asked before reading: what was written before the end is then surely read.
    const running = source.running();
    const { bytesRead, buffer } = await file.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, offset);
    if (bytesRead === 0) {
      if (options.follow !== true || !running) return;
      await changed(source.path, timers, signal).catch(() => undefined);
      continue;
    }
    offset += bytesRead;
    rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    const lines: Buffer[] = [];
    let begin = 0;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, begin)) {
      lines.push(rest.subarray(begin, end));
      begin = end + 1;
    }
    rest = rest.subarray(begin);
    yield lines;
  }
}

async function* logChunks(source: LogSource, options: LogOptions, timers: Timers, signal: AbortSignal) {
  const file = await open(source.path);
  try {
    const formatter = new Formatter(options);
    let left = options.limitBytes ?? Infinity;
    for await (const lines of readLines(file, source, options, timers, signal)) {
      const chunk = Buffer.concat(lines.flatMap((line) => formatter.format(line) ?? []));
      if (chunk.length > 0) yield new Uint8Array(chunk.subarray(0, Math.min(left, chunk.length)));
      left -= chunk.length;
      if (left <= 0) return;
    }
  } finally {
    await file.close();
  }
}

/** The stream fails with the file's error when it cannot be opened. Cancelling it ends a follow. */
export function readLog(source: LogSource, options: LogOptions, timers: Timers): ReadableStream<Uint8Array> {
  const cancel = new AbortController();
  const chunks = logChunks(source, options, timers, cancel.signal);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        cancel.abort();
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 1 },
  );
}
