/** The node side of the agent: one worker per pod, over an engine, from the last known state. Knows nothing of HTTP. */
import type { KubeObject } from "../src/machinery/meta.ts";
import type { Clock, Log, Random, Timers } from "../src/platform/platform.ts";
import type { JoinResponse, SyncRequest, SyncResponse } from "../src/relay/protocol.ts";
import type { Engine, EngineInfo } from "./engines/engine.ts";
import type { PodNetwork } from "./network/pod-network.ts";
import { kubeletConfiguration } from "./pages/kubelet-configuration.ts";
import { createNodePages } from "./pages/node-pages.ts";
import { measureMachine } from "./pages/node-usage.ts";
import type { Page, PageRequest } from "./pages/page.ts";
import { PODS_MAX } from "./node-status.ts";
import { PodWorker } from "./pod-worker.ts";
import { createBackOff } from "./pods/back-off.ts";
import { createImages } from "./pods/images.ts";
import { createLimiter } from "./pods/limiter.ts";
import { LogError, type ContainerQuery, type FoundContainer, type LogQuery } from "./pods/container-log.ts";
import { createPodLookup, type PodLookup } from "./pods/pod-lookup.ts";
import type { Pod } from "./pods/pod.ts";
import { createRuntimeView } from "./pods/runtime-view.ts";
import type { NodeFacts, PodEvent, WorkerDeps } from "./pods/worker-deps.ts";
import { createProber, type ProbedContainer } from "./probes/prober.ts";
import { createRunHook, createRunProbe, type RunHook, type RunProbe } from "./probes/run-probe.ts";
import { createDesired, type Change } from "./state/desired.ts";
import { createStateStore } from "./state/state-store.ts";
import { createNodeCheckUp } from "./status/node-check-up.ts";
import { createStatusBook } from "./status/status-book.ts";
import { createMemoryFolders, type MemoryFolders } from "./volumes/memory-folder.ts";
import type { PodToken } from "./volumes/tokens.ts";
import { clearLeftovers } from "./state/leftovers.ts";

export { LogError, type ContainerQuery, type FoundContainer, type LogQuery };

const POLL_MS = 1_000;
const ENGINE_RETRY_MS = 2_000;
/** How often an idle node makes sure that it is well. */
const CHECK_UP_MS = 30_000;
/** Pods that start a sandbox or a container at once; more only makes each slower. */
const STARTS_MAX = 4;
const PULLS_MAX = 4;
const LOG_FOLDER = "/var/log";
const PULL_BACK_OFF = { initialMs: 10_000, maxMs: 300_000 };

export interface NodeAgentDeps {
  engine: Engine;
  nodeName: string;
  /** Everything on disk lives below it; two agents on one machine need one each. */
  stateDirectory: string;
  clock: Clock;
  timers: Timers;
  log: Log;
  random: Random;
  podToken: PodToken;
  /** The final delete: grace period 0, with the uid as precondition. A pod that is gone already is no error. */
  deletePod(pod: { namespace: string; name: string; uid: string }): Promise<void>;
  recordEvent(event: PodEvent): void;
  network: PodNetwork;
  /** PEM; stands in for the ConfigMap kube-root-ca.crt until that has arrived. */
  clusterCa(): string;
  cluster: JoinResponse["cluster"];
  /** Address of the DNS server for pods; without one pods use the Service kube-system/kube-dns, or else the host's servers. */
  clusterDns?: () => string | undefined;
  /** Address of this node; found by itself when absent. */
  nodeAddress?: string;
  /** What /logs/ serves; the machine's own by default. */
  logFolder?: string;
  /** For tests. */
  runProbe?: RunProbe;
  runHook?: RunHook;
  memory?: MemoryFolders;
}

