/** Commands beside a container's process: with its environment and in its folder, but as every process of this engine, on the host. */
import { spawn, type ChildProcess } from "node:child_process";
import { constants, createWriteStream } from "node:fs";
import { Readable, Writable } from "node:stream";
import type { Timers } from "../../../src/platform/platform.ts";
import { EngineError, type ExecSession } from "../engine.ts";
import type { ContainerProcess } from "./container-process.ts";
import { signal } from "./process-table.ts";
import { resolveProgram, type Program } from "./program.ts";

const OUTPUT_BYTES_MAX = 16 * 1024;
const SIGNAL_BASE = 128;

async function start(program: Program, command: string[], stdin: boolean): Promise<ChildProcess> {
  const [file, ...args] = await resolveProgram(command, program.env["PATH"] ?? "", program.cwd);
  const { cwd, env, uid, gid } = program;
  const child = spawn(file, args, {
    cwd,
    env,
    ...(uid === undefined ? {} : { uid, gid: gid ?? uid }),
    stdio: [stdin ? "pipe" : "ignore", "pipe", "pipe"],
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) =>
      reject(new EngineError("internal", `the command could not be started: ${cause.message}`, { cause })),
    );
  });
  return child;
}

function exitOf(child: ChildProcess): Promise<{ exitCode: number }> {
  return new Promise((resolve) => {
    // 128 + the signal's number, as shells and containers tell it.
    const numberOf: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGPIPE: 13, SIGTERM: 15 };
    child.once("exit", (code, name) => resolve({ exitCode: code ?? SIGNAL_BASE + (numberOf[name ?? ""] ?? 0) }));
  });
}

/** One argument for a shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

export async function execInProcess(at: {
  program: Program;
  command: string[];
  stdin: boolean;
  tty: boolean;
}): Promise<ExecSession> {
  const { program, stdin, tty } = at;
  // Node makes no terminals; the program `script` of every Linux does. Its size cannot be set from outside.
  const command = tty ? ["script", "-qefc", at.command.map(quoted).join(" "), "/dev/null"] : at.command;
  if (tty) await resolveProgram(at.command, program.env["PATH"] ?? "", program.cwd);
  const child = await start(program, command, stdin);
  const exit = exitOf(child);
  return {
    stdin: child.stdin === null ? undefined : (Writable.toWeb(child.stdin) as WritableStream<Uint8Array>),
    stdout: webStream(child.stdout),
    stderr: tty ? undefined : webStream(child.stderr),
    resize: () => undefined,
    exit,
    close() {
      child.stdin?.destroy();
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
  };
}

function webStream(stream: Readable | null): ReadableStream<Uint8Array> {
  // Both are there: they were asked for as pipes.
  return Readable.toWeb(stream ?? Readable.from([])) as ReadableStream<Uint8Array>;
}

export async function execSyncInProcess(at: {
  program: Program;
  command: string[];
  timeoutMs: number;
  timers: Timers;
}): Promise<{ exitCode: number; output: string }> {
  const child = await start(at.program, at.command, false);
  const parts: Buffer[] = [];
  let bytes = 0;
  const collect = (part: Buffer) => {
    if (bytes < OUTPUT_BYTES_MAX) parts.push(part.subarray(0, OUTPUT_BYTES_MAX - bytes));
    bytes += part.length;
  };
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const closed = new Promise((resolve) => child.once("close", resolve));
  let timedOut = false;
  const undo =
    at.timeoutMs > 0
      ? at.timers.after(at.timeoutMs, () => {
          timedOut = true;
          if (child.pid !== undefined) signal(-child.pid, "SIGKILL");
          child.stdout?.destroy();
          child.stderr?.destroy();
        })
      : () => undefined;
  const { exitCode } = await exitOf(child);
  await closed;
  undo();
  return timedOut ? { exitCode: -1, output: "" } : { exitCode, output: Buffer.concat(parts).toString("utf8") };
}

/** To the container's own streams. Closing stdin ends the input for good only where the container was told so (stdinOnce). */
export function attachToProcess(container: ContainerProcess, { stdin }: { stdin: boolean }): ExecSession {
  const { stdout, stderr } = container.attach();
  const path = stdin ? container.inputPath() : undefined;
  const { O_WRONLY, O_NONBLOCK } = constants;
  const input = path === undefined ? undefined : createWriteStream(path, { flags: O_WRONLY | O_NONBLOCK } as never);
  input?.on("error", () => undefined);
  input?.once("close", () => {
    if (container.record.stdinOnce) container.closeInput();
  });
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const ended = container.end().then(() => ({ exitCode: container.status.exitCode }));
  const exit = Promise.race([ended, cut]);
  exit.catch(() => undefined);
  return {
    stdin: input === undefined ? undefined : (Writable.toWeb(input) as WritableStream<Uint8Array>),
    stdout,
    stderr,
    resize: () => undefined,
    exit,
    close() {
      reject(new EngineError("unavailable", "the session was cut"));
      input?.destroy();
      for (const stream of [stdout, stderr]) if (!stream.locked) void stream.cancel();
    },
  };
}
