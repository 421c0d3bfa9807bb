/** Frames of SPDY/3.1 (draft-mbelshe-httpbis-spdy-00 and the session window of 3.1). Bytes in, frames out; no state of streams. */
import { constants, createInflate, deflateRawSync, deflateSync } from "node:zlib";

export const FRAME = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

export const FLAG_FIN = 1;
/** Reasons of RST_STREAM. */
export const RESET = { protocolError: 1, refusedStream: 3, cancel: 5 } as const;
export const SETTING_INITIAL_WINDOW = 7;

const VERSION = 3;
const HEADER_BYTES = 8;
/** Control frames are small; a peer that announces a larger one is no SPDY peer. */
const CONTROL_BYTES_MAX = 256 * 1024;

/** The texts with which both sides fill the window of the header compression; those of the first list carry their length. */
const DICTIONARY_WORDS =
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow " +
  "authorization cache-control connection content-base content-encoding content-language content-length content-location " +
  "content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match " +
  "if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range " +
  "referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method " +
  "get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin";
const DICTIONARY_REST =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505" +
  "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden" +
  "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable" +
  "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT" +
  "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript," +
  "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

function counted(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export const SPDY_DICTIONARY: Uint8Array = Buffer.concat([
  ...DICTIONARY_WORDS.split(" ").map((word) => counted(word.replace("_", " "))),
  Buffer.from(DICTIONARY_REST),
]);

/** Compresses header blocks of one direction of one connection, in the order in which they are sent. */
export function createHeaderCompressor(): (headers: Readonly<Record<string, string>>) => Buffer {
  let first = true;
  return (headers) => {
    const entries = Object.entries(headers);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(entries.length);
    const block = Buffer.concat([
      count,
      ...entries.flatMap(([name, value]) => [counted(name.toLowerCase()), counted(value)]),
    ]);
    // All blocks of a direction are one zlib stream. Blocks that refer to nothing before them continue it as well as any.
    const finishFlush = constants.Z_SYNC_FLUSH;
    const compressed = first
      ? deflateSync(block, { dictionary: SPDY_DICTIONARY, finishFlush })
      : deflateRawSync(block, { finishFlush });
    first = false;
    return compressed;
  };
}

export type HeaderReader = (block: Uint8Array) => Promise<Record<string, string>>;

const NAMES_MAX = 64;
const BLOCK_BYTES_MAX = 64 * 1024;

/**
 * Reads header blocks of one direction of one connection, in the order in which they came: each call begins when those before have
 * ended. @throws SpdyProtocolError (as a rejection) for what is no block; what comes after it cannot be read either
 */
export function createHeaderReader(): HeaderReader {
  const inflate = createInflate({ dictionary: SPDY_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });
  let plain: Buffer[] = [];
  let bytes = 0;
  inflate.on("data", (part: Buffer) => {
    bytes += part.length;
    if (bytes > BLOCK_BYTES_MAX) inflate.destroy(new SpdyProtocolError("a header block is too large"));
    else plain.push(part);
  });
  let broken: Error | undefined;
  inflate.on("error", (error) => (broken = new SpdyProtocolError("no header block", { cause: error })));
  let last: Promise<unknown> = Promise.resolve();

  async function read(block: Uint8Array): Promise<Record<string, string>> {
    await new Promise<void>((resolve) => {
      if (broken !== undefined) return resolve();
      inflate.once("close", resolve);
      inflate.write(block, () => {
        inflate.off("close", resolve);
        resolve();
      });
    });
    if (broken !== undefined) throw broken;
    const whole = Buffer.concat(plain);
    plain = [];
    bytes = 0;
    return parseHeaders(whole);
  }

  return (block) => {
    const headers = last.then(() => read(block));
    last = headers.catch(() => undefined);
    return headers;
  };
}

function parseHeaders(plain: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  let at = 4;
  const word = (): string => {
    const begin = at + 4;
    if (begin > plain.length) throw new SpdyProtocolError("a header block ends early");
    at = begin + plain.readUInt32BE(at);
    if (at > plain.length) throw new SpdyProtocolError("a header block ends early");
    return plain.toString("utf8", begin, at);
  };
  const count = plain.length < 4 ? 0 : plain.readUInt32BE(0);
  if (count > NAMES_MAX) throw new SpdyProtocolError(`a header block of ${count} names`);
  for (let i = 0; i < count; i++) {
    const name = word().toLowerCase();
    headers[name] = word();
  }
  return headers;
}

export function controlFrame(type: number, payload: Buffer, flags = 0): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(0x8000 | VERSION, 0);
  header.writeUInt16BE(type, 2);
  header.writeUInt32BE(payload.length, 4);
  header.writeUInt8(flags, 4);
  return Buffer.concat([header, payload]);
}

/** What goes before `length` bytes of data. */
export function dataHeader(streamId: number, length: number, flags = 0): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(streamId, 0);
  header.writeUInt32BE(length, 4);
  header.writeUInt8(flags, 4);
  return header;
}

export function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value, i * 4));
  return bytes;
}

export function synStream(streamId: number, headers: Buffer): Buffer {
  // Stream, no associated stream, highest priority, no credential slot.
  return controlFrame(FRAME.synStream, Buffer.concat([numbers(streamId, 0), Buffer.alloc(2), headers]));
}

/** Accepts a stream of the peer's. */
export function synReply(streamId: number, headers: Buffer): Buffer {
  return controlFrame(FRAME.synReply, Buffer.concat([numbers(streamId), headers]));
}

export interface FrameHandler {
  /** `bytes` may be a part of a frame. */
  data(streamId: number, bytes: Uint8Array): void;
  fin(streamId: number): void;
  control(type: number, flags: number, payload: Buffer): void;
}

export class SpdyProtocolError extends Error {
  override readonly name = "SpdyProtocolError";
}

/** Takes bytes as they come. Data is passed on at once, also of frames that are not complete. @throws SpdyProtocolError */
export function createFrameParser(handler: FrameHandler): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let data: { streamId: number; fin: boolean; left: number } | undefined;

  function endOfData(): void {
    if (data === undefined || data.left > 0) return;
    const { streamId, fin } = data;
    data = undefined;
    if (fin) handler.fin(streamId);
  }

  /** @returns false when more bytes are needed */
  function step(): boolean {
    if (data !== undefined) {
      const part = rest.subarray(0, data.left);
      rest = rest.subarray(part.length);
      data.left -= part.length;
      if (part.length > 0) handler.data(data.streamId, part);
      endOfData();
      return rest.length > 0;
    }
    if (rest.length < HEADER_BYTES) return false;
    const word = rest.readUInt32BE(0);
    const flags = rest.readUInt8(4);
    const length = rest.readUIntBE(5, 3);
    if (word < 0x80000000) {
      rest = rest.subarray(HEADER_BYTES);
      data = { streamId: word, fin: (flags & FLAG_FIN) !== 0, left: length };
      endOfData();
      return true;
    }
    if (word >>> 16 !== (0x8000 | VERSION)) throw new SpdyProtocolError("no SPDY/3 frame");
    if (length > CONTROL_BYTES_MAX) throw new SpdyProtocolError(`a control frame of ${length} bytes`);
    if (rest.length < HEADER_BYTES + length) return false;
    const payload = rest.subarray(HEADER_BYTES, HEADER_BYTES + length);
    rest = rest.subarray(HEADER_BYTES + length);
    handler.control(word & 0xffff, flags, payload);
    return true;
  }

  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (step());
  };
}
