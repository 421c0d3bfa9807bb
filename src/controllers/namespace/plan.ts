/** What a namespace says of its own deletion. After pkg/controller/namespace/deletion of Kubernetes. */
import type { NamespaceCondition } from "../../kinds/core/namespaces/types.ts";
import type { ResourceRef } from "../../machinery/gvk.ts";
import { formatTime } from "../../machinery/meta.ts";

/** What is left of one resource. */
export interface Remaining {
  ref: Pick<ResourceRef, "group" | "version" | "resource">;
  count: number;
  /** Finalizers of what is left, with how many objects have each. */
  finalizers: ReadonlyMap<string, number>;
  /** Why it could not be deleted. */
  failure?: string;
}

/** What went wrong before anything could be deleted. */
export interface DiscoveryFailures {
  /** Of aggregated APIs that do not answer. */
  discovery?: string;
  parsing?: string;
}

/** The conditions of a terminating namespace; times are kept where nothing changed. Conditions of others stay. */
export function planConditions(
  current: readonly NamespaceCondition[],
  { remaining, failures = {} }: { remaining: readonly Remaining[]; failures?: DiscoveryFailures },
  nowMs: number,
): { conditions: NamespaceCondition[]; changed: boolean } {
  const wanted = [
    failures.discovery === undefined
      ? fine("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered")
      : failed("NamespaceDeletionDiscoveryFailure", "DiscoveryFailed", failures.discovery),
    failures.parsing === undefined
      ? fine(
          "NamespaceDeletionGroupVersionParsingFailure",
          "ParsedGroupVersions",
          "All legacy kube types successfully parsed",
        )
      : failed("NamespaceDeletionGroupVersionParsingFailure", "GroupVersionParsingFailed", failures.parsing),
    deletionCondition(remaining),
    contentCondition(remaining),
    finalizerCondition(remaining),
  ];
  let changed = false;
  const conditions = wanted.map((condition): NamespaceCondition => {
    const known = current.find(({ type }) => type === condition.type);
    const same =
      known?.status === condition.status && known.reason === condition.reason && known.message === condition.message;
    if (same) return known;
    changed = true;
    const transition = known?.status === condition.status ? known.lastTransitionTime : formatTime(nowMs);
    return { ...condition, lastTransitionTime: transition ?? formatTime(nowMs) };
  });
  const others = current.filter(({ type }) => !wanted.some((condition) => condition.type === type));
  return { conditions: [...others, ...conditions], changed };
}

function fine(type: string, reason: string, message: string): NamespaceCondition {
  return { type, status: "False", reason, message };
}

function failed(type: string, reason: string, message: string): NamespaceCondition {
  return { type, status: "True", reason, message };
}

function deletionCondition(remaining: readonly Remaining[]): NamespaceCondition {
  const type = "NamespaceDeletionContentFailure";
  const texts = remaining.flatMap(({ failure }) => (failure === undefined ? [] : [failure])).toSorted();
  if (texts.length === 0) {
    return fine(type, "ContentDeleted", "All content successfully deleted, may be waiting on finalization");
  }
  const message = `Failed to delete all resource types, ${texts.length} remaining: ${texts.join(", ")}`;
  return failed(type, "ContentDeletionFailed", message);
}

function contentCondition(remaining: readonly Remaining[]): NamespaceCondition {
  const type = "NamespaceContentRemaining";
  const left = remaining.filter(({ count }) => count > 0);
  if (left.length === 0) return fine(type, "ContentRemoved", "All content successfully removed");
  const parts = left.map(({ ref, count }) => `${ref.resource}.${ref.group} has ${count} resource instances`);
  return failed(type, "SomeResourcesRemain", `Some resources are remaining: ${parts.toSorted().join(", ")}`);
}

function finalizerCondition(remaining: readonly Remaining[]): NamespaceCondition {
  const type = "NamespaceFinalizersRemaining";
  const counts = new Map<string, number>();
  for (const { finalizers } of remaining) {
    for (const [name, count] of finalizers) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  if (counts.size === 0) return fine(type, "ContentHasNoFinalizers", "All content-preserving finalizers finished");
  const parts = [...counts].map(([name, count]) => `${name} in ${count} resource instances`).toSorted();
  const message = `Some content in the namespace has finalizers remaining: ${parts.join(", ")}`;
  return failed(type, "SomeFinalizersRemain", message);
}

/** What stays though nothing holds it: not even a grace that still runs. */
export function unexpectedItems(namespace: string, { group, version, resource }: Remaining["ref"]): string {
  return `unexpected items still remain in namespace: ${namespace} for gvr: ${group}/${version}, Resource=${resource}`;
}

const LOOK_MS_MIN = 5_000;
const LOOK_MS_MAX = 5 * 60_000;

/**
 * When to look again. What goes by itself reports itself; this is for what does not, and a namespace that is stuck for days must not
 * cost a list of every kind every few seconds: the longer nothing changed, the rarer.
 */
export function lookAgainMs(conditions: readonly NamespaceCondition[], nowMs: number): number {
  const changedMs = Math.max(...conditions.map(({ lastTransitionTime }) => Date.parse(lastTransitionTime ?? "") || 0));
  return Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, (nowMs - changedMs) / 2));
}
