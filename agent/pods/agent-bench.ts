/** A whole node agent over an engine in memory, on a clock of its own, for tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { SyncResponse } from "../../src/relay/protocol.ts";
import { silentLog } from "../../test/harness/silent-log.ts";
import type { ContainerConfig, Engine } from "../engines/engine.ts";
import { createFakeEngine, type FakeEngine } from "../engines/fake/fake-engine.ts";
import { createNoNetwork } from "../network/pod-network.ts";
import { createNodeAgent, type NodeAgent, type NodeAgentDeps } from "../node-agent.ts";
import { createNoMemoryFolders } from "../volumes/memory-folder.ts";
import type { Pod, PodSpec, PodStatus } from "./pod.ts";
import type { PodEvent } from "./worker-deps.ts";

const BEGIN_MS = Date.parse("2026-11-24T00:00:00Z");

export class ManualTime {
  private nowMs = BEGIN_MS;
  private timers: { dueMs: number; run: () => void }[] = [];
  readonly clock = { now: () => this.nowMs };
  readonly port = {
    after: (delayMs: number, run: () => void) => {
      const timer = { dueMs: this.nowMs + delayMs, run };
      this.timers.push(timer);
      return () => void (this.timers = this.timers.filter((t) => t !== timer));
    },
  };

  nextDueMs(): number | undefined {
    return this.timers.length === 0 ? undefined : Math.min(...this.timers.map((t) => t.dueMs));
  }

  /** Moves on to `atMs` and runs what is due then. */
  jump(atMs: number): void {
    this.nowMs = Math.max(this.nowMs, atMs);
    const due = this.timers.filter((t) => t.dueMs <= this.nowMs).toSorted((a, b) => a.dueMs - b.dueMs);
    this.timers = this.timers.filter((t) => !due.includes(t));
    for (const timer of due) timer.run();
  }
}

export interface Call {
  atMs: number;
  call: string;
  subject: string;
}

/** Notes what is done through the engine, with the details that matter here. */
function noting(engine: FakeEngine, calls: Call[], now: () => number): Engine {
  const names = new Map<string, string>();
  const note = (call: string, subject: string) => void calls.push({ atMs: now(), call, subject });
  return {
    ...engine,
    runSandbox(config) {
      note("runSandbox", `${config.name}/${config.attempt}`);
      return engine.runSandbox(config);
    },
    pullImage(image, auth) {
      note("pullImage", image);
      return engine.pullImage(image, auth);
    },
    async createContainer(sandboxId, sandbox, config) {
      note("createContainer", `${config.name}/${config.attempt}`);
      const id = await engine.createContainer(sandboxId, sandbox, config);
      names.set(id, config.name);
      return id;
    },
    startContainer(id) {
      note("startContainer", names.get(id) ?? id);
      return engine.startContainer(id);
    },
    stopContainer(id, timeoutSeconds) {
      note("stopContainer", `${names.get(id) ?? id}/${timeoutSeconds}`);
      return engine.stopContainer(id, timeoutSeconds);
    },
    removeContainer(id) {
      note("removeContainer", names.get(id) ?? id);
      return engine.removeContainer(id);
    },
  };
}

export interface Bench {
  agent: NodeAgent;
  engine: FakeEngine;
  /** What was done at the engine: "app/1" is the second attempt of a container, or its stop with a second of grace. */
  calls: Call[];
  /** Ends the program of a running container. */
  exit(name: string, exitCode: number): void;
  /** Names of running containers. */
  running(): string[];
  config(name: string, attempt: number): ContainerConfig | undefined;
  loseSandboxes(): Promise<void>;
  time: ManualTime;
  directory: string;
  events: PodEvent[];
  /** Pods whose final delete was asked for. */
  deleted: string[];
  /** Lets `ms` pass, timer by timer, with all work in between. */
  pass(ms: number): Promise<void>;
  /** Sends changes as the control plane would. */
  send(changes: Partial<SyncResponse>): Promise<void>;
  /** Takes all pending statuses as the control plane would. */
  accept(): Promise<void>;
  status(uid?: string): PodStatus;
  /** The same node with a new agent process. The engine runs on. */
  restart(): Promise<void>;
  end(): Promise<void>;
}

export function makePod(spec: Partial<PodSpec> = {}, metadata: Partial<Pod["metadata"]> = {}): Pod {
  return {
    metadata: { name: "web", namespace: "default", uid: "u1", generation: 1, resourceVersion: "1", ...metadata },
    spec: { nodeName: "n1", containers: [{ name: "app", image: "app:1" }], ...spec },
  };
}

export const NODE: KubeObject = { metadata: { name: "n1" }, spec: { podCIDR: "10.244.0.0/24" } };

