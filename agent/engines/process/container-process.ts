/**
 * One container of the process engine: its process, its record on disk, its end. A small shell stands between, in a process group
 * of its own: it outlives the agent and writes the exit code where the next agent finds it.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Clock, Log, Timers } from "../../../src/platform/platform.ts";
import { EngineError, type ContainerStatus } from "../engine.ts";
import { openCriLog, type CriLog } from "./cri-log.ts";
import { startOutputPump, type OutputPump } from "./output-pump.ts";
import { environmentOf, identify, processesWith, runs, signal, type ProcessIdentity } from "./process-table.ts";
import { CONTAINER_VARIABLE, type Program } from "./program.ts";

const run = promisify(execFile);

export interface ContainerRecord {
  status: ContainerStatus;
  program: Program;
  stdin: boolean;
  stdinOnce: boolean;
  /** Of the shell that leads the group. */
  process: ProcessIdentity | undefined;
}

export interface ContainerDeps {
  clock: Clock;
  timers: Timers;
  log: Log;
}

/**
 * The shell hears the stop signal as well, as a member of the group; it lives on until the program has ended. Descriptor 3 is the
 * file for the exit code and is not the program's business. What the shell itself says of signals is not the program's output.
 */
const SUPERVISOR =
  'trap : TERM INT HUP QUIT USR1 USR2; exec 4>&2 2>/dev/null; (exec "$@" 2>&4 3>&- 4>&-); code=$?; echo $code >&3; exit $code';
/** How often a process that is no child of this agent is looked at. */
const WATCH_MS = 250;
/** Waited for output after the end; what holds a pipe open longer has been killed anyway. */
const OUTPUT_MS_MAX = 2_000;
const KILLED = 137;
/** How often what a container has left is looked for, until there is nothing. What the kernel cannot end by then stays. */
const KILL_LOOKS_MAX = 200;
const KILL_LOOK_MS = 5;

/** @returns whether the promise was settled in time */
async function within(timers: Timers, limitMs: number, promise: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const undo = timers.after(limitMs, () => late.resolve(false));
  const first = await Promise.race([promise.then(() => true), late.promise]);
  undo();
  return first;
}

export class ContainerProcess {
  readonly record: ContainerRecord;
  private readonly directory: string;
  private readonly deps: ContainerDeps;
  private readonly ended = Promise.withResolvers<void>();
  private log: CriLog | undefined;
  private pumps: { stdout: OutputPump; stderr: OutputPump } | undefined;
  /** Keeps the container's input open. */
  private input: number | undefined;
  private ending = false;
  private closed = false;
  private child: ChildProcess | undefined;
  private saved: Promise<void> = Promise.resolve();

  constructor(options: { record: ContainerRecord; directory: string; deps: ContainerDeps }) {
    this.record = options.record;
    this.directory = options.directory;
    this.deps = options.deps;
    if (this.status.state === "exited") this.ended.resolve();
    // Rejected when this agent lets go; who waits then is told, and often nobody waits.
    this.ended.promise.catch(() => undefined);
  }

  get status(): ContainerStatus {
    return this.record.status;
  }

  get workDirectory(): string {
    return join(this.directory, "work");
  }

  /** For the first time: folders, pipes, record. */
  async prepare(): Promise<void> {
    const { uid, gid } = this.record.program;
    await mkdir(this.workDirectory, { recursive: true });
    if (uid !== undefined) await chown(this.workDirectory, uid, gid ?? uid);
    const pipes = ["stdout", "stderr", "stdin"].map((name) => join(this.directory, name));
    await run("mkfifo", ["-m", "600", ...pipes]);
    await mkdir(dirname(this.status.logPath), { recursive: true });
    await writeFile(this.status.logPath, "", { flag: "a" });
    await this.save();
  }

  async start(): Promise<void> {
    if (this.status.state !== "created")
      throw new EngineError("internal", `container ${this.status.id} was started before`);
    await this.openOutputs();
    const { argv, env, cwd, uid, gid } = this.record.program;
    this.status.startedMs = this.deps.clock.now();
    const files = this.openForProcess();
    const user = uid === undefined ? {} : { uid, gid: gid ?? uid };
    const child = spawn("/bin/sh", ["-c", SUPERVISOR, "gantry-container", ...argv], {
      cwd,
      env,
      ...user,
      stdio: files,
      detached: true,
    });
    const spawned = new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.once("exit", (code) => void this.finish(code ?? KILLED));
    this.child = child;
    try {
      await spawned;
    } catch (cause) {
      this.closeOutputs();
      throw new EngineError("internal", `the process could not be started: ${String(cause)}`, { cause });
    } finally {
      for (const file of files) if (typeof file === "number") closeSync(file);
    }
    this.record.process = await identify(child.pid ?? 0);
    if (this.status.state === "created") this.status.state = "running";
    await this.save();
  }

  /** The process holds its own ends of the pipes open for reading too: no agent, no broken pipe. */
  private openForProcess(): (number | "ignore")[] {
    const both = constants.O_RDWR;
    const path = (name: string) => join(this.directory, name);
    let stdin: number | "ignore" = "ignore";
    if (this.record.stdin) {
      this.input = openSync(path("stdin"), both);
      stdin = openSync(path("stdin"), constants.O_RDONLY);
    }
    return [
      stdin,
      openSync(path("stdout"), both),
      openSync(path("stderr"), both),
      openSync(path("exit-code"), "w", 0o600),
    ];
  }

