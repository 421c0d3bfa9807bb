/**
 * SPDY/3.1 on a connection that has been upgraded: streams with back-pressure both ways. Engines' streaming servers speak it and
 * nothing newer that can close one direction of a stream. Given `onStream` it is the server's side, otherwise the client's.
 *
 * The peers in use (Go's spdystream) know no flow control: they neither send WINDOW_UPDATE nor heed it. So windows bind, and are
 * renewed, only from the moment the peer shows that it keeps them; and what nobody reads stops the whole connection once it is more
 * than UNREAD_BYTES_HIGH. Headers of answers are not read: nothing depends on them.
 */
import type { Duplex } from "node:stream";
import {
  controlFrame,
  createFrameParser,
  createHeaderCompressor,
  createHeaderReader,
  dataHeader,
  FLAG_FIN,
  FRAME,
  numbers,
  RESET,
  SETTING_INITIAL_WINDOW,
  SpdyProtocolError,
  type HeaderReader,
  synReply,
  synStream,
} from "./spdy-frames.ts";

export interface SpdyStream {
  /** Resolves when the peer has accepted the stream. */
  opened: Promise<void>;
  /** Errors when the stream is reset or the connection is lost before its end. */
  readable: ReadableStream<Uint8Array>;
  /** Closing it closes this direction only. */
  writable: WritableStream<Uint8Array>;
  /** How much has come so far, read or not. */
  receivedBytes(): number;
}

export interface SpdyStreamOptions {
  headers: Readonly<Record<string, string>>;
  /** Asked when the stream ends by a reset or with the connection: true takes it for an orderly end. */
  endsByReset?: () => boolean;
}

/** A stream that the peer has opened, with the names of its headers in lower case. It is accepted already. */
export type IncomingStream = SpdyStream & { id: number; headers: Readonly<Record<string, string>> };

export interface SpdyConnection {
  openStream(options: SpdyStreamOptions): SpdyStream;
  /** Resolves when the connection is closed, from whichever side. */
  closed: Promise<void>;
  close(): void;
}

const WINDOW_BYTES = 64 * 1024;
/** A window is renewed when half of it has been read. */
const WINDOW_RENEW_BYTES = WINDOW_BYTES / 2;
const FRAME_BYTES_MAX = 32 * 1024;
const UNREAD_BYTES_HIGH = 1024 * 1024;
const UNREAD_BYTES_LOW = 256 * 1024;
/** Before the headers: stream, associated stream, priority and slot. */
const SYN_STREAM_HEAD_BYTES = 10;
/** Of the peer's, open at once. */
const STREAMS_MAX = 4096;

interface StreamState {
  id: number;
  endsByReset: () => boolean;
  queue: Uint8Array[];
  receivedBytes: number;
  /** Somebody waits for the next bytes. */
  waiting: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** "open" until the peer has said its last; an Error once it failed. */
  input: "open" | "ended" | "cancelled" | Error;
  /** Read by the consumer, not yet told the peer. */
  readBytes: number;
  sendWindow: number;
  /** The peer drops data that comes before its answer to the opening of the stream. */
  replied: PromiseWithResolvers<void>;
  output: "open" | "closed";
}

/** `head`: what came together with the answer to the upgrade. */
export function createSpdyConnection(
  socket: Duplex,
  { head = Buffer.alloc(0), onStream }: { head?: Buffer; onStream?: (stream: IncomingStream) => void } = {},
): SpdyConnection {
  return new Connection(socket, head, onStream);
}

class Connection implements SpdyConnection {
  readonly closed: Promise<void>;
  private readonly socket: Duplex;
  private readonly streams = new Map<number, StreamState>();
  private readonly compress = createHeaderCompressor();
  private readonly incoming: { onStream: (stream: IncomingStream) => void; readHeaders: HeaderReader } | undefined;
  private nextId: number;
  private unreadBytes = 0;
  private readBytes = 0;
  private peerKeepsWindows = false;
  private initialWindow = WINDOW_BYTES;
  private sendWindow = WINDOW_BYTES;
  private lost: Error | undefined;
  /** Wakes every writer that waits for the network or for a window. */
  private progress = Promise.withResolvers<void>();

  constructor(socket: Duplex, head: Buffer, onStream: ((stream: IncomingStream) => void) | undefined) {
    this.socket = socket;
    this.incoming = onStream && { onStream, readHeaders: createHeaderReader() };
    // The client's numbers are odd.
    this.nextId = onStream === undefined ? 1 : 2;
    const parse = createFrameParser({
      data: (id, bytes) => this.received(id, bytes),
      fin: (id) => this.finished(id),
      control: (type, flags, payload) => this.control(type, flags, payload),
    });
    const take = (chunk: Buffer) => {
      try {
        parse(chunk);
      } catch (error) {
        this.fail(error instanceof Error ? error : new SpdyProtocolError(String(error)));
      }
    };
    socket.on("data", take);
    socket.on("drain", () => this.wake());
    socket.on("error", (error) => this.fail(error));
    socket.on("end", () => this.close());
    this.closed = new Promise((resolve) =>
      socket.once("close", () => {
        this.fail(new Error("the connection was closed"));
        resolve();
      }),
    );
    if (head.length > 0) take(head);
  }

