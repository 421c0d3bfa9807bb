/** DefaultPreemption (plugins/defaultpreemption, framework/preemption): who would have to go for a pod, node by node. */
import type { Node } from "../../../src/kinds/core/nodes/types.ts";
import type { Pod } from "../../../src/kinds/core/pods/types.ts";
import { labelsOf, nameOf, namespaceOf, podsOn, priorityOf, type ReferenceCluster } from "./cluster.ts";
import { evaluateReference, isRefusal, refuseNode } from "./evaluate.ts";
import { isEmpty, selects } from "./matching.ts";

export interface Candidate {
  node: string;
  /** The most important first. */
  victims: readonly Pod[];
  /** Victims that a disruption budget would keep. */
  violations: number;
}

/** default_preemption.go PodEligibleToPreemptOthers: not while an earlier victim is still on its way out. */
export function mayPreempt(cluster: ReferenceCluster, pod: Pod): boolean {
  if (pod.spec.preemptionPolicy === "Never") return false;
  const { nominatedNodeName } = pod.status ?? {};
  const nominated = cluster.nodes.find((node) => nameOf(node) === nominatedNodeName);
  if (nominated === undefined) return true;
  const said = evaluateReference(cluster, pod).nodes.get(nameOf(nominated));
  if (said && isRefusal(said) && said.unresolvable) return true;
  return !podsOn(cluster, nominated).some((other) => priorityOf(other) < priorityOf(pod) && goesByPreemption(other));
}

function goesByPreemption({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp === undefined) return false;
  const condition = status?.conditions?.find(({ type }) => type === "DisruptionTarget");
  return condition?.status === "True" && condition.reason === "PreemptionByScheduler";
}

export function candidates(cluster: ReferenceCluster, pod: Pod): Candidate[] {
  const evaluation = evaluateReference(cluster, pod);
  if (evaluation.refused) return [];
  return cluster.nodes.flatMap((node) => {
    const said = evaluation.nodes.get(nameOf(node));
    if (said === undefined || !isRefusal(said) || said.unresolvable) return [];
    return victimsOn(cluster, pod, node) ?? [];
  });
}

/** SelectVictimsOnNode: all that are less important go, and come back one by one, those that budgets keep first, while it still fits. */
function victimsOn(cluster: ReferenceCluster, pod: Pod, node: Node): Candidate | undefined {
  const less = podsOn(cluster, node).filter((other) => priorityOf(other) < priorityOf(pod));
  const potential = less.toSorted(byImportance);
  if (potential.length === 0) return undefined;
  const fitsWithout = (gone: ReadonlySet<Pod>) =>
    refuseNode({ ...cluster, pods: cluster.pods.filter((other) => !gone.has(other)) }, pod, node) === undefined;
  const gone = new Set(potential);
  if (!fitsWithout(gone)) return undefined;
  const kept = keptByBudgets(cluster, potential);
  let violations = 0;
  for (const other of [...kept, ...potential.filter((one) => !kept.includes(one))]) {
    gone.delete(other);
    if (fitsWithout(gone)) continue;
    gone.add(other);
    if (kept.includes(other)) violations += 1;
  }
  if (gone.size === 0) return undefined;
  return { node: nameOf(node), victims: [...gone].toSorted(byImportance), violations };
}

/** util/utils.go MoreImportantPod. A pod that has not started yet is the least important of its priority. */
export function byImportance(one: Pod, other: Pod): number {
  return priorityOf(other) - priorityOf(one) || startMs(one) - startMs(other);
}

const startMs = ({ status }: Pod): number =>
  status?.startTime ? Date.parse(status.startTime) : Number.MAX_SAFE_INTEGER;

/** filterPodsWithPDBViolation: pods take from the budgets that select them, in this order; who finds nothing left is kept. */
function keptByBudgets({ budgets }: ReferenceCluster, pods: readonly Pod[]): Pod[] {
  const left = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  return pods.filter((pod) => {
    if (Object.keys(labelsOf(pod)).length === 0) return false;
    let isKept = false;
    for (const budget of budgets) {
      const { selector } = budget.spec;
      if (namespaceOf(budget) !== namespaceOf(pod) || isEmpty(selector) || !selects(selector, labelsOf(pod))) continue;
      if (nameOf(pod) in (budget.status?.disruptedPods ?? {})) continue;
      const after = (left.get(budget) ?? 0) - 1;
      left.set(budget, after);
      if (after < 0) isKept = true;
    }
    return isKept;
  });
}

/** pickOneNodeForPreemption: of equals any may be taken. */
export function bestCandidates(all: readonly Candidate[]): Candidate[] {
  const sumPriorities = ({ victims }: Candidate) => victims.reduce((sum, pod) => sum + priorityOf(pod) + 2 ** 31, 0);
  const earliest = ({ victims }: Candidate) => {
    const highest = Math.max(...victims.map(priorityOf));
    return Math.min(...victims.filter((pod) => priorityOf(pod) === highest).map(startMs));
  };
  const rules: ((candidate: Candidate) => number)[] = [
    ({ violations }) => violations,
    ({ victims }) => Math.max(...victims.map(priorityOf)),
    sumPriorities,
    ({ victims }) => victims.length,
    (candidate) => -earliest(candidate),
  ];
  return rules.reduce<Candidate[]>(
    (left, rule) => {
      const least = Math.min(...left.map(rule));
      return left.filter((candidate) => rule(candidate) === least);
    },
    [...all],
  );
}
