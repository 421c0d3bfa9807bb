/** NodeResourcesFit with its three strategies, and NodeResourcesBalancedAllocation (plugins/noderesources). */
import type { Node } from "../../../../src/kinds/core/nodes/types.ts";
import type { Pod } from "../../../../src/kinds/core/pods/types.ts";
import { podsOn, type NodeFilter, type ReferenceCluster, type Scorer } from "../cluster.ts";
import { amount, DEFAULTS, exact, isScalar, podLevelRequests, podRequests, type Exact } from "../resources.ts";

export interface WeightedResource {
  name: string;
  weight: number;
}

export interface FitStrategy {
  type: "LeastAllocated" | "MostAllocated" | "RequestedToCapacityRatio";
  resources: readonly WeightedResource[];
  /** Of RequestedToCapacityRatio: scores of 0 … 10 by utilization in percent. */
  shape?: readonly { utilization: number; score: number }[];
}

export const DEFAULT_FIT: FitStrategy = {
  type: "LeastAllocated",
  resources: [
    { name: "cpu", weight: 1 },
    { name: "memory", weight: 1 },
  ],
};

const allocatable = (node: Node, name: string): bigint => amount(exact(node.status?.allocatable), name);
const requestsOf = (pod: Pod): Exact => podRequests(pod, { podLevel: true, status: false, defaults: {} });
/** Of a pod that is on a node: with what it has been given. */
const placedRequests = (pod: Pod): Exact => podRequests(pod, { podLevel: true, status: true, defaults: {} });

function requestedOn(cluster: ReferenceCluster, node: Node, name: string): bigint {
  return podsOn(cluster, node).reduce((sum, pod) => sum + amount(placedRequests(pod), name), 0n);
}

/** As if containers that ask for nothing asked for a little. */
function nonZeroOn(cluster: ReferenceCluster, node: Node, name: string): bigint {
  return podsOn(cluster, node).reduce((sum, pod) => sum + amount(nonZeroRequests(pod), name), 0n);
}

/** framework/types.go getNonMissingContainerRequests: what is said of the pod as a whole needs no help by its containers. */
function nonZeroRequests(pod: Pod): Exact {
  const requests = placedRequests(pod);
  const said = podLevelRequests(pod, false).size > 0;
  const missing = Object.entries(DEFAULTS).filter(([name]) => !said || !requests.has(name));
  return podRequests(pod, { podLevel: true, status: true, defaults: Object.fromEntries(missing) });
}

/** fit.go Filter: every lack is a reason of its own. */
export const nodeResourcesFit: NodeFilter = (cluster, pod, node) => {
  const reasons: string[] = [];
  let unresolvable = false;
  if (BigInt(podsOn(cluster, node).length + 1) > allocatable(node, "pods")) reasons.push("Too many pods");
  const wanted = requestsOf(pod);
  const counted = ["cpu", "memory", "ephemeral-storage", ...[...wanted.keys()].filter(isScalar)];
  for (const name of counted) {
    const asked = amount(wanted, name);
    if (asked <= 0n || asked <= allocatable(node, name) - requestedOn(cluster, node, name)) continue;
    reasons.push(`Insufficient ${name}`);
    if (asked > allocatable(node, name)) unresolvable = true;
  }
  return reasons.length === 0 ? undefined : { plugin: "NodeResourcesFit", reasons, unresolvable };
};

/** resource_allocation.go: what would be allocated of each resource; one that the node has nothing of is left out. */
export function scoreFit({ type, resources, shape = [] }: FitStrategy): Scorer {
  return (cluster, pod, feasible) =>
    feasible.map((node) => {
      // The scorer is made without the gate for requests of the pod as a whole (fit.go NewFit), so these do not count here.
      const asked = podRequests(pod, { podLevel: false, status: false, defaults: DEFAULTS });
      let [sum, weights] = [0, 0];
      for (const { name, weight } of resources) {
        const capacity = allocatable(node, name);
        if (capacity === 0n || (isScalar(name) && amount(asked, name) === 0n)) continue;
        const isNonZero = name === "cpu" || name === "memory";
        const allocated = isNonZero ? nonZeroOn(cluster, node, name) : requestedOn(cluster, node, name);
        const score = scoreOf({ type, shape, requested: allocated + amount(asked, name), capacity });
        // Only this strategy leaves out what has no score.
        if (type === "RequestedToCapacityRatio" && score <= 0) continue;
        sum += score * weight;
        weights += weight;
      }
      if (weights === 0) return 0;
      return type === "RequestedToCapacityRatio" ? Math.round(sum / weights) : Math.floor(sum / weights);
    });
}

function scoreOf(at: Required<Pick<FitStrategy, "type" | "shape">> & { requested: bigint; capacity: bigint }): number {
  const { type, shape, requested, capacity } = at;
  switch (type) {
    case "LeastAllocated":
      return requested > capacity ? 0 : Number(((capacity - requested) * 100n) / capacity);
    case "MostAllocated":
      return Number(((requested > capacity ? capacity : requested) * 100n) / capacity);
    default:
      return onShape(shape, requested > capacity ? 100 : Number((requested * 100n) / capacity));
  }
}

/** shape_score.go: straight lines between the points. Scores of a shape go to 10. */
function onShape(shape: NonNullable<FitStrategy["shape"]>, utilization: number): number {
  const at = shape.findIndex((point) => utilization <= point.utilization);
  const [before, after] = [shape[at - 1], shape[at]];
  if (after === undefined) return 10 * (shape.at(-1)?.score ?? 0);
  if (before === undefined) return 10 * after.score;
  const rise = 10 * (after.score - before.score) * (utilization - before.utilization);
  return 10 * before.score + Math.trunc(rise / (after.utilization - before.utilization));
}

/** balanced_allocation.go: how much more even the shares of the node's CPU and memory become. */
export const scoreBalance: Scorer = (cluster, pod, feasible) => {
  const names = DEFAULT_FIT.resources.map(({ name }) => name);
  const asked = podRequests(pod, { podLevel: true, status: true, defaults: {} });
  // Pods that ask for nothing would all go to the same node (kubernetes/kubernetes#129138).
  if (names.every((name) => amount(asked, name) === 0n)) return feasible.map(() => 0);
  return feasible.map((node) => {
    const present = names.filter((name) => allocatable(node, name) !== 0n);
    const before = present.map((name) => share(requestedOn(cluster, node, name), allocatable(node, name)));
    const after = present.map((name) =>
      share(requestedOn(cluster, node, name) + amount(asked, name), allocatable(node, name)),
    );
    return 50 + Math.trunc((50 + evenness(after) - evenness(before)) / 2);
  });
};

function share(requested: bigint, capacity: bigint): number {
  return Math.min(1, Number(requested) / Number(capacity));
}

/** 100 less the standard deviation in percent, cut off. Of two values it is half their difference. */
function evenness(shares: readonly number[]): number {
  const [one = 0, other = one] = shares;
  return Math.trunc((1 - Math.abs((one - other) / 2)) * 100);
}
