import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import type { NodeColumns } from "../node-columns.ts";
import type { Cluster, ClusterEvent, Plugin, PodShape, Prepared, Refusal } from "../framework.ts";
import { allocationScores, createResourceReader, LEAST_ALLOCATED, type ScoringStrategy } from "./resource-scores.ts";

const NAME = "NodeResourcesFit";
const FULL = "Too many pods";

/** What a pod asks for must be free. Of nodes that have it, which one is better is the strategy's to say. */
export function createNodeResourcesFit({ strategy = LEAST_ALLOCATED }: { strategy?: ScoringStrategy } = {}): Plugin {
  return {
    name: NAME,
    prepare(shape, cluster) {
      return { refuse: refusing(shape, cluster.nodes), score: scoring(shape, cluster, strategy), byAmounts: true };
    },
    awaits: ["node", "pod-gone", "pod-changed"],
    helps: mayFit,
  };
}

/** The bits of what is missing: pods, then the resources in their order. */
const PODS = 1;
const CPU = 2;
const MEMORY = 4;
const STORAGE = 8;
const SCALARS = 16;
const SCALARS_MAX = 24;
/** It asks for more than the whole node has. */
const HOPELESS = 2 ** 30;

function refusing({ spec }: PodShape, nodes: NodeColumns): NonNullable<Prepared["refuse"]> {
  const { requests, scalars } = spec;
  const cpu = requests["cpu"] ?? 0;
  const memory = requests["memory"] ?? 0;
  const storage = requests["ephemeral-storage"] ?? 0;
  /** One object for all nodes that lack the same. */
  const refusals = new Map<number, Refusal>();
  const lacksScalars = (slot: number): number => {
    let missing = 0;
    scalars.forEach(([name, wanted], index) => {
      const allocatable = nodes.views[slot]?.allocatable[name] ?? 0;
      // Of more than these the last stands for the others.
      const bit = SCALARS << Math.min(index, SCALARS_MAX - 1);
      missing |= lacks(bit, wanted, allocatable, nodes.scalars.get(name)?.get(slot) ?? 0);
    });
    return missing;
  };

  return (slot) => {
    let missing = (nodes.podCount[slot] ?? 0) + 1 > (nodes.allocatablePods[slot] ?? 0) ? PODS : 0;
    if (cpu > 0) missing |= lacks(CPU, cpu, nodes.allocatableCpu[slot] ?? 0, nodes.requestedCpu[slot] ?? 0);
    if (memory > 0) {
      missing |= lacks(MEMORY, memory, nodes.allocatableMemory[slot] ?? 0, nodes.requestedMemory[slot] ?? 0);
    }
    if (storage > 0) {
      missing |= lacks(STORAGE, storage, nodes.allocatableStorage[slot] ?? 0, nodes.requestedStorage[slot] ?? 0);
    }
    if (scalars.length > 0) missing |= lacksScalars(slot);
    if (missing === 0) return undefined;
    const known = refusals.get(missing);
    if (known) return known;
    const names = ["cpu", "memory", "ephemeral-storage", ...scalars.map(([name]) => name)];
    const reasons = names.flatMap((name, index) => (missing & (CPU << index) ? [`Insufficient ${name}`] : []));
    if (missing & PODS) reasons.unshift(FULL);
    const refusal = { plugin: NAME, reasons, unresolvable: (missing & HOPELESS) !== 0 };
    refusals.set(missing, refusal);
    return refusal;
  };
}

function lacks(bit: number, wanted: number, allocatable: number, requested: number): number {
  if (wanted <= allocatable - requested) return 0;
  return wanted > allocatable ? bit | HOPELESS : bit;
}

function scoring({ spec }: PodShape, { nodes }: Cluster, strategy: ScoringStrategy): NonNullable<Prepared["score"]> {
  const reader = createResourceReader({ nodes, spec, resources: strategy.resources, least: true });
  return ({ slots, count, scores }) => {
    const shares = reader(slots, count);
    allocationScores(strategy, shares, { count, scores });
  };
}

/** A node that is large enough for it, or room on one. */
function mayFit(event: ClusterEvent, pod: PodView): boolean {
  if (event.kind === "node") {
    const { before, after } = event;
    return isLargeEnough(pod, after) && (before === undefined || grew(before, after));
  }
  if (event.kind === "pod-gone") return true;
  if (event.kind !== "pod-changed") return false;
  const { before, after } = event;
  // Resized to less.
  return Object.keys(pod.scheduling.requests).some(
    (name) => (before.scheduling.requests[name] ?? 0) > (after.scheduling.requests[name] ?? 0),
  );
}

function isLargeEnough({ scheduling }: PodView, { allocatable }: NodeView): boolean {
  return Object.entries(scheduling.requests).every(([name, amount]) => amount <= (allocatable[name] ?? 0));
}

function grew({ allocatable: before }: NodeView, { allocatable: after }: NodeView): boolean {
  return Object.entries(after).some(([name, amount]) => amount > (before[name] ?? 0));
}
