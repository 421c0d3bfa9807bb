/** Bridges a client's WebSocket to an engine's port-forward, with back-pressure in both directions. */
import { pipeline } from "node:stream/promises";
import { createWebSocketStream, type WebSocket } from "ws";
import type { PortForwardConnection } from "../engines/engine.ts";
import { channelProtocol, type ChannelProtocol } from "./channel-protocol.ts";
import { createSpdyConnection } from "./spdy.ts";

const TUNNELLED_PREFIX = "SPDY/3.1+";
const INPUT_BYTES_HIGH = 1024 * 1024;
const INPUT_BYTES_LOW = 256 * 1024;

export interface PortForwardOptions {
  /** Open and paused. */
  socket: WebSocket;
  connection: PortForwardConnection;
  /** Those of the request; without meaning where SPDY is tunnelled. */
  ports: readonly number[];
  subprotocol: string | undefined;
}

/** Undefined: the bytes are SPDY, which the client and the engine speak with each other. @throws RangeError for an unknown one */
function channelsOf(subprotocol: string | undefined): ChannelProtocol | undefined {
  if (subprotocol?.startsWith(TUNNELLED_PREFIX)) return undefined;
  const protocol = channelProtocol(subprotocol);
  if (protocol === undefined) throw new RangeError(`unknown subprotocol ${subprotocol}`);
  return protocol;
}

/** Resolves when both are closed. Never rejects. */
export async function bridgePortForward(options: PortForwardOptions): Promise<void> {
  const { socket, connection, subprotocol } = options;
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const protocol = channelsOf(subprotocol);
  if (protocol === undefined) await tunnel(options);
  else await channels(options, protocol);
  connection.socket.destroy();
  if (socket.isPaused) socket.resume();
  socket.close(1000);
  await closed;
}

async function tunnel({ socket, connection: { socket: engine, head } }: PortForwardOptions): Promise<void> {
  if (head.length > 0) engine.unshift(head);
  const client = createWebSocketStream(socket);
  const outgoing = async () => {
    for await (const bytes of engine as AsyncIterable<Uint8Array>) await sendBytes(socket, bytes);
  };
  // When one side ends, or breaks off, the other has nobody to speak to.
  await Promise.race([pipeline(client, engine), outgoing()]).catch(() => undefined);
}

/** Resolves when the network has taken it. */
function sendBytes(socket: WebSocket, data: Uint8Array | string, binary = true): Promise<void> {
  return new Promise((resolve, reject) =>
    socket.send(data, { binary }, (error) => (error ? reject(error) : resolve())),
  );
}

/** Every port a connection, two channels each: data, and errors. Both begin with the port, as a little-endian 16-bit number. */
async function channels(
  { socket, connection: { socket: engine, head }, ports }: PortForwardOptions,
  protocol: ChannelProtocol,
): Promise<void> {
  const spdy = createSpdyConnection(engine, { head });
  const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const send = (channel: number, bytes: Uint8Array) => {
    const { data, binary } = protocol.encode({ channel, bytes });
    return sendBytes(socket, data, binary);
  };
  const pump = async (channel: number, source: ReadableStream<Uint8Array>) => {
    for await (const bytes of source) await send(channel, bytes);
  };
  const streams = ports.map((port, i) => {
    const headers = { port: String(port), requestID: String(i) };
    const errors = spdy.openStream({ headers: { ...headers, streamType: "error" } });
    errors.writable.close().catch(() => undefined);
    const data = spdy.openStream({ headers: { ...headers, streamType: "data" } });
    return { port, errors, data };
  });
  receive({ socket, protocol, writers: streams.map(({ data }) => data.writable.getWriter()) });
  const forwarded = streams.map(async ({ port, errors, data }, i) => {
    const number = Uint8Array.of(port & 0xff, port >>> 8);
    await send(2 * i, number);
    await send(2 * i + 1, number);
    await Promise.all([pump(2 * i, data.readable), pump(2 * i + 1, errors.readable)]);
  });
  socket.resume();
  await Promise.race([Promise.allSettled(forwarded), gone, spdy.closed]);
  spdy.close();
}

function receive(options: {
  socket: WebSocket;
  protocol: ChannelProtocol;
  writers: WritableStreamDefaultWriter<Uint8Array>[];
}): void {
  const { socket, protocol, writers } = options;
  let waitingBytes = 0;
  socket.on("message", (data: Buffer) => {
    const frame = protocol.decode(data);
    // Nothing is expected on the channels of errors.
    const writer = frame === undefined || frame.channel % 2 === 1 ? undefined : writers[frame.channel / 2];
    if (frame === undefined || writer === undefined || frame.bytes.length === 0) return;
    const { length } = frame.bytes;
    waitingBytes += length;
    if (waitingBytes > INPUT_BYTES_HIGH) socket.pause();
    writer
      .write(frame.bytes)
      // That connection has ended; others may go on.
      .catch(() => undefined)
      .finally(() => {
        waitingBytes -= length;
        if (socket.isPaused && waitingBytes <= INPUT_BYTES_LOW) socket.resume();
      });
  });
}
