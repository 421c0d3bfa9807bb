/** Pods in the store become bindings in the store: all loops of the product beside the API, on a database that writes in a thread. */
import { DEFAULT_CLUSTER_CONFIG } from "../../src/cluster.ts";
import type { Pod } from "../../src/kinds/core/pods/types.ts";
import { createLoops, type Loops } from "../../src/loops.ts";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import type { PreparedWrite, StoredObject } from "../../src/storage/storage.ts";
import { silentLog } from "../harness/silent-log.ts";
import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { openBenchCluster, ORIGIN, type BenchCluster } from "./fixture.ts";
import { FILLING, NAMESPACE, nodeOf, podOf, type SchedulerCase } from "./scheduler-cases.ts";

/** No kubelet renews a lease here. */
const GRACE_MS = 3_600_000;
const BOUND_MS_MAX = 180_000;
const LATENCY_NODES = 100;
const LATENCY_PODS = 200;
const CHURN_MS = 100;
const QUIET_MS = 1_000;
const AT_ONCE = 64;
const GROUP_WRITES = 64;
const PRIORITIES = { low: 0, high: 1_000 };
const MERGE = { "Content-Type": "application/merge-patch+json" };
const PROBE = { containers: [{ name: "c", image: "registry.example.com/pause:1" }], terminationGracePeriodSeconds: 0 };
const PODS_PATH = `/api/v1/namespaces/${NAMESPACE}/pods`;

interface Running {
  cluster: BenchCluster;
  loops: Loops;
  /** Resolves when so many pods whose names begin so have a node. */
  untilBound: (prefix: string, count: number) => Promise<void>;
  /** Resolves when nobody writes any more: controllers have done what nodes that came gave them to do. */
  untilQuiet(): Promise<void>;
  stop(): Promise<void>;
}

