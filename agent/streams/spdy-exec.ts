/**
 * A process in a container over an engine's streaming server: Kubernetes' remotecommand protocol, version 4, on SPDY/3.1. Each of
 * stdin, stdout, stderr and resize is a stream; the end of the process comes as a Status on the stream "error".
 */
import { EngineError, type ExecSession } from "../engines/engine.ts";
import { upgradeToSpdy } from "./spdy-upgrade.ts";
import { createSpdyConnection, type SpdyConnection, type SpdyStream } from "./spdy.ts";

export interface SpdyExecOptions {
  /** As the engine answers to Exec and Attach. */
  url: string;
  stdin: boolean;
  tty: boolean;
}

const PROTOCOL = "v4.channel.k8s.io";
const ERROR_BYTES_MAX = 64 * 1024;

/** @throws EngineError */
export async function startSpdyExec(options: SpdyExecOptions): Promise<ExecSession> {
  const { socket, head } = await upgradeToSpdy(options.url, PROTOCOL);
  const connection = createSpdyConnection(socket, { head });
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
