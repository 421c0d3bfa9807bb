/** InterPodAffinity (plugins/interpodaffinity). */
import type { Node } from "../../../../src/kinds/core/nodes/types.ts";
import type { Pod, PodAffinityTerm } from "../../../../src/kinds/core/pods/types.ts";
import {
  find,
  labelsOf,
  namespaceOf,
  placedPods,
  type NodeFilter,
  type Refusal,
  type ReferenceCluster,
  type Scorer,
} from "../cluster.ts";
import { isEmpty, selects } from "../matching.ts";

/** plugin args: what a required affinity of a placed pod is worth to one that it wants. */
const HARD_POD_AFFINITY_WEIGHT = 1;

const required = (pod: Pod, kind: "podAffinity" | "podAntiAffinity"): readonly PodAffinityTerm[] =>
  pod.spec.affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const preferred = (pod: Pod, kind: "podAffinity" | "podAntiAffinity") =>
  pod.spec.affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? [];

/**
 * Does a term of `owner` mean `target`? Namespaces that the API does not know have no labels where a placed pod's term asks (`asks`:
 * "placed"), and are no namespaces where the waiting pod's term does.
 */
function means(at: {
  cluster: ReferenceCluster;
  owner: Pod;
  term: PodAffinityTerm;
  target: Pod;
  asks: "placed" | "waiting";
}): boolean {
  const { cluster, owner, term, target, asks } = at;
  if (!selects(term.labelSelector, labelsOf(target))) return false;
  const named = term.namespaces ?? [];
  if (named.length === 0 && term.namespaceSelector === undefined) return namespaceOf(target) === namespaceOf(owner);
  if (named.includes(namespaceOf(target)) || isEmpty(term.namespaceSelector)) return true;
  const namespace = find(cluster.namespaces, namespaceOf(target));
  if (namespace === undefined && asks === "waiting") return false;
  return selects(term.namespaceSelector, namespace?.metadata.labels ?? {});
}

const shares = (one: Node, other: Node, key: string): boolean =>
  key in labelsOf(one) && labelsOf(one)[key] === labelsOf(other)[key];

/** filtering.go. */
export const interPodAffinity: NodeFilter = (cluster, pod, node) => {
  if (!affinityHolds(cluster, pod, node)) return refusal("node(s) didn't match pod affinity rules", true);
  const placed = placedPods(cluster);
  const own = required(pod, "podAntiAffinity").some((term) =>
    placed.some(
      (other) =>
        shares(node, other.node, term.topologyKey) &&
        means({ cluster, owner: pod, term, target: other.pod, asks: "waiting" }),
    ),
  );
  if (own) return refusal("node(s) didn't match pod anti-affinity rules", false);
  const others = placed.some((other) =>
    required(other.pod, "podAntiAffinity").some(
      (term) =>
        shares(node, other.node, term.topologyKey) &&
        means({ cluster, owner: other.pod, term, target: pod, asks: "placed" }),
    ),
  );
  return others ? refusal("node(s) didn't satisfy existing pods anti-affinity rules", false) : undefined;
};

const refusal = (reason: string, unresolvable: boolean): Refusal => ({
  plugin: "InterPodAffinity",
  reasons: [reason],
  unresolvable,
});

/** One pod that all terms mean must be in the node's domain of each term; not the same pod for all domains. */
function affinityHolds(cluster: ReferenceCluster, pod: Pod, node: Node): boolean {
  const terms = required(pod, "podAffinity");
  if (!terms.every(({ topologyKey }) => topologyKey in labelsOf(node))) return false;
  const meant = (target: Pod) => terms.every((term) => means({ cluster, owner: pod, term, target, asks: "waiting" }));
  const wanted = placedPods(cluster).filter((other) => meant(other.pod));
  if (terms.every(({ topologyKey }) => wanted.some((other) => shares(node, other.node, topologyKey)))) return true;
  // The first of a group that wants to be together.
  const counts = wanted.some((other) => terms.some(({ topologyKey }) => topologyKey in labelsOf(other.node)));
  return !counts && meant(pod);
}

/** scoring.go: what the pod prefers of placed pods, and what they prefer of it. */
export const scoreInterPodAffinity: Scorer = (cluster, pod, feasible) => {
  const worth = new Map<string, number>();
  const add = (node: Node, term: PodAffinityTerm, weight: number) => {
    const value = labelsOf(node)[term.topologyKey];
    if (value === undefined) return;
    const pair = JSON.stringify([term.topologyKey, value]);
    worth.set(pair, (worth.get(pair) ?? 0) + weight);
  };
  for (const other of placedPods(cluster)) {
    for (const [kind, sign] of [
      ["podAffinity", 1],
      ["podAntiAffinity", -1],
    ] as const) {
      for (const { weight, podAffinityTerm: term } of preferred(pod, kind)) {
        if (means({ cluster, owner: pod, term, target: other.pod, asks: "waiting" }))
          add(other.node, term, sign * weight);
      }
      for (const { weight, podAffinityTerm: term } of preferred(other.pod, kind)) {
        if (means({ cluster, owner: other.pod, term, target: pod, asks: "placed" }))
          add(other.node, term, sign * weight);
      }
    }
    for (const term of required(other.pod, "podAffinity")) {
      if (means({ cluster, owner: other.pod, term, target: pod, asks: "placed" })) {
        add(other.node, term, HARD_POD_AFFINITY_WEIGHT);
      }
    }
  }
  const sums = feasible.map((node) =>
    Object.entries(labelsOf(node)).reduce((sum, pair) => sum + (worth.get(JSON.stringify(pair)) ?? 0), 0),
  );
  const [lowest, highest] = [Math.min(...sums), Math.max(...sums)];
  return sums.map((sum) => (highest === lowest ? 0 : Math.trunc(100 * ((sum - lowest) / (highest - lowest)))));
};