  private async openOutputs(): Promise<void> {
    this.log = await openCriLog(this.status.logPath, this.deps.clock);
    this.pumps = {
      stdout: startOutputPump(join(this.directory, "stdout"), this.log.stream("stdout")),
      stderr: startOutputPump(join(this.directory, "stderr"), this.log.stream("stderr")),
    };
  }

  private closeOutputs(): void {
    this.pumps?.stdout.stop();
    this.pumps?.stderr.stop();
  }

  /** After a start of the agent: goes on with what still runs, and notes the end of what does not. */
  async adopt(): Promise<void> {
    if (this.status.state !== "running") return;
    await this.openOutputs();
    const { process } = this.record;
    if (process === undefined || !(await runs(process))) return await this.finish(KILLED);
    this.record.program.env = await environmentOf(process.pid);
    this.deps.log.info("a container of an earlier agent goes on", { container: this.status.name, pid: process.pid });
    this.watch(process);
  }

  private watch(process: ProcessIdentity): void {
    this.deps.timers.after(WATCH_MS, () => {
      if (this.closed || this.ending) return;
      runs(process).then(
        (still) => (still ? this.watch(process) : void this.finish(KILLED)),
        () => this.watch(process),
      );
    });
  }

  /** `fallback` is the exit code where the shell has written none: it was killed. */
  private async finish(fallback: number): Promise<void> {
    if (this.ending || this.closed) return;
    this.ending = true;
    const { status } = this;
    const written = (await readFile(join(this.directory, "exit-code"), "utf8").catch(() => "")).trim();
    const exitCode = written === "" ? fallback : Number(written);
    const known = await stat(join(this.directory, "exit-code")).catch(() => undefined);
    // As in a container, nothing outlives the first process.
    await this.killRest();
    await this.drained();
    this.closeInput();
    status.exitCode = exitCode;
    status.reason = exitCode === 0 ? "Completed" : "Error";
    // Files carry the time of the kernel's last tick, which may be before the start.
    const nowMs = this.deps.clock.now();
    const endedMs = written === "" ? nowMs : Math.floor(known?.mtimeMs ?? nowMs);
    status.finishedMs = Math.max(status.startedMs, endedMs);
    status.state = "exited";
    await this.save().catch((error: unknown) => this.deps.log.warn("a container's record was not written", { error }));
    this.ended.resolve();
  }

  private async drained(): Promise<void> {
    if (this.pumps === undefined) return;
    const { timers } = this.deps;
    await within(timers, OUTPUT_MS_MAX, Promise.all([this.pumps.stdout.ended, this.pumps.stderr.ended]));
    this.closeOutputs();
    await Promise.all([this.pumps.stdout.ended, this.pumps.stderr.ended]);
    await this.log?.close();
    this.log = undefined;
  }

  private async killRest(): Promise<void> {
    const leader = this.record.process;
    // The group's number is free for others once the group is empty; its members carry the variable.
    if (leader !== undefined && (await runs(leader))) signal(-leader.pid, "SIGKILL");
    // What was forked or in an exec during one look is found by the next.
    for (let look = 0; look < KILL_LOOKS_MAX; look++) {
      const { carriers, undecided } = await processesWith(CONTAINER_VARIABLE, this.status.id, leader);
      for (const pid of carriers) signal(pid, "SIGKILL");
      if (carriers.length + undecided.length === 0) return;
      await new Promise<void>((resolve) => this.deps.timers.after(KILL_LOOK_MS, resolve));
    }
  }

  async stop(timeoutMs: number): Promise<void> {
    if (this.status.state !== "running") return;
    const leader = this.record.process;
    if (timeoutMs > 0 && leader !== undefined && (await runs(leader))) {
      signal(-leader.pid, "SIGTERM");
      if (await within(this.deps.timers, timeoutMs, this.ended.promise)) return;
    }
    await this.killRest();
    await this.ended.promise;
  }

  /** Undefined where the container takes no input. */
  inputPath(): string | undefined {
    return this.input === undefined ? undefined : join(this.directory, "stdin");
  }

  /** End of input, for good. */
  closeInput(): void {
    if (this.input !== undefined) closeSync(this.input);
    this.input = undefined;
  }

  attach(): { stdout: ReadableStream<Uint8Array>; stderr: ReadableStream<Uint8Array> } {
    if (this.pumps === undefined) throw new EngineError("internal", `container ${this.status.id} does not run`);
    return { stdout: this.pumps.stdout.attach(), stderr: this.pumps.stderr.attach() };
  }

  async reopenLog(): Promise<void> {
    await this.log?.reopen();
  }

  /** Resolves when the container has ended. */
  end(): Promise<void> {
    return this.ended.promise;
  }

  async remove(): Promise<void> {
    await this.stop(0);
    this.closed = true;
    this.closeInput();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** This agent lets go of it; the process goes on. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    // The agent may end before its containers.
    this.child?.unref();
    this.ended.reject(new EngineError("unavailable", "the agent lets go of its containers"));
    this.closeOutputs();
    this.closeInput();
    await Promise.all([this.pumps?.stdout.ended, this.pumps?.stderr.ended]);
    await this.log?.close();
    this.log = undefined;
  }

  /** Without the environment, in which there may be secrets: an adopted process has it itself. */
  private save(): Promise<void> {
    const { program, ...rest } = this.record;
    const path = join(this.directory, "container.json");
    const before = this.saved.catch(() => undefined);
    this.saved = (async () => {
      await before;
      await writeFile(`${path}.new`, JSON.stringify({ ...rest, program: { ...program, env: {} } }), { mode: 0o600 });
      await rename(`${path}.new`, path);
    })();
    return this.saved;
  }
}
