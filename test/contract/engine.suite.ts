/** What every container engine does, whatever is behind it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  EngineError,
  type ContainerConfig,
  type ContainerStatus,
  type Engine,
  type ExecSession,
  type SandboxConfig,
} from "../../agent/engines/engine.ts";
import { eventually } from "../harness/eventually.ts";

export interface EngineFixture {
  engine: Engine;
  /** An image that is on the node. */
  image: string;
  /** For the logs of the suite's pods. */
  directory: string;
  /** A client of the same engine, as after a restart of the agent. The old one has been closed. */
  reconnect(): Promise<Engine>;
  close(): Promise<void>;
}

/** Commands with one meaning, in the words of what runs them. */
export interface Programs {
  exit(code: number): string[];
  print(words: string): string[];
  /** Runs until it is told to stop, and obeys. */
  run: string[];
  /** Runs until it is killed. */
  stubborn: string[];
  cat: string[];
}

export const SHELL_PROGRAMS: Programs = {
  exit: (code) => ["sh", "-c", `exit ${code}`],
  print: (words) => ["sh", "-c", `echo ${words}`],
  run: ["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 0.1; done"],
  stubborn: ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"],
  cat: ["cat"],
};

export interface EngineSuiteOptions {
  skip?: string;
  programs?: Programs;
  /** Tests of what only real processes have: output of two streams, load, signals. Give the reason to leave them out. */
  skipProcesses?: string;
  /** False for an engine that takes any image for granted. */
  knowsImages?: boolean;
}

const UNKNOWN = "f".repeat(64);

