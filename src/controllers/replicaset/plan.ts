/** What a ReplicaSet needs: pods to make, pods to delete, its status. After pkg/controller/replicaset of Kubernetes. */
import { isActive, type PodView } from "../../controller-runtime/views/pod-view.ts";
import type { ReplicaSetView } from "../../controller-runtime/views/workload-views.ts";
import type { ReplicaSetCondition, ReplicaSetStatus } from "../../kinds/apps/replicasets/types.ts";
import { formatTime } from "../../machinery/meta.ts";
import { matchesLabels, requirementsOfMap } from "../../machinery/selectors.ts";

/** Pods made or deleted in one go. */
export const BURST_MAX = 500;

export interface Scaling {
  create: number;
  remove: PodView[];
}

/** `related`: pods of all ReplicaSets of the same owner, these included; they decide which node is crowded. */
export function planScaling(input: {
  replicaSet: ReplicaSetView;
  pods: readonly PodView[];
  related: readonly PodView[];
  nowMs: number;
}): Scaling {
  const { replicaSet, related, nowMs } = input;
  if (replicaSet.metadata.deletionTimestamp !== undefined) return { create: 0, remove: [] };
  const active = input.pods.filter(isActive);
  const surplus = active.length - replicaSet.replicas;
  if (surplus < 0) return { create: Math.min(-surplus, BURST_MAX), remove: [] };
  if (surplus === 0) return { create: 0, remove: [] };
  return { create: 0, remove: podsToDelete(active, { related, nowMs }).slice(0, Math.min(surplus, BURST_MAX)) };
}

/** Those that would be missed least come first. */
export function podsToDelete(
  pods: readonly PodView[],
  context: { related: readonly PodView[]; nowMs: number },
): PodView[] {
  const onNode = new Map<string, number>();
  for (const pod of context.related) {
    if (isActive(pod)) onNode.set(pod.nodeName, (onNode.get(pod.nodeName) ?? 0) + 1);
  }
  const crowd = (pod: PodView): number => onNode.get(pod.nodeName) ?? 0;
  return pods.toSorted((a, b) => compareForDeletion(a, b, { crowd, nowMs: context.nowMs }));
}

const PHASES = ["Pending", "Unknown", "Running"];

function compareForDeletion(
  a: PodView,
  b: PodView,
  { crowd, nowMs }: { crowd: (pod: PodView) => number; nowMs: number },
): number {
  if ((a.nodeName === "") !== (b.nodeName === "")) return a.nodeName === "" ? -1 : 1;
  if (a.phase !== b.phase) return PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase);
  if (a.ready !== b.ready) return a.ready ? 1 : -1;
  if (a.deletionCost !== b.deletionCost) return a.deletionCost - b.deletionCost;
  if (crowd(a) !== crowd(b)) return crowd(b) - crowd(a);
  // Ages on a logarithmic scale, so that the youngest is not always the one that goes.
  if (a.ready) {
    const ready = rank(nowMs - a.readySinceMs) - rank(nowMs - b.readySinceMs);
    if (ready !== 0) return ready;
  }
  if (a.restarts !== b.restarts) return b.restarts - a.restarts;
  const age =
    rank(nowMs - Date.parse(a.metadata.creationTimestamp)) - rank(nowMs - Date.parse(b.metadata.creationTimestamp));
  if (age !== 0) return age;
  return a.metadata.uid < b.metadata.uid ? -1 : 1;
}

function rank(ageMs: number): number {
  return ageMs > 0 ? Math.floor(Math.log2(ageMs / 1000 + 1)) : 0;
}

export interface StatusPlan {
  status: ReplicaSetStatus;
  changed: boolean;
  /** When a ready pod becomes available without any event. */
  againAfterMs: number | undefined;
}

export function planStatus(input: {
  replicaSet: ReplicaSetView;
  pods: readonly PodView[];
  /** Why pods could not be made or deleted. */
  failure: { reason: "FailedCreate" | "FailedDelete"; message: string } | undefined;
  nowMs: number;
}): StatusPlan {
  const { replicaSet, pods, failure, nowMs } = input;
  const active = pods.filter(isActive);
  const minReadyMs = replicaSet.minReadySeconds * 1000;
  const labels = requirementsOfMap(replicaSet.templateLabels);
  const ready = active.filter((pod) => pod.ready);
  const available = ready.filter((pod) => pod.readySinceMs + minReadyMs <= nowMs);
  const waiting = ready.filter((pod) => pod.readySinceMs + minReadyMs > nowMs);
  const conditions = planConditions(replicaSet.status.conditions ?? [], failure, nowMs);
  const terminating = pods.filter(
    (pod) => pod.metadata.deletionTimestamp !== undefined && pod.phase !== "Succeeded" && pod.phase !== "Failed",
  );
  const status: ReplicaSetStatus = {
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => matchesLabels(labels, pod.metadata.labels)).length,
    readyReplicas: ready.length,
    availableReplicas: available.length,
    terminatingReplicas: terminating.length,
    observedGeneration: replicaSet.metadata.generation,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
  const firstMs = Math.min(...waiting.map((pod) => pod.readySinceMs + minReadyMs));
  return {
    status,
    changed: !sameStatus(status, replicaSet.status),
    againAfterMs: waiting.length === 0 ? undefined : Math.max(1, firstMs - nowMs),
  };
}

function planConditions(
  current: readonly ReplicaSetCondition[],
  failure: { reason: string; message: string } | undefined,
  nowMs: number,
): ReplicaSetCondition[] {
  const others = current.filter(({ type }) => type !== "ReplicaFailure");
  if (!failure) return others;
  const known = current.find(({ type }) => type === "ReplicaFailure");
  // As in Kubernetes the first message of a kind of failure stands.
  if (known?.reason === failure.reason) return [...current];
  return [...others, { type: "ReplicaFailure", status: "True", lastTransitionTime: formatTime(nowMs), ...failure }];
}

const COUNTS = [
  "replicas",
  "fullyLabeledReplicas",
  "readyReplicas",
  "availableReplicas",
  "terminatingReplicas",
  "observedGeneration",
] as const;

function sameStatus(a: ReplicaSetStatus, b: ReplicaSetStatus): boolean {
  if (COUNTS.some((count) => (a[count] ?? 0) !== (b[count] ?? 0))) return false;
  return JSON.stringify(summary(a)) === JSON.stringify(summary(b));
}

function summary({ conditions = [] }: ReplicaSetStatus): unknown {
  return conditions.map(({ type, status, reason, message }) => [type, status, reason, message]);
}
