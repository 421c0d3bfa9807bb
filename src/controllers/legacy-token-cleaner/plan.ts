/**
 * What becomes of a token in a Secret that was made for its account without being asked for: pure. After
 * pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go of Kubernetes.
 */
import {
  dayOf,
  DAY_MS,
  INVALID_SINCE_LABEL,
  LAST_USED_LABEL,
  startOfDay,
} from "../../kinds/core/secrets/token-tracking.ts";

/** --legacy-service-account-token-clean-up-period */
export const UNUSED_MS = 365 * DAY_MS;

export interface TokenSecret {
  createdMs: number;
  labels: Readonly<Record<string, string>>;
}

export type TokenPlan =
  /** Nothing until then; never where it is infinite. */
  | { step: "wait"; untilMs: number }
  /** Refused from now on, and kept for another year: whoever misses it may take the label off. */
  | { step: "invalidate"; day: string }
  | { step: "delete" };

/** `trackedSince`: a day. Only of a Secret that its account refers to and no pod mounts, which is for the caller to see first. */
export function planToken(
  { createdMs, labels }: TokenSecret,
  { trackedSince, nowMs }: { trackedSince: string | undefined; nowMs: number },
): TokenPlan {
  const since = startOfDay(trackedSince);
  const { [LAST_USED_LABEL]: used, [INVALID_SINCE_LABEL]: invalid } = labels;
  const usedMs = used === undefined ? 0 : startOfDay(used);
  // Of what nobody can read nothing follows.
  if (since === undefined || usedMs === undefined) return { step: "wait", untilMs: Number.POSITIVE_INFINITY };
  const unusedMs = Math.max(since + DAY_MS + UNUSED_MS, createdMs + UNUSED_MS + 1, dayAfter(usedMs));
  if (nowMs < unusedMs) return { step: "wait", untilMs: unusedMs };
  const invalidMs = startOfDay(invalid);
  if (invalidMs === undefined) return { step: "invalidate", day: dayOf(nowMs) };
  const goneMs = dayAfter(invalidMs);
  return nowMs < goneMs ? { step: "wait", untilMs: goneMs } : { step: "delete" };
}

/** The first moment of the day by which the other is longer ago than a year. */
function dayAfter(dayMs: number): number {
  return dayMs + UNUSED_MS + DAY_MS;
}