export function engineSuite(name: string, open: () => Promise<EngineFixture>, options: EngineSuiteOptions = {}): void {
  const { skip, skipProcesses, programs = SHELL_PROGRAMS, knowsImages = true } = options;
  describe.skipIf(skip !== undefined)(`container engine ${name}${skip === undefined ? "" : ` (${skip})`}`, () => {
    let fixture: EngineFixture;
    let engine: Engine;
    let counter = 0;

    beforeAll(async () => {
      fixture = await open();
      engine = fixture.engine;
    });
    afterAll(async () => {
      await fixture?.close();
    });

    async function startPod(): Promise<Pod> {
      const sandbox = sandboxConfig(++counter, fixture.directory);
      return { sandbox, sandboxId: await engine.runSandbox(sandbox) };
    }
    async function create(pod: Pod, command: string[], changes: Partial<ContainerConfig> = {}): Promise<string> {
      const imageRef = (await engine.imageStatus(fixture.image))?.imageRef ?? "";
      const config = containerConfig({ command, image: fixture.image, imageRef, ...changes });
      return await engine.createContainer(pod.sandboxId, pod.sandbox, config);
    }
    async function start(pod: Pod, command: string[], changes: Partial<ContainerConfig> = {}): Promise<string> {
      const id = await create(pod, command, changes);
      await engine.startContainer(id);
      return id;
    }
    const ended = (id: string): Promise<ContainerStatus> =>
      eventually(
        async () => {
          const status = await engine.containerStatus(id);
          expect(status.state).toBe("exited");
          return status;
        },
        { everyMs: 20 },
      );
    test("says what it is", async () => {
      const { name: own, version, idPrefix } = await engine.info();
      expect(own).not.toBe("");
      expect(version).not.toBe("");
      expect(idPrefix).toBe(`${own}://`);
    });

    test("a pod lives from its sandbox to its removal", async () => {
      const pod = await startPod();
      const { uid, name: podName, namespace } = pod.sandbox;
      expect(await engine.sandboxStatus(pod.sandboxId)).toMatchObject({ uid, name: podName, namespace, ready: true });
      const { podNetwork } = await engine.info();
      expect((await engine.sandboxStatus(pod.sandboxId)).ips).toHaveLength(podNetwork ? 1 : 0);
      expect((await engine.listSandboxes()).map(({ id }) => id)).toContain(pod.sandboxId);

      const id = await create(pod, programs.run);
      expect(await engine.containerStatus(id)).toMatchObject({ state: "created", name: "app", podUid: uid });
      await engine.startContainer(id);
      const running = await engine.containerStatus(id);
      expect(running).toMatchObject({ state: "running", sandboxId: pod.sandboxId, attempt: 0, image: fixture.image });
      expect(running.startedMs).toBeGreaterThanOrEqual(running.createdMs);
      expect(running.logPath).toBe(join(pod.sandbox.logDirectory, "app/0.log"));
      expect((await engine.listContainers()).find((c) => c.id === id)).toMatchObject({
        state: "running",
        podUid: uid,
        sandboxId: pod.sandboxId,
        name: "app",
      });

      await engine.stopSandbox(pod.sandboxId);
      expect((await engine.sandboxStatus(pod.sandboxId)).ready).toBe(false);
      expect((await engine.containerStatus(id)).state).toBe("exited");
      await engine.removeContainer(id);
      await engine.removeSandbox(pod.sandboxId);
      expect((await engine.listSandboxes()).map((s) => s.id)).not.toContain(pod.sandboxId);
      expect((await engine.listContainers()).map((c) => c.id)).not.toContain(id);
    });

    test.each([0, 1, 42, 255])("exit code %i is kept", async (code) => {
      const pod = await startPod();
      const status = await ended(await start(pod, programs.exit(code)));
      expect(status).toMatchObject({ exitCode: code, reason: code === 0 ? "Completed" : "Error" });
      expect(status.finishedMs).toBeGreaterThanOrEqual(status.startedMs);
      await engine.removeSandbox(pod.sandboxId);
    });

    test("each attempt of a container is one of its own, with its own log", async () => {
      const pod = await startPod();
      const ids: string[] = [];
      for (const attempt of [0, 1, 2]) {
        const id = await start(pod, programs.print(`attempt ${attempt}`), { attempt, logPath: `app/${attempt}.log` });
        await ended(id);
        ids.push(id);
      }
      expect(new Set(ids).size).toBe(3);
      for (const [attempt, id] of ids.entries()) {
        const status = await engine.containerStatus(id);
        expect(status.attempt).toBe(attempt);
        expect(await readFile(status.logPath, "utf8")).toContain(`attempt ${attempt}\n`);
      }
      await engine.removeSandbox(pod.sandboxId);
    });

    test("the log has the format of the CRI", async () => {
      const pod = await startPod();
      const id = await start(pod, programs.print("hello there"));
      const { logPath } = await ended(id);
      expect(await readFile(logPath, "utf8")).toMatch(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d) stdout F hello there\n$/,
      );
      await engine.removeSandbox(pod.sandboxId);
    });

    test("a container that obeys is stopped within its grace period", async () => {
      const pod = await startPod();
      const id = await start(pod, programs.run);
      // The shell needs a moment until it handles signals.
      await new Promise((resolve) => setTimeout(resolve, 200));
      await engine.stopContainer(id, 30);
      expect(await engine.containerStatus(id)).toMatchObject({ state: "exited", exitCode: 143 });
      await engine.removeSandbox(pod.sandboxId);
    });

    test("a container that does not obey is killed after it", async () => {
      const pod = await startPod();
      const id = await start(pod, programs.stubborn);
      await new Promise((resolve) => setTimeout(resolve, 200));
      await engine.stopContainer(id, 1);
      expect(await engine.containerStatus(id)).toMatchObject({ state: "exited", exitCode: 137 });
      await engine.removeSandbox(pod.sandboxId);
    });

    test("stopping and removing twice is the same as once", async () => {
      const pod = await startPod();
      const id = await start(pod, programs.run);
      for (const seconds of [0, 0]) await engine.stopContainer(id, seconds);
      const before = await engine.containerStatus(id);
      await engine.stopContainer(id, 1);
      expect(await engine.containerStatus(id)).toEqual(before);
      for (let i = 0; i < 2; i++) await engine.removeContainer(id);
      for (let i = 0; i < 2; i++) await engine.stopSandbox(pod.sandboxId);
      for (let i = 0; i < 2; i++) await engine.removeSandbox(pod.sandboxId);
    });

    test("removing a sandbox takes its running containers with it", async () => {
      const pod = await startPod();
      const id = await start(pod, programs.run);
      await engine.removeSandbox(pod.sandboxId);
      expect(await codeOf(engine.containerStatus(id))).toBe("not-found");
    });

    test("unknown ids are not found, and as good as stopped and removed", async () => {
      const { sandbox } = await startPod();
      expect(await codeOf(engine.sandboxStatus(UNKNOWN))).toBe("not-found");
      expect(await codeOf(engine.containerStatus(UNKNOWN))).toBe("not-found");
      expect(await codeOf(engine.startContainer(UNKNOWN))).toBe("not-found");
      const command = programs.run;
      expect(await codeOf(engine.execSync({ containerId: UNKNOWN, command, timeoutSeconds: 1 }))).toBe("not-found");
      expect(await codeOf(engine.exec({ containerId: UNKNOWN, command, stdin: false, tty: false }))).toBe("not-found");
      expect(await codeOf(engine.attach({ containerId: UNKNOWN, stdin: false, tty: false }))).toBe("not-found");
      expect(await codeOf(engine.portForward({ sandboxId: UNKNOWN, ports: [] }))).toBe("not-found");
      expect(await codeOf(create({ sandboxId: UNKNOWN, sandbox }, command))).toBe("not-found");
      await engine.stopContainer(UNKNOWN, 1);
      await engine.removeContainer(UNKNOWN);
      await engine.stopSandbox(UNKNOWN);
      await engine.removeSandbox(UNKNOWN);
    });

    test("a container is started once", async () => {
      const pod = await startPod();
      const id = await start(pod, programs.exit(0));
      await ended(id);
      expect(await codeOf(engine.startContainer(id))).toBe("internal");
      await engine.removeSandbox(pod.sandboxId);
    });

    test.skipIf(!knowsImages)("an image that is not there is undefined, and its pull fails as such", async () => {
      const image = "gantry.invalid/nothing:1";
      expect(await engine.imageStatus(image)).toBeUndefined();
      expect(await codeOf(engine.pullImage(image))).toBe("pull");
    });

    test("what a running container uses is told by engines that measure it", async () => {
      if (!engine.usage) return;
      const pod = await startPod();
      const id = await start(pod, programs.run);
      const used = await eventually(async () => {
        const found = (await engine.usage?.())?.find((one) => one.id === id);
        expect(found?.workingSetBytes).toBeGreaterThan(0);
        return found;
      });
      expect(used?.cpuNanoSeconds).toBeGreaterThan(0);
      expect(used?.atMs).toBeGreaterThan(Date.parse("2020-01-01"));
      await engine.removeSandbox(pod.sandboxId);
    });

    test("execSync gives exit code and output", async () => {
      const pod = await startPod();
      const containerId = await start(pod, programs.run);
      const exec = (command: string[]) => engine.execSync({ containerId, command, timeoutSeconds: 10 });
      expect(await exec(programs.print("good"))).toEqual({ exitCode: 0, output: "good\n" });
      expect(await exec(programs.exit(3))).toMatchObject({ exitCode: 3 });
      const late = await engine.execSync({ containerId, command: ["sleep", "30"], timeoutSeconds: 1 });
      expect(late.exitCode).toBe(-1);
      await engine.removeSandbox(pod.sandboxId);
    });

    test("exec passes input to its end, and the exit code back", async () => {
      const pod = await startPod();
      const containerId = await start(pod, programs.run);
      const session = await engine.exec({ containerId, command: programs.cat, stdin: true, tty: false });
      await write(session, "line 1\nline 2\n");
      const [output, errors, exit] = await Promise.all([text(session.stdout), text(session.stderr), session.exit]);
      expect({ output, errors, exit }).toEqual({ output: "line 1\nline 2\n", errors: "", exit: { exitCode: 0 } });
      const failing = await engine.exec({ containerId, command: programs.exit(7), stdin: false, tty: false });
      expect(failing.stdin).toBeUndefined();
      const [, , failed] = await Promise.all([text(failing.stdout), text(failing.stderr), failing.exit]);
      expect(failed).toEqual({ exitCode: 7 });
      await engine.removeSandbox(pod.sandboxId);
    });

    test("containers run on when the agent goes in the middle of its work", async () => {
      const pod = await startPod();
      const id = await start(pod, programs.run);
      const doomed = await start(pod, programs.stubborn, { name: "other", logPath: "other/0.log" });
      const before = await engine.containerStatus(id);
      // Its answer never comes, or comes too late: the next agent must cope with either.
      const stopping = engine.stopContainer(doomed, 1).catch(() => undefined);
      await engine.close();
      engine = await fixture.reconnect();
      await stopping;
      const after = await engine.containerStatus(id);
      expect(after).toEqual(before);
      expect((await engine.listSandboxes()).map((s) => s.id)).toContain(pod.sandboxId);
      expect(await engine.execSync({ containerId: id, command: programs.exit(0), timeoutSeconds: 10 })).toMatchObject({
        exitCode: 0,
      });
      await engine.stopContainer(doomed, 0);
      expect((await engine.containerStatus(doomed)).state).toBe("exited");
      await engine.removeSandbox(pod.sandboxId);
      expect(await codeOf(engine.containerStatus(id))).toBe("not-found");
    });

    describe.skipIf(skipProcesses !== undefined)(
      `real processes${skipProcesses === undefined ? "" : ` (${skipProcesses})`}`,
      () => {
        processTests({ engine: () => engine, startPod, start, ended });
      },
    );
  });
}

