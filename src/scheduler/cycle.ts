/** One decision: filter, score, choose. It changes nothing. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { createDiagnosis, messageOfPod, NO_NODES } from "./diagnosis.ts";
import { asking, candidatesOf, isByAmounts, refusalAt, refusalOfPod, type Asking, type Candidates } from "./filter.ts";
import type { Profile, Refusal } from "./framework.ts";
import { best, scoreNodes } from "./score.ts";
import { createSlotMemory, type SlotMemory } from "./slot-memory.ts";
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
      /** Slots of the nodes that refuse for what is on them; for `planPreemption`. */
      potential: readonly number[];
      /** There are such nodes. */
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
  const none = { node: undefined, looked: 0, refusedBy: new Set<string>(), potential: [], preemptionMayHelp: false };
  if (snapshot.nodeCount === 0) return { ...none, message: NO_NODES };
  const shape = snapshot.shapeOf(pod, profile);
  const refused = refusalOfPod(shape);
  if (refused) {
    return { ...none, refusedBy: new Set([refused.plugin]), message: messageOfPod(refused, snapshot.nodeCount) };
  }
  const ask = asking(snapshot, shape, pod);
  const nominated = tryNominated(ask);
  if (nominated !== undefined) return { node: nominated, looked: 1 };
  const candidates = candidatesOf(snapshot, shape);
  const count = candidates.slots.length;
  const found = findFeasible(ask, candidates.slots, {
    startAt: options.startAt ?? 0,
    enough: options.feasibleMax ?? feasibleMax(count, profile.percentageOfNodesToScore),
  });
  const { slots, looked } = found;
  if (slots.length === 0) return { ...explain(snapshot.nodeCount, candidates, found), looked };
  const chosen = slots.length === 1 ? 0 : best(scoreNodes(shape, slots).totals, options.fraction);
  return { node: snapshot.cluster.nodes.views[slots[chosen] ?? 0]?.metadata.name ?? "", looked };
}

/** Its victims made room for the pod there: where it fits now, no other node is looked at. */
function tryNominated(ask: Asking): string | undefined {
  const { snapshot, pod } = ask;
  const name = snapshot.nominationOf(pod.metadata.uid) || pod.nominatedNodeName;
  const slot = name === "" ? undefined : snapshot.cluster.nodes.slotOf.get(name);
  if (slot === undefined) return undefined;
  return refusalAt(ask, slot) === undefined ? name : undefined;
}

interface Found {
  /** Where the pod may run. */
  slots: Int32Array;
  looked: number;
  /** How many nodes say which of them. */
  refusals: ReadonlyMap<Refusal, number>;
  /** Slots whose refusal has to do with pods that are there. */
  potential: readonly number[];
}

function findFeasible(ask: Asking, slots: Int32Array, { startAt, enough }: { startAt: number; enough: number }): Found {
  const count = slots.length;
  const feasible = new Int32Array(Math.min(count, enough));
  const refusals = new Map<Refusal, number>();
  const potential: number[] = [];
  let found = 0;
  let looked = 0;
  // Neighbours mostly say the same.
  let last: Refusal | undefined;
  let run = 0;
  for (; looked < count && found < feasible.length; looked++) {
    const slot = slots[(startAt + looked) % count] ?? 0;
    const refusal = ask.shape.refusals ? remembered(ask, ask.shape.refusals, slot) : refusalAt(ask, slot);
    if (refusal === undefined) {
      feasible[found++] = slot;
    } else if (found === 0) {
      if (refusal !== last) {
        if (last) refusals.set(last, (refusals.get(last) ?? 0) + run);
        last = refusal;
        run = 0;
      }
      run += 1;
      if (!refusal.unresolvable) potential.push(slot);
    }
  }
  if (last) refusals.set(last, (refusals.get(last) ?? 0) + run);
  // From now on it pays to remember.
  if (found === 0 && ask.byAmounts) ask.shape.refusals ??= createSlotMemory(ask.snapshot.cluster.nodes);
  return { slots: feasible.subarray(0, found), looked, refusals, potential };
}

function remembered(ask: Asking, memory: SlotMemory<Refusal>, slot: number): Refusal | undefined {
  if (!isByAmounts(ask, slot)) return refusalAt(ask, slot);
  const known = memory.get(slot);
  if (known) return known;
  const refusal = refusalAt(ask, slot);
  if (refusal) memory.set(slot, refusal);
  return refusal;
}

function explain(nodeCount: number, { slots, otherwise }: Candidates, { refusals, potential }: Found) {
  const diagnosis = createDiagnosis();
  const refusedBy = new Set<string>();
  const tell = ({ plugin, reasons }: Refusal, nodes: number): void => {
    refusedBy.add(plugin);
    diagnosis.add(reasons, nodes);
  };
  for (const [refusal, nodes] of refusals) tell(refusal, nodes);
  if (otherwise) tell(otherwise, nodeCount - slots.length);
  const message = diagnosis.message(nodeCount);
  return { node: undefined, message, refusedBy, potential, preemptionMayHelp: potential.length > 0 };
}

/** May the pod run on this node, as things stand? What an owner asks who is given a decision made by somebody else. */
export function mayRunOn(snapshot: Snapshot, pod: PodView, profile: Profile, node: string): boolean {
  const slot = snapshot.cluster.nodes.slotOf.get(node);
  const shape = snapshot.shapeOf(pod, profile);
  return slot !== undefined && !refusalOfPod(shape) && refusalAt(asking(snapshot, shape, pod), slot) === undefined;
}

/** Kubernetes' numFeasibleNodesToFind: all of 100 nodes, a smaller share the more there are, or the share asked for. */
export function feasibleMax(count: number, percentage = 0): number {
  if (count < 100) return count;
  const percent = percentage > 0 ? percentage : Math.max(5, 50 - Math.floor(count / 125));
  return Math.max(100, Math.floor((count * percent) / 100));
}
