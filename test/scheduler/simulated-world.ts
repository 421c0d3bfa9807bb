/** A cluster whose nodes and pods come and go, as a seed says: the real API, and schedulers on a clock that stands still until moved. */
import { createEventRecorder } from "../../src/controller-runtime/events.ts";
import { createManager } from "../../src/controller-runtime/manager.ts";
import { createStores } from "../../src/controller-runtime/stores.ts";
import { keyOf } from "../../src/controller-runtime/views/view.ts";
import type { Client } from "../../src/client/client.ts";
import { nodes, type Node } from "../../src/kinds/core/nodes/types.ts";
import { pods, type Pod, type PodSpec } from "../../src/kinds/core/pods/types.ts";
import { serviceAccounts } from "../../src/kinds/core/serviceaccounts/types.ts";
import { priorityClasses } from "../../src/kinds/scheduling/priorityclasses/types.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { isStatusError } from "../../src/machinery/status-error.ts";
import type { Platform, Timers } from "../../src/platform/platform.ts";
import { createScheduler } from "../../src/scheduler/scheduler.ts";
import type { Dice } from "../harness/seeded.ts";
import { createTestCluster } from "../harness/cluster.ts";
import { createManualTime, realTimers } from "../harness/timers.ts";
import { createBindingAudit } from "./binding-audit.ts";
import { createFaultyClient, type FaultyClient } from "./faulty-client.ts";
import { hasEnded, nameOf } from "./reference/cluster.ts";
import { HOSTNAME, ZONE } from "./vocabulary.ts";

const NAMESPACE = "default";
const NODES_MIN = 3;
const BACK_OFF_MS_MAX = 10_000;
/** Between two looks at whether anything still moves. */
const LOOK_MS = 3;
const QUIET_LOOKS = 6;
const LOOKS_MAX = 3_000;
const PRIORITIES = { low: -5, high: 100, polite: 100, highest: 1_000 } as const;

export interface SimulatedScheduler {
  faults: FaultyClient;
  knows: (resource: "pods" | "nodes", object: KubeObject) => boolean;
  knowsOf: (resource: "pods" | "nodes") => number;
  stop(): Promise<void>;
}

export type World = Awaited<ReturnType<typeof createWorld>>;

