/** How it is kept track of whether tokens in Secrets are still used (KEP-2799): by the day, in UTC. */

export const LAST_USED_LABEL = "kubernetes.io/legacy-token-last-used";
/** Its token is refused from then on, until the label is taken off. */
export const INVALID_SINCE_LABEL = "kubernetes.io/legacy-token-invalid-since";

/** The ConfigMap in kube-system that says since when it is tracked. */
export const TRACKING_NAME = "kube-apiserver-legacy-service-account-token-tracking";
export const TRACKED_SINCE = "since";

export const DAY_MS = 24 * 3_600_000;

/** "2026-01-31": days compare as texts. */
export function dayOf(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10);
}

/** When a day begins (unix ms); undefined for what is no day. */
export function startOfDay(day: string | undefined): number | undefined {
  if (day === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined;
  const unixMs = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(unixMs) ? undefined : unixMs;
}