/** Of the EngineError with which it fails. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(EngineError);
  return (error as EngineError).code;
}

interface Pod {
  sandbox: SandboxConfig;
  sandboxId: string;
}

interface ProcessTools {
  engine: () => Engine;
  startPod: () => Promise<Pod>;
  start: (pod: Pod, command: string[], changes?: Partial<ContainerConfig>) => Promise<string>;
  ended: (id: string) => Promise<ContainerStatus>;
}

const MEGABYTE = 1024 * 1024;
const LOAD_BYTES = 20 * MEGABYTE;
/** What a stalled reader may cost this process. The load is far more. */
const MEMORY_BYTES_MAX = 12 * MEGABYTE;

function processTests({ engine, startPod, start, ended }: ProcessTools): void {
  test("both outputs are in the log, long lines in parts, a last line without newline too", async () => {
    const pod = await startPod();
    const script = "echo out; echo err >&2; head -c 20000 /dev/zero | tr '\\0' x; echo; printf end";
    const { logPath } = await ended(await start(pod, ["sh", "-c", script]));
    const lines = (await readFile(logPath, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" ").slice(1));
    const of = (stream: string) => lines.filter(([name]) => name === stream);
    expect(of("stderr")).toEqual([["stderr", "F", "err"]]);
    const stdout = of("stdout").map(([, tag, line = ""]) => [tag, line.length]);
    expect(stdout).toEqual([
      ["F", 3],
      ["P", 16_384],
      ["F", 20_000 - 16_384],
      ["P", 3],
    ]);
    await engine().removeSandbox(pod.sandboxId);
  });

  test("environment and folder are the container's, also for exec", async () => {
    const pod = await startPod();
    const env = [
      { name: "GREETING", value: "héllo wörld" },
      { name: "EMPTY", value: "" },
    ];
    const containerId = await start(pod, SHELL_PROGRAMS.run, { env, workingDir: "/tmp" });
    const command = ["sh", "-c", 'echo "$GREETING|${EMPTY-unset}|$PWD"'];
    const { output } = await engine().execSync({ containerId, command, timeoutSeconds: 10 });
    expect(output).toBe("héllo wörld||/tmp\n");
    await engine().removeSandbox(pod.sandboxId);
  });

  test("execSync cuts its output", async () => {
    const pod = await startPod();
    const containerId = await start(pod, SHELL_PROGRAMS.run);
    const command = ["sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x"];
    const { output } = await engine().execSync({ containerId, command, timeoutSeconds: 10 });
    expect(output.length).toBe(16 * 1024);
    await engine().removeSandbox(pod.sandboxId);
  });

  test("20 MB go in and out of an exec, and a reader that stands still stops the sender", async () => {
    const pod = await startPod();
    const containerId = await start(pod, SHELL_PROGRAMS.run);
    const session = await engine().exec({ containerId, command: ["cat"], stdin: true, tty: false });
    const block = new Uint8Array(64 * 1024).map((_, i) => (i * 7) % 251);
    globalThis.gc?.();
    const before = process.memoryUsage();
    let sentBytes = 0;
    const sending = (async () => {
      const writer = session.stdin?.getWriter();
      for (; sentBytes < LOAD_BYTES; sentBytes += block.length) await writer?.write(block);
      await writer?.close();
    })();
    let stalledAtBytes = -1;
    await eventually(
      async () => {
        const seen = stalledAtBytes;
        stalledAtBytes = sentBytes;
        await new Promise((resolve) => setTimeout(resolve, 300));
        expect(sentBytes).toBe(seen);
      },
      { everyMs: 0 },
    );
    expect(stalledAtBytes).toBeLessThan(LOAD_BYTES);
    const stalled = process.memoryUsage();
    expect(stalled.arrayBuffers - before.arrayBuffers).toBeLessThan(MEMORY_BYTES_MAX);
    let received = 0;
    let wrong = 0;
    for await (const chunk of session.stdout) {
      for (let i = 0; i < chunk.length; i += 997) {
        if (chunk[i] !== block[(received + i) % block.length]) wrong++;
      }
      received += chunk.length;
    }
    await Promise.all([sending, text(session.stderr)]);
    expect({ received, wrong, exit: await session.exit }).toEqual({
      received: LOAD_BYTES,
      wrong: 0,
      exit: { exitCode: 0 },
    });
    await engine().removeSandbox(pod.sandboxId);
  });

  test("a command that ends before its input does not fail the session", async () => {
    const pod = await startPod();
    const containerId = await start(pod, SHELL_PROGRAMS.run);
    const session = await engine().exec({ containerId, command: ["head", "-c", "2"], stdin: true, tty: false });
    const writer = session.stdin?.getWriter();
    writer?.closed.catch(() => undefined);
    await writer?.write(new TextEncoder().encode("abcdef"));
    const [output] = await Promise.all([text(session.stdout), text(session.stderr)]);
    expect({ output, exit: await session.exit }).toEqual({ output: "ab", exit: { exitCode: 0 } });
    await engine().removeSandbox(pod.sandboxId);
  });

  test("a terminal has one output and the exit code", async () => {
    const pod = await startPod();
    const containerId = await start(pod, SHELL_PROGRAMS.run);
    const command = ["sh", "-c", "test -t 1 && echo terminal; echo error >&2; exit 5"];
    const session = await engine().exec({ containerId, command, stdin: false, tty: true });
    expect(session.stderr).toBeUndefined();
    const output = await text(session.stdout);
    expect(output.split("\r\n").slice(0, 2)).toEqual(["terminal", "error"]);
    expect(await session.exit).toEqual({ exitCode: 5 });
    await engine().removeSandbox(pod.sandboxId);
  });

  test("attach shows what comes from then on, feeds the input and ends with the container", async () => {
    const pod = await startPod();
    const command = ["sh", "-c", 'read line; echo "got $line"; read line || echo over; exit 0'];
    const containerId = await start(pod, command, { stdin: true, stdinOnce: true });
    const session = await engine().attach({ containerId, stdin: true, tty: false });
    await write(session, "this\n");
    const [output] = await Promise.all([text(session.stdout), text(session.stderr), session.exit]);
    expect(output).toBe("got this\nover\n");
    expect((await ended(containerId)).exitCode).toBe(0);
    await engine().removeSandbox(pod.sandboxId);
  });

  test("a session that is cut says that its end is not known", async () => {
    const pod = await startPod();
    const containerId = await start(pod, SHELL_PROGRAMS.run);
    const session = await engine().attach({ containerId, stdin: false, tty: false });
    session.close();
    await expect(session.exit).rejects.toMatchObject({ code: "unavailable" });
    expect((await engine().containerStatus(containerId)).state).toBe("running");
    await engine().removeSandbox(pod.sandboxId);
  });

  test("a program that is not there fails the container, not the engine", async () => {
    const pod = await startPod();
    await expect(start(pod, ["/no/such/program"])).rejects.toBeInstanceOf(EngineError);
    const id = await start(pod, SHELL_PROGRAMS.exit(0), { attempt: 1, logPath: "app/1.log" });
    expect((await ended(id)).exitCode).toBe(0);
    await engine().removeSandbox(pod.sandboxId);
  });
}

