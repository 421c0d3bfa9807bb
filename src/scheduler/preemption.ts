/** Which pods would have to go so that another can come (pkg/scheduler/framework/plugins/defaultpreemption). It changes nothing. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { createDiagnosis } from "./diagnosis.ts";
import {
  asking,
  candidatesOf,
  isByAmounts,
  refusalAt,
  refusalOfPod,
  takesAmountsAlone,
  waitingAt,
  type Asking,
} from "./filter.ts";
import type { Profile, Refusal } from "./framework.ts";
import type { Placed } from "./placement.ts";
import type { SlotMemory } from "./slot-memory.ts";
import type { Snapshot } from "./snapshot.ts";
import { moreImportantFirst, splitByBudgets, victimsOf, worseThan, type Victims } from "./victims.ts";

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
  /** As the decision that found no node said; looked for where it is not given. */
  potential?: readonly number[];
}

interface Trying extends Asking {
  /** What trials for such pods have shown; undefined where that depends on more than the node. */
  trials: SlotMemory<Trial> | undefined;
}

/** What to do on a node, or why nothing can be done there. */
export type Trial = Victims | Pick<Refusal, "reasons">;

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
  const asked = asking(snapshot, shape, pod);
  const ask: Trying = { ...asked, trials: trialsFor(asked) };
  const not = notEligible(ask);
  if (not !== undefined) return { node: undefined, message: `preemption: ${not}`, endsNomination: false };
  const diagnosis = createDiagnosis();
  const potential = options.potential ?? potentialNodes(ask);
  diagnosis.add([NOT_HELPFUL], snapshot.nodeCount - potential.length);
  const wanted = Math.max(CANDIDATES_MIN, Math.floor((potential.length * CANDIDATES_PERCENT) / 100));
  const offset = Math.floor(options.fraction() * potential.length);
  let chosen: (Victims & { slot: number }) | undefined;
  let found = 0;
  let withoutViolation = 0;
  for (let index = 0; index < potential.length; index++) {
    const slot = potential[(offset + index) % potential.length] ?? 0;
    const victims = tried(ask, slot);
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

/** Nodes that refuse the pod for what is on them. */
function potentialNodes(ask: Asking): number[] {
  const { snapshot, shape } = ask;
  if (refusalOfPod(shape)) return [];
  return [...candidatesOf(snapshot, shape).slots].filter((slot) => refusalAt(ask, slot)?.unresolvable === false);
}

/** Why the pod may make no others go. */
function notEligible(ask: Asking): string | undefined {
  const { snapshot, pod } = ask;
  if (pod.scheduling.neverPreempts) return "not eligible due to preemptionPolicy=Never.";
  const name = snapshot.nominationOf(pod.metadata.uid) || pod.nominatedNodeName;
  const slot = name === "" ? undefined : snapshot.cluster.nodes.slotOf.get(name);
  if (slot === undefined || refusalAt(ask, slot)?.unresolvable === true) return undefined;
  const going = snapshot.placement
    .on(slot)
    .some(
      ({ view }) =>
        view.priority < pod.priority && view.metadata.deletionTimestamp !== undefined && view.condemnedMs !== undefined,
    );
  return going ? "not eligible due to a terminating pod on the nominated node." : undefined;
}

/** Budgets change without the node. */
function trialsFor({ snapshot, shape, pod, byAmounts }: Asking): SlotMemory<Trial> | undefined {
  if (!byAmounts || snapshot.cluster.tables.budgets.size > 0) return undefined;
  return snapshot.trials.of(shape, pod.priority);
}

function tried(ask: Trying, slot: number): Trial {
  if (!isByAmounts(ask, slot)) {
    const light = ask.byAmounts && waitingAt(ask.snapshot, slot).every(takesAmountsAlone);
    return trial(ask, slot, { light });
  }
  const known = ask.trials?.get(slot);
  if (known) return known;
  const { versions } = ask.snapshot.cluster.nodes;
  const version = versions[slot] ?? 0;
  const result = trial(ask, slot, { light: true });
  // The node is as it was.
  versions[slot] = version;
  ask.trials?.set(slot, result);
  return result;
}

/**
 * All less important pods go, then as many as possible come back, the most important first, those that a budget protects before all
 * others. What does not fit any more is a victim. The node is as before afterwards.
 */
function trial(asked: Asking, slot: number, { light }: { light: boolean }): Trial {
  const ask: Moving = { ...asked, light };
  const lower: Placed[] = [];
  for (const placed of ask.snapshot.placement.on(slot)) if (placed.view.priority < ask.pod.priority) lower.push(placed);
  if (lower.length === 0) return { reasons: [NO_VICTIMS] };
  for (const placed of lower) move(ask, placed, -1);
  const refusal = refusalAt(ask, slot);
  if (refusal) {
    for (const placed of lower) move(ask, placed, 1);
    return refusal;
  }
  lower.sort(placedByImportance);
  const { violating, others } = splitByBudgets(lower, ask.snapshot.cluster.tables.budgets);
  const victims: Placed[] = [];
  for (const placed of violating) if (!fitsWith(ask, placed)) victims.push(placed);
  const violations = victims.length;
  for (const placed of others) if (!fitsWith(ask, placed)) victims.push(placed);
  for (const placed of victims) move(ask, placed, 1);
  // It fits as it is, then: nothing to make room for.
  if (victims.length === 0) return { reasons: [] };
  if (violations > 0) victims.sort(placedByImportance);
  return victimsOf(
    victims.map(({ view }) => view),
    violations,
  );
}

interface Moving extends Asking {
  /** Only amounts count. */
  light: boolean;
}

function fitsWith(ask: Moving, placed: Placed): boolean {
  move(ask, placed, 1);
  if (refusalAt(ask, placed.slot) === undefined) return true;
  move(ask, placed, -1);
  return false;
}

/** Puts a pod back (1) or takes it off (-1). Where only amounts count, nothing else has to follow. */
function move({ snapshot, light }: Moving, placed: Placed, times: 1 | -1): void {
  if (light) snapshot.cluster.nodes.count(placed.slot, placed.view.scheduling, times);
  else if (times > 0) snapshot.placement.drop(placed);
  else snapshot.placement.lift(placed);
}

function placedByImportance(a: Placed, b: Placed): number {
  return moreImportantFirst(a.view, b.view);
}
