/** Which checks a level has in a version, and what a pod violates of them (policy/registry.go of k8s.io/pod-security-admission). */
import { BASELINE_CHECKS } from "./baseline-checks.ts";
import type { Check, PodLike, Violation } from "./check.ts";
import type { LevelVersion } from "./policy.ts";
import { RESTRICTED_CHECKS } from "./restricted-checks.ts";

/** In the order of messages. */
export function violationsOf({ level, minor }: LevelVersion, pod: PodLike): Violation[] {
  if (level === "privileged") return [];
  const baseline = checksAt(BASELINE_CHECKS, minor);
  const restricted = level === "restricted" ? checksAt(RESTRICTED_CHECKS, minor) : [];
  // Where a stricter check looks at the same, its message is the one.
  const overridden = new Set(restricted.map(({ overrides }) => overrides));
  return [...baseline.filter(({ id }) => !overridden.has(id)), ...restricted].flatMap(({ check }) => check(pod) ?? []);
}

/** As they are in a version: the newest form that is not newer than it. */
function checksAt(checks: readonly Check[], minor: number) {
  return checks.flatMap(({ id, versions }) => {
    const current = versions.findLast(({ since }) => since <= minor);
    return current ? [{ id, ...current }] : [];
  });
}

/** `privileged, hostPort` */
export function reasonsOf(violations: readonly Violation[]): string {
  return violations.map(({ reason }) => reason).join(", ");
}

/** `privileged (container "c" must not set securityContext.privileged=true), hostPort (…)` */
export function detailsOf(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ");
}
