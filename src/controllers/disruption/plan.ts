/** What a PodDisruptionBudget's status is to say. After pkg/controller/disruption of Kubernetes; pure. */
import type { BudgetView } from "../../controller-runtime/views/budget-view.ts";
import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import {
  withCondition,
  withDisruptionAllowed,
  DISRUPTION_ALLOWED,
} from "../../kinds/policy/poddisruptionbudgets/conditions.ts";
import type { PodDisruptionBudget } from "../../kinds/policy/poddisruptionbudgets/types.ts";
import { formatTime } from "../../machinery/meta.ts";
import { matchesLabels, requirementsOf } from "../../machinery/selectors.ts";
import { resolveAmount } from "../deployment/plan.ts";

export type BudgetStatus = NonNullable<PodDisruptionBudget["status"]>;

/** An evicted pod that is still there after this was not deleted, and counts again. */
export const DELETION_MS_MAX = 2 * 60_000;

/** None without a selector, all of the namespace with an empty one. */
export function isGuarded({ selector }: Pick<BudgetView, "selector">, { metadata }: PodView): boolean {
  return selector !== undefined && matchesLabels(requirementsOf(selector), metadata.labels);
}

/** Is the number of pods that should be there a matter of what manages them? An absolute minimum needs no such number. */
export function asksForScale({ maxUnavailable, minAvailable }: BudgetView): boolean {
  return maxUnavailable !== undefined || typeof minAvailable === "string";
}

export interface BudgetPlan {
  /** Undefined: what is stored says so already. */
  status: BudgetStatus | undefined;
  /** Pods that were let go and did not go. */
  notDeleted: PodView[];
  /** Unix ms when time alone changes the status. */
  againMs: number | undefined;
}

/** `scale`: how many pods their managers want, together; undefined where `asksForScale` says no. */
export function planBudget(
  budget: BudgetView,
  { pods, scale, nowMs }: { pods: readonly PodView[]; scale: number | undefined; nowMs: number },
): BudgetPlan {
  const { expectedPods, desiredHealthy } = expectation(budget, scale ?? pods.length);
  const { disruptedPods, notDeleted, againMs } = awaited(budget, pods, nowMs);
  const currentHealthy = pods.filter(
    ({ ready, metadata: { name, deletionTimestamp } }) =>
      ready && deletionTimestamp === undefined && disruptedPods[name] === undefined,
  ).length;
  // A budget that matched nothing must be safe when its first pods come.
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  const observedGeneration = budget.metadata.generation;
  const counts = { observedGeneration, disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods };
  const known = budget.status;
  const conditions = withDisruptionAllowed({ status: { ...counts, conditions: known.conditions ?? [] } }, nowMs);
  const status: BudgetStatus = { ...counts, disruptedPods, conditions };
  return { status: isSaid(known, status) ? undefined : status, notDeleted, againMs };
}

function expectation({ maxUnavailable, minAvailable }: BudgetView, expectedPods: number) {
  if (maxUnavailable !== undefined) {
    return {
      expectedPods,
      desiredHealthy: Math.max(0, expectedPods - resolveAmount(maxUnavailable, expectedPods, Math.ceil)),
    };
  }
  if (minAvailable === undefined) return { expectedPods: 0, desiredHealthy: 0 };
  return { expectedPods, desiredHealthy: resolveAmount(minAvailable, expectedPods, Math.ceil) };
}

/** Pods that evictions have let go and whose end is still to be seen. */
function awaited({ status }: BudgetView, pods: readonly PodView[], nowMs: number) {
  const known = status.disruptedPods ?? {};
  const disruptedPods: Record<string, string> = {};
  const notDeleted: PodView[] = [];
  let againMs: number | undefined;
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const time = Object.hasOwn(known, name) ? known[name] : undefined;
    if (time === undefined || deletionTimestamp !== undefined) continue;
    const untilMs = (Date.parse(time) || 0) + DELETION_MS_MAX;
    if (untilMs < nowMs) {
      notDeleted.push(pod);
      continue;
    }
    disruptedPods[name] = time;
    againMs = Math.min(againMs ?? untilMs, untilMs);
  }
  return { disruptedPods, notDeleted, againMs: againMs === undefined ? undefined : againMs + 1 };
}

/** The reason says more than the message, so a status from a failure is replaced. */
function isSaid(known: BudgetStatus, next: BudgetStatus): boolean {
  const counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] as const;
  const condition = ({ conditions = [] }: BudgetStatus) => conditions.find(({ type }) => type === DISRUPTION_ALLOWED);
  const [before, after] = [condition(known), condition(next)];
  const pods = ({ disruptedPods = {} }: BudgetStatus) =>
    Object.entries(disruptedPods)
      .map((entry) => entry.join(" "))
      .toSorted()
      .join();
  return (
    known.observedGeneration === next.observedGeneration &&
    counts.every((name) => (known[name] ?? 0) === next[name]) &&
    pods(known) === pods(next) &&
    before?.status === after?.status &&
    before?.reason === after?.reason
  );
}

/** Where the pods cannot be counted nobody may go. Undefined: that is said already. */
export function planFailure({ status }: BudgetView, message: string, nowMs: number): BudgetStatus | undefined {
  const conditions = withCondition(status.conditions ?? [], {
    type: DISRUPTION_ALLOWED,
    status: "False",
    observedGeneration: status.observedGeneration ?? 0,
    lastTransitionTime: formatTime(nowMs),
    reason: "SyncFailed",
    message,
  });
  const before = status.conditions?.find(({ type }) => type === DISRUPTION_ALLOWED);
  const same = before?.status === "False" && before.reason === "SyncFailed" && before.message === message;
  return same && (status.disruptionsAllowed ?? 0) === 0 ? undefined : { ...status, disruptionsAllowed: 0, conditions };
}

/** Body of a merge patch; the revision makes sure that no eviction since then is forgotten. */
export function statusPatch(budget: BudgetView, status: BudgetStatus): unknown {
  const gone = Object.keys(budget.status.disruptedPods ?? {}).filter(
    (name) => !Object.hasOwn(status.disruptedPods ?? {}, name),
  );
  const disruptedPods = { ...status.disruptedPods, ...Object.fromEntries(gone.map((name) => [name, null])) };
  return { metadata: { resourceVersion: budget.metadata.resourceVersion }, status: { ...status, disruptedPods } };
}
