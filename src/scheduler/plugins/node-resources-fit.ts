import { nonZeroRequests } from "../snapshot.ts";
import { SCORE_MAX, type NodeInfo, type Plugin } from "../framework.ts";
import type { PodView } from "../../controller-runtime/views/pod-view.ts";

/** What a pod asks for must be free; of nodes that have it, the emptier is the better (LeastAllocated). */
export const nodeResourcesFit: Plugin = {
  name: "NodeResourcesFit",
  requeueOn: ["node-added", "node-changed", "pod-gone"],
  filter(pod, { node, podCount, requested }) {
    const { allocatable } = node;
    const reasons: string[] = [];
    // A node that has not said how many pods it takes takes none.
    if (podCount + 1 > (allocatable["pods"] ?? 0)) reasons.push("Too many pods");
    for (const [name, amount] of Object.entries(pod.requests)) {
      if (amount > 0 && amount > (allocatable[name] ?? 0) - (requested[name] ?? 0)) {
        reasons.push(`Insufficient ${name}`);
      }
    }
    return reasons;
  },
  score: {
    weight: 1,
    normalize: "none",
    of(pod, info) {
      const { cpu, memory } = sharesWith(pod, info);
      return (SCORE_MAX * (Math.max(0, 1 - cpu) + Math.max(0, 1 - memory))) / 2;
    },
  },
};

/** Of what the node has, how much would be taken with this pod: 0 … 1 and beyond. */
export function sharesWith(pod: PodView, { node, nonZeroRequested }: NodeInfo): { cpu: number; memory: number } {
  const own = nonZeroRequests(pod);
  return {
    cpu: share(nonZeroRequested.cpu + own.cpu, node.allocatable["cpu"]),
    memory: share(nonZeroRequested.memory + own.memory, node.allocatable["memory"]),
  };
}

/** What is not there at all counts as full. */
function share(taken: number, of: number | undefined): number {
  return of ? taken / of : 1;
}
