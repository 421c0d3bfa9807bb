/** Both ends of a port-forward: the bridge to a client's WebSocket, and the server of engines that have none. Sockets are real. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { duplexPair } from "node:stream";
import { createWebSocketStream, WebSocket, WebSocketServer } from "ws";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../../test/harness/eventually.ts";
import { createManualTime } from "../../test/harness/timers.ts";
import { bridgePortForward } from "./port-forward.ts";
import { servePortForward } from "./port-forward-server.ts";
import { createSpdyConnection, type SpdyConnection } from "./spdy.ts";

const TUNNELLED = "SPDY/3.1+portforward.k8s.io";
const MIB = 1024 * 1024;
const cleanup: (() => unknown)[] = [];
let timers: ReturnType<typeof createManualTime>;

beforeEach(() => {
  timers = createManualTime();
});
afterEach(async () => {
  for (const undo of cleanup.splice(0).toReversed()) await undo();
});

/** A server in the pod: by default it sends back what it gets. */
async function listen(
  serve: (socket: Socket) => void = (socket) => void socket.pipe(socket),
): Promise<{ port: number; open: Set<Socket> }> {
  const open = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    socket.on("error", () => undefined);
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanup.push(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, open };
}

/** A port at which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A client's WebSocket whose other end is bridged to a pod. */
async function openClient(options: { subprotocol?: string; ports?: number[] }) {
  const [near, far] = duplexPair();
  servePortForward(far, { pod: "p", uid: "u", timers });
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const frames: Buffer[] = [];
  client.on("message", (data: Buffer) => void frames.push(data));
  const closed = new Promise<number>((resolve) => client.once("close", resolve));
  const [socket] = (await accepted) as [WebSocket];
  socket.pause();
  const { subprotocol, ports = [] } = options;
  const bridged = bridgePortForward({
    socket,
    connection: { socket: near, head: Buffer.alloc(0) },
    ports,
    subprotocol,
  });
  if (client.readyState !== WebSocket.OPEN) await once(client, "open");
  cleanup.push(
    () => client.terminate(),
    () => server.close(),
  );
  const text = (channel: number) =>
    Buffer.concat(frames.filter((frame) => frame[0] === channel).map((frame) => frame.subarray(1))).toString("latin1");
  return { client, text, closed, bridged };
}

/** As kubectl has it: the tunnel is the connection of a SPDY client. */
async function openTunnel(): Promise<{ spdy: SpdyConnection; end: () => void; bridged: Promise<void> }> {
  const { client, bridged } = await openClient({ subprotocol: TUNNELLED });
  const stream = createWebSocketStream(client);
  stream.on("error", () => undefined);
  return { spdy: createSpdyConnection(stream), end: () => client.close(), bridged };
}

function pair(spdy: SpdyConnection, port: number, requestId: string) {
  const headers = { port: String(port), requestID: requestId };
  const errors = spdy.openStream({ headers: { ...headers, streamType: "error" } });
  errors.writable.close().catch(() => undefined);
  const data = spdy.openStream({ headers: { ...headers, streamType: "data" } });
  const error = new Response(errors.readable).text();
  // Not every test asks for it.
  error.catch(() => undefined);
  return { error, data };
}

const number = (value: number) => String.fromCharCode(value & 0xff, value >>> 8);
const bytes = (value: string) => new TextEncoder().encode(value);

async function ask(data: ReturnType<typeof pair>["data"], text: string): Promise<string> {
  const answer = new Response(data.readable).text();
  const writer = data.writable.getWriter();
  await writer.write(bytes(text));
  await writer.close();
  return await answer;
}

