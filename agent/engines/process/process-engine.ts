/**
 * An engine for machines that have none: containers are plain processes of this machine. They share its files, its users and its
 * network; nothing is isolated, images are not used, volumes are refused. For trying Gantry out.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import type { Clock, Log, Timers } from "../../../src/platform/platform.ts";
import { servePortForward } from "../../streams/port-forward-server.ts";
import { EngineError, type ContainerStatus, type Engine, type Sandbox, type SandboxConfig } from "../engine.ts";
import { ContainerProcess, type ContainerRecord } from "./container-process.ts";
import { attachToProcess, execInProcess, execSyncInProcess } from "./process-exec.ts";
import { programOf } from "./program.ts";

export interface ProcessEngineOptions {
  stateDirectory: string;
  clock: Clock;
  timers: Timers;
  log: Log;
}

const NAME = "process";

/** Takes over what an earlier agent has left running. */
export async function createProcessEngine(options: ProcessEngineOptions): Promise<Engine> {
  const { log } = options;
  if (process.platform !== "linux") throw new EngineError("refused", "the process engine needs Linux");
  log.warn(
    "THE PROCESS ENGINE ISOLATES NOTHING: containers are plain processes of this machine, with its files, users and network. " +
      "It runs no images and mounts no volumes. For anything but trying out, install containerd and use --engine cri.",
    process.getuid?.() === 0 ? { containersRunAs: "root, unless runAsUser says otherwise" } : {},
  );
  const state = new ProcessState(options);
  await state.load();
  return { ...sandboxCalls(state), ...imageCalls, ...containerCalls(state), ...execCalls(state), ...nodeCalls(state) };
}

interface SandboxRecord {
  sandbox: Sandbox;
  logDirectory: string;
}

class ProcessState {
  readonly options: ProcessEngineOptions;
  readonly sandboxes = new Map<string, SandboxRecord>();
  readonly containers = new Map<string, ContainerProcess>();
  private readonly base: string;

  constructor(options: ProcessEngineOptions) {
    this.options = options;
    this.base = join(options.stateDirectory, NAME);
  }

  containerDirectory(id: string): string {
    return join(this.base, "containers", id);
  }

  sandbox(id: string): SandboxRecord {
    const found = this.sandboxes.get(id);
    if (found === undefined) throw new EngineError("not-found", `there is no sandbox ${id}`);
    return found;
  }

  container(id: string): ContainerProcess {
    const found = this.containers.get(id);
    if (found === undefined) throw new EngineError("not-found", `there is no container ${id}`);
    return found;
  }

  running(id: string): ContainerProcess {
    const found = this.container(id);
    if (found.status.state !== "running") throw new EngineError("internal", `container ${id} does not run`);
    return found;
  }

  containersOf(sandboxId: string): ContainerProcess[] {
    return [...this.containers.values()].filter(({ status }) => status.sandboxId === sandboxId);
  }

  async saveSandbox(record: SandboxRecord): Promise<void> {
    const path = this.sandboxPath(record.sandbox.id);
    await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async removeSandbox(id: string): Promise<void> {
    this.sandboxes.delete(id);
    await rm(this.sandboxPath(id), { force: true });
  }

  private sandboxPath(id: string): string {
    return join(this.base, "sandboxes", `${id}.json`);
  }

  async load(): Promise<void> {
    for (const kind of ["sandboxes", "containers"])
      await mkdir(join(this.base, kind), { recursive: true, mode: 0o711 });
    for (const name of await readdir(join(this.base, "sandboxes"))) {
      if (!name.endsWith(".json")) continue;
      const record = await readRecord<SandboxRecord>(join(this.base, "sandboxes", name));
      if (record !== undefined) this.sandboxes.set(record.sandbox.id, record);
    }
    for (const id of await readdir(join(this.base, "containers"))) await this.loadContainer(id);
  }

  private async loadContainer(id: string): Promise<void> {
    const directory = this.containerDirectory(id);
    const record = await readRecord<ContainerRecord>(join(directory, "container.json"));
    // Never started: the environment it was to have has gone with the agent that knew it.
    if (record === undefined || record.status.state === "created")
      return await rm(directory, { recursive: true, force: true });
    const container = new ContainerProcess({ record, directory, deps: this.options });
    this.containers.set(id, container);
    await container.adopt();
  }
}

async function readRecord<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}

function newId(): string {
  return randomBytes(32).toString("hex");
}

