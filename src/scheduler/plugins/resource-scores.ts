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
export const LEAST_ALLOCATED: ScoringStrategy = { type: "LeastAllocated", resources: CPU_AND_MEMORY };

/** One resource of nodes, and what of it would be taken with the pod. */
export interface ResourceReader {
  weight: number;
  allocatable(slot: number): number;
  requested(slot: number): number;
}

/** `least`: what asks for nothing counts as asking for a little. */
export function resourceReaders(input: {
  nodes: NodeColumns;
  spec: Pick<SchedulingSpec, "requests" | "nonZero">;
  resources: readonly ResourceWeight[];
  least: boolean;
}): ResourceReader[] {
  const { nodes, spec, resources, least } = input;
  const own = (name: string): number => spec.requests[name] ?? 0;
  return resources.flatMap(({ name, weight }): ResourceReader[] => {
    if (name === "cpu") {
      const pod = least ? spec.nonZero.cpu : own(name);
      const requested = least
        ? (slot: number) => (nodes.nonZeroCpu[slot] ?? 0) + pod
        : (slot: number) => (nodes.requestedCpu[slot] ?? 0) + pod;
      return [{ weight, allocatable: (slot) => nodes.allocatableCpu[slot] ?? 0, requested }];
    }
    if (name === "memory") {
      const pod = least ? spec.nonZero.memory : own(name);
      const requested = least
        ? (slot: number) => (nodes.nonZeroMemory[slot] ?? 0) + pod
        : (slot: number) => (nodes.requestedMemory[slot] ?? 0) + pod;
      return [{ weight, allocatable: (slot) => nodes.allocatableMemory[slot] ?? 0, requested }];
    }
    if (name === "ephemeral-storage") {
      const requested = (slot: number) => (nodes.requestedStorage[slot] ?? 0) + own(name);
      return [{ weight, allocatable: (slot) => nodes.allocatableStorage[slot] ?? 0, requested }];
    }
    // What is rare counts only for pods that want it.
    if (own(name) === 0) return [];
    const allocatable = (slot: number) => nodes.views[slot]?.allocatable[name] ?? 0;
    return [{ weight, allocatable, requested: (slot) => (nodes.scalars.get(name)?.get(slot) ?? 0) + own(name) }];
  });
}

export function allocationScore(strategy: ScoringStrategy, readers: readonly ResourceReader[], slot: number): number {
  let sum = 0;
  let weights = 0;
  for (const reader of readers) {
    const allocatable = reader.allocatable(slot);
    if (allocatable === 0) continue;
    const score = scoreOf(strategy, reader.requested(slot), allocatable);
    if (strategy.type === "RequestedToCapacityRatio" && score <= 0) continue;
    sum += score * reader.weight;
    weights += reader.weight;
  }
  if (weights === 0) return 0;
  return strategy.type === "RequestedToCapacityRatio" ? Math.round(sum / weights) : Math.trunc(sum / weights);
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
