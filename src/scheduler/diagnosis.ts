/** Why a pod is on no node, in kube-scheduler's words (pkg/scheduler/framework, FitError). */
import type { Refusal } from "./framework.ts";

export const NO_NODES = "no nodes available to schedule pods";

/** How many nodes say what. */
export interface Diagnosis {
  add(reasons: readonly string[], nodes?: number): void;
  /** "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable." */
  message(nodeCount: number): string;
}

export function createDiagnosis(): Diagnosis {
  const counts = new Map<string, number>();
  return {
    add(reasons, nodes = 1) {
      if (nodes === 0) return;
      for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + nodes);
    },
    message(nodeCount) {
      const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).toSorted();
      return parts.length === 0 ? headOf(nodeCount) : `${headOf(nodeCount)} ${parts.join(", ")}.`;
    },
  };
}

/** The same for a pod that no node was asked about. */
export function messageOfPod({ reasons }: Refusal, nodeCount: number): string {
  return `${headOf(nodeCount)} ${reasons.join(", ")}.`;
}

function headOf(nodeCount: number): string {
  return `0/${nodeCount} nodes are available:`;
}