export async function createWorld(dice: Dice) {
  const manual = createManualTime(Date.UTC(2026, 0, 1));
  const cluster = await createTestCluster({ platform: { clock: manual } });
  const admin = cluster.app.clientFor({ name: "admin", groups: ["system:masters"] });
  const writer = cluster.app.clientFor({ name: "system:kube-scheduler", groups: ["system:authenticated"] });
  // What is to come at once does not wait for time to be moved.
  const after: Timers["after"] = (delayMs, act) => (delayMs > 0 ? manual : realTimers).after(delayMs, act);
  const platform = { ...cluster.cluster.platform, timers: { ...manual, after } };
  const schedulers = new Set<SimulatedScheduler>();
  await admin.create(serviceAccounts, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "default", namespace: NAMESPACE },
  });
  for (const [name, value] of Object.entries(PRIORITIES)) {
    await admin.create(priorityClasses, {
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name },
      value,
      ...(name === "polite" ? { preemptionPolicy: "Never" as const } : {}),
    });
  }
  const audit = createBindingAudit(cluster.storage);
  let serial = 0;

  /** New nodes are taken as not ready until a controller has looked, which nobody does here. */
  async function create(node: Node): Promise<void> {
    await admin.create<Node>(nodes, node);
    await admin.patch(nodes, { name: nameOf(node) }, "merge", { spec: { taints: null } });
  }
  const live = () => audit.cluster.pods.filter((pod) => !hasEnded(pod));
  const addNode = async (name = `node-${dice.roll(8)}`) => {
    if (audit.cluster.nodes.some((node) => nameOf(node) === name)) return;
    await create(randomNode(dice, name));
  };
  const actions: readonly (() => Promise<unknown>)[] = [
    () => addNode(),
    () => onNode(({ name }) => admin.delete(nodes, { name }), { atLeast: NODES_MIN }),
    () => onNode(({ name, node }) => patchNode(name, { spec: { unschedulable: node.spec.unschedulable !== true } })),
    () => onNode(({ name }) => patchNode(name, { spec: { taints: dice.chance(0.5) ? [] : [TAINT] } })),
    () => onNode(({ name }) => patchNode(name, { metadata: { labels: { [ZONE]: dice.pick(["a", "b"]) } } })),
    ...Array.from({ length: 7 }, () => () => createPod()),
    () => onPod(({ metadata: { name = "" } }) => admin.delete(pods, { namespace: NAMESPACE, name })),
    () => onPod((pod) => finish(pod)),
  ];

  const createPod = () => admin.create<Pod>(pods, randomPod(dice, `pod-${serial++}`));
  async function onNode(
    act: (at: { name: string; node: Node }) => Promise<unknown>,
    { atLeast = 0 } = {},
  ): Promise<void> {
    const { nodes: known } = audit.cluster;
    if (known.length <= atLeast) return;
    const node = dice.pick(known);
    await act({ name: nameOf(node), node });
  }
  const patchNode = (name: string, body: object) => admin.patch(nodes, { name }, "merge", body);
  async function onPod(act: (pod: Pod) => Promise<unknown>): Promise<void> {
    if (live().length > 0) await act(dice.pick(live()));
  }
  async function finish({ metadata: { name = "" }, spec }: Pod): Promise<void> {
    if (!spec.nodeName) return;
    await admin.patch(pods, { namespace: NAMESPACE, name }, "merge", { status: { phase: "Succeeded" } }, "status");
  }

  /** Until the schedulers know everything, have nothing under way, and write nothing more before time moves on. */
  async function rest(): Promise<void> {
    let last = -1;
    for (let looks = 0, quiet = 0; quiet < QUIET_LOOKS; looks++) {
      if (looks > LOOKS_MAX) throw new Error("the schedulers write without end while time stands still");
      await new Promise((wake) => setTimeout(wake, LOOK_MS));
      const revision = await cluster.storage.revision();
      quiet = revision === last && (await areCurrent()) ? quiet + 1 : 0;
      last = revision;
    }
  }

  async function areCurrent(): Promise<boolean> {
    const [allPods, allNodes] = await Promise.all([admin.list<Pod>(pods), admin.list<Node>(nodes)]);
    return [...schedulers].every(({ faults, knows, knowsOf }) => {
      if (faults.isDead) return true;
      if (faults.requests > 0) return false;
      if (knowsOf("pods") !== allPods.items.length || knowsOf("nodes") !== allNodes.items.length) return false;
      return allPods.items.every((pod) => knows("pods", pod)) && allNodes.items.every((node) => knows("nodes", node));
    });
  }

  return {
    audit,
    admin,
    advance: (byMs: number) => manual.advance(byMs),
    addNode,
    create,
    startScheduler() {
      const scheduler = startScheduler({ platform, reader: admin, writer, dice });
      schedulers.add(scheduler);
      return scheduler;
    },
    rest,
    revision: () => cluster.storage.revision(),
    /** Anything, or new pods alone. */
    async act(times: number, { podsAlone = false } = {}): Promise<void> {
      for (let time = 0; time < times; time++) await ignoringRaces(podsAlone ? createPod() : dice.pick(actions)());
    },
    /** What kubelets and the garbage collector do: pods on their way out go, as do those of nodes that are gone. @returns how many */
    async clean(): Promise<number> {
      const there = new Set(audit.cluster.nodes.map(nameOf));
      const gone = audit.cluster.pods.filter(
        ({ metadata, spec }) =>
          metadata.deletionTimestamp !== undefined || (spec.nodeName && !there.has(spec.nodeName)),
      );
      for (const { metadata } of gone) {
        const at = { namespace: NAMESPACE, name: metadata.name ?? "" };
        await ignoringRaces(admin.delete(pods, at, { gracePeriodSeconds: 0 }));
      }
      return gone.length;
    },
    /** Nothing fails any more: until neither the schedulers nor the kubelets have anything left to do. @returns faults */
    async settle(): Promise<string[]> {
      const faults: string[] = [];
      for (let quiet = 0, round = 0; quiet < 3; round++) {
        if (round > 100) throw new Error("the schedulers never come to rest");
        const before = await cluster.storage.revision();
        await rest();
        faults.push(...(await audit.look({ ordered: false })));
        const cleaned = await this.clean();
        faults.push(...(await audit.look({ ordered: false })));
        quiet = cleaned === 0 && (await cluster.storage.revision()) === before ? quiet + 1 : 0;
        manual.advance(BACK_OFF_MS_MAX + 1);
      }
      return faults;
    },
    async stop(): Promise<void> {
      for (const scheduler of schedulers) if (!scheduler.faults.isDead) await scheduler.stop();
      await cluster.stop();
    },
  };
}

