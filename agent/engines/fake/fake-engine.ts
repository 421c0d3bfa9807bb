/**
 * An engine in memory, for tests of what stands above engines. A container's program is a word the fake understands: `exit N`,
 * `print TEXT`, `cat` (exec only), `ignore-term`; anything else runs until the test ends it. Failures are scripted by call.
 */
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock, Timers } from "../../../src/platform/platform.ts";
import {
  EngineError,
  type ContainerConfig,
  type ContainerStatus,
  type Engine,
  type ExecSession,
  type Sandbox,
  type SandboxConfig,
} from "../engine.ts";

export type EngineCall = Exclude<keyof Engine, "close">;

export interface FakeEngine extends Engine {
  /** What was called, in order, and on what: a pod's or container's name, an image, a command. */
  readonly calls: { atMs: number; call: EngineCall; subject: string }[];
  /** Images on the node. */
  readonly images: Map<string, { imageRef: string; user?: string; uid?: number }>;
  /** Images that no pull finds, with what the registry says. */
  readonly unpullable: Map<string, string>;
  /** Configs of the containers by id, also of those that are gone. */
  readonly configs: Map<string, ContainerConfig>;
  readonly podCidr: string | undefined;
  /** Makes the next `times` calls fail. */
  fail(call: EngineCall, error: EngineError, times?: number): void;
  /** While true every call fails as "unavailable". */
  setDown(down: boolean): void;
  /** Answers execSync by the first word of the command; without an entry the command is run by the fake's own words. */
  readonly answers: Map<string, { exitCode: number; output: string }>;
  /** Ids of the running containers with that name, in the order of their start. */
  running(name?: string): string[];
  /** Ends a running container as its program would. */
  exitContainer(id: string, end: { exitCode: number; reason?: string; message?: string }): void;
  /** Writes a line to a container's log. */
  print(id: string, line: string, stream?: "stdout" | "stderr"): void;
  /** The sandbox dies by itself, with all that runs in it. */
  loseSandbox(id: string): void;
}

interface Entry {
  status: ContainerStatus;
  config: ContainerConfig;
  ended: Promise<void>;
  end: () => void;
}

const OUTPUT_BYTES_MAX = 16 * 1024;

