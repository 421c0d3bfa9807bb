import type { PodStatus } from "./types.ts";

/** Clients that know nothing of observed generations don't clear them: preserveOldObservedGeneration of Kubernetes. Changes `status`. */
export function keepObservedGenerations(status: PodStatus, old: PodStatus | undefined): void {
  if (!status.observedGeneration && old?.observedGeneration) status.observedGeneration = old.observedGeneration;
  const before = [...(old?.conditions ?? [])];
  for (const condition of status.conditions ?? []) {
    // A type may be there more than once; each takes the next of its kind.
    const at = before.findIndex(({ type }) => type === condition.type);
    const [known] = at < 0 ? [] : before.splice(at, 1);
    if (!condition.observedGeneration && known?.observedGeneration) {
      condition.observedGeneration = known.observedGeneration;
    }
  }
}