/** The loops are not started yet. */
async function open(): Promise<Running> {
  const temporary = await openTemporaryDatabase({ writesInThread: true });
  const cluster = await openBenchCluster(temporary.database);
  const { call, hub, keys, app } = cluster;
  await call("POST", `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { body: { metadata: { name: "default" } } });
  for (const [name, value] of Object.entries(PRIORITIES)) {
    await call("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", { body: { metadata: { name }, value } });
  }
  const bound = new Set<string>();
  const waiting = new Set<() => void>();
  let committedMs = performance.now();
  const undo = hub.onCommit((entries) => {
    committedMs = performance.now();
    for (const { resource, name, type, fields } of entries) {
      if (resource === "pods" && type === "MODIFIED" && fields["spec.nodeName"]) bound.add(name);
    }
    for (const look of waiting) look();
  });
  const platform = { ...createNodePlatform(), log: silentLog };
  const config = {
    ...DEFAULT_CLUSTER_CONFIG,
    serverUrl: ORIGIN,
    issuer: ORIGIN,
    nodeMonitorGraceMs: GRACE_MS,
    adminTokenHashes: [],
  };
  const loops = createLoops({ cluster: { platform, config, keys }, app });
  return {
    cluster,
    loops,
    async untilBound(prefix, count) {
      const have = () => [...bound].filter((name) => name.startsWith(prefix)).length;
      await new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (bound.size < count || have() < count) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve();
        };
        const late = (): void => {
          waiting.delete(look);
          reject(new Error(`${have()} of ${count} pods were bound in ${BOUND_MS_MAX / 1_000} s`));
        };
        const timer = setTimeout(late, BOUND_MS_MAX);
        waiting.add(look);
        look();
      });
    },
    async untilQuiet() {
      while (performance.now() - committedMs < QUIET_MS) await new Promise((wake) => setTimeout(wake, QUIET_MS / 4));
    },
    async stop() {
      undo();
      await loops.stop();
      await cluster.stop();
      await temporary.close();
    },
  };
}

/** Nodes that were there before: what new ones are given would be given while pods are scheduled. */
function podCidrOf(at: number): string {
  return `10.${64 + Math.floor(at / 256)}.${at % 256}.0/24`;
}

async function addNodes({ call }: BenchCluster, count: number): Promise<void> {
  for (let start = 0; start < count; start += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - start) }, async (_, at) => {
      const { metadata, ...node } = nodeOf(start + at);
      const { name = "", labels } = metadata;
      const podCIDR = podCidrOf(start + at);
      const spec = { ...node.spec, podCIDR, podCIDRs: [podCIDR] };
      await call("POST", "/api/v1/nodes", { body: { ...node, spec, metadata: { name, labels } } });
      // Taken as not ready until a controller has looked.
      await call("PATCH", `/api/v1/nodes/${name}`, { body: { spec: { taints: null } }, headers: MERGE });
    });
    await Promise.all(some);
  }
}

/** As the API stores it; it is not there any more afterwards. Copies of it cost the API nothing. */
async function originalOf({ call, storage }: BenchCluster, pod: Pod): Promise<StoredObject> {
  const { name = "", labels } = pod.metadata;
  const { priority, ...spec } = pod.spec;
  const priorityClassName = priority === PRIORITIES.high ? "high" : "low";
  await call("POST", PODS_PATH, { body: { ...pod, metadata: { name, labels }, spec: { ...spec, priorityClassName } } });
  const { object } = await storage.get({ resource: "pods", namespace: NAMESPACE, name });
  if (!object) throw new Error(`there is no pod ${name}`);
  await call("DELETE", `${PODS_PATH}/${name}?gracePeriodSeconds=0`);
  return object;
}

const filledNode = (at: number): string => `node-${Math.floor(at / FILLING.pods)}`;

interface Copy {
  of: StoredObject;
  name: string;
  /** Bound already. */
  node?: string;
}

async function storeCopies({ storage }: BenchCluster, copies: readonly Copy[]): Promise<void> {
  for (let start = 0; start < copies.length; start += GROUP_WRITES) {
    const writes = copies.slice(start, start + GROUP_WRITES).map(({ of, name, node }): PreparedWrite => {
      const { revision: _revision, ...stored } = of;
      const uid = crypto.randomUUID();
      const value = stored.value.replace(`"name":"${stored.name}"`, `"name":"${name}"`).replace(stored.uid, uid);
      const copy = { ...stored, name, uid, op: "create" as const, writeId: uid };
      if (node === undefined) return { ...copy, value };
      const bound = value.replace(/("nodeName":)"[^"]*"/, `$1"${node}"`);
      return { ...copy, value: bound, fields: { ...stored.fields, "spec.nodeName": node } };
    });
    const { outcomes } = await storage.commit(writes, { since: Number.MAX_SAFE_INTEGER, limit: 1 });
    if (!outcomes.every(({ ok }) => ok)) throw new Error("a copy could not be stored");
  }
}

export interface EndToEnd {
  /** Pods, from the first that is stored to the last that is bound. */
  perSecond: number;
  /** Pods that were stored meanwhile: where it is about the same, it is the storing that limits. */
  storedPerSecond: number;
  /** Of the whole process, threads included, from storing to binding. */
  cpuMsPerPod: number;
}

export async function measureEndToEnd(one: SchedulerCase, nodes: number): Promise<EndToEnd> {
  const running = await open();
  const { cluster, loops, untilBound } = running;
  try {
    await addNodes(cluster, nodes);
    if (one.filled) {
      const low = podOf("filling", FILLING.as);
      const of = await originalOf(cluster, { ...low, spec: { ...low.spec, nodeName: "node-0" } });
      const names = Array.from({ length: nodes * FILLING.pods }, (_, at) => at);
      await storeCopies(
        cluster,
        names.map((at) => ({ of, name: `filling-${at}`, node: filledNode(at) })),
      );
    }
    const copies = await copiesOf(cluster, one, one.pods(nodes));
    await cluster.hub.poll();
    loops.start();
    // Bound: all informers have what there is.
    await cluster.call("POST", PODS_PATH, { body: { metadata: { name: "probe" }, spec: PROBE } });
    await untilBound("probe", 1);
    await running.untilQuiet();
    const churning = new AbortController();
    const churn = one.churns ? churnUntil(running, nodes, churning.signal) : Promise.resolve();
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    let storedMs = 0;
    const store = async (): Promise<void> => {
      await storeCopies(cluster, copies);
      storedMs = performance.now() - startMs;
      await cluster.hub.poll();
    };
    await Promise.all([untilBound("pod-", copies.length), store()]);
    const tookMs = performance.now() - startMs;
    const { user, system } = process.cpuUsage(cpu);
    churning.abort();
    await churn;
    return {
      perSecond: (copies.length * 1_000) / tookMs,
      storedPerSecond: (copies.length * 1_000) / storedMs,
      cpuMsPerPod: (user + system) / 1_000 / copies.length,
    };
  } finally {
    await running.stop();
  }
}

async function copiesOf(cluster: BenchCluster, one: SchedulerCase, count: number): Promise<Copy[]> {
  const originals = new Map<string, StoredObject>();
  const copies: Copy[] = [];
  for (let at = 0; at < count; at++) {
    const shape = one.pod(at);
    const key = JSON.stringify(shape);
    const of = originals.get(key) ?? (await originalOf(cluster, podOf(`original-${originals.size}`, shape)));
    originals.set(key, of);
    copies.push({ of, name: `pod-${at}` });
  }
  return copies;
}

/** A node is cordoned and freed, a pod goes, ten times a second. */
async function churnUntil({ cluster }: Running, nodes: number, signal: AbortSignal): Promise<void> {
  for (let at = 0; !signal.aborted; at++) {
    const node = `/api/v1/nodes/node-${(at * 7_919) % nodes}`;
    await cluster.call("PATCH", node, { body: { spec: { unschedulable: true } }, headers: MERGE });
    await cluster.call("PATCH", node, { body: { spec: { unschedulable: false } }, headers: MERGE });
    const pod = { metadata: { name: `churn-${at}` }, spec: PROBE };
    await cluster.call("POST", PODS_PATH, { body: pod });
    await new Promise((wake) => setTimeout(wake, CHURN_MS));
    await cluster.call("DELETE", `${PODS_PATH}/churn-${at}?gracePeriodSeconds=0`);
  }
}

/** From the moment a pod is sent to the commit of its binding, one pod after the other. */
export async function measureLatency(): Promise<{ p50Ms: number; p99Ms: number }> {
  const running = await open();
  const { cluster, loops, untilBound } = running;
  try {
    await addNodes(cluster, LATENCY_NODES);
    loops.start();
    const timesMs: number[] = [];
    for (let at = 0; at < LATENCY_PODS; at++) {
      const name = `pod-${at}-`;
      const startMs = performance.now();
      await cluster.call("POST", PODS_PATH, { body: { metadata: { name: `${name}x` }, spec: PROBE } });
      await untilBound(name, 1);
      // The first ones wait for the informers, and for code that has not run yet.
      if (at >= LATENCY_PODS / 4) timesMs.push(performance.now() - startMs);
    }
    timesMs.sort((a, b) => a - b);
    const at = (share: number) => timesMs[Math.floor(timesMs.length * share)] ?? 0;
    return { p50Ms: at(0.5), p99Ms: at(0.99) };
  } finally {
    await running.stop();
  }
}
