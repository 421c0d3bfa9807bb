/**
 * A process in a container over an engine's streaming server: Kubernetes' remotecommand protocol, version 4, on SPDY/3.1. Each of
 * stdin, stdout, stderr and resize is a stream; the end of the process comes as a Status on the stream "error".
 */
import { request, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { EngineError, type ExecSession } from "../engines/engine.ts";
import { createSpdyConnection, type SpdyConnection, type SpdyStream } from "./spdy.ts";

export interface SpdyExecOptions {
  /** As the engine answers to Exec and Attach. */
  url: string;
  stdin: boolean;
  tty: boolean;
}

const PROTOCOL = "v4.channel.k8s.io";
const UPGRADE_MS_MAX = 30_000;
const ERROR_BYTES_MAX = 64 * 1024;

/** @throws EngineError */
export async function startSpdyExec(options: SpdyExecOptions): Promise<ExecSession> {
  const { socket, head } = await upgrade(options.url);
  const connection = createSpdyConnection(socket, head);
  const { session, opened } = sessionOver(connection, options);
  try {
    // A connection that is cut before it has answered leaves containerd 1.6 waiting for ever, and the container cannot be stopped.
    await opened;
    return session;
  } catch (cause) {
    connection.close();
    throw new EngineError("unavailable", "the engine's streaming server did not take the streams", { cause });
  }
}

function upgrade(address: string): Promise<{ socket: Duplex; head: Buffer }> {
  const url = new URL(address);
  if (url.protocol !== "http:") throw new EngineError("refused", `the engine streams over ${url.protocol}, not http:`);
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: unknown) =>
      reject(new EngineError("unavailable", `the engine's streaming server ${message}`, { cause }));
    const headers = { Connection: "Upgrade", Upgrade: "SPDY/3.1", "X-Stream-Protocol-Version": PROTOCOL };
    const asked = request(url, { method: "POST", agent: false, headers });
    asked.setTimeout(UPGRADE_MS_MAX, () => asked.destroy(new Error("no answer")));
    asked.once("error", (error) => fail(`failed: ${error.message}`, error));
    asked.once("response", (response) => {
      void textOf(response).then((text) => fail(`answered ${response.statusCode}: ${text.trim()}`));
    });
    asked.once("upgrade", (response, socket, head) => {
      socket.setTimeout(0);
      if (response.headers["x-stream-protocol-version"] === PROTOCOL) return resolve({ socket, head });
      socket.destroy();
      fail("does not speak version 4 of the protocol");
    });
    asked.end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes > ERROR_BYTES_MAX) break;
    }
  } catch {
    // What there is of it has to do.
  }
  return Buffer.concat(parts).toString("utf8");
}

function sessionOver(
  connection: SpdyConnection,
  { stdin, tty }: SpdyExecOptions,
): { session: ExecSession; opened: Promise<unknown> } {
  // The server resets all streams when the process is over; what was written before, the status too, has arrived by then.
  const endsByReset = () => errors.receivedBytes() > 0;
  const open = (streamType: string) => connection.openStream({ headers: { streamType }, endsByReset });

  const errors: SpdyStream = open("error");
  const input = stdin ? open("stdin") : undefined;
  const output = open("stdout");
  const errorOutput = tty ? undefined : open("stderr");
  const resizing = tty ? open("resize") : undefined;
  const sizes = resizing?.writable.getWriter();
  const opened = Promise.all([errors, input, output, errorOutput, resizing].flatMap((stream) => stream?.opened ?? []));

  const exit = (async () => {
    const text = await readStatus(errors.readable);
    return { exitCode: exitCodeOf(text) };
  })();
  // Whoever wants to know awaits it; a session that is cut is no failure of the agent.
  exit.catch(() => undefined);
  const session: ExecSession = {
    stdin: input?.writable,
    stdout: output.readable,
    stderr: errorOutput?.readable,
    resize({ columns, rows }) {
      const bytes = new TextEncoder().encode(`${JSON.stringify({ Width: columns, Height: rows })}\n`);
      sizes?.write(bytes).catch(() => undefined);
    },
    exit,
    close: () => connection.close(),
  };
  return { session, opened };
}

async function readStatus(stream: ReadableStream<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of stream) {
      bytes += part.length;
      if (bytes <= ERROR_BYTES_MAX) parts.push(part);
    }
  } catch (cause) {
    throw new EngineError("unavailable", "the stream to the container was lost", { cause });
  }
  return Buffer.concat(parts).toString("utf8");
}

interface ExitStatus {
  status?: string;
  reason?: string;
  message?: string;
  details?: { causes?: { reason?: string; message?: string }[] };
}

/** @throws EngineError when the process did not run, or how it ended is not told */
function exitCodeOf(text: string): number {
  if (text === "") throw new EngineError("unavailable", "the engine closed the stream without a word on the process");
  let status: ExitStatus;
  try {
    status = JSON.parse(text) as ExitStatus;
  } catch (cause) {
    throw new EngineError("internal", `the engine says: ${text}`, { cause });
  }
  if (status.status === "Success") return 0;
  const code = Number(status.details?.causes?.find(({ reason }) => reason === "ExitCode")?.message);
  if (status.reason === "NonZeroExitCode" && Number.isInteger(code)) return code;
  throw new EngineError("internal", status.message ?? text);
}
