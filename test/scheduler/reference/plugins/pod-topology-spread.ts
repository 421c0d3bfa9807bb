/** PodTopologySpread (plugins/podtopologyspread). */
import type { ReplicaSet } from "../../../../src/kinds/apps/replicasets/types.ts";
import type { StatefulSet } from "../../../../src/kinds/apps/statefulsets/types.ts";
import type { Node } from "../../../../src/kinds/core/nodes/types.ts";
import type { Pod, TopologySpreadConstraint } from "../../../../src/kinds/core/pods/types.ts";
import type { LabelSelector, LabelSelectorRequirement } from "../../../../src/machinery/selectors.ts";
import {
  find,
  labelsOf,
  namespaceOf,
  podsOn,
  type NodeFilter,
  type Refusal,
  type ReferenceCluster,
  type Scorer,
} from "../cluster.ts";
import { isEmpty, selects, toleratesAll, wantsNode } from "../matching.ts";

const HOSTNAME = "kubernetes.io/hostname";
const MISMATCH = "node(s) didn't match pod topology spread constraints";
/** plugin.go systemDefaultConstraints: for pods that say nothing and are selected by something. */
const SYSTEM_DEFAULTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME, whenUnsatisfiable: "ScheduleAnyway", maxSkew: 3 },
  { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway", maxSkew: 5 },
];

type Constraint = Omit<TopologySpreadConstraint, "labelSelector"> & { labelSelector: LabelSelector | undefined };

/** common.go filterTopologySpreadConstraints, buildDefaultConstraints. */
function constraintsOf(
  cluster: ReferenceCluster,
  pod: Pod,
  whenUnsatisfiable: TopologySpreadConstraint["whenUnsatisfiable"],
): Constraint[] {
  const own = pod.spec.topologySpreadConstraints ?? [];
  if (own.length > 0) {
    return own
      .filter((constraint) => constraint.whenUnsatisfiable === whenUnsatisfiable)
      .map((constraint) => ({ ...constraint, labelSelector: withLabelsOf(pod, constraint) }));
  }
  const selector = defaultSelector(cluster, pod);
  if (isEmpty(selector)) return [];
  return SYSTEM_DEFAULTS.filter((constraint) => constraint.whenUnsatisfiable === whenUnsatisfiable).map(
    (constraint) => ({
      ...constraint,
      labelSelector: selector,
    }),
  );
}

/** matchLabelKeys: the selector, and the same values of these labels as the pod has. */
function withLabelsOf(
  pod: Pod,
  { labelSelector, matchLabelKeys = [] }: TopologySpreadConstraint,
): LabelSelector | undefined {
  if (labelSelector === undefined) return undefined;
  const expressions = matchLabelKeys.flatMap((key) => {
    const value = labelsOf(pod)[key];
    return value === undefined ? [] : [{ key, operator: "In" as const, values: [value] }];
  });
  return { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), ...expressions] };
}

/**
 * helper/spread.go DefaultSelector: of the Services that select the pod and of the controller that owns it. What pairs say is merged,
 * the controller's last; requirements are added.
 */
function defaultSelector(cluster: ReferenceCluster, pod: Pod): LabelSelector {
  const namespace = namespaceOf(pod);
  let pairs: Record<string, string> = {};
  for (const service of cluster.services) {
    const { selector } = service.spec;
    if (namespaceOf(service) !== namespace || selector === undefined) continue;
    if (selects({ matchLabels: selector }, labelsOf(pod))) pairs = { ...pairs, ...selector };
  }
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  const name = owner?.name ?? "";
  switch (owner && `${owner.apiVersion} ${owner.kind}`) {
    case "v1 ReplicationController":
      return { matchLabels: { ...pairs, ...find(cluster.replicationControllers, name, namespace)?.spec.selector } };
    case "apps/v1 ReplicaSet":
      return { matchLabels: pairs, matchExpressions: requirements(find(cluster.replicaSets, name, namespace)) };
    case "apps/v1 StatefulSet":
      return { matchLabels: pairs, matchExpressions: requirements(find(cluster.statefulSets, name, namespace)) };
    default:
      return { matchLabels: pairs };
  }
}

function requirements(owner: ReplicaSet | StatefulSet | undefined): LabelSelectorRequirement[] {
  const { matchLabels = {}, matchExpressions = [] } = owner?.spec.selector ?? {};
  const pairs = Object.entries(matchLabels).map(([key, value]) => ({ key, operator: "In" as const, values: [value] }));
  return [...pairs, ...matchExpressions];
}

const hasKeys = (node: Node, constraints: readonly Constraint[]): boolean =>
  constraints.every(({ topologyKey }) => topologyKey in labelsOf(node));

