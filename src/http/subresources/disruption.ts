/** What a PodDisruptionBudget says to an eviction: pkg/registry/core/pod/storage/eviction.go of Kubernetes. Decided here, without I/O. */
import { formatTime } from "../../machinery/meta.ts";
import { matchesLabels, requirementsOf } from "../../machinery/selectors.ts";
import { conflict, forbidden, StatusError } from "../../machinery/status-error.ts";
import type { PodDisruptionBudget } from "../../kinds/policy/poddisruptionbudgets/types.ts";
import { withDisruptionAllowed } from "../../kinds/policy/poddisruptionbudgets/conditions.ts";
import type { Pod, PodCondition } from "../../kinds/core/pods/types.ts";
import type { DeleteOptions } from "../../registry/deletion.ts";

const BUDGETS = { group: "policy", resource: "poddisruptionbudget" };
const REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget.";
const CAUSE = "DisruptionBudget";
export const RETRY_SECONDS = 10;
/** Evictions that the controller has not confirmed yet. */
const DISRUPTED_PODS_MAX = 2_000;

/** One that ended, never started or goes already is no loss to anybody. */
export function isBeyondBudgets({ metadata, status }: Pod): boolean {
  return isOver({ metadata, status } as Pod) || status?.phase === "Pending";
}

/** Its deletion needs no revision: it will not become ready any more. */
export function isOver({ metadata, status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed" || metadata.deletionTimestamp !== undefined;
}

/** An empty selector guards every pod of the namespace, none guards nothing. */
export function guards({ spec: { selector } }: PodDisruptionBudget, { metadata }: Pod): boolean {
  return selector !== undefined && matchesLabels(requirementsOf(selector), metadata.labels ?? {});
}

/** A pod that is not ready may go without being counted, where enough others are or the budget does not care. */
export function mayGoUncounted({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  if (pod.status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True")) return false;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return spec.unhealthyPodEvictionPolicy === "AlwaysAllow" || (currentHealthy >= desiredHealthy && desiredHealthy > 0);
}

export function stillProcessed(budget: PodDisruptionBudget): StatusError {
  const message = `The disruption budget ${budget.metadata.name} is still being processed by the server.`;
  return new StatusError("TooManyRequests", REFUSAL, {
    details: { causes: [{ reason: CAUSE, message }], retryAfterSeconds: RETRY_SECONDS },
  });
}

/**
 * The budget after one more pod of it is let go. Never mutates `budget`.
 * @throws StatusError "TooManyRequests" with the cause DisruptionBudget, "Forbidden"
 */
export function letGo(
  budget: PodDisruptionBudget,
  { pod, nowMs }: { pod: string; nowMs: number },
): PodDisruptionBudget {
  const { metadata, status = {} } = budget;
  const { disruptionsAllowed = 0, disruptedPods = {}, observedGeneration = 0 } = status;
  const refuse = (why: string) => forbidden(BUDGETS, metadata.name ?? "", why);
  if (observedGeneration < (metadata.generation ?? 0)) throw stillProcessed(budget);
  if (disruptionsAllowed < 0) throw refuse("pdb disruptions allowed is negative");
  if (Object.keys(disruptedPods).length > DISRUPTED_PODS_MAX) {
    throw refuse("DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (disruptionsAllowed === 0) {
    const causes = [{ reason: CAUSE, message: whyNone(budget) }];
    throw new StatusError("TooManyRequests", REFUSAL, { details: { causes } });
  }
  const next = structuredClone(budget);
  const left = disruptionsAllowed - 1;
  next.status = {
    ...next.status,
    disruptionsAllowed: left,
    disruptedPods: { ...disruptedPods, [pod]: formatTime(nowMs) },
  };
  if (left === 0) next.status.conditions = withDisruptionAllowed(next, nowMs);
  return next;
}

function whyNone({ metadata, status = {} }: PodDisruptionBudget): string {
  const { conditions = [], desiredHealthy = 0, currentHealthy = 0 } = status;
  const failed = conditions.find(
    ({ type, status: value, reason }) => type === "DisruptionAllowed" && value === "False" && reason === "SyncFailed",
  );
  const name = metadata.name ?? "";
  return failed
    ? `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${failed.message ?? ""}`
    : `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
}

/** Of a DisruptionTarget condition. */
export interface Cause {
  reason: string;
  message: string;
  /** It says of which generation it is, also where the pod's status does not. */
  observes?: boolean;
}

export const EVICTION_CAUSE: Cause = { reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };

/**
 * The pod with the condition that says why it goes. Never mutates `pod`.
 * @throws StatusError "Conflict" where it is no longer what the caller has in mind
 */
export function condemned(
  pod: Pod,
  {
    preconditions = {},
    nowMs,
    reason,
    message,
    observes = pod.status?.observedGeneration !== undefined,
  }: Cause & { preconditions?: DeleteOptions["preconditions"] | undefined; nowMs: number },
): Pod {
  const { metadata, status = {} } = pod;
  const refuse = (why: string) => conflict({ group: "", resource: "Pod" }, metadata.name ?? "", why);
  const { uid, resourceVersion } = preconditions;
  if (uid && uid !== metadata.uid) {
    throw refuse(`${differs("UID", uid, metadata.uid)} The object might have been deleted and then recreated`);
  }
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
    const why = differs("ResourceVersion", resourceVersion, metadata.resourceVersion);
    throw refuse(`${why} The object might have been modified`);
  }
  const known = status.conditions ?? [];
  const before = known.find(({ type }) => type === "DisruptionTarget");
  const since = before?.status === "True" ? before.lastTransitionTime : undefined;
  const condition: PodCondition = {
    type: "DisruptionTarget",
    status: "True",
    lastTransitionTime: since ?? formatTime(nowMs),
    reason,
    message,
    ...(observes ? { observedGeneration: metadata.generation ?? 0 } : {}),
  };
  const conditions = before ? known.map((one) => (one === before ? condition : one)) : [...known, condition];
  return { ...pod, status: { ...status, conditions } };
}

function differs(what: "UID" | "ResourceVersion", wanted: string, known = ""): string {
  return `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${known}).`;
}
