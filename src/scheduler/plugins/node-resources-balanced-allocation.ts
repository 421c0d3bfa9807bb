import { SCORE_MAX, type Plugin } from "../framework.ts";
import { CPU_AND_MEMORY, resourceReaders, type ResourceReader, type ResourceWeight } from "./resource-scores.ts";

/** Rather where resources are used alike, so that none is left over alone. Says nothing of pods that ask for nothing. */
export function createNodeResourcesBalancedAllocation({
  resources = CPU_AND_MEMORY,
}: { resources?: readonly ResourceWeight[] } = {}): Plugin {
  return {
    name: "NodeResourcesBalancedAllocation",
    prepare({ spec }, { nodes }) {
      if (resources.every(({ name }) => (spec.requests[name] ?? 0) === 0)) return undefined;
      const readers = resourceReaders({ nodes, spec, resources, least: false });
      return {
        score({ slots, count, scores }) {
          for (let index = 0; index < count; index++) scores[index] = balance(readers, slots[index] ?? 0);
        },
      };
    },
    awaits: [],
    helps: () => false,
  };
}

/** 100 less the standard deviation of the shares that would be taken. */
function balance(readers: readonly ResourceReader[], slot: number): number {
  let counted = 0;
  let sum = 0;
  let first = 0;
  let second = 0;
  for (const reader of readers) {
    const allocatable = reader.allocatable(slot);
    if (allocatable === 0) continue;
    const share = Math.min(1, reader.requested(slot) / allocatable);
    if (counted === 0) first = share;
    else second = share;
    sum += share;
    counted += 1;
  }
  if (counted < 2) return SCORE_MAX;
  if (counted === 2) return Math.trunc((1 - Math.abs((first - second) / 2)) * SCORE_MAX);
  const mean = sum / counted;
  let squares = 0;
  for (const reader of readers) {
    const allocatable = reader.allocatable(slot);
    if (allocatable === 0) continue;
    squares += (Math.min(1, reader.requested(slot) / allocatable) - mean) ** 2;
  }
  return Math.trunc((1 - Math.sqrt(squares / counted)) * SCORE_MAX);
}
