import { SCORE_MAX, type Plugin } from "../framework.ts";
import { CPU_AND_MEMORY, createResourceReader, type ResourceShare, type ResourceWeight } from "./resource-scores.ts";

/** Rather where resources are used alike, so that none is left over alone. Says nothing of pods that ask for nothing. */
export function createNodeResourcesBalancedAllocation({
  resources = CPU_AND_MEMORY,
}: { resources?: readonly ResourceWeight[] } = {}): Plugin {
  return {
    name: "NodeResourcesBalancedAllocation",
    prepare({ spec }, { nodes }) {
      if (resources.every(({ name }) => (spec.requests[name] ?? 0) === 0)) return undefined;
      const reader = createResourceReader({ nodes, spec, resources, least: false });
      return {
        score({ slots, count, scores }) {
          const shares = reader(slots, count);
          for (let index = 0; index < count; index++) scores[index] = balance(shares, index);
        },
      };
    },
    awaits: [],
    helps: () => false,
  };
}

/** 100 less the standard deviation of the shares that would be taken. */
function balance(shares: readonly ResourceShare[], index: number): number {
  let counted = 0;
  let sum = 0;
  let first = 0;
  let second = 0;
  for (const share of shares) {
    const fraction = fractionOf(share, index);
    if (fraction === undefined) continue;
    if (counted === 0) first = fraction;
    else second = fraction;
    sum += fraction;
    counted += 1;
  }
  if (counted < 2) return SCORE_MAX;
  if (counted === 2) return Math.trunc((1 - Math.abs((first - second) / 2)) * SCORE_MAX);
  const mean = sum / counted;
  let squares = 0;
  for (const share of shares) {
    const fraction = fractionOf(share, index);
    if (fraction !== undefined) squares += (fraction - mean) ** 2;
  }
  return Math.trunc((1 - Math.sqrt(squares / counted)) * SCORE_MAX);
}

/** Undefined where the node has none of it. */
function fractionOf({ allocatable, requested }: ResourceShare, index: number): number | undefined {
  const has = allocatable[index] ?? 0;
  return has === 0 ? undefined : Math.min(1, (requested[index] ?? 0) / has);
}
