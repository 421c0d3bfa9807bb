/** Which pods are more important than others, and which set of victims is the least harm. */
import type { BudgetView } from "../controller-runtime/views/budget-view.ts";
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { matchesLabels, requirementsOf } from "../machinery/selectors.ts";
import type { Placed } from "./placement.ts";
import type { Table } from "./table.ts";

export interface Victims {
  /** The most important first. */
  pods: readonly PodView[];
  violations: number;
  highestPriority: number;
  prioritySum: number;
  /** Unix ms at which the first of the most important ones started. */
  earliestStartMs: number;
}

/** For sorting: higher priority first, of equals the one that runs longer. */
export function moreImportantFirst(a: PodView, b: PodView): number {
  return b.priority - a.priority || compare(startOf(a), startOf(b));
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

/** What has not started yet has started last. */
function startOf({ startMs }: PodView): number {
  return startMs === 0 ? Number.POSITIVE_INFINITY : startMs;
}

/** Added to priorities before they are summed, so that more victims are never better for being less important. */
const PRIORITY_OFFSET = 2 ** 31;

/** The most important first. */
export function victimsOf(pods: readonly PodView[], violations: number): Victims {
  const highestPriority = pods[0]?.priority ?? Number.NEGATIVE_INFINITY;
  let prioritySum = 0;
  let earliestStartMs = Number.POSITIVE_INFINITY;
  for (const pod of pods) {
    prioritySum += pod.priority + PRIORITY_OFFSET;
    if (pod.priority === highestPriority) earliestStartMs = Math.min(earliestStartMs, startOf(pod));
  }
  return { pods, violations, highestPriority, prioritySum, earliestStartMs };
}

const NOBODY: readonly Placed[] = [];

/** Those whose going a budget does not allow, counted in the order given, and the others. */
export function splitByBudgets(
  pods: readonly Placed[],
  budgets: Pick<Table<BudgetView>, "size" | "all">,
): { violating: readonly Placed[]; others: readonly Placed[] } {
  if (budgets.size === 0) return { violating: NOBODY, others: pods };
  const left = [...budgets.all()].map(({ metadata, selector, status }) => ({
    namespace: metadata.namespace,
    // A budget that selects everything, or nothing, protects nothing.
    requirements: requirementsOf(selector),
    allowed: status.disruptionsAllowed ?? 0,
    disrupted: status.disruptedPods ?? {},
  }));
  const violating: Placed[] = [];
  const others: Placed[] = [];
  for (const placed of pods) {
    const { namespace, labels, name } = placed.view.metadata;
    let violates = false;
    for (const budget of left) {
      if (budget.namespace !== namespace || budget.requirements.length === 0) continue;
      if (Object.keys(labels).length === 0 || !matchesLabels(budget.requirements, labels)) continue;
      if (Object.hasOwn(budget.disrupted, name)) continue;
      budget.allowed -= 1;
      if (budget.allowed < 0) violates = true;
    }
    (violates ? violating : others).push(placed);
  }
  return { violating, others };
}

/** Is `a` more harm than `b`? Of equals the first found stays. */
export function worseThan(a: Victims, b: Victims): boolean {
  if (a.violations !== b.violations) return a.violations > b.violations;
  if (a.highestPriority !== b.highestPriority) return a.highestPriority > b.highestPriority;
  if (a.prioritySum !== b.prioritySum) return a.prioritySum > b.prioritySum;
  if (a.pods.length !== b.pods.length) return a.pods.length > b.pods.length;
  return a.earliestStartMs < b.earliestStartMs;
}
