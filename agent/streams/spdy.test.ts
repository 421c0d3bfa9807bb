/** The client against a server written for the test, which sees every frame. */
import { createServer, type Server } from "node:http";
import { type AddressInfo, type Socket } from "node:net";
import { Duplex, duplexPair } from "node:stream";
import { createInflate, type Inflate } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "../../test/harness/eventually.ts";
import { startSpdyExec } from "./spdy-exec.ts";
import {
  controlFrame,
  createFrameParser,
  createHeaderCompressor,
  dataHeader,
  FLAG_FIN,
  FRAME,
  numbers,
  SETTING_INITIAL_WINDOW,
  SPDY_DICTIONARY,
} from "./spdy-frames.ts";
import { createSpdyConnection } from "./spdy.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (stream: ReadableStream<Uint8Array>) => new Response(stream).text();

interface Seen {
  type: number | "data" | "fin";
  id: number;
  /** Of data: how much. Of WINDOW_UPDATE: by how much. */
  value: number;
}

/** Records frames and answers only when told. */
class Peer {
  readonly seen: Seen[] = [];
  readonly headers = new Map<number, Record<string, string>>();
  readonly received = new Map<number, Buffer>();
  private readonly socket: Duplex;
  private readonly inflate: Inflate = createInflate({ dictionary: SPDY_DICTIONARY });
  private inflating: Promise<unknown> = Promise.resolve();

  constructor(socket: Duplex, { reply = true }: { reply?: boolean } = {}) {
    this.socket = socket;
    const parse = createFrameParser({
      data: (id, chunk) => {
        this.seen.push({ type: "data", id, value: chunk.length });
        this.received.set(id, Buffer.concat([this.received.get(id) ?? Buffer.alloc(0), chunk]));
      },
      fin: (id) => this.seen.push({ type: "fin", id, value: 0 }),
      control: (type, _flags, payload) => {
        const id = payload.readUInt32BE(0);
        this.seen.push({ type, id, value: type === FRAME.windowUpdate ? payload.readUInt32BE(4) : 0 });
        if (type !== FRAME.synStream) return;
        const block = Buffer.from(payload.subarray(10));
        this.inflating = this.inflating.then(async () => this.headers.set(id, await this.headersOf(block)));
        if (reply) this.reply(id);
      },
    });
    socket.on("data", (chunk: Buffer) => parse(chunk));
    socket.on("error", () => undefined);
  }

  private headersOf(block: Buffer): Promise<Record<string, string>> {
    return new Promise((resolve) => {
      this.inflate.once("data", (plain: Buffer) => resolve(parseHeaders(plain)));
      this.inflate.write(block);
    });
  }

  reply(id: number): void {
    this.control(FRAME.synReply, numbers(id));
  }
  control(type: number, payload: Buffer, flags = 0): void {
    this.socket.write(controlFrame(type, payload, flags));
  }
  data(id: number, chunk: Uint8Array, flags = 0): void {
    this.socket.write(Buffer.concat([dataHeader(id, chunk.length, flags), chunk]));
  }
  count(type: Seen["type"], id: number): number {
    return this.seen.filter((s) => s.type === type && s.id === id).length;
  }
}

function parseHeaders(plain: Buffer): Record<string, string> {
  const found: Record<string, string> = {};
  let at = 4;
  const word = () => {
    const length = plain.readUInt32BE(at);
    at += 4 + length;
    return plain.toString("utf8", at - length, at);
  };
  for (let left = plain.readUInt32BE(0); left > 0; left--) {
    const name = word();
    found[name] = word();
  }
  return found;
}

function connect(options?: { reply?: boolean }) {
  const [ours, theirs] = duplexPair();
  return { connection: createSpdyConnection(ours), peer: new Peer(theirs, options), theirs };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 30));

