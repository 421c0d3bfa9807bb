import { SCORE_MAX, type Plugin } from "../framework.ts";
import { CPU_AND_MEMORY, createResourceReader, type ResourceShare, type ResourceWeight } from "./resource-scores.ts";

/** Rather where the pod makes the use of resources more even, so that none is left over alone. Says nothing of pods that ask for nothing. */
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

/** From 50, where the node's shares stay as even as they are, up to 100 and down to 0. */
function balance(shares: readonly ResourceShare[], index: number): number {
  const change = evenness(shares, index, 1) - evenness(shares, index, 0);
  return SCORE_MAX / 2 + Math.trunc((SCORE_MAX / 2 + change) / 2);
}

/** 100 less the standard deviation of the shares that are taken, with the pod (1) or without it (0). */
function evenness(shares: readonly ResourceShare[], index: number, pods: 0 | 1): number {
  let counted = 0;
  let sum = 0;
  let first = 0;
  let second = 0;
  for (const share of shares) {
    const fraction = fractionOf(share, index, pods);
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
    const fraction = fractionOf(share, index, pods);
    if (fraction !== undefined) squares += (fraction - mean) ** 2;
  }
  return Math.trunc((1 - Math.sqrt(squares / counted)) * SCORE_MAX);
}

/** Undefined where the node has none of it. */
function fractionOf({ allocatable, requested, own }: ResourceShare, index: number, pods: 0 | 1): number | undefined {
  const has = allocatable[index] ?? 0;
  const taken = requested[index] ?? 0;
  return has === 0 ? undefined : Math.min(1, (pods === 1 ? taken : taken - own) / has);
}