/** Does what is on this node count? */
function isIncluded(pod: Pod, node: Node, { nodeAffinityPolicy, nodeTaintsPolicy }: Constraint): boolean {
  if ((nodeAffinityPolicy ?? "Honor") === "Honor" && !wantsNode(pod, node)) return false;
  return (nodeTaintsPolicy ?? "Ignore") === "Ignore" || toleratesAll(pod, node);
}

/** Pods on their way out don't count; neither does anything for a selector without requirements. */
function matchingOn(cluster: ReferenceCluster, node: Node, pod: Pod, selector: LabelSelector | undefined): number {
  if (isEmpty(selector)) return 0;
  return podsOn(cluster, node).filter(
    (other) =>
      namespaceOf(other) === namespaceOf(pod) &&
      other.metadata.deletionTimestamp === undefined &&
      selects(selector, labelsOf(other)),
  ).length;
}

/** filtering.go. */
export const podTopologySpread: NodeFilter = (cluster, pod, node) => {
  const constraints = constraintsOf(cluster, pod, "DoNotSchedule");
  for (const constraint of constraints) {
    const { topologyKey, labelSelector, maxSkew, minDomains = 1 } = constraint;
    const domain = labelsOf(node)[topologyKey];
    if (domain === undefined) return refusal(`${MISMATCH} (missing required label)`, true);
    const counts = new Map<string, number>();
    for (const other of cluster.nodes) {
      if (!hasKeys(other, constraints) || !isIncluded(pod, other, constraint)) continue;
      const value = labelsOf(other)[topologyKey] ?? "";
      counts.set(value, (counts.get(value) ?? 0) + matchingOn(cluster, other, pod, labelSelector));
    }
    const lowest = counts.size < minDomains ? 0 : Math.min(...counts.values());
    const self = selects(labelSelector, labelsOf(pod)) ? 1 : 0;
    if ((counts.get(domain) ?? 0) + self - lowest > maxSkew) return refusal(MISMATCH, false);
  }
  return undefined;
};

const refusal = (reason: string, unresolvable: boolean): Refusal => ({
  plugin: "PodTopologySpread",
  reasons: [reason],
  unresolvable,
});

/** scoring.go: the fewer pods of its kind in a node's domains the better; domains of few values weigh less. */
export const scoreSpread: Scorer = (cluster, pod, feasible) => {
  const constraints = constraintsOf(cluster, pod, "ScheduleAnyway");
  if (constraints.length === 0) return feasible.map(() => 0);
  // The system's defaults work on nodes without a zone, too.
  const needsAll = (pod.spec.topologySpreadConstraints ?? []).length > 0;
  const isIgnored = (node: Node | undefined) => node !== undefined && needsAll && !hasKeys(node, constraints);
  const judged = feasible.filter((node) => !isIgnored(node));
  const raw = feasible.map((node) => {
    if (isIgnored(node)) return 0;
    const sum = constraints.reduce((total, constraint) => {
      const { topologyKey, maxSkew } = constraint;
      if (!(topologyKey in labelsOf(node))) return total;
      const domains = new Set(judged.map((other) => labelsOf(other)[topologyKey] ?? ""));
      const size = topologyKey === HOSTNAME ? judged.length : domains.size;
      const count = inDomain({ cluster, pod, node, constraints, constraint, needsAll });
      return total + (count * Math.log(size + 2) + (maxSkew - 1));
    }, 0);
    return Math.round(sum);
  });
  const kept = raw.filter((_score, at) => !isIgnored(feasible[at]));
  const [lowest, highest] = [Math.min(...kept), Math.max(0, ...kept)];
  return raw.map((score, at) => {
    if (isIgnored(feasible[at])) return 0;
    return highest === 0 ? 100 : Math.floor((100 * (highest + lowest - score)) / highest);
  });
};

function inDomain(of: {
  cluster: ReferenceCluster;
  pod: Pod;
  node: Node;
  constraints: readonly Constraint[];
  constraint: Constraint;
  needsAll: boolean;
}): number {
  const { cluster, pod, node, constraints, constraint, needsAll } = of;
  const { topologyKey, labelSelector } = constraint;
  // Of host names it is the node itself that counts, whatever the policies say.
  if (topologyKey === HOSTNAME) return matchingOn(cluster, node, pod, labelSelector);
  const domain = labelsOf(node)[topologyKey];
  return cluster.nodes
    .filter((other) => !needsAll || hasKeys(other, constraints))
    .filter((other) => labelsOf(other)[topologyKey] === domain && isIncluded(pod, other, constraint))
    .reduce((sum, other) => sum + matchingOn(cluster, other, pod, labelSelector), 0);
}
