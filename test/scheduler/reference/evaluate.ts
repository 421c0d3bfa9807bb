/** What kube-scheduler v1.36 says of a pod and each node of a cluster, with its default plugins and weights. */
import type { Node } from "../../../src/kinds/core/nodes/types.ts";
import type { Pod } from "../../../src/kinds/core/pods/types.ts";
import {
  hasEnded,
  nameOf,
  priorityOf,
  type NodeFilter,
  type PodFilter,
  type Refusal,
  type ReferenceCluster,
  type Scorer,
} from "./cluster.ts";
import { scoreImages } from "./plugins/image-locality.ts";
import { interPodAffinity, scoreInterPodAffinity } from "./plugins/inter-pod-affinity.ts";
import { DEFAULT_FIT, nodeResourcesFit, scoreBalance, scoreFit, type FitStrategy } from "./plugins/node-resources.ts";
import {
  nodeAffinity,
  nodeAffinityConflict,
  nodeName,
  nodePorts,
  nodeUnschedulable,
  onlyNodes,
  scoreNodeAffinity,
  scoreTaints,
  taintToleration,
} from "./plugins/node-rules.ts";
import { podTopologySpread, scoreSpread } from "./plugins/pod-topology-spread.ts";
import { volumeBinding, volumeBindingOfPod } from "./plugins/volume-binding.ts";
import {
  nodeVolumeLimits,
  volumeRestrictions,
  volumeRestrictionsOfPod,
  volumeZone,
  volumeZoneOfPod,
} from "./plugins/volumes.ts";

/** apis/config/v1/default_plugins.go: the order of all plugins. */
const POD_FILTERS: readonly PodFilter[] = [
  nodeAffinityConflict,
  volumeRestrictionsOfPod,
  volumeBindingOfPod,
  volumeZoneOfPod,
];

const NODE_FILTERS: readonly NodeFilter[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  volumeRestrictions,
  nodeVolumeLimits,
  volumeBinding,
  volumeZone,
  podTopologySpread,
  interPodAffinity,
];

const scorers = (fit: FitStrategy): readonly { plugin: string; weight: number; scorer: Scorer }[] => [
  { plugin: "TaintToleration", weight: 3, scorer: scoreTaints },
  { plugin: "NodeAffinity", weight: 2, scorer: scoreNodeAffinity },
  { plugin: "NodeResourcesFit", weight: 1, scorer: scoreFit(fit) },
  { plugin: "PodTopologySpread", weight: 2, scorer: scoreSpread },
  { plugin: "InterPodAffinity", weight: 2, scorer: scoreInterPodAffinity },
  { plugin: "NodeResourcesBalancedAllocation", weight: 1, scorer: scoreBalance },
  { plugin: "ImageLocality", weight: 1, scorer: scoreImages },
];

export interface NodeScore {
  total: number;
  /** Weighted. */
  byPlugin: Record<string, number>;
}

export interface ReferenceEvaluation {
  /** The pod is refused whatever the node: nothing is said of nodes. */
  refused: Refusal | undefined;
  nodes: ReadonlyMap<string, Refusal | NodeScore>;
}

export const isRefusal = (said: Refusal | NodeScore): said is Refusal => "reasons" in said;

export function evaluateReference(
  cluster: ReferenceCluster,
  pod: Pod,
  fit: FitStrategy = DEFAULT_FIT,
): ReferenceEvaluation {
  const refused = refusePod(cluster, pod);
  if (refused) return { refused, nodes: new Map() };
  const nodes = new Map<string, Refusal | NodeScore>();
  const feasible: Node[] = [];
  for (const node of cluster.nodes) {
    const refusal = refuseNode(cluster, pod, node);
    if (refusal) nodes.set(nameOf(node), refusal);
    else feasible.push(node);
  }
  for (const [name, score] of scoreAll({ cluster, pod, feasible, fit })) nodes.set(name, score);
  return { refused: undefined, nodes };
}

export function refusePod(cluster: ReferenceCluster, pod: Pod): Refusal | undefined {
  for (const filter of POD_FILTERS) {
    const refusal = filter(cluster, pod);
    if (refusal) return refusal;
  }
  return undefined;
}

/** Room is kept for pods that are to come to this node and are no less important; without them the pod must fit, too. */
export function refuseNode(cluster: ReferenceCluster, pod: Pod, node: Node): Refusal | undefined {
  const named = onlyNodes(pod);
  if (named && !named.has(nameOf(node))) {
    const reasons = ["node(s) didn't satisfy plugin(s) [NodeAffinity]"];
    return { plugin: "NodeAffinity", reasons, unresolvable: true };
  }
  const nominated = cluster.pods.filter((other) => isNominatedFor(other, node) && priorityOf(other) >= priorityOf(pod));
  const others = nominated.filter(({ metadata }) => metadata.uid !== pod.metadata.uid);
  const withOthers =
    others.length === 0 ? undefined : filterNode(placed(cluster, others.map(asGuest), node), pod, node);
  return withOthers ?? filterNode(cluster, pod, node);
}

function isNominatedFor(pod: Pod, node: Node): boolean {
  return !pod.spec.nodeName && !hasEnded(pod) && pod.status?.nominatedNodeName === nameOf(node);
}

/** Who is only to come counts in spreading even while it goes: updateWithPod in podtopologyspread/filtering.go does not ask. */
function asGuest(pod: Pod): Pod {
  const { deletionTimestamp: _going, ...metadata } = pod.metadata;
  return { ...pod, metadata };
}

/** As if these pods were on the node. */
export function placed(cluster: ReferenceCluster, pods: readonly Pod[], node: Node): ReferenceCluster {
  const there = pods.map((pod) => ({ ...pod, spec: { ...pod.spec, nodeName: nameOf(node) } }));
  const uids = new Set(pods.map(({ metadata }) => metadata.uid));
  return { ...cluster, pods: [...cluster.pods.filter(({ metadata }) => !uids.has(metadata.uid)), ...there] };
}

/** What the plugins say as things are, whoever else is to come. */
export function filterNode(cluster: ReferenceCluster, pod: Pod, node: Node): Refusal | undefined {
  for (const filter of NODE_FILTERS) {
    const refusal = filter(cluster, pod, node);
    if (refusal) return refusal;
  }
  return undefined;
}

function scoreAll(at: { cluster: ReferenceCluster; pod: Pod; feasible: readonly Node[]; fit: FitStrategy }) {
  const { cluster, pod, feasible, fit } = at;
  const scores = new Map(feasible.map((node): [string, NodeScore] => [nameOf(node), { total: 0, byPlugin: {} }]));
  if (feasible.length === 0) return scores;
  for (const { plugin, weight, scorer } of scorers(fit)) {
    const values = scorer(cluster, pod, feasible);
    for (const [index, score] of [...scores.values()].entries()) {
      const value = values[index] ?? 0;
      score.byPlugin[plugin] = weight * value;
      score.total += weight * value;
    }
  }
  return scores;
}

/** framework/types.go FitError: what is said of a pod for which no node is left. */
export function explain(cluster: ReferenceCluster, { refused, nodes }: ReferenceEvaluation): string {
  if (cluster.nodes.length === 0) return "no nodes available to schedule pods";
  const start = `0/${cluster.nodes.length} nodes are available:`;
  if (refused) return `${start} ${refused.reasons.join(", ")}.`;
  const counts = new Map<string, number>();
  for (const said of nodes.values()) {
    if (!isRefusal(said)) continue;
    for (const reason of said.reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).toSorted();
  return `${start} ${parts.join(", ")}.`;
}