async function text(stream: ReadableStream<Uint8Array> | undefined): Promise<string> {
  return stream === undefined ? "" : await new Response(stream).text();
}

async function write(session: ExecSession, input: string): Promise<void> {
  const writer = session.stdin?.getWriter();
  await writer?.write(new TextEncoder().encode(input));
  await writer?.close();
}

function sandboxConfig(number: number, directory: string): SandboxConfig {
  const name = `pod-${number}`;
  return {
    namespace: "default",
    name,
    uid: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`,
    attempt: 0,
    hostname: name,
    hostNetwork: false,
    logDirectory: join(directory, name),
    dns: { servers: ["192.0.2.53"], searches: ["default.svc.cluster.local"], options: ["ndots:5"] },
    portMappings: [],
    labels: { app: "suite" },
    annotations: {},
    cgroupParent: "",
    privileged: false,
  };
}

export function containerConfig(changes: Partial<ContainerConfig>): ContainerConfig {
  return {
    name: "app",
    attempt: 0,
    imageRef: "",
    image: "",
    command: [],
    args: [],
    workingDir: "",
    env: [],
    mounts: [],
    logPath: "app/0.log",
    stdin: false,
    stdinOnce: false,
    tty: false,
    labels: {},
    annotations: {},
    resources: { cpuShares: 2, cpuQuota: 0, cpuPeriod: 0, memoryLimitBytes: 0, oomScoreAdj: 1000 },
    security: {
      privileged: false,
      readOnlyRootFilesystem: false,
      addCapabilities: [],
      dropCapabilities: [],
      allowPrivilegeEscalation: true,
      supplementalGroups: [],
    },
    ...changes,
  };
}