export function createFakeEngine(deps: { clock: Clock; timers: Timers; subnet?: string }): FakeEngine {
  const { clock, timers, subnet = "10.88.0" } = deps;
  const sandboxes = new Map<string, { sandbox: Sandbox; config: SandboxConfig }>();
  const containers = new Map<string, Entry>();
  const failures: { call: EngineCall; error: EngineError; left: number }[] = [];
  const calls: FakeEngine["calls"] = [];
  const images: FakeEngine["images"] = new Map();
  const unpullable = new Map<string, string>();
  const configs = new Map<string, ContainerConfig>();
  const answers: FakeEngine["answers"] = new Map();
  let podCidr: string | undefined;
  let down = false;
  let counter = 0;

  function begin(call: EngineCall, subject: string): void {
    if (down) throw new EngineError("unavailable", "the engine is down");
    calls.push({ atMs: clock.now(), call, subject });
    const failure = failures.find((f) => f.call === call && f.left > 0);
    if (failure === undefined) return;
    failure.left--;
    throw failure.error;
  }

  function sandboxOf(id: string) {
    const found = sandboxes.get(id);
    if (found === undefined) throw new EngineError("not-found", `no sandbox ${id}`);
    return found;
  }

  function entryOf(id: string): Entry {
    const found = containers.get(id);
    if (found === undefined) throw new EngineError("not-found", `no container ${id}`);
    return found;
  }

  function finish(entry: Entry, end: { exitCode: number; reason?: string; message?: string }): void {
    const { status } = entry;
    if (status.state === "exited") return;
    status.state = "exited";
    status.exitCode = end.exitCode;
    status.reason = end.reason ?? (end.exitCode === 0 ? "Completed" : "Error");
    status.message = end.message ?? "";
    status.finishedMs = clock.now();
    entry.end();
  }

  function stopAll(sandboxId: string): void {
    for (const entry of containers.values()) {
      if (entry.status.sandboxId === sandboxId && entry.status.state === "running") finish(entry, { exitCode: 137 });
    }
  }

  function print(entry: Entry, line: string, stream: "stdout" | "stderr" = "stdout"): void {
    appendFileSync(entry.status.logPath, `${new Date(clock.now()).toISOString()} ${stream} F ${line}\n`);
  }

  function runningEntry(id: string): Entry {
    const entry = entryOf(id);
    if (entry.status.state !== "running") throw new EngineError("internal", `container ${id} is not running`);
    return entry;
  }

  const engine: FakeEngine = {
    calls,
    images,
    unpullable,
    configs,
    answers,
    get podCidr() {
      return podCidr;
    },
    fail: (call, error, times = 1) => void failures.push({ call, error, left: times }),
    setDown: (value) => void (down = value),
    running: (name) =>
      [...containers.values()]
        .filter(({ status }) => status.state === "running" && (name === undefined || status.name === name))
        .map(({ status }) => status.id),
    exitContainer: (id, end) => finish(runningEntry(id), end),
    print: (id, line, stream) => print(entryOf(id), line, stream),
    loseSandbox(id) {
      sandboxOf(id).sandbox.ready = false;
      stopAll(id);
    },

    async info() {
      begin("info", "");
      return { name: "fake", version: "1", idPrefix: "fake://", podNetwork: true };
    },
    async runSandbox(config) {
      begin("runSandbox", config.name);
      const id = `sandbox-${++counter}`;
      const { namespace, name, uid, attempt } = config;
      const ips = config.hostNetwork ? [] : [`${subnet}.${(counter % 250) + 2}`];
      const sandbox = { id, namespace, name, uid, attempt, ready: true, createdMs: clock.now(), ips };
      sandboxes.set(id, { sandbox, config });
      return id;
    },
    async stopSandbox(id) {
      begin("stopSandbox", sandboxes.get(id)?.config.name ?? id);
      const found = sandboxes.get(id);
      if (found === undefined) return;
      found.sandbox.ready = false;
      stopAll(id);
    },
    async removeSandbox(id) {
      begin("removeSandbox", sandboxes.get(id)?.config.name ?? id);
      stopAll(id);
      for (const [key, { status }] of containers) if (status.sandboxId === id) containers.delete(key);
      sandboxes.delete(id);
    },
    async listSandboxes() {
      begin("listSandboxes", "");
      return [...sandboxes.values()].map(({ sandbox }) => ({ ...sandbox }));
    },
    async sandboxStatus(id) {
      begin("sandboxStatus", id);
      return { ...sandboxOf(id).sandbox };
    },
    async imageStatus(image) {
      begin("imageStatus", image);
      return images.get(image);
    },
    async pullImage(image) {
      begin("pullImage", image);
      const refusal = unpullable.get(image);
      if (refusal !== undefined) throw new EngineError("pull", refusal);
      const known = images.get(image) ?? { imageRef: `sha256:${image}` };
      images.set(image, known);
      return known.imageRef;
    },
    async createContainer(sandboxId, sandbox, config) {
      begin("createContainer", config.name);
      if (!sandboxOf(sandboxId).sandbox.ready) throw new EngineError("internal", `sandbox ${sandboxId} is not ready`);
      const id = `container-${++counter}`;
      configs.set(id, config);
      containers.set(id, makeEntry({ id, sandboxId, sandbox, config, nowMs: clock.now() }));
      return id;
    },
    async startContainer(id) {
      const entry = entryOf(id);
      begin("startContainer", entry.config.name);
      if (entry.status.state !== "created") throw new EngineError("internal", `container ${id} was started before`);
      entry.status.state = "running";
      entry.status.startedMs = clock.now();
      const [word = "", ...rest] = [...entry.config.command, ...entry.config.args];
      if (word === "print") print(entry, rest.join(" "));
      if (word === "exit") finish(entry, { exitCode: Number(rest[0]) });
      if (word === "print") finish(entry, { exitCode: 0 });
    },
    async stopContainer(id, timeoutSeconds) {
      begin("stopContainer", containers.get(id)?.config.name ?? id);
      const entry = containers.get(id);
      if (entry === undefined || entry.status.state !== "running") return;
      const ignores = entry.config.command[0] === "ignore-term";
      if (!ignores) return finish(entry, { exitCode: 143 });
      const undo = timers.after(timeoutSeconds * 1000, () => finish(entry, { exitCode: 137 }));
      await entry.ended;
      undo();
    },
    async removeContainer(id) {
      begin("removeContainer", containers.get(id)?.config.name ?? id);
      const entry = containers.get(id);
      if (entry?.status.state === "running") finish(entry, { exitCode: 137 });
      containers.delete(id);
    },
    async listContainers() {
      begin("listContainers", "");
      return [...containers.values()].map(({ status }) => ({ ...status }));
    },
    async containerStatus(id) {
      begin("containerStatus", id);
      return { ...entryOf(id).status };
    },
    async execSync({ containerId, command }) {
      begin("execSync", command.join(" "));
      runningEntry(containerId);
      const [word = "", ...rest] = command;
      const answer = answers.get(word);
      if (answer !== undefined) return answer;
      if (word === "exit") return { exitCode: Number(rest[0]), output: "" };
      if (word === "print") return { exitCode: 0, output: `${rest.join(" ")}\n`.slice(0, OUTPUT_BYTES_MAX) };
      // What runs until it is ended runs into the time-out of a probe.
      return { exitCode: word === "sleep" ? -1 : 0, output: "" };
    },
    async portForward({ sandboxId }) {
      begin("portForward", sandboxOf(sandboxId).sandbox.name);
      throw new EngineError("refused", "nothing listens in a pod that is made up");
    },
    async exec({ containerId, command, stdin, tty }) {
      begin("exec", command.join(" "));
      const { ended } = runningEntry(containerId);
      return fakeSession({ command, stdin, tty, ended });
    },
    async attach({ containerId, stdin, tty }) {
      begin("attach", containerId);
      const entry = runningEntry(containerId);
      const exit = entry.ended.then(() => ({ exitCode: entry.status.exitCode }));
      return { ...fakeSession({ command: ["cat"], stdin, tty, ended: entry.ended }), exit };
    },
    async configureNetwork(network) {
      begin("configureNetwork", network.podCidr);
      podCidr = network.podCidr;
    },
    close: async () => undefined,
  };
  return engine;
}

