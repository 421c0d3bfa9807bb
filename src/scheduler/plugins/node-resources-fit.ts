import type { PodView } from "../../controller-runtime/views/pod-view.ts";
import type { NodeView } from "../../controller-runtime/views/node-view.ts";
import { scalarRequests, type NodeColumns } from "../node-columns.ts";
import type { Cluster, ClusterEvent, Plugin, PodShape, Prepared, Refusal } from "../framework.ts";
import { allocationScore, LEAST_ALLOCATED, resourceReaders, type ScoringStrategy } from "./resource-scores.ts";

const NAME = "NodeResourcesFit";
const FULL = "Too many pods";
const SCALAR_BITS = 24;

/** What a pod asks for must be free. Of nodes that have it, which one is better is the strategy's to say. */
export function createNodeResourcesFit({ strategy = LEAST_ALLOCATED }: { strategy?: ScoringStrategy } = {}): Plugin {
  return {
    name: NAME,
    prepare(shape, cluster) {
      return { refuse: refusing(shape, cluster.nodes), score: scoring(shape, cluster, strategy) };
    },
    awaits: ["node", "pod-gone", "pod-changed"],
    helps: mayFit,
  };
}

function refusing({ spec }: PodShape, nodes: NodeColumns): NonNullable<Prepared["refuse"]> {
  const { requests } = spec;
  const cpu = requests["cpu"] ?? 0;
  const memory = requests["memory"] ?? 0;
  const storage = requests["ephemeral-storage"] ?? 0;
  const scalars = scalarRequests(requests);
  /** Which of them are missing, as bits; nothing is made for the many nodes that are not asked why. */
  const refusals = new Map<number, Refusal>();

  return (slot) => {
    let missing = (nodes.podCount[slot] ?? 0) + 1 > (nodes.allocatablePods[slot] ?? 0) ? 1 : 0;
    let hopeless = 0;
    const lacks = (bit: number, wanted: number, allocatable: number, requested: number): void => {
      if (wanted <= allocatable - requested) return;
      missing |= bit;
      if (wanted > allocatable) hopeless = 1;
    };
    if (cpu > 0) lacks(2, cpu, nodes.allocatableCpu[slot] ?? 0, nodes.requestedCpu[slot] ?? 0);
    if (memory > 0) lacks(4, memory, nodes.allocatableMemory[slot] ?? 0, nodes.requestedMemory[slot] ?? 0);
    if (storage > 0) lacks(8, storage, nodes.allocatableStorage[slot] ?? 0, nodes.requestedStorage[slot] ?? 0);
    for (let index = 0; index < scalars.length; index++) {
      const [name = "", wanted = 0] = scalars[index] ?? [];
      const allocatable = nodes.views[slot]?.allocatable[name] ?? 0;
      // Of more than these the last stands for the others.
      lacks(16 << Math.min(index, SCALAR_BITS - 1), wanted, allocatable, nodes.scalars.get(name)?.get(slot) ?? 0);
    }
    if (missing === 0) return undefined;
    const number = missing * 2 + hopeless;
    let refusal = refusals.get(number);
    if (refusal === undefined) {
      const names = ["cpu", "memory", "ephemeral-storage", ...scalars.map(([name]) => name)];
      const reasons = names.flatMap((name, index) => (missing & (2 << index) ? [`Insufficient ${name}`] : []));
      refusal = {
        plugin: NAME,
        reasons: missing & 1 ? [FULL, ...reasons] : reasons,
        unresolvable: hopeless === 1,
      };
      refusals.set(number, refusal);
    }
    return refusal;
  };
}

function scoring({ spec }: PodShape, { nodes }: Cluster, strategy: ScoringStrategy): NonNullable<Prepared["score"]> {
  const readers = resourceReaders({ nodes, spec, resources: strategy.resources, least: true });
  return ({ slots, count, scores }) => {
    for (let index = 0; index < count; index++) {
      scores[index] = allocationScore(strategy, readers, slots[index] ?? 0);
    }
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
