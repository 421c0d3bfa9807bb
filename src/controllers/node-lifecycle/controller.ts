/**
 * Watches over nodes: sees by its Lease when one is lost, taints it, and has its pods replaced. Heartbeats are no writes: the API lays the
 * time of the last one over the Lease, so it is read on a timer, and only while there are nodes.
 */
import { referenceTo } from "../../controller-runtime/events.ts";
import { watching, type Controller } from "../../controller-runtime/manager.ts";
import type { Key, ReconcileResult } from "../../controller-runtime/reconciler.ts";
import { BY_NODE } from "../../controller-runtime/stores.ts";
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import { leases, type Lease } from "../../kinds/coordination/leases/types.ts";
import { nodes, type Node } from "../../kinds/core/nodes/types.ts";
import { pods, type Pod } from "../../kinds/core/pods/types.ts";
import { formatTime } from "../../machinery/meta.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { ControllerDeps } from "../deps.ts";
import { planLost, planPods, planTaints } from "./plan.ts";

export interface NodeLifecycleDeps extends ControllerDeps<"nodes" | "pods"> {
  config: { nodeMonitorGraceMs: number };
}

/** No node has this name: it is the turn that reads all Leases. */
const HEARTBEATS: Key = "*heartbeats";
const NODE_LEASES = "kube-node-lease";
const DOUBT_MS = 5_000;