export function fullState(changes: Partial<SyncResponse> = {}): SyncResponse {
  return {
    revision: 1,
    full: true,
    node: NODE,
    pods: [],
    removedPods: [],
    secrets: [],
    configMaps: [],
    services: [],
    endpointSlices: [],
    removedServices: [],
    removedEndpointSlices: [],
    peers: [],
    statusResults: [],
    ...changes,
  };
}

export async function createBench(overrides: Partial<NodeAgentDeps> = {}): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), "gantry-node-"));
  const time = new ManualTime();
  const engine = createFakeEngine({ clock: time.clock, timers: time.port });
  engine.unpullable.set("nope:1", "nope:1: not found");
  const calls: Call[] = [];
  const noted = noting(engine, calls, time.clock.now);
  const events: PodEvent[] = [];
  const deleted: string[] = [];
  let uuids = 0;
  const accepted = new Map<string, PodStatus>();
  const make = () =>
    createNodeAgent({
      engine: noted,
      nodeName: "n1",
      stateDirectory: directory,
      clock: time.clock,
      timers: time.port,
      log: silentLog,
      random: {
        uuid: () => `${String(++uuids).padStart(8, "0")}-0`,
        fraction: () => 0.5,
        bytes: (n) => new Uint8Array(n),
      },
      podToken: async ({ podName, expirationSeconds }) => ({
        token: `token-${podName}-${time.clock.now()}`,
        expiresMs: time.clock.now() + expirationSeconds * 1000,
      }),
      deletePod: async ({ name }) => void deleted.push(name),
      recordEvent: (event) => void events.push(event),
      network: createNoNetwork(),
      clusterCa: () => "CA",
      cluster: { dnsDomain: "cluster.local", serviceCidr: "10.96.0.0/12", kubernetesServiceIp: "10.96.0.1" },
      nodeAddress: "192.0.2.1",
      memory: createNoMemoryFolders(),
      ...overrides,
    });

  const bench: Bench = {
    agent: make(),
    engine,
    calls,
    exit(name, exitCode) {
      const [id] = engine.running(name);
      if (id === undefined) throw new Error(`${name} does not run`);
      engine.exitContainer(id, { exitCode });
    },
    running: () => engine.running().map((id) => engine.configs.get(id)?.name ?? id),
    config: (name, attempt) => [...engine.configs.values()].find((c) => c.name === name && c.attempt === attempt),
    async loseSandboxes() {
      for (const { id } of await engine.listSandboxes()) engine.loseSandbox(id);
    },
    time,
    directory,
    events,
    deleted,
    async pass(ms) {
      const endMs = time.clock.now() + ms;
      await settle(bench.agent);
      for (let due = time.nextDueMs(); due !== undefined && due <= endMs; due = time.nextDueMs()) {
        time.jump(due);
        await settle(bench.agent);
      }
      time.jump(endMs);
      await settle(bench.agent);
    },
    async send(changes) {
      bench.agent.apply(fullState({ full: false, ...changes }));
      await settle(bench.agent);
    },
    async accept() {
      for (const { uid, status } of bench.agent.pendingStatuses()) {
        accepted.set(uid, status);
        bench.agent.statusAccepted(uid, status);
      }
      await settle(bench.agent);
    },
    status(uid = "u1") {
      const pending = bench.agent.pendingStatuses().find((s) => s.uid === uid);
      const status = pending?.status ?? accepted.get(uid);
      if (status === undefined) throw new Error(`no status of ${uid}`);
      return status;
    },
    async restart() {
      await bench.agent.stop({ killPods: false });
      await settle(bench.agent);
      bench.agent = make();
      await bench.agent.restore();
      await settle(bench.agent);
    },
    async end() {
      await bench.agent.stop({ killPods: false });
      await settle(bench.agent);
      await rm(directory, { recursive: true, force: true });
    },
  };
  await bench.agent.restore();
  return bench;
}

/** Work that takes longer waits for time to pass, or for the test. */
const BUSY_ROUNDS_MAX = 300;
const QUIET_ROUNDS = 8;

/** On a machine that has much else to do a file may take any time. */
function areFilesInUse(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith("FSReq") || name.startsWith("FileHandle"));
}

/** Until the agent has no work in hand, or what it has waits for time to pass. Files are real, and so is the time they take. */
async function settle(agent: NodeAgent): Promise<void> {
  let quiet = 0;
  for (let round = 0; quiet < QUIET_ROUNDS; round++) {
    const busy = agent.busy() && (round < BUSY_ROUNDS_MAX || areFilesInUse());
    quiet = busy ? 0 : quiet + 1;
    await new Promise((resolve) => (busy && round % 10 === 9 ? setTimeout(resolve, 1) : setImmediate(resolve)));
  }
}
