/** When a node counts as lost and what follows. After pkg/controller/nodelifecycle and tainteviction of Kubernetes. */
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import { isFinished, type PodView } from "../../controller-runtime/views/pod-view.ts";
import type { NodeCondition } from "../../kinds/core/nodes/types.ts";
import { toleratesTaint } from "../../controller-runtime/views/tolerations.ts";
import type { Taint } from "../../kinds/core/pods/types.ts";
import { formatTime } from "../../machinery/meta.ts";

const NOT_READY = "node.kubernetes.io/not-ready";
const UNREACHABLE = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";
/** Conditions that keep new pods away while they are True. */
const PRESSURES: readonly (readonly [condition: string, taint: string])[] = [
  ["MemoryPressure", "node.kubernetes.io/memory-pressure"],
  ["DiskPressure", "node.kubernetes.io/disk-pressure"],
  ["PIDPressure", "node.kubernetes.io/pid-pressure"],
  ["NetworkUnavailable", "node.kubernetes.io/network-unavailable"],
];
/** Taints that this controller alone sets and takes away. */
const OWN_TAINTS = [NOT_READY, UNREACHABLE, UNSCHEDULABLE, ...PRESSURES.map(([, taint]) => taint)];

/** What a silent node cannot be believed about. */
const REPORTED = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** The conditions of a node that has been silent for a grace period; undefined when they say so already. */
export function planLost(node: NodeView, nowMs: number): NodeCondition[] | undefined {
  const lost = REPORTED.filter((type) => node.conditions.find((known) => known.type === type)?.status !== "Unknown");
  if (lost.length === 0) return undefined;
  return lost.map((type) => ({
    type,
    status: "Unknown",
    lastTransitionTime: formatTime(nowMs),
    reason: "NodeStatusUnknown",
    message: "Kubelet stopped posting node status.",
  }));
}

/** The taints this node should have; undefined when it has them. Times of taints that stay are kept. */
export function planTaints(node: NodeView, nowMs: number): Taint[] | undefined {
  const statusOf = (type: string) => node.conditions.find((condition) => condition.type === type)?.status;
  const ready = statusOf("Ready");
  const key = ready === "True" ? undefined : ready === "Unknown" ? UNREACHABLE : NOT_READY;
  const wanted: Taint[] = key === undefined ? [] : [{ key, effect: "NoSchedule" }];
  // A node that has never reported has no pods yet that could be driven away.
  if (key !== undefined && ready !== undefined) wanted.push({ key, effect: "NoExecute", timeAdded: formatTime(nowMs) });
  for (const [type, taint] of PRESSURES) {
    if (statusOf(type) === "True") wanted.push({ key: taint, effect: "NoSchedule" });
  }
  if (node.unschedulable) wanted.push({ key: UNSCHEDULABLE, effect: "NoSchedule" });
  const others = node.taints.filter((taint) => !OWN_TAINTS.includes(taint.key));
  const own = node.taints.filter((taint) => OWN_TAINTS.includes(taint.key));
  const known = (taint: Taint) => own.find(({ key: same, effect }) => same === taint.key && effect === taint.effect);
  if (own.length === wanted.length && wanted.every((taint) => known(taint) !== undefined)) return undefined;
  return [...others, ...wanted.map((taint) => known(taint) ?? taint)];
}

/** Unix ms at which NoExecute taints drive the pod away; undefined: never. */
export function evictionMs(pod: PodView, node: NodeView): number | undefined {
  let earliest: number | undefined;
  for (const taint of node.taints) {
    if (taint.effect !== "NoExecute") continue;
    const matching = pod.tolerations.filter((toleration) => toleratesTaint(toleration, taint));
    const sinceMs = Date.parse(taint.timeAdded ?? "") || 0;
    const seconds = matching.map(({ tolerationSeconds }) => tolerationSeconds ?? Number.POSITIVE_INFINITY);
    const dueMs = matching.length === 0 ? sinceMs : sinceMs + Math.max(0, Math.min(...seconds)) * 1000;
    if (dueMs !== Number.POSITIVE_INFINITY && (earliest === undefined || dueMs < earliest)) earliest = dueMs;
  }
  return earliest;
}

export interface PodPlan {
  /** They have outstayed their tolerations. */
  evict: PodView[];
  /** On a lost node nobody says that they are ready. */
  unready: PodView[];
  /** When the next one is to go. */
  againMs: number | undefined;
}

export function planPods(node: NodeView, pods: readonly PodView[], nowMs: number): PodPlan {
  const plan: PodPlan = { evict: [], unready: [], againMs: undefined };
  const lost = node.conditions.find(({ type }) => type === "Ready")?.status === "Unknown";
  for (const pod of pods) {
    if (isFinished(pod)) continue;
    if (lost && pod.ready) plan.unready.push(pod);
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    const dueMs = evictionMs(pod, node);
    if (dueMs === undefined) continue;
    if (dueMs <= nowMs) plan.evict.push(pod);
    else plan.againMs = Math.min(plan.againMs ?? dueMs, dueMs);
  }
  return plan;
}