export function createNodeLifecycleController(deps: NodeLifecycleDeps): Controller {
  const { client, stores, recorder, platform, config } = deps;
  const { clock } = platform;
  const graceMs = config.nodeMonitorGraceMs;
  /** After a start every node is given one grace period: its tunnel may have been cut by the start itself. */
  const startedMs = clock.now();
  const seenMs = new Map<string, number>();
  let enqueue: ((key: Key) => void) | undefined;

  async function readHeartbeats(): Promise<ReconcileResult> {
    if (stores.nodes.size === 0) return { done: true };
    const { items } = await client.list<Lease>(leases, { namespace: NODE_LEASES });
    for (const lease of items) noteHeartbeat(lease);
    for (const name of seenMs.keys()) if (stores.nodes.get(name) === undefined) seenMs.delete(name);
    let doubtful = false;
    for (const node of stores.nodes.all()) {
      if (isSilent(node) !== isMarkedLost(node)) enqueue?.(node.metadata.name);
      doubtful ||= !isMarkedLost(node) && clock.now() - (seenMs.get(node.metadata.name) ?? 0) > graceMs / 2;
    }
    // The grace period of a start is counted in memory. Where the runtime drops what sleeps for ten seconds, it would begin anew each
    // time and a lost node would never be called lost; so while one is in doubt the next look comes sooner.
    return { againAfterMs: Math.ceil(doubtful ? Math.min(graceMs / 4, DOUBT_MS) : graceMs / 4) };
  }

  /** A hub that has just started does not know of the heartbeats before it; what was seen once stays seen. */
  function noteHeartbeat({ metadata: { name = "" }, spec }: Lease): void {
    seenMs.set(name, Math.max(seenMs.get(name) ?? 0, Date.parse(spec?.renewTime ?? "") || 0));
  }

  /** What was read on the timer may be older than the node's return. */
  async function isLost(node: NodeView): Promise<boolean> {
    if (!isSilent(node) || planLost(node, clock.now()) === undefined) return false;
    try {
      noteHeartbeat(await client.get<Lease>(leases, { namespace: NODE_LEASES, name: node.metadata.name }));
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
    return isSilent(node);
  }

  function isSilent({ metadata }: NodeView): boolean {
    const created = Date.parse(metadata.creationTimestamp) || 0;
    const last = Math.max(startedMs, created, seenMs.get(metadata.name) ?? 0);
    return clock.now() - last > graceMs;
  }

  async function reconcile(key: Key): Promise<ReconcileResult> {
    if (key === HEARTBEATS) return readHeartbeats();
    const node = stores.nodes.get(key);
    if (node === undefined) return removeOrphans(key);
    if (node.metadata.deletionTimestamp !== undefined) return { done: true };
    if (await isLost(node)) await markLost(node);
    const current = stores.nodes.get(key) ?? node;
    await taint(current);
    return treatPods(stores.nodes.get(key) ?? current);
  }

  async function markLost(node: NodeView): Promise<void> {
    const conditions = planLost(node, clock.now());
    if (conditions === undefined) return;
    const { name } = node.metadata;
    // Merged by type: conditions of others stay.
    stores.nodes.observe(await client.patch<Node>(nodes, { name }, "strategic", { status: { conditions } }, "status"));
    const about = referenceTo({ apiVersion: "v1", kind: "Node" }, node);
    recorder.record({
      about,
      type: "Normal",
      reason: "NodeNotReady",
      message: `Node ${name} status is now: NodeNotReady`,
    });
  }

  async function taint(node: NodeView): Promise<void> {
    const taints = planTaints(node, clock.now());
    if (taints === undefined) return;
    const { name, resourceVersion } = node.metadata;
    const body = { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } };
    stores.nodes.observe(await client.patch<Node>(nodes, { name }, "merge", body));
  }

  async function treatPods(node: NodeView): Promise<ReconcileResult> {
    const nowMs = clock.now();
    const plan = planPods(node, stores.pods.by(BY_NODE, node.metadata.name), nowMs);
    for (const pod of plan.unready) await markUnready(pod);
    for (const pod of plan.evict) await evict(pod);
    return plan.againMs === undefined ? { done: true } : { againAfterMs: Math.max(1, plan.againMs - nowMs) };
  }

  async function markUnready({ metadata: { namespace, name } }: PodView): Promise<void> {
    const condition = { type: "Ready", status: "False", lastTransitionTime: formatTime(clock.now()) };
    await orGone(async () => {
      const body = { status: { conditions: [condition] } };
      stores.pods.observe(await client.patch<Pod>(pods, { namespace, name }, "strategic", body, "status"));
    });
  }

  async function evict(pod: PodView): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      lastTransitionTime: formatTime(clock.now()),
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
    };
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    await orGone(() => client.patch<Pod>(pods, { namespace, name }, "strategic", body, "status"));
    await orGone(() => client.delete(pods, { namespace, name }, { preconditions: { uid } }));
    stores.pods.expectDeletion(pod);
    const about = referenceTo({ apiVersion: "v1", kind: "Pod" }, pod);
    const message = `Marking for deletion Pod ${namespace}/${name}`;
    recorder.record({ about, type: "Normal", reason: "TaintManagerEviction", message });
  }

  /** The node is gone for good: nobody will ever say that its pods have ended. */
  async function removeOrphans(name: string): Promise<ReconcileResult> {
    const orphans = stores.pods.by(BY_NODE, name);
    if (orphans.length === 0) return { done: true };
    try {
      await client.get(nodes, { name });
      return { againAfterMs: graceMs };
    } catch (error) {
      if (!isStatusError(error, "NotFound")) throw error;
    }
    for (const { metadata } of orphans) {
      const { namespace, name: pod, uid } = metadata;
      await orGone(() =>
        client.delete(pods, { namespace, name: pod }, { gracePeriodSeconds: 0, preconditions: { uid } }),
      );
    }
    return { done: true };
  }

  return {
    name: "node-controller",
    concurrency: 4,
    initialKeys: [HEARTBEATS],
    connect: (add) => void (enqueue = add),
    watches: [
      watching(stores.nodes, ({ metadata }, { before }) =>
        before === undefined ? [metadata.name, HEARTBEATS] : [metadata.name],
      ),
      watching(stores.pods, (pod) =>
        pod.nodeName !== "" && concernsPod(stores.nodes.get(pod.nodeName)) ? [pod.nodeName] : [],
      ),
    ],
    reconcile,
  };
}

/** Most nodes are well, and then what happens to their pods is nothing to us. */
function concernsPod(node: NodeView | undefined): boolean {
  return node === undefined || node.taints.some(({ effect }) => effect === "NoExecute");
}

function isMarkedLost(node: NodeView): boolean {
  return node.conditions.find(({ type }) => type === "Ready")?.status === "Unknown";
}

async function orGone(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isStatusError(error, "NotFound") && !isStatusError(error, "Conflict")) throw error;
  }
}