const TAINT = { key: "kept", value: "yes", effect: "NoSchedule" } as const;

/** What was chosen may have gone since. */
async function ignoringRaces(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (isStatusError(error, "NotFound") || isStatusError(error, "AlreadyExists") || isStatusError(error, "Conflict"))
      return;
    throw error;
  }
}

/** As in the product all loops share what one of them reads. */
function startScheduler(deps: { platform: Platform; reader: Client; writer: Client; dice: Dice }): SimulatedScheduler {
  const { platform, reader, writer, dice } = deps;
  const faults = createFaultyClient(writer, dice);
  const stores = createStores({ client: reader, platform, resources: [] });
  const recorder = createEventRecorder({ client: faults.client, platform, component: "default-scheduler" });
  const manager = createManager({
    name: "scheduler",
    platform,
    informers: [...stores.all.values()],
    controllers: [createScheduler({ client: faults.client, stores, recorder, platform })],
  });
  manager.start();
  return {
    faults,
    knows: (resource, { metadata }) =>
      stores[resource].get(keyOf(metadata))?.metadata.resourceVersion === metadata.resourceVersion,
    knowsOf: (resource) => [...stores[resource].all()].length,
    stop: () => manager.stop(),
  };
}

function randomNode(dice: Dice, name: string): Node {
  const allocatable = {
    cpu: dice.pick(["1", "2", "4"]),
    memory: dice.pick(["1Gi", "4Gi"]),
    pods: dice.pick(["3", "10"]),
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { [HOSTNAME]: name, [ZONE]: dice.pick(["a", "b"]) } },
    spec: {},
    status: {
      allocatable,
      capacity: allocatable,
      conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", message: "" }],
    },
  };
}

function randomPod(dice: Dice, name: string): Pod {
  const app = dice.pick(["web", "db"]);
  const labelSelector = { matchLabels: { app } };
  const spec: PodSpec = {
    containers: [
      {
        name: "c",
        image: "example.org/c:1",
        resources: { requests: { cpu: dice.pick(["100m", "400m", "1"]), memory: dice.pick(["64Mi", "400Mi"]) } },
        ...(dice.chance(0.1) ? { ports: [{ containerPort: 80, hostPort: 80 }] } : {}),
      },
    ],
    terminationGracePeriodSeconds: 1,
  };
  if (dice.chance(0.5)) spec.priorityClassName = dice.pick(Object.keys(PRIORITIES));
  if (dice.chance(0.2)) spec.tolerations = [{ key: TAINT.key, operator: "Exists" }];
  if (dice.chance(0.1)) spec.nodeSelector = { [ZONE]: dice.pick(["a", "b"]) };
  if (dice.chance(0.12)) {
    const term = { topologyKey: dice.pick([HOSTNAME, ZONE]), labelSelector };
    const terms = { requiredDuringSchedulingIgnoredDuringExecution: [term] };
    spec.affinity = dice.chance(0.7) ? { podAntiAffinity: terms } : { podAffinity: terms };
  }
  if (dice.chance(0.15)) {
    const whenUnsatisfiable = dice.pick(["DoNotSchedule", "ScheduleAnyway"] as const);
    spec.topologySpreadConstraints = [{ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable, labelSelector }];
  }
  if (dice.chance(0.04)) spec.schedulingGates = [{ name: "example.com/wait" }];
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: NAMESPACE, labels: { app } }, spec };
}
