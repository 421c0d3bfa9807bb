/** One decision: filter, score, choose. It changes nothing. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { createDiagnosis, messageOfPod, NO_NODES } from "./diagnosis.ts";
import { candidatesOf, refusalAt, refusalOfPod } from "./filter.ts";
import type { Profile } from "./framework.ts";
import { best, scoreNodes } from "./score.ts";
import type { Shape } from "./shapes.ts";
import type { Snapshot } from "./snapshot.ts";

export type Decision =
  /** `looked`: at how many nodes, so that the next decision can begin after them. */
  | { node: string; looked: number }
  | {
      node: undefined;
      looked: number;
      /** What the event and the pod's condition say. */
      message: string;
      /** Names of plugins; none where there was no node to ask. */
      refusedBy: ReadonlySet<string>;
      /** Some node refuses for what is on it. */
      preemptionMayHelp: boolean;
    };

export interface CycleOptions {
  /** Uniform in [0, 1): chooses between equals. */
  fraction: () => number;
  /** Where to begin looking, so that in large clusters not always the same nodes are looked at. */
  startAt?: number;
  /** It ends after so many nodes that the pod may run on; by default as the profile says. */
  feasibleMax?: number;
}

export function schedulePod(snapshot: Snapshot, pod: PodView, profile: Profile, options: CycleOptions): Decision {
  const none = { node: undefined, looked: 0, refusedBy: new Set<string>(), preemptionMayHelp: false } as const;
  if (snapshot.nodeCount === 0) return { ...none, message: NO_NODES };
  const shape = snapshot.shapeOf(pod, profile);
  const refused = refusalOfPod(shape);
  if (refused) {
    return { ...none, refusedBy: new Set([refused.plugin]), message: messageOfPod(refused, snapshot.nodeCount) };
  }
  const nominated = tryNominated(snapshot, shape, pod);
  if (nominated !== undefined) return { node: nominated, looked: 1 };
  const { slots, looked } = findFeasible(snapshot, shape, pod, {
    startAt: options.startAt ?? 0,
    feasibleMax: options.feasibleMax ?? ((count) => feasibleMax(count, profile.percentageOfNodesToScore)),
  });
  if (slots.length === 0) return { ...explain(snapshot, shape, pod), looked };
  const chosen = slots.length === 1 ? 0 : best(scoreNodes(shape, slots).totals, options.fraction);
  return { node: snapshot.cluster.nodes.views[slots[chosen] ?? 0]?.metadata.name ?? "", looked };
}

/** Its victims made room for the pod there: where it fits now, no other node is looked at. */
function tryNominated(snapshot: Snapshot, shape: Shape, pod: PodView): string | undefined {
  const name = snapshot.nominationOf(pod.metadata.uid) || pod.nominatedNodeName;
  const slot = name === "" ? undefined : snapshot.cluster.nodes.slotOf.get(name);
  if (slot === undefined) return undefined;
  return refusalAt(snapshot, shape, pod, slot) === undefined ? name : undefined;
}

function findFeasible(
  snapshot: Snapshot,
  shape: Shape,
  pod: PodView,
  limits: { startAt: number; feasibleMax: number | ((count: number) => number) },
): { slots: Int32Array; looked: number } {
  const { slots } = candidatesOf(snapshot, shape);
  const count = slots.length;
  const enough = typeof limits.feasibleMax === "number" ? limits.feasibleMax : limits.feasibleMax(count);
  const feasible = new Int32Array(Math.min(count, enough));
  let found = 0;
  let looked = 0;
  for (; looked < count && found < feasible.length; looked++) {
    const slot = slots[(limits.startAt + looked) % count] ?? 0;
    if (refusalAt(snapshot, shape, pod, slot) === undefined) feasible[found++] = slot;
  }
  return { slots: feasible.subarray(0, found), looked };
}

/** Asks again, which is cheaper than to keep reasons of nodes that are mostly not needed. */
function explain(snapshot: Snapshot, shape: Shape, pod: PodView) {
  const diagnosis = createDiagnosis();
  const refusedBy = new Set<string>();
  const { slots, otherwise } = candidatesOf(snapshot, shape);
  let preemptionMayHelp = false;
  for (const slot of slots) {
    const refusal = refusalAt(snapshot, shape, pod, slot);
    if (refusal === undefined) continue;
    diagnosis.add(refusal.reasons);
    refusedBy.add(refusal.plugin);
    preemptionMayHelp ||= !refusal.unresolvable;
  }
  if (otherwise) {
    refusedBy.add(otherwise.plugin);
    diagnosis.add(otherwise.reasons, snapshot.nodeCount - slots.length);
  }
  return { node: undefined, message: diagnosis.message(snapshot.nodeCount), refusedBy, preemptionMayHelp };
}

/** May the pod run on this node, as things stand? What an owner asks who is given a decision made by somebody else. */
export function mayRunOn(snapshot: Snapshot, pod: PodView, profile: Profile, node: string): boolean {
  const slot = snapshot.cluster.nodes.slotOf.get(node);
  const shape = snapshot.shapeOf(pod, profile);
  return slot !== undefined && !refusalOfPod(shape) && refusalAt(snapshot, shape, pod, slot) === undefined;
}

/** Kubernetes' numFeasibleNodesToFind: all of 100 nodes, a smaller share the more there are, or the share asked for. */
export function feasibleMax(count: number, percentage = 0): number {
  if (count < 100) return count;
  const percent = percentage > 0 ? percentage : Math.max(5, 50 - Math.floor(count / 125));
  return Math.max(100, Math.floor((count * percent) / 100));
}