  openStream({ headers, endsByReset = () => false }: SpdyStreamOptions): SpdyStream {
    const id = this.nextId;
    this.nextId += 2;
    const state = this.newState(id, endsByReset);
    if (this.lost !== undefined) this.endAbruptly(state, this.lost);
    else this.socket.write(synStream(id, this.compress(headers)));
    return this.streamOf(state);
  }

  private newState(id: number, endsByReset: () => boolean): StreamState {
    const state: StreamState = {
      id,
      endsByReset,
      queue: [],
      receivedBytes: 0,
      waiting: undefined,
      input: "open",
      readBytes: 0,
      sendWindow: this.initialWindow,
      replied: Promise.withResolvers(),
      output: "open",
    };
    // Not everybody waits for it.
    state.replied.promise.catch(() => undefined);
    this.streams.set(id, state);
    return state;
  }

  private streamOf(state: StreamState): SpdyStream {
    const receivedBytes = () => state.receivedBytes;
    const opened = state.replied.promise;
    return { opened, readable: this.readable(state), writable: this.writable(state), receivedBytes };
  }

  /** A stream of the peer's: accepted at once, so that its data is not lost; handed over when its headers are read. */
  private accept(id: number, flags: number, block: Buffer): void {
    const headers = this.incoming?.readHeaders(block);
    if (!this.incoming || !headers || this.streams.size >= STREAMS_MAX || this.streams.has(id)) {
      headers?.catch((error: Error) => this.fail(error));
      this.socket.write(controlFrame(FRAME.rstStream, numbers(id, RESET.refusedStream)));
      return;
    }
    const { onStream } = this.incoming;
    const state = this.newState(id, () => false);
    this.socket.write(synReply(id, this.compress({})));
    state.replied.resolve();
    if ((flags & FLAG_FIN) !== 0) this.finished(id);
    const stream = this.streamOf(state);
    headers.then(
      (read) => onStream({ ...stream, id, headers: read }),
      (error: Error) => this.fail(error),
    );
  }

  close(): void {
    this.fail(new Error("the connection was closed"));
  }

