/** An engine in memory for this folder's tests: what runs is a record, and the test says what ends how. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Clock } from "../../src/platform/platform.ts";
import {
  EngineError,
  type ContainerConfig,
  type ContainerStatus,
  type Engine,
  type Sandbox,
} from "../engines/engine.ts";

export interface EngineCall {
  atMs: number;
  call: string;
  subject: string;
}

export interface ScriptedEngine extends Engine {
  calls: EngineCall[];
  /** Images on the node. */
  images: Set<string>;
  /** Images a pull gets; others fail. */
  pullable: Set<string>;
  configs: Map<string, ContainerConfig>;
  /** What execSync answers, by the first word of the command. */
  execs: Map<string, { exitCode: number; output: string }>;
  /** Ends a running container of that name. */
  exit(name: string, exitCode: number): void;
  /** Names of running containers. */
  running(): string[];
  /** False: stopContainer waits out its grace period in vain, then kills. */
  obeysStop: boolean;
  /** Fails every call while set. */
  down: boolean;
  loseSandbox(): void;
}

export function createScriptedEngine(deps: { clock: Clock; after(ms: number): Promise<void> }): ScriptedEngine {
  const { clock } = deps;
  const sandboxes = new Map<string, Sandbox & { logDirectory: string }>();
  const containers = new Map<string, ContainerStatus>();
  let counter = 0;

  const engine: ScriptedEngine = {
    calls: [],
    images: new Set(),
    pullable: new Set(["app:1", "app:2", "init:1", "sidecar:1"]),
    configs: new Map(),
    execs: new Map(),
    obeysStop: true,
    down: false,
    exit(name, exitCode) {
      const found = [...containers.values()].find((c) => c.name === name && c.state === "running");
      if (found === undefined) throw new Error(`${name} does not run`);
      end(found, exitCode, exitCode === 0 ? "Completed" : "Error");
    },
    running: () => [...containers.values()].filter((c) => c.state === "running").map((c) => c.name),
    loseSandbox() {
      for (const sandbox of sandboxes.values()) sandbox.ready = false;
      for (const container of containers.values()) if (container.state === "running") end(container, 137, "Error");
    },
    async info() {
      note("info", "");
      return { name: "scripted", version: "1", idPrefix: "scripted://", podNetwork: true };
    },
    async runSandbox(config) {
      const id = `s${++counter}`;
      note("runSandbox", `${config.name}/${config.attempt}`);
      const { namespace, name, uid, attempt, logDirectory } = config;
      const ips = config.hostNetwork ? [] : [`10.244.0.${counter}`];
      sandboxes.set(id, { namespace, name, uid, attempt, id, ready: true, createdMs: clock.now(), ips, logDirectory });
      return id;
    },
    async stopSandbox(id) {
      note("stopSandbox", id);
      const sandbox = sandboxes.get(id);
      if (sandbox) sandbox.ready = false;
      for (const c of containers.values()) if (c.sandboxId === id && c.state === "running") end(c, 137, "Error");
    },
    async removeSandbox(id) {
      note("removeSandbox", id);
      sandboxes.delete(id);
    },
    async listSandboxes() {
      up();
      return [...sandboxes.values()].map((s) => ({ ...s }));
    },
    async sandboxStatus(id) {
      return { ...need(sandboxes.get(id)) };
    },
    async imageStatus(image) {
      up();
      return engine.images.has(image) ? { imageRef: `sha256:${image}` } : undefined;
    },
    async pullImage(image) {
      note("pullImage", image);
      if (!engine.pullable.has(image)) throw new EngineError("pull", `${image}: not found`);
      engine.images.add(image);
      return `sha256:${image}`;
    },
    async createContainer(sandboxId, sandbox, config) {
      const id = `c${++counter}`;
      note("createContainer", `${config.name}/${config.attempt}`);
      engine.configs.set(`${config.name}/${config.attempt}`, config);
      const logPath = join(sandbox.logDirectory, config.logPath);
      mkdirSync(dirname(logPath), { recursive: true });
      writeFileSync(logPath, "");
      containers.set(id, {
        id,
        sandboxId,
        podUid: sandbox.uid,
        name: config.name,
        attempt: config.attempt,
        state: "created",
        createdMs: clock.now(),
        startedMs: 0,
        finishedMs: 0,
        exitCode: 0,
        reason: "",
        message: "",
        image: config.image,
        imageRef: config.imageRef,
        logPath,
      });
      return id;
    },
    async startContainer(id) {
      const container = need(containers.get(id));
      note("startContainer", `${container.name}/${container.attempt}`);
      container.state = "running";
      container.startedMs = clock.now();
    },
    async stopContainer(id, timeoutSeconds) {
      const container = need(containers.get(id));
      note("stopContainer", `${container.name}/${timeoutSeconds}`);
      if (!engine.obeysStop) await deps.after(timeoutSeconds * 1000);
      if (container.state === "running") end(container, engine.obeysStop ? 143 : 137, "Error");
    },
    async removeContainer(id) {
      note("removeContainer", containers.get(id)?.name ?? id);
      containers.delete(id);
    },
    async listContainers() {
      up();
      return [...containers.values()].map((c) => ({ ...c }));
    },
    async containerStatus(id) {
      return { ...need(containers.get(id)) };
    },
    async execSync({ command }) {
      note("execSync", command.join(" "));
      return engine.execs.get(command[0] ?? "") ?? { exitCode: 0, output: "" };
    },
    exec: () => Promise.reject(new EngineError("refused", "no exec here")),
    attach: () => Promise.reject(new EngineError("refused", "no attach here")),
    async configureNetwork({ podCidr }) {
      note("configureNetwork", podCidr);
    },
    close: async () => undefined,
  };

  function up(): void {
    if (engine.down) throw new EngineError("unavailable", "the engine is down");
  }
  function note(call: string, subject: string): void {
    up();
    engine.calls.push({ atMs: clock.now(), call, subject });
  }
  function need<T>(found: T | undefined): T {
    up();
    if (found === undefined) throw new EngineError("not-found", "not found");
    return found;
  }
  function end(container: ContainerStatus, exitCode: number, reason: string): void {
    container.state = "exited";
    container.exitCode = exitCode;
    container.reason = reason;
    container.finishedMs = clock.now();
  }
  return engine;
}
