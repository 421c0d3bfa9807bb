/** What a namespace says of its own deletion. After pkg/controller/namespace/deletion of Kubernetes. */
import type { NamespaceCondition } from "../../kinds/core/namespaces/types.ts";
import { formatTime } from "../../machinery/meta.ts";

/** What is left of one resource. */
export interface Remaining {
  /** Group-resource. */
  resource: string;
  count: number;
  /** Finalizers of what is left, with how many objects have each. */
  finalizers: ReadonlyMap<string, number>;
}

/** The conditions of a terminating namespace; times are kept where nothing changed. */
export function planConditions(
  current: readonly NamespaceCondition[],
  remaining: readonly Remaining[],
  nowMs: number,
): { conditions: NamespaceCondition[]; changed: boolean } {
  const wanted = [
    discoveryCondition(
      "NamespaceDeletionDiscoveryFailure",
      "ResourcesDiscovered",
      "All resources successfully discovered",
    ),
    discoveryCondition(
      "NamespaceDeletionGroupVersionParsingFailure",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    discoveryCondition(
      "NamespaceDeletionContentFailure",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ),
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
  return { conditions, changed };
}

function discoveryCondition(type: string, reason: string, message: string): NamespaceCondition {
  return { type, status: "False", reason, message };
}

function contentCondition(remaining: readonly Remaining[]): NamespaceCondition {
  const left = remaining.filter(({ count }) => count > 0);
  if (left.length === 0) {
    return {
      type: "NamespaceContentRemaining",
      status: "False",
      reason: "ContentRemoved",
      message: "All content successfully removed",
    };
  }
  const parts = left.map(({ resource, count }) => `${resource}. has ${count} resource instances`).toSorted();
  const message = `Some resources are remaining: ${parts.join(", ")}`;
  return { type: "NamespaceContentRemaining", status: "True", reason: "SomeResourcesRemain", message };
}

function finalizerCondition(remaining: readonly Remaining[]): NamespaceCondition {
  const counts = new Map<string, number>();
  for (const { finalizers } of remaining) {
    for (const [name, count] of finalizers) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  const type = "NamespaceFinalizersRemaining";
  if (counts.size === 0) {
    return {
      type,
      status: "False",
      reason: "ContentHasNoFinalizers",
      message: "All content-preserving finalizers finished",
    };
  }
  const parts = [...counts].map(([name, count]) => `${name} in ${count} resource instances`).toSorted();
  return {
    type,
    status: "True",
    reason: "SomeFinalizersRemain",
    message: `Some content in the namespace has finalizers remaining: ${parts.join(", ")}`,
  };
}