  private readable(state: StreamState): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          state.waiting = controller;
          this.deliver(state);
        },
        cancel: () => {
          for (const chunk of state.queue) this.consumed(state, chunk.length);
          state.queue = [];
          state.waiting = undefined;
          state.input = "cancelled";
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** One chunk, or the end, to whoever waits. */
  private deliver(state: StreamState): void {
    const { waiting } = state;
    if (waiting === undefined) return;
    const chunk = state.queue.shift();
    if (chunk === undefined && state.input === "open") return;
    state.waiting = undefined;
    if (chunk !== undefined) {
      waiting.enqueue(chunk);
      this.consumed(state, chunk.length);
    } else if (state.input instanceof Error) waiting.error(state.input);
    else waiting.close();
  }

  private received(id: number, bytes: Uint8Array): void {
    const state = this.streams.get(id);
    this.unreadBytes += bytes.length;
    if (state === undefined || state.input !== "open") {
      this.consumed(state, bytes.length);
      return;
    }
    state.receivedBytes += bytes.length;
    // A copy: the chunk it is a part of would be kept alive by it.
    state.queue.push(new Uint8Array(bytes));
    if (this.unreadBytes > UNREAD_BYTES_HIGH) this.socket.pause();
    this.deliver(state);
  }

  private consumed(state: StreamState | undefined, bytes: number): void {
    this.unreadBytes -= bytes;
    if (this.lost !== undefined) return;
    if (this.socket.isPaused() && this.unreadBytes <= UNREAD_BYTES_LOW) this.socket.resume();
    // To a server that has said everything and closed, a write is answered by a reset, and what is unread yet would be lost.
    if (!this.peerKeepsWindows) return;
    this.readBytes += bytes;
    if (this.readBytes >= WINDOW_RENEW_BYTES) {
      this.socket.write(controlFrame(FRAME.windowUpdate, numbers(0, this.readBytes)));
      this.readBytes = 0;
    }
    if (state === undefined || state.input !== "open") return;
    state.readBytes += bytes;
    if (state.readBytes >= WINDOW_RENEW_BYTES) {
      this.socket.write(controlFrame(FRAME.windowUpdate, numbers(state.id, state.readBytes)));
      state.readBytes = 0;
    }
  }

  private finished(id: number): void {
    const state = this.streams.get(id);
    if (state === undefined || state.input !== "open") return;
    state.input = "ended";
    this.forgetWhenOver(state);
    this.deliver(state);
  }

  private writable(state: StreamState): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>({
      write: async (chunk) => {
        await state.replied.promise;
        for (let begin = 0; begin < chunk.length;) {
          const length = await this.room(state, chunk.length - begin);
          this.socket.cork();
          this.socket.write(dataHeader(state.id, length));
          this.socket.write(chunk.subarray(begin, begin + length));
          this.socket.uncork();
          state.sendWindow -= length;
          this.sendWindow -= length;
          begin += length;
        }
        // The caller may reuse its bytes, and is to feel a slow reader.
        while (this.socket.writableNeedDrain && this.writableError(state) === undefined) await this.progress.promise;
      },
      close: async () => {
        await state.replied.promise;
        if (state.output !== "open") return;
        state.output = "closed";
        this.socket.write(dataHeader(state.id, 0, FLAG_FIN));
        this.forgetWhenOver(state);
      },
      abort: () => {
        if (state.output !== "open" || this.lost !== undefined) return;
        state.output = "closed";
        this.socket.write(controlFrame(FRAME.rstStream, numbers(state.id, RESET.cancel)));
        this.endAbruptly(state, new Error("the stream was given up"));
      },
    });
  }

  /** Waits until something of `wanted` may be sent. @returns how much @throws when the stream is over */
  private async room(state: StreamState, wanted: number): Promise<number> {
    for (;;) {
      const error = this.writableError(state);
      if (error !== undefined) throw error;
      const window = this.peerKeepsWindows ? Math.min(state.sendWindow, this.sendWindow) : FRAME_BYTES_MAX;
      if (window > 0 && !this.socket.writableNeedDrain) return Math.min(wanted, window, FRAME_BYTES_MAX);
      await this.progress.promise;
    }
  }

  private writableError(state: StreamState): Error | undefined {
    if (this.lost !== undefined) return this.lost;
    return state.output === "closed" ? new Error("the stream is closed") : undefined;
  }

  private control(type: number, flags: number, payload: Buffer): void {
    const word = (at: number) => {
      if (payload.length < at + 4) throw new SpdyProtocolError(`control frame ${type} is too short`);
      return payload.readUInt32BE(at);
    };
    switch (type) {
      case FRAME.synReply:
        this.streams.get(word(0))?.replied.resolve();
        if ((flags & FLAG_FIN) !== 0) this.finished(word(0));
        return;
      case FRAME.headers:
        if ((flags & FLAG_FIN) !== 0) this.finished(word(0));
        return;
      case FRAME.rstStream: {
        const state = this.streams.get(word(0));
        if (state !== undefined) this.endAbruptly(state, new Error(`the stream was reset (${word(4)})`));
        return;
      }
      case FRAME.synStream:
        this.accept(word(0), flags, Buffer.from(payload.subarray(SYN_STREAM_HEAD_BYTES)));
        return;
      case FRAME.ping:
        // A client's pings are odd, a server's even; others would be answers.
        if (word(0) % 2 !== this.nextId % 2) this.socket.write(controlFrame(FRAME.ping, numbers(word(0))));
        return;
      case FRAME.settings:
        for (let i = 0; i < word(0); i++) {
          if ((word(4 + i * 8) & 0xffffff) === SETTING_INITIAL_WINDOW) this.setInitialWindow(word(8 + i * 8));
        }
        return;
      case FRAME.windowUpdate:
        this.widenWindow(word(0), word(4) & 0x7fffffff);
        return;
      default:
        // GOAWAY forbids new streams only, and all of ours are opened at the start; unknown frames are to be ignored.
        return;
    }
  }

  private setInitialWindow(bytes: number): void {
    this.peerKeepsWindows = true;
    for (const state of this.streams.values()) state.sendWindow += bytes - this.initialWindow;
    this.initialWindow = bytes;
    this.wake();
  }

  private widenWindow(id: number, bytes: number): void {
    this.peerKeepsWindows = true;
    const state = this.streams.get(id);
    if (id === 0) this.sendWindow += bytes;
    else if (state !== undefined) state.sendWindow += bytes;
    this.wake();
  }

  private wake(): void {
    const { resolve } = this.progress;
    this.progress = Promise.withResolvers();
    resolve();
  }

  private forgetWhenOver(state: StreamState): void {
    if (state.input !== "open" && state.output === "closed") this.streams.delete(state.id);
  }

  /** Neither direction goes on. */
  private endAbruptly(state: StreamState, error: Error): void {
    state.output = "closed";
    state.replied.reject(error);
    if (state.input === "open") state.input = state.endsByReset() ? "ended" : error;
    this.streams.delete(state.id);
    this.deliver(state);
    this.wake();
  }

  private fail(error: Error): void {
    if (this.lost !== undefined) return;
    this.lost = error;
    for (const state of this.streams.values()) this.endAbruptly(state, error);
    this.wake();
    this.socket.destroy();
  }
}