describe("frames", () => {
  test("the dictionary is the one whose checksum every SPDY/3 peer asks for", () => {
    const compressed = createHeaderCompressor()({ a: "b" });
    // A zlib header that announces a dictionary (FDICT), and which.
    expect((compressed[1] ?? 0) & 0x20).toBe(0x20);
    expect(compressed.readUInt32BE(2)).toBe(0xe3c6a7c2);
    expect(SPDY_DICTIONARY.length).toBe(1423);
  });

  test("headers of several streams are one compressed stream", async () => {
    const { connection, peer } = connect();
    for (const streamType of ["error", "stdin", "stdout"])
      connection.openStream({ headers: { streamType, "X-Other": "ü" } });
    await eventually(() => expect(peer.headers.size).toBe(3), { everyMs: 5 });
    expect([...peer.headers]).toEqual([
      [1, { streamtype: "error", "x-other": "ü" }],
      [3, { streamtype: "stdin", "x-other": "ü" }],
      [5, { streamtype: "stdout", "x-other": "ü" }],
    ]);
    connection.close();
  });

  test("frames may be cut anywhere", () => {
    const wire = Buffer.concat([
      controlFrame(FRAME.ping, numbers(2)),
      dataHeader(1, 5),
      bytes("hello"),
      controlFrame(FRAME.goAway, numbers(1, 0)),
      dataHeader(1, 0, FLAG_FIN),
    ]);
    for (let size = 1; size <= wire.length; size++) {
      const events: string[] = [];
      let data = "";
      const parse = createFrameParser({
        data: (_id, chunk) => (data += Buffer.from(chunk).toString()),
        fin: (id) => events.push(`fin ${id}`),
        control: (type) => events.push(`control ${type}`),
      });
      for (let at = 0; at < wire.length; at += size) parse(wire.subarray(at, at + size));
      expect({ data, events }).toEqual({ data: "hello", events: ["control 6", "control 7", "fin 1"] });
    }
  });

  test.each([
    ["what is no SPDY", Buffer.from([0x80, 9, 0, 1, 0, 0, 0, 0])],
    ["a huge control frame", Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff])],
  ])("%s ends the connection", async (_, wire) => {
    const { connection, theirs } = connect();
    const { readable } = connection.openStream({ headers: {} });
    theirs.write(wire);
    await connection.closed;
    await expect(textOf(readable)).rejects.toThrow();
  });
});