describe("SPDY in a tunnel", () => {
  test("many connections at once, each with its own bytes and its own end", async () => {
    const { port } = await listen();
    const { spdy } = await openTunnel();
    const answers = Array.from({ length: 50 }, async (_, i) => {
      const { data, error } = pair(spdy, port, String(i));
      return [await ask(data, `number ${i}`), await error];
    });
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, (_, i) => [`number ${i}`, ""]));
  });

  test("a refused connection is told on its error stream, and others go on", async () => {
    const { port } = await listen();
    const { spdy } = await openTunnel();
    const good = pair(spdy, port, "0");
    const nobody = await freePort();
    const bad = pair(spdy, nobody, "1");
    expect(await bad.error).toBe(
      `error forwarding port ${nobody} to pod p, uid u: failed to connect to localhost:${nobody}: connection refused`,
    );
    expect(await ask(good.data, "still here")).toBe("still here");
    expect(await ask(pair(spdy, port, "2").data, "and new ones")).toBe("and new ones");
  });

  test("a client that goes away takes its connections with it", async () => {
    const { port, open } = await listen();
    const { spdy, end, bridged } = await openTunnel();
    const { data } = pair(spdy, port, "0");
    await data.writable.getWriter().write(bytes("x"));
    await eventually(() => expect(open.size).toBe(1), { withinMs: 5000, everyMs: 10 });
    end();
    await bridged;
    await eventually(() => expect(open.size).toBe(0), { withinMs: 5000, everyMs: 10 });
  });

  test("a client that does not read stops the pod", async () => {
    let sent = 0;
    const { port } = await listen((socket) => {
      const chunk = Buffer.alloc(MIB);
      const more = () => {
        while (sent < 256 * MIB && !socket.destroyed) {
          sent += chunk.length;
          if (!socket.write(chunk)) return;
        }
        socket.end();
      };
      socket.on("drain", more);
      more();
    });
    const { spdy } = await openTunnel();
    const { data } = pair(spdy, port, "0");
    const reader = data.readable.getReader();
    await reader.read();
    let before = -1;
    await eventually(() => {
      const grown = sent !== before;
      before = sent;
      expect(grown).toBe(false);
    });
    expect(sent).toBeLessThan(64 * MIB);
    let received = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) received += part.value.length;
    expect(received).toBeGreaterThan(255 * MIB);
  });

  test("streams that name no port, or an unknown type, are closed; half a pair does not wait for ever", async () => {
    const { port } = await listen();
    const { spdy } = await openTunnel();
    for (const headers of [
      { streamType: "data", requestID: "0" },
      { streamType: "data", requestID: "0", port: "70000" },
      { streamType: "other", requestID: "0", port: String(port) },
    ]) {
      const stream = spdy.openStream({ headers });
      expect(await new Response(stream.readable).text()).toBe("");
    }
    const half = spdy.openStream({ headers: { streamType: "error", requestID: "1", port: String(port) } });
    await half.opened;
    await eventually(() => expect(timers.pending).toBe(1), { withinMs: 5000, everyMs: 10 });
    timers.advance(30_000);
    expect(await new Response(half.readable).text()).toContain("timed out waiting for streams");
    expect(await ask(pair(spdy, port, "2").data, "alive")).toBe("alive");
  });

  test("garbage ends the tunnel", async () => {
    const { client, closed, bridged } = await openClient({ subprotocol: TUNNELLED });
    client.send(Uint8Array.of(0x80, 2, 0, 1, 0, 0, 0, 0, 0, 0));
    expect(await closed).toBe(1000);
    await bridged;
  });
});

describe.each(["v4.channel.k8s.io", undefined])("channels (%s)", (subprotocol) => {
  test("each port has two, which begin with its number; a refused one says so and the other works", async () => {
    const { port } = await listen((socket) => void socket.once("data", (data) => socket.end(`got ${data.toString()}`)));
    const nobody = await freePort();
    const { client, text, closed } = await openClient({
      ports: [port, nobody],
      ...(subprotocol ? { subprotocol } : {}),
    });
    client.send(Buffer.concat([Buffer.from([0]), Buffer.from("hello")]));
    expect(await closed).toBe(1000);
    expect(text(0)).toBe(`${number(port)}got hello`);
    expect(text(1)).toBe(number(port));
    expect(text(2)).toBe(number(nobody));
    expect(text(3)).toContain(`${number(nobody)}error forwarding port ${nobody} to pod p`);
  });
});