function sandboxCalls(state: ProcessState) {
  async function stop(id: string): Promise<void> {
    const record = state.sandboxes.get(id);
    if (record === undefined) return;
    await Promise.all(state.containersOf(id).map((container) => container.stop(0)));
    if (!record.sandbox.ready) return;
    record.sandbox.ready = false;
    await state.saveSandbox(record);
  }
  return {
    async runSandbox(config) {
      await mkdir(config.logDirectory, { recursive: true });
      const { namespace, name, uid, attempt, logDirectory } = config;
      const id = newId();
      const createdMs = state.options.clock.now();
      const record = { sandbox: { id, namespace, name, uid, attempt, ready: true, createdMs, ips: [] }, logDirectory };
      await state.saveSandbox(record);
      state.sandboxes.set(id, record);
      return id;
    },
    stopSandbox: stop,
    async removeSandbox(id) {
      await stop(id);
      for (const container of state.containersOf(id)) {
        await container.remove();
        state.containers.delete(container.status.id);
      }
      await state.removeSandbox(id);
    },
    listSandboxes: async () => [...state.sandboxes.values()].map(({ sandbox }) => ({ ...sandbox })),
    sandboxStatus: async (id) => ({ ...state.sandbox(id).sandbox }),
  } satisfies Partial<Engine>;
}

/** Every image is there, for none is used: what cannot run is refused when its container is created. */
const imageCalls = {
  imageStatus: async (image) => ({ imageRef: `${NAME}:${image}` }),
  pullImage: async (image) => `${NAME}:${image}`,
} satisfies Partial<Engine>;

function containerCalls(state: ProcessState) {
  const { log } = state.options;
  return {
    async createContainer(sandboxId: string, sandbox: SandboxConfig, config) {
      if (!state.sandbox(sandboxId).sandbox.ready)
        throw new EngineError("internal", `sandbox ${sandboxId} has stopped`);
      const id = newId();
      const directory = state.containerDirectory(id);
      const workDirectory = join(directory, "work");
      try {
        await mkdir(workDirectory, { recursive: true, mode: 0o711 });
        const program = await programOf({ id, config, workDirectory });
        if (program.ignored.length > 0) {
          log.warn("the process engine cannot enforce what a container asks for", {
            pod: `${sandbox.namespace}/${sandbox.name}`,
            container: config.name,
            ignored: program.ignored,
          });
        }
        const status: ContainerStatus = {
          id,
          sandboxId,
          podUid: sandbox.uid,
          name: config.name,
          attempt: config.attempt,
          state: "created",
          createdMs: state.options.clock.now(),
          startedMs: 0,
          finishedMs: 0,
          exitCode: 0,
          reason: "",
          message: "",
          image: config.image,
          imageRef: config.imageRef,
          logPath: join(sandbox.logDirectory, config.logPath),
        };
        const { stdin, stdinOnce } = config;
        const record = { status, program, stdin, stdinOnce, process: undefined };
        const container = new ContainerProcess({ record, directory, deps: state.options });
        await container.prepare();
        state.containers.set(id, container);
        return id;
      } catch (error) {
        await rm(directory, { recursive: true, force: true });
        throw error;
      }
    },
    startContainer: (id) => call(() => state.container(id).start()),
    async stopContainer(id, timeoutSeconds) {
      await state.containers.get(id)?.stop(timeoutSeconds * 1000);
    },
    async removeContainer(id) {
      await state.containers.get(id)?.remove();
      state.containers.delete(id);
    },
    listContainers: async () => [...state.containers.values()].map(({ status }) => ({ ...status })),
    containerStatus: async (id) => ({ ...state.container(id).status }),
    reopenLog: (id) => call(() => state.container(id).reopenLog()),
  } satisfies Partial<Engine>;
}

/** An unknown id is a rejection, not an exception at the call. */
async function call<T>(run: () => Promise<T>): Promise<T> {
  return await run();
}

function execCalls(state: ProcessState) {
  const { timers } = state.options;
  return {
    execSync: ({ containerId, command, timeoutSeconds }) =>
      call(() => {
        const { program } = state.running(containerId).record;
        return execSyncInProcess({ program, command, timeoutMs: timeoutSeconds * 1000, timers });
      }),
    exec: ({ containerId, command, stdin, tty }) =>
      call(() => execInProcess({ program: state.running(containerId).record.program, command, stdin, tty })),
    attach: async ({ containerId, stdin }) => attachToProcess(state.running(containerId), { stdin }),
    async portForward({ sandboxId }) {
      const { sandbox } = state.sandbox(sandboxId);
      if (!sandbox.ready) throw new EngineError("internal", `sandbox ${sandboxId} has stopped`);
      // Its localhost is the machine's.
      const [near, far] = duplexPair();
      servePortForward(far, { pod: sandbox.name, uid: sandbox.uid, timers });
      return { socket: near, head: Buffer.alloc(0) };
    },
  } satisfies Partial<Engine>;
}

function nodeCalls(state: ProcessState) {
  return {
    info: async () => ({ name: NAME, version: process.version, idPrefix: `${NAME}://`, podNetwork: false }),
    // Pods have the node's network.
    configureNetwork: async () => undefined,
    async close() {
      await Promise.all([...state.containers.values()].map((container) => container.close()));
    },
  } satisfies Partial<Engine>;
}