function makeEntry(at: {
  id: string;
  sandboxId: string;
  sandbox: SandboxConfig;
  config: ContainerConfig;
  nowMs: number;
}): Entry {
  const { id, sandboxId, sandbox, config, nowMs } = at;
  const logPath = join(sandbox.logDirectory, config.logPath);
  mkdirSync(dirname(logPath), { recursive: true });
  appendFileSync(logPath, "");
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const status: ContainerStatus = {
    id,
    sandboxId,
    podUid: sandbox.uid,
    name: config.name,
    attempt: config.attempt,
    state: "created",
    createdMs: nowMs,
    startedMs: 0,
    finishedMs: 0,
    exitCode: 0,
    reason: "",
    message: "",
    image: config.image,
    imageRef: config.imageRef,
    logPath,
  };
  return { status, config, ended, end };
}

/** `cat` copies its input, `print` and `exit` do as they say, anything else waits for the end of its container. */
function fakeSession(at: { command: string[]; stdin: boolean; tty: boolean; ended: Promise<void> }): ExecSession {
  const [word = "", ...rest] = at.command;
  // Takes some input before anybody reads, as pipes do.
  const copy = new TransformStream<Uint8Array, Uint8Array>({}, undefined, { highWaterMark: 16 });
  const input =
    at.stdin && word === "cat"
      ? copy
      : new TransformStream<Uint8Array, Uint8Array>({}, undefined, { highWaterMark: Infinity });
  const { promise: exit, resolve } = Promise.withResolvers<{ exitCode: number }>();
  const output = word === "cat" && at.stdin ? copy.readable : textStream(word === "print" ? `${rest.join(" ")}\n` : "");
  const writer = input.writable;
  const stdin = at.stdin ? closing(writer, () => word === "cat" && resolve({ exitCode: 0 })) : undefined;
  if (word === "exit") resolve({ exitCode: Number(rest[0]) });
  else if (word === "print" || (word === "cat" && !at.stdin)) resolve({ exitCode: 0 });
  void at.ended.then(() => resolve({ exitCode: 137 }));
  return {
    stdin,
    stdout: output,
    stderr: at.tty ? undefined : textStream(""),
    resize: () => undefined,
    exit,
    close: () => resolve({ exitCode: 137 }),
  };
}

function textStream(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (text !== "") controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}

function closing(target: WritableStream<Uint8Array>, closed: () => void): WritableStream<Uint8Array> {
  const writer = target.getWriter();
  return new WritableStream({
    write: (chunk) => writer.write(chunk),
    async close() {
      closed();
      await writer.close();
    },
    abort: (reason) => writer.abort(reason),
  });
}
