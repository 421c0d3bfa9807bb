/** Which pods would have to go so that another can come (pkg/scheduler/framework/plugins/defaultpreemption). It changes nothing. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { createDiagnosis } from "./diagnosis.ts";
import { refusalAt, candidatesOf } from "./filter.ts";
import type { Profile, Refusal } from "./framework.ts";
import type { Placed } from "./placement.ts";
import type { Shape } from "./shapes.ts";
import type { Snapshot } from "./snapshot.ts";
import { earliestStartMs, moreImportantFirst, splitByBudgets, type Victims, worseThan } from "./victims.ts";

export type PreemptionPlan =
  | {
      node: string;
      /** The most important first. */
      victims: readonly PodView[];
      /** How many of them a disruption budget would protect. */
      violations: number;
      /** Less important pods that room was kept for on this node; their nomination ends. */
      displaced: readonly PodView[];
    }
  | {
      node: undefined;
      /** What is added to the pod's message: "preemption: 0/3 nodes are available: …". */
      message: string;
      /** Room that is kept for the pod is of no use. */
      endsNomination: boolean;
    };

export interface PreemptionOptions {
  /** Uniform in [0, 1): where to begin looking. */
  fraction: () => number;
}

const NOT_HELPFUL = "Preemption is not helpful for scheduling";
const NO_VICTIMS = "No preemption victims found for incoming pod";
/** Nodes that a decision is made between: a tenth of those in question, and at least 100. */
const CANDIDATES_PERCENT = 10;
const CANDIDATES_MIN = 100;

export function planPreemption(
  snapshot: Snapshot,
  pod: PodView,
  profile: Profile,
  options: PreemptionOptions,
): PreemptionPlan {
  const shape = snapshot.shapeOf(pod, profile);
  const not = notEligible(snapshot, shape, pod);
  if (not !== undefined) return { node: undefined, message: `preemption: ${not}`, endsNomination: false };
  const diagnosis = createDiagnosis();
  const potential: number[] = [];
  for (const slot of candidatesOf(snapshot, shape).slots) {
    const refusal = refusalAt(snapshot, shape, pod, slot);
    if (refusal && !refusal.unresolvable) potential.push(slot);
  }
  diagnosis.add([NOT_HELPFUL], snapshot.nodeCount - potential.length);
  const wanted = Math.max(CANDIDATES_MIN, Math.floor((potential.length * CANDIDATES_PERCENT) / 100));
  const offset = Math.floor(options.fraction() * potential.length);
  let chosen: (Victims & { slot: number }) | undefined;
  let found = 0;
  let withoutViolation = 0;
  for (let index = 0; index < potential.length; index++) {
    const slot = potential[(offset + index) % potential.length] ?? 0;
    const victims = trial(snapshot, shape, pod, slot);
    if ("reasons" in victims) {
      diagnosis.add(victims.reasons);
      continue;
    }
    if (chosen === undefined || worseThan(chosen, victims)) chosen = { ...victims, slot };
    found += 1;
    if (victims.violations === 0) withoutViolation += 1;
    if (withoutViolation > 0 && found >= wanted) break;
  }
  if (chosen === undefined) {
    return { node: undefined, message: `preemption: ${diagnosis.message(snapshot.nodeCount)}`, endsNomination: true };
  }
  const node = snapshot.cluster.nodes.views[chosen.slot]?.metadata.name ?? "";
  const displaced = snapshot.nominatedTo(node).filter(({ priority }) => priority < pod.priority);
  return { node, victims: chosen.pods, violations: chosen.violations, displaced };
}

/** Why the pod may make no others go. */
function notEligible(snapshot: Snapshot, shape: Shape, pod: PodView): string | undefined {
  if (pod.scheduling.neverPreempts) return "not eligible due to preemptionPolicy=Never.";
  const name = snapshot.nominationOf(pod.metadata.uid) || pod.nominatedNodeName;
  const slot = name === "" ? undefined : snapshot.cluster.nodes.slotOf.get(name);
  if (slot === undefined || refusalAt(snapshot, shape, pod, slot)?.unresolvable === true) return undefined;
  const going = snapshot.placement
    .on(slot)
    .some(
      ({ view }) =>
        view.priority < pod.priority && view.metadata.deletionTimestamp !== undefined && view.condemnedMs !== undefined,
    );
  return going ? "not eligible due to a terminating pod on the nominated node." : undefined;
}

/**
 * All less important pods go, then as many as possible come back, the most important first, those that a budget protects before all
 * others. What does not fit any more is a victim. The node is as before afterwards.
 */
function trial(snapshot: Snapshot, shape: Shape, pod: PodView, slot: number): Victims | Pick<Refusal, "reasons"> {
  const { placement } = snapshot;
  const lower = placement.on(slot).filter(({ view }) => view.priority < pod.priority);
  if (lower.length === 0) return { reasons: [NO_VICTIMS] };
  for (const placed of lower) placement.lift(placed);
  const gone = new Set(lower);
  const restore = (placed: Placed): void => {
    placement.drop(placed);
    gone.delete(placed);
  };
  try {
    const refusal = refusalAt(snapshot, shape, pod, slot);
    if (refusal) return refusal;
    lower.sort((a, b) => moreImportantFirst(a.view, b.view));
    const { violating, others } = splitByBudgets(lower, snapshot.cluster.tables.budgets.all());
    const victims: Placed[] = [];
    const reprieve = (placed: Placed): boolean => {
      restore(placed);
      if (refusalAt(snapshot, shape, pod, slot) === undefined) return true;
      placement.lift(placed);
      gone.add(placed);
      victims.push(placed);
      return false;
    };
    const violations = violating.filter((placed) => !reprieve(placed)).length;
    for (const placed of others) reprieve(placed);
    const pods = victims.map(({ view }) => view).toSorted(moreImportantFirst);
    return { pods, violations, earliestStartMs: earliestStartMs(pods) };
  } finally {
    for (const placed of gone) placement.drop(placed);
  }
}