export interface NodeAgent extends PodLookup {
  /** The newest from the control plane, whole or in changes; kept on disk. */
  apply(state: SyncResponse): void;
  pendingStatuses(): SyncRequest["podStatuses"];
  /** The control plane has taken this status. */
  statusAccepted(uid: string, status: Record<string, unknown>): void;
  /** Called when there is something new to report. */
  onStatusChange(listener: () => void): () => void;
  digest(): string;
  holds(): SyncRequest["holds"];
  lacks(): SyncRequest["holds"];
  interest(): { secrets: string[]; configMaps: string[] };
  /** The newest revision applied; 0 when nothing is known. */
  revision(): number;
  nodeStatus(): Promise<Record<string, unknown>>;
  /** Once, first: the state on disk and what runs at the engine are taken over. */
  restore(): Promise<void>;
  /** `killPods` ends and removes every pod; otherwise they run on. */
  stop(options: { killPods: boolean }): Promise<void>;
  /** What a kubelet would serve at this path. */
  page(request: PageRequest): Promise<Page>;
  pods(): Pod[];
  services(): { services: KubeObject[]; endpointSlices: KubeObject[] };
  /** False when no worker has work in hand. */
  busy(): boolean;
}

export function createNodeAgent(deps: NodeAgentDeps): NodeAgent {
  const { engine, clock, timers, log, stateDirectory, nodeName, cluster } = deps;
  const desired = createDesired();
  const store = createStateStore({ directory: stateDirectory, desired, log });
  const book = createStatusBook();
  const view = createRuntimeView({ engine, clock, log });
  const workers = new Map<string, PodWorker>();
  const listeners = new Set<() => void>();
  let info: EngineInfo | undefined;
  let networkConfigured: string | undefined;
  let polling: (() => void) | undefined;
  let checking: (() => void) | undefined;
  let stopped = false;
  /** How much runs that no worker does. */
  let underWay = 0;
  let known = false;
  let workerDeps: WorkerDeps | undefined;

  const prober = createProber({
    clock,
    timers,
    run: deps.runProbe ?? createRunProbe({ engine }),
    events: {
      onChange: (uid) => workers.get(uid)?.poke(),
      onUnhealthy: (probed, kind, message) => unhealthy(probed, kind, message),
    },
  });
  const node = createNodeCheckUp({
    nodeName,
    stateDirectory,
    nodeAddress: deps.nodeAddress,
    engine: () => info,
    engineFailure: () => view.failure()?.message ?? (info === undefined ? "not connected" : undefined),
    clock,
  });
  const lookup = createPodLookup({
    pod: (uid) => desired.pod(uid) ?? workers.get(uid)?.current,
    pods: () => desired.pods(),
    view,
    statusOf: (uid) => book.current(uid),
    nodeAddress: () => node.address(),
    podNetwork: () => info?.podNetwork,
    clock,
    timers,
  });
  view.onChange((uid) => workers.get(uid)?.poke());
  book.onChange(() => {
    for (const listener of listeners) listener();
  });

  function unhealthy({ podUid, container }: ProbedContainer, kind: string, why: string): void {
    const pod = workers.get(podUid)?.current;
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const { namespace, name, uid } = pod.metadata;
    const message = `${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed: ${why}`;
    const fieldPath = `spec.containers{${container.name}}`;
    deps.recordEvent({ pod: { namespace, name, uid }, type: "Warning", reason: "Unhealthy", message, fieldPath });
  }

  function facts(): NodeFacts {
    const dnsService = desired
      .list("services")
      .find((s) => s.metadata.namespace === "kube-system" && s.metadata.name === "kube-dns");
    const dnsSpec = dnsService?.["spec"] as { clusterIP?: string } | undefined;
    return {
      hostIps: [node.address()],
      hostDns: node.hostDns(),
      hostsFile: node.hostsFile(),
      dnsDomain: cluster.dnsDomain,
      clusterDnsIp: deps.clusterDns?.() ?? dnsSpec?.clusterIP,
      memoryCapacityBytes: node.measured()?.memoryBytes ?? 0,
    };
  }

  function configMap(namespace: string, name: string): KubeObject | undefined {
    const held = desired.get("configMaps", namespace, name);
    if (held !== undefined || name !== "kube-root-ca.crt") return held;
    return { metadata: { namespace, name }, data: { "ca.crt": deps.clusterCa() } };
  }

  const sources: WorkerDeps["sources"] = (namespace) => ({
    configMap,
    secret: (ns, name) => desired.get("secrets", ns, name),
    services: desired
      .list("services")
      .filter(
        ({ metadata }) =>
          metadata.namespace === namespace || (metadata.namespace === "default" && metadata.name === "kubernetes"),
      ),
    kubernetesServiceIp: cluster.kubernetesServiceIp,
    allocatable: {
      cpu: node.measured()?.cpuCount ?? 1,
      memory: node.measured()?.memoryBytes ?? 0,
      ephemeralStorage: node.measured()?.diskBytes ?? 0,
    },
  });

  function makeWorkerDeps(about: EngineInfo): WorkerDeps {
    const backOff = createBackOff(PULL_BACK_OFF);
    return {
      ...deps,
      view,
      prober,
      book,
      runHook: deps.runHook ?? createRunHook({ engine }),
      images: createImages({ engine, clock, backOff, pulls: createLimiter(PULLS_MAX) }),
      memory: deps.memory ?? createMemoryFolders(),
      starts: createLimiter(STARTS_MAX),
      idPrefix: about.idPrefix,
      podNetwork: about.podNetwork,
      networkReady: () => networkConfigured !== undefined,
      facts,
      sources,
      onGone: (uid) => void workers.delete(uid),
    };
  }

  function run(pod: Pod): void {
    const { uid } = pod.metadata;
    const worker = workers.get(uid);
    if (worker) return worker.update(pod);
    if (workerDeps === undefined || stopped) return;
    const fresh = new PodWorker(workerDeps, pod);
    workers.set(uid, fresh);
    fresh.poke();
    poll();
  }

  /** Looks at the engine once a second, but only while some pod has something to be seen there. */
  function poll(): void {
    if (polling !== undefined || stopped) return;
    if (![...workers.values()].some((worker) => worker.active)) return;
    polling = timers.after(POLL_MS, () => aside(look));
  }

  /** Runs something that nobody waits for. Whatever it is, it handles its own failures. */
  function aside(action: () => Promise<void>): void {
    underWay++;
    action()
      .catch((error: unknown) => log.error("node work failed", { error }))
      .finally(() => underWay--);
  }

  /** Engine, memory and disk, looked after also while nothing runs: a condition that changes is something to say. */
  async function checkUp(): Promise<void> {
    await view.refresh();
    const before = node.verdicts();
    await node.conclude();
    if (before !== "" && node.verdicts() !== before) for (const listener of listeners) listener();
    if (!stopped) checking = timers.after(CHECK_UP_MS, () => aside(checkUp));
  }

  async function look(): Promise<void> {
    await view.refresh();
    polling = undefined;
    poll();
  }

  function applyNetwork(): void {
    const { node: own, peers } = desired.node();
    const podCidr = (own?.["spec"] as { podCIDR?: string } | undefined)?.podCIDR;
    if (podCidr !== undefined && podCidr !== networkConfigured) aside(() => configureNetwork(podCidr));
    deps.network.apply({
      nodeName,
      podCidr,
      services: desired.list("services"),
      endpointSlices: desired.list("endpointSlices"),
      peers,
    });
  }

  async function configureNetwork(podCidr: string): Promise<void> {
    try {
      await engine.configureNetwork({ podCidr });
      networkConfigured = podCidr;
      for (const worker of workers.values()) worker.configChanged();
    } catch (error) {
      log.warn("the pod network could not be configured", { podCidr, error });
      timers.after(ENGINE_RETRY_MS, () => applyNetwork());
    }
  }

  function carryOut(change: Change): void {
    for (const uid of change.removedUids) workers.get(uid)?.remove();
    for (const pod of change.pods) run(pod);
    for (const worker of workers.values()) {
      if (change.namespaces.has(worker.current.metadata.namespace)) worker.configChanged();
    }
    applyNetwork();
    poll();
  }

  /** The engine may not be up yet: pods wait, the node says so. */
  async function begin(): Promise<void> {
    if (stopped) return;
    try {
      info = await engine.info();
    } catch (error) {
      log.warn("the engine is not there yet", { error });
      timers.after(ENGINE_RETRY_MS, () => aside(begin));
      return;
    }
    await view.refresh();
    workerDeps = makeWorkerDeps(info);
    if (known) await adopt();
  }

  /** With the wanted pods known: takes up what runs, removes what nobody wants. */
  async function adopt(): Promise<void> {
    known = true;
    if (workerDeps === undefined) return;
    const wanted = new Set(desired.pods().map((pod) => pod.metadata.uid));
    await clearLeftovers({ engine, view, stateDirectory, wanted, memory: workerDeps.memory, log });
    for (const pod of desired.pods()) run(pod);
    applyNetwork();
  }

  return {
    apply(state) {
      // What comes while the agent ends is not lost: it is not known as seen.
      if (stopped) return;
      const change = desired.apply(state);
      store.save(change.sections);
      const first = !known && state.full;
      carryOut(change);
      if (first) aside(adopt);
    },
    pendingStatuses: () => book.pending(),
    statusAccepted(uid, status) {
      if (book.accept(uid, status)) workers.get(uid)?.poke();
    },
    onStatusChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    digest: () => desired.digest(),
    holds: () => desired.holds(),
    lacks: () => desired.lacks(),
    interest: () => desired.interest(),
    revision: () => desired.node().revision,
    nodeStatus: () => node.conclude(),
    async restore() {
      await node.measure();
      const state = await store.load();
      if (state !== undefined) {
        desired.apply(state);
        known = true;
      }
      await begin();
      checking = timers.after(CHECK_UP_MS, () => aside(checkUp));
    },
    async stop({ killPods }) {
      if (killPods) {
        for (const worker of workers.values()) worker.remove({ gracefully: true });
        await until(() => workers.size === 0, timers);
      }
      stopped = true;
      polling?.();
      checking?.();
      prober.stop();
      await Promise.all([...workers.values()].map((worker) => worker.close()));
      await store.flush();
      await deps.network.stop({ keep: !killPods });
    },
    ...lookup,
    page: createNodePages({
      nodeName,
      pods: () => desired.pods(),
      statusOf: (uid) => book.current(uid),
      runtime: () => view.uids().map((uid) => view.of(uid)),
      failure: () => view.failure()?.message,
      usage: async () => (await engine.usage?.()) ?? [],
      networkUsage: async () => (await engine.networkUsage?.()) ?? [],
      machine: measureMachine,
      limits: () => node.measured(),
      tallies: () => prober.tallies(),
      configuration: () =>
        kubeletConfiguration({
          clusterDomain: cluster.dnsDomain,
          clusterDns: facts().clusterDnsIp,
          podsMax: PODS_MAX,
          pullsMax: PULLS_MAX,
          nodeStatusSeconds: CHECK_UP_MS / 1_000,
        }),
      openLog: (query) => lookup.openLog(query),
      logFolder: deps.logFolder ?? LOG_FOLDER,
      clock,
    }),
    pods: () => desired.pods(),
    services: () => ({ services: desired.list("services"), endpointSlices: desired.list("endpointSlices") }),
    busy: () => underWay > 0 || store.busy() || [...workers.values()].some((worker) => worker.busy),
  };
}

const STOP_CHECKS_MAX = 400;

/** Checks ten times a second, for 40 seconds at most. */
async function until(done: () => boolean, timers: Timers): Promise<void> {
  for (let i = 0; i < STOP_CHECKS_MAX && !done(); i++)
    await new Promise<void>((resolve) => void timers.after(100, resolve));
}