describe("streams", () => {
  test("data waits for the answer to the opening: before it, peers drop data", async () => {
    const { connection, peer } = connect({ reply: false });
    const writer = connection.openStream({ headers: {} }).writable.getWriter();
    const writing = writer.write(bytes("early"));
    await settled();
    expect(peer.count("data", 1)).toBe(0);
    peer.reply(1);
    await writing;
    await writer.close();
    await eventually(() => expect(peer.count("fin", 1)).toBe(1), { everyMs: 5 });
    expect(peer.received.get(1)?.toString()).toBe("early");
    connection.close();
  });

  test("each direction ends by itself", async () => {
    const { connection, peer } = connect();
    const { readable, writable } = connection.openStream({ headers: {} });
    await writable.close();
    await settled();
    peer.data(1, bytes("still "));
    peer.data(1, bytes("here"), FLAG_FIN);
    expect(await textOf(readable)).toBe("still here");
    connection.close();
  });

  test("a peer that keeps no windows is sent more than a window", async () => {
    const { connection, peer } = connect();
    const writer = connection.openStream({ headers: {} }).writable.getWriter();
    await writer.write(new Uint8Array(300_000));
    await eventually(() => expect(peer.received.get(1)?.length).toBe(300_000), { everyMs: 5 });
    connection.close();
  });

  test("a peer that keeps windows is never sent more than it allows", async () => {
    const { connection, peer } = connect();
    const stream = connection.openStream({ headers: {} });
    await stream.opened;
    peer.control(FRAME.settings, numbers(1, SETTING_INITIAL_WINDOW, 10_000));
    await settled();
    const writing = stream.writable.getWriter().write(new Uint8Array(50_000));
    await settled();
    expect(peer.received.get(1)?.length).toBe(10_000);
    peer.control(FRAME.windowUpdate, numbers(1, 15_000));
    await settled();
    expect(peer.received.get(1)?.length).toBe(25_000);
    // The window of the connection binds as well: 64 KiB, of which 25,000 are used.
    peer.control(FRAME.windowUpdate, numbers(1, 100_000));
    await writing;
    await settled();
    expect(peer.received.get(1)?.length).toBe(50_000);
    connection.close();
  });

  test("windows are renewed by what is read, not by what comes", async () => {
    const { connection, peer } = connect();
    const { readable } = connection.openStream({ headers: {} });
    peer.control(FRAME.settings, numbers(1, SETTING_INITIAL_WINDOW, 65_536));
    await settled();
    for (let i = 0; i < 4; i++) peer.data(1, new Uint8Array(16_384));
    await settled();
    expect(peer.count(FRAME.windowUpdate, 1)).toBe(0);
    const reader = readable.getReader();
    for (let read = 0; read < 65_536;) read += (await reader.read()).value?.length ?? 0;
    await settled();
    const renewed = peer.seen.filter((s) => s.type === FRAME.windowUpdate && s.id === 1);
    expect(renewed.reduce((sum, { value }) => sum + value, 0)).toBe(65_536);
    expect(peer.count(FRAME.windowUpdate, 0)).toBe(2);
    connection.close();
  });

  test("what nobody reads stops the sender", async () => {
    const { connection, peer, theirs } = connect();
    const { readable } = connection.openStream({ headers: {} });
    await settled();
    let sentBytes = 0;
    for (; sentBytes < 64 * 1024 * 1024 && !theirs.writableNeedDrain; sentBytes += 16_384) {
      peer.data(1, new Uint8Array(16_384));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(theirs.writableNeedDrain).toBe(true);
    expect(sentBytes).toBeLessThan(2 * 1024 * 1024);
    let readBytes = 0;
    peer.data(1, new Uint8Array(), FLAG_FIN);
    for await (const chunk of readable) readBytes += chunk.length;
    expect(readBytes).toBe(sentBytes);
    connection.close();
  });

  test("a reader that gives up does not hold up the others", async () => {
    const { connection, peer } = connect();
    const first = connection.openStream({ headers: {} });
    const second = connection.openStream({ headers: {} });
    await settled();
    await first.readable.cancel();
    for (let i = 0; i < 200; i++) peer.data(1, new Uint8Array(16_384));
    peer.data(3, bytes("through"), FLAG_FIN);
    expect(await textOf(second.readable)).toBe("through");
    connection.close();
  });

  test("a reset fails both directions, unless it is taken for the end", async () => {
    const { connection, peer } = connect();
    const failing = connection.openStream({ headers: {} });
    const ending = connection.openStream({ headers: {}, endsByReset: () => true });
    await Promise.all([failing.opened, ending.opened]);
    for (const id of [1, 3]) {
      peer.data(id, bytes("before"));
      peer.control(FRAME.rstStream, numbers(id, 5));
    }
    await expect(textOf(failing.readable)).rejects.toThrow("reset");
    await expect(failing.writable.getWriter().write(bytes("x"))).rejects.toThrow();
    expect(await textOf(ending.readable)).toBe("before");
    connection.close();
  });

  test("writers that wait for a window are told when the connection is lost", async () => {
    const { connection, peer, theirs } = connect();
    const stream = connection.openStream({ headers: {} });
    await stream.opened;
    peer.control(FRAME.settings, numbers(1, SETTING_INITIAL_WINDOW, 0));
    await settled();
    const writing = stream.writable.getWriter().write(bytes("never"));
    writing.catch(() => undefined);
    await settled();
    theirs.destroy();
    await expect(writing).rejects.toThrow();
    await connection.closed;
  });

  test("pings are answered, streams of the peer refused", async () => {
    const { connection, peer } = connect();
    connection.openStream({ headers: {} });
    peer.control(FRAME.ping, numbers(2));
    peer.control(FRAME.ping, numbers(1));
    peer.control(FRAME.synStream, Buffer.concat([numbers(2, 0), Buffer.alloc(2)]));
    await settled();
    expect([peer.count(FRAME.ping, 2), peer.count(FRAME.ping, 1), peer.count(FRAME.rstStream, 2)]).toEqual([1, 0, 1]);
    connection.close();
  });
});

describe("exec", () => {
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server?.close();
    sockets.clear();
  });

  async function serve(onUpgrade: (peer: Peer) => void, protocol = "v4.channel.k8s.io"): Promise<string> {
    server = createServer((_, response) => response.writeHead(403).end("not like this"));
    server.on("upgrade", (_request, socket: Socket) => {
      sockets.add(socket);
      if (protocol === "") return socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\ngone");
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
      );
      return onUpgrade(new Peer(socket));
    });
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/exec/token`;
  }

  const ERROR = 1;
  const STDOUT = 3;
  const STDERR = 5;

  test("output before the end arrives, though the server resets every stream", async () => {
    const url = await serve((peer) => {
      void eventually(() => expect(peer.headers.size).toBe(3), { everyMs: 5 }).then(() => {
        peer.data(STDOUT, bytes("out"));
        peer.data(STDERR, bytes("err"));
        const causes = [{ reason: "ExitCode", message: "17" }];
        peer.data(ERROR, bytes(JSON.stringify({ status: "Failure", reason: "NonZeroExitCode", details: { causes } })));
        for (const id of [STDERR, STDOUT, ERROR]) peer.control(FRAME.rstStream, numbers(id, 5));
        return undefined;
      });
    });
    const session = await startSpdyExec({ url, stdin: false, tty: false });
    const outputs = await Promise.all([textOf(session.stdout), textOf(session.stderr ?? new ReadableStream())]);
    expect(outputs).toEqual(["out", "err"]);
    expect(await session.exit).toEqual({ exitCode: 17 });
    session.close();
  });

  test("a connection that is lost in the middle is no end of the output", async () => {
    const url = await serve((peer) => {
      void eventually(() => expect(peer.headers.size).toBe(3), { everyMs: 5 }).then(() => {
        peer.data(STDOUT, bytes("half"));
        setTimeout(() => sockets.forEach((socket) => socket.destroy()), 20);
        return undefined;
      });
    });
    const session = await startSpdyExec({ url, stdin: false, tty: false });
    await expect(textOf(session.stdout)).rejects.toThrow();
    await expect(session.exit).rejects.toMatchObject({ code: "unavailable" });
  });

  test.each([
    ["an engine's refusal", "", /answered 403: gone/],
    ["another protocol", "v1.channel.k8s.io", /v4\.channel\.k8s\.io/],
  ])("%s is an error before there is a session", async (_, protocol, message) => {
    const url = await serve(() => undefined, protocol);
    await expect(startSpdyExec({ url, stdin: false, tty: false })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(message) as string,
    });
  });
});
