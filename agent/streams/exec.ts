/** Bridges a process in a container to a client's WebSocket, with back-pressure in both directions. */
import type { WebSocket } from "ws";
import type { ExecSession } from "../engines/engine.ts";
import { CHANNEL, type ChannelProtocol } from "./channel-protocol.ts";

export interface ExecStreams {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** Input that the process has not taken yet: above the mark the client is paused. */
const INPUT_BYTES_HIGH = 1024 * 1024;
const INPUT_BYTES_LOW = 256 * 1024;

/** `socket` is open and paused. Resolves when it is closed; the session is then closed too. Never rejects. */
export async function bridgeSession(options: {
  socket: WebSocket;
  session: ExecSession;
  protocol: ChannelProtocol;
  streams: ExecStreams;
}): Promise<void> {
  const { socket, session, protocol, streams } = options;
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const send = (channel: number, bytes: Uint8Array) => {
    const { data, binary } = protocol.encode({ channel, bytes });
    // Waits until the network has taken it: what the process writes meanwhile stays in the process' pipe.
    return new Promise<void>((resolve, reject) =>
      socket.send(data, { binary }, (error) => (error ? reject(error) : resolve())),
    );
  };
  receive(options);
  socket.resume();
  try {
    // Clients take the first message for the sign that the process is there.
    await send(streams.stdout ? CHANNEL.stdout : streams.stderr ? CHANNEL.stderr : CHANNEL.error, new Uint8Array());
    const outputs = Promise.all([
      pump(session.stdout, streams.stdout ? (bytes) => send(CHANNEL.stdout, bytes) : undefined),
      pump(session.stderr, streams.stderr ? (bytes) => send(CHANNEL.stderr, bytes) : undefined),
    ]);
    // Awaited after the end of the process; a client that goes before makes it fail.
    outputs.catch(() => {});
    const ended = (async () => {
      const outcome = await outcomeOf(session);
      await outputs;
      const status = errorChannel(outcome, protocol);
      if (status !== undefined) await send(CHANNEL.error, new TextEncoder().encode(status));
      socket.close(1000);
    })();
    await Promise.race([ended, closed]);
    // A client that has gone makes the pumps fail; nobody is left to tell.
    ended.catch(() => {});
  } catch {
    socket.close(1011, "the stream failed");
  }
  await closed;
  session.close();
}

function receive({ socket, session, protocol, streams }: Parameters<typeof bridgeSession>[0]): void {
  let writer = streams.stdin ? session.stdin?.getWriter() : undefined;
  let waitingBytes = 0;
  const drop = () => (writer = undefined);
  socket.on("message", (data: Buffer) => {
    const frame = protocol.decode(data);
    if (frame === undefined) return;
    const { channel, bytes } = frame;
    if (channel === CHANNEL.resize) return resize(session, bytes);
    if (channel === CHANNEL.close && protocol.closesChannels && bytes[0] === CHANNEL.stdin) {
      writer?.close().catch(() => {});
      return drop();
    }
    if (channel !== CHANNEL.stdin || writer === undefined || bytes.length === 0) return;
    waitingBytes += bytes.length;
    if (waitingBytes > INPUT_BYTES_HIGH) socket.pause();
    writer
      .write(bytes)
      // The process has ended or closed its input; it still may have something to say.
      .catch(drop)
      .finally(() => {
        waitingBytes -= bytes.length;
        if (socket.isPaused && waitingBytes <= INPUT_BYTES_LOW) socket.resume();
      });
  });
}

function resize(session: ExecSession, bytes: Uint8Array): void {
  try {
    const { Width, Height } = JSON.parse(new TextDecoder().decode(bytes)) as { Width?: unknown; Height?: unknown };
    if (typeof Width === "number" && typeof Height === "number") session.resize({ columns: Width, rows: Height });
  } catch {
    // A terminal of the wrong size is no reason to end the session.
  }
}

/** Without a receiver the stream is drained: a process must not stand still because nobody asked for its output. */
async function pump(
  source: ReadableStream<Uint8Array> | undefined,
  send: ((bytes: Uint8Array) => Promise<void>) | undefined,
): Promise<void> {
  if (source === undefined) return;
  const reader = source.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      await send?.(value);
    }
  } catch (error) {
    await reader.cancel(error).catch(() => {});
    throw error;
  }
}

type Outcome = { exitCode: number } | { error: string };

async function outcomeOf(session: ExecSession): Promise<Outcome> {
  try {
    return await session.exit;
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** As the kubelet answers: see NonZeroExitCodeReason in k8s.io/apimachinery/pkg/util/remotecommand. */
export function errorChannel(outcome: Outcome, protocol: Pick<ChannelProtocol, "statusObjects">): string | undefined {
  const success = "exitCode" in outcome && outcome.exitCode === 0;
  const message =
    "error" in outcome
      ? `Internal error occurred: ${outcome.error}`
      : `command terminated with non-zero exit code: exit code ${outcome.exitCode}`;
  if (!protocol.statusObjects) return success ? undefined : message;
  if (success) return JSON.stringify({ metadata: {}, status: "Success" });
  return JSON.stringify({
    metadata: {},
    status: "Failure",
    message,
    ...("error" in outcome
      ? { reason: "InternalError", code: 500 }
      : {
          reason: "NonZeroExitCode",
          details: { causes: [{ reason: "ExitCode", message: String(outcome.exitCode) }] },
        }),
  });
}
