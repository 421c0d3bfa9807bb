/** The condition DisruptionAllowed: k8s.io/component-helpers/apps/poddisruptionbudget. */
import { formatTime } from "../../../machinery/meta.ts";
import type { BudgetCondition, PodDisruptionBudget } from "./types.ts";

export const DISRUPTION_ALLOWED = "DisruptionAllowed";

/** What the status says beside it. */
type Said = Pick<
  NonNullable<PodDisruptionBudget["status"]>,
  "disruptionsAllowed" | "observedGeneration" | "conditions"
>;

/** All conditions of a budget, with this one as its count has it. Never mutates. */
export function withDisruptionAllowed(
  { status = {} }: { status?: Said | undefined },
  nowMs: number,
): BudgetCondition[] {
  const isAllowed = (status.disruptionsAllowed ?? 0) > 0;
  return withCondition(status.conditions ?? [], {
    type: DISRUPTION_ALLOWED,
    status: isAllowed ? "True" : "False",
    observedGeneration: status.observedGeneration ?? 0,
    lastTransitionTime: formatTime(nowMs),
    reason: isAllowed ? "SufficientPods" : "InsufficientPods",
    message: "",
  });
}

/** The time of transition stays where the status does. */
export function withCondition(known: readonly BudgetCondition[], condition: BudgetCondition): BudgetCondition[] {
  const before = known.find(({ type }) => type === condition.type);
  if (!before) return [...known, condition];
  const since = before.status === condition.status ? before.lastTransitionTime : condition.lastTransitionTime;
  const next = since === undefined ? condition : { ...condition, lastTransitionTime: since };
  return known.map((one) => (one === before ? next : one));
}
