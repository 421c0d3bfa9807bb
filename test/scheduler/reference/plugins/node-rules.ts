/** Plugins that look at one node and one pod alone: NodeUnschedulable, NodeName, TaintToleration, NodeAffinity, NodePorts. */
import type { ContainerPort, Pod } from "../../../../src/kinds/core/pods/types.ts";
import { nameOf, podsOn, type NodeFilter, type PodFilter, type Scorer } from "../cluster.ts";
import { termMatches, tolerates, toleratesAll, wantsNode } from "../matching.ts";
import { byHighest } from "../normalizing.ts";

/** plugins/nodeunschedulable: a cordoned node is as if it had the taint. */
export const nodeUnschedulable: NodeFilter = (_cluster, pod, node) => {
  if (!node.spec.unschedulable) return undefined;
  const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;
  if (tolerates(pod.spec.tolerations, taint)) return undefined;
  return { plugin: "NodeUnschedulable", reasons: ["node(s) were unschedulable"], unresolvable: true };
};

/** plugins/nodename. */
export const nodeName: NodeFilter = (_cluster, pod, node) => {
  if (!pod.spec.nodeName || pod.spec.nodeName === nameOf(node)) return undefined;
  return { plugin: "NodeName", reasons: ["node(s) didn't match the requested node name"], unresolvable: true };
};

/** plugins/tainttoleration Filter. */
export const taintToleration: NodeFilter = (_cluster, pod, node) => {
  if (toleratesAll(pod, node)) return undefined;
  return { plugin: "TaintToleration", reasons: ["node(s) had untolerated taint(s)"], unresolvable: true };
};

/** plugins/tainttoleration Score: the fewer untolerated taints of effect PreferNoSchedule the better. */
export const scoreTaints: Scorer = (_cluster, pod, feasible) => {
  const tolerations = (pod.spec.tolerations ?? []).filter(({ effect }) => !effect || effect === "PreferNoSchedule");
  const counts = feasible.map(
    ({ spec }) =>
      (spec.taints ?? []).filter((taint) => taint.effect === "PreferNoSchedule" && !tolerates(tolerations, taint))
        .length,
  );
  return byHighest(counts).map((score) => 100 - score);
};

/** plugins/nodeaffinity PreFilter: names that contradict each other in every term. */
export const nodeAffinityConflict: PodFilter = (_cluster, pod) => {
  const names = onlyNodes(pod);
  if (names === undefined || names.size > 0) return undefined;
  return { plugin: "NodeAffinity", reasons: ["pod affinity terms conflict"], unresolvable: true };
};

/** Names of the nodes that a pod's affinity names; undefined where a term names none. */
export function onlyNodes({ spec }: Pod): ReadonlySet<string> | undefined {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const all = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const named = matchFields.filter(({ key, operator }) => key === "metadata.name" && operator === "In");
    if (named.length === 0) return undefined;
    const [first, ...others] = named.map(({ values = [] }) => values);
    for (const name of first ?? []) if (others.every((values) => values.includes(name))) all.add(name);
  }
  return all;
}

/** plugins/nodeaffinity Filter. */
export const nodeAffinity: NodeFilter = (_cluster, pod, node) => {
  if (wantsNode(pod, node)) return undefined;
  return { plugin: "NodeAffinity", reasons: ["node(s) didn't match Pod's node affinity/selector"], unresolvable: true };
};

/** plugins/nodeaffinity Score: the weights of the preferred terms that match. */
export const scoreNodeAffinity: Scorer = (_cluster, pod, feasible) => {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const sums = feasible.map((node) =>
    preferred.reduce((sum, { weight, preference }) => sum + (termMatches(preference, node) ? weight : 0), 0),
  );
  return byHighest(sums);
};

/** plugins/nodeports: 0.0.0.0 conflicts with every address. */
export const nodePorts: NodeFilter = (cluster, pod, node) => {
  const taken = podsOn(cluster, node).flatMap(hostPorts);
  const conflicts = hostPorts(pod).some((wanted) => taken.some((port) => conflict(wanted, port)));
  if (!conflicts) return undefined;
  const reasons = ["node(s) didn't have free ports for the requested pod ports"];
  return { plugin: "NodePorts", reasons, unresolvable: false };
};

function hostPorts({ spec }: Pod): ContainerPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const ports = [...sidecars, ...(spec.containers ?? [])].flatMap((container) => container.ports ?? []);
  return ports.filter(({ hostPort = 0 }) => hostPort > 0);
}

function conflict(one: ContainerPort, other: ContainerPort): boolean {
  if (one.hostPort !== other.hostPort || (one.protocol ?? "TCP") !== (other.protocol ?? "TCP")) return false;
  const [a, b] = [one.hostIP || "0.0.0.0", other.hostIP || "0.0.0.0"];
  return a === b || a === "0.0.0.0" || b === "0.0.0.0";
}
