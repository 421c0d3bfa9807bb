/** One open watch: its place in the log, its queue, and the stream its client reads. */
import type { Opener } from "../machinery/opener.ts";
import type { Timers } from "../platform/platform.ts";
import type { Head, Present } from "../storage/stored-value.ts";
import { bookmarkLine, changeFor, UNREADABLE_LINE, type Interest, type SharedEntry } from "./changes.ts";

export interface WatcherOptions extends Interest {
  since: number;
  head: Head;
  bookmarks: boolean;
  marksCaughtUp?: boolean;
  timeoutMs: number;
  opener?: Opener;
}

export interface WatcherDeps {
  timers: Timers;
  present?: Present | undefined;
  queueBytesMax: number;
  bookmarkIntervalMs: number;
  /** Everything up to here has been offered to this watcher. */
  positionOf(watcher: Watcher): number;
  /** The newest revision that is known. */
  newest(): number;
  /** Called once, however the watch ends. */
  onEnd(watcher: Watcher): void;
  /** Counts events of all watchers of the resource. */
  sent: { events: number };
}

/** Queued lines go out together, up to this size. */
const CHUNK_BYTES_MAX = 64 * 1024;

export class Watcher {
  readonly stream: ReadableStream<Uint8Array>;
  /** Every entry up to this revision was offered. */
  position: number;
  readonly #options: WatcherOptions;
  readonly #deps: WatcherDeps;
  readonly #undo: (() => void)[] = [];
  #controller: ReadableByteStreamController | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Set while the client waits for data. */
  #wanted: (() => void) | undefined;
  #drained: (() => void) | undefined;
  #state: "open" | "ending" | "closed" = "open";

  constructor(options: WatcherOptions, deps: WatcherDeps) {
    this.#options = options;
    this.#deps = deps;
    this.position = options.since;
    // A byte stream, because only those cross a Durable Object's RPC. Nothing is buffered in it: the queue is the only buffer.
    this.stream = new ReadableStream(
      {
        type: "bytes",
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#close(),
      },
      { highWaterMark: 0 },
    );
    this.#undo.push(deps.timers.after(options.timeoutMs, () => this.end()));
    if (options.bookmarks) this.#scheduleBookmark();
  }

  get resource(): string {
    return this.#options.resource;
  }

  get opener(): Opener | undefined {
    return this.#options.opener;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get open(): boolean {
    return this.#state === "open";
  }

  /**
   * Queues what the entry means to this watcher. Too slow a live watcher is closed between events: it resumes by its last revision.
   * While it catches up, the one who offers waits for it instead.
   */
  offer(shared: SharedEntry, mode: "live" | "catch-up"): void {
    if (this.#state !== "open" || shared.entry.revision <= this.position) return;
    this.position = shared.entry.revision;
    if (shared.entry.resource !== this.#options.resource) return;
    const change = changeFor(this.#options, shared.entry);
    if (change === undefined) return;
    if (shared.entry.unreadable) {
      this.#push(UNREADABLE_LINE);
      this.#finish();
      return;
    }
    const line = shared.lineFor(change, this.#options.head, this.#deps.present);
    const full = this.#queuedBytes > 0 && this.#queuedBytes + line.byteLength > this.#deps.queueBytesMax;
    if (full && mode === "live") {
      this.#close();
      return;
    }
    this.#deps.sent.events++;
    this.#push(line);
  }

  /** It has joined the live ones. */
  caughtUp(): void {
    if (this.#options.marksCaughtUp === true && this.#state === "open") this.#bookmark();
  }

  /** Resolves when the client has taken the queue, or the watch is over. */
  drained(): Promise<void> {
    if (this.#queuedBytes === 0 || this.#state === "closed") return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Ends cleanly: a last bookmark if asked for, and what is queued still goes out. */
  end(): void {
    if (this.#state !== "open") return;
    if (this.#options.bookmarks) this.#bookmark();
    this.#finish();
  }

  #finish(): void {
    this.#state = "ending";
    this.#leave();
    this.#flush();
  }

  #scheduleBookmark(): void {
    const undo = this.#deps.timers.after(this.#deps.bookmarkIntervalMs, () => {
      if (this.#state !== "open") return;
      this.#undo.splice(this.#undo.indexOf(undo), 1);
      // A client that is behind learns nothing from a bookmark.
      if (this.#queuedBytes === 0) this.#bookmark();
      this.#scheduleBookmark();
    });
    this.#undo.push(undo);
  }

  #bookmark(): void {
    // A watch from a revision that is yet to come has seen nothing of it.
    if (this.#options.since > this.#deps.newest()) return;
    this.#push(bookmarkLine(Math.max(this.position, this.#deps.positionOf(this)), this.#options.head));
  }

  #push(line: Uint8Array): void {
    this.#queue.push(line);
    this.#queuedBytes += line.byteLength;
    this.#flush();
  }

  #pull(): Promise<void> | undefined {
    if (this.#queue.length > 0 || this.#state === "ending") {
      this.#send();
      return undefined;
    }
    return new Promise((resolve) => {
      this.#wanted = resolve;
    });
  }

  /** Sends if the client waits; otherwise its next read will. An end is told at once: there may be no next read. */
  #flush(): void {
    const wanted = this.#wanted;
    if (wanted === undefined && !(this.#state === "ending" && this.#queue.length === 0)) return;
    this.#wanted = undefined;
    this.#send();
    wanted?.();
  }

  #send(): void {
    if (this.#queue.length > 0) this.#controller?.enqueue(this.#takeChunk());
    if (this.#queue.length > 0) return;
    this.#drained?.();
    this.#drained = undefined;
    if (this.#state === "ending") this.#close();
  }

  /** A copy: a byte stream takes its chunk's memory away, and lines are shared. */
  #takeChunk(): Uint8Array<ArrayBuffer> {
    let bytes = 0;
    let count = 0;
    for (const line of this.#queue) {
      if (count > 0 && bytes + line.byteLength > CHUNK_BYTES_MAX) break;
      bytes += line.byteLength;
      count++;
    }
    const chunk = new Uint8Array(bytes);
    let at = 0;
    for (const line of this.#queue.splice(0, count)) {
      chunk.set(line, at);
      at += line.byteLength;
    }
    this.#queuedBytes -= bytes;
    return chunk;
  }

  #close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#leave();
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#drained?.();
    this.#wanted?.();
    this.#wanted = undefined;
    const controller = this.#controller;
    this.#controller = undefined;
    try {
      controller?.close();
      // A reader that brought its own buffer waits until it is given back, empty.
      controller?.byobRequest?.respond(0);
    } catch {
      // Cancelled by the client: the stream is closed already.
    }
  }

  #leave(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#deps.onEnd(this);
  }
}
