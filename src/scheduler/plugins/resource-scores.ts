/** Scores by how much of a node would be taken (pkg/scheduler/framework/plugins/noderesources), in whole numbers as there. */
import type { SchedulingSpec } from "../../controller-runtime/views/scheduling-spec.ts";
import { SCORE_MAX } from "../framework.ts";
import type { NodeColumns } from "../node-columns.ts";

export interface ResourceWeight {
  name: string;
  weight: number;
}

export interface ScoringStrategy {
  type: "LeastAllocated" | "MostAllocated" | "RequestedToCapacityRatio";
  resources: readonly ResourceWeight[];
  /** For RequestedToCapacityRatio: utilization in percent, ascending, with a score of 0 … 10 each. */
  shape?: readonly { utilization: number; score: number }[];
}

export const CPU_AND_MEMORY: readonly ResourceWeight[] = [
  { name: "cpu", weight: 1 },
  { name: "memory", weight: 1 },
];
const COMMON = new Set(["cpu", "memory", "ephemeral-storage"]);
export const LEAST_ALLOCATED: ScoringStrategy = { type: "LeastAllocated", resources: CPU_AND_MEMORY };

/** One resource of the nodes in question, by their position: what they have, and what of it would be taken with the pod. */
export interface ResourceShare {
  weight: number;
  allocatable: Float64Array;
  /** With the pod. */
  requested: Float64Array;
  /** What the pod is of that. */
  own: number;
}

/** Column by column: each is a loop over numbers. What is read is overwritten by the next reading. */
export type ResourceReader = (slots: Int32Array, count: number) => readonly ResourceShare[];

/** `least`: what asks for nothing counts as asking for a little. */
export function createResourceReader(input: {
  nodes: NodeColumns;
  spec: Pick<SchedulingSpec, "requests" | "scored">;
  resources: readonly ResourceWeight[];
  least: boolean;
}): ResourceReader {
  const { nodes, spec, least } = input;
  const wanted = least ? spec.scored : spec.requests;
  const own = (name: string): number => wanted[name] ?? 0;
  // What is rare counts only for pods that want it.
  const read = input.resources.filter(({ name }) => COMMON.has(name) || own(name) > 0);
  const shares = read.map(({ name, weight }) => ({
    weight,
    own: own(name),
    allocatable: new Float64Array(0),
    requested: new Float64Array(0),
  }));
  const columns = (name: string): [have: Float64Array, taken: Float64Array, asked: number] => {
    if (name === "memory") {
      return [nodes.allocatableMemory, least ? nodes.nonZeroMemory : nodes.requestedMemory, own(name)];
    }
    if (name === "ephemeral-storage") return [nodes.allocatableStorage, nodes.requestedStorage, own(name)];
    return [nodes.allocatableCpu, least ? nodes.nonZeroCpu : nodes.requestedCpu, own(name)];
  };
  const readScalar = (name: string, share: ResourceShare, slots: Int32Array, count: number): void => {
    for (let index = 0; index < count; index++) {
      const slot = slots[index] ?? 0;
      share.allocatable[index] = nodes.views[slot]?.allocatable[name] ?? 0;
      share.requested[index] = (nodes.scalars.get(name)?.get(slot) ?? 0) + own(name);
    }
  };
  return (slots, count) => {
    read.forEach(({ name }, position) => {
      const share = shares[position];
      if (share === undefined) return;
      if (share.allocatable.length < count) {
        share.allocatable = new Float64Array(count);
        share.requested = new Float64Array(count);
      }
      if (!COMMON.has(name)) return readScalar(name, share, slots, count);
      const [have, taken, asked] = columns(name);
      gather({ slots, count, share, have, taken, wanted: asked });
    });
    return shares;
  };
}

function gather(input: {
  slots: Int32Array;
  count: number;
  share: ResourceShare;
  have: Float64Array;
  taken: Float64Array;
  wanted: number;
}): void {
  const { slots, count, share, have, taken, wanted } = input;
  const { allocatable, requested } = share;
  for (let index = 0; index < count; index++) {
    const slot = slots[index] ?? 0;
    allocatable[index] = have[slot] ?? 0;
    requested[index] = (taken[slot] ?? 0) + wanted;
  }
}

export function allocationScores(
  strategy: ScoringStrategy,
  shares: readonly ResourceShare[],
  { count, scores }: { count: number; scores: Float64Array },
): void {
  const isRatio = strategy.type === "RequestedToCapacityRatio";
  for (let index = 0; index < count; index++) {
    let sum = 0;
    let weights = 0;
    for (const { weight, allocatable, requested } of shares) {
      const has = allocatable[index] ?? 0;
      if (has === 0) continue;
      const score = scoreOf(strategy, requested[index] ?? 0, has);
      if (isRatio && score <= 0) continue;
      sum += score * weight;
      weights += weight;
    }
    scores[index] = weights === 0 ? 0 : isRatio ? Math.round(sum / weights) : Math.trunc(sum / weights);
  }
}

function scoreOf({ type, shape = [] }: ScoringStrategy, requested: number, allocatable: number): number {
  switch (type) {
    case "LeastAllocated":
      return requested > allocatable ? 0 : Math.trunc(((allocatable - requested) * SCORE_MAX) / allocatable);
    case "MostAllocated":
      return Math.trunc((Math.min(requested, allocatable) * SCORE_MAX) / allocatable);
    default: {
      const used = requested > allocatable ? 100 : Math.trunc((requested * 100) / allocatable);
      return brokenLine(shape, used);
    }
  }
}

function brokenLine(shape: NonNullable<ScoringStrategy["shape"]>, used: number): number {
  let last: { utilization: number; score: number } | undefined;
  for (const { utilization, score: points } of shape) {
    // Given as 0 … 10.
    const score = points * (SCORE_MAX / 10);
    if (used <= utilization) {
      if (last === undefined) return score;
      const share = ((score - last.score) * (used - last.utilization)) / (utilization - last.utilization);
      return last.score + Math.trunc(share);
    }
    last = { utilization, score };
  }
  return last?.score ?? 0;
}
