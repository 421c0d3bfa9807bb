/** Terms of inter-pod affinity, ready to be matched (k8s.io/kubernetes/pkg/scheduler/framework, AffinityTerm). */
import type { SchedulingSpec } from "../controller-runtime/views/scheduling-spec.ts";
import type { PodAffinityTerm } from "../kinds/core/pods/types.ts";
import { matchesLabels, requirementsOf, type LabelRequirement } from "../machinery/selectors.ts";

type Labels = Readonly<Record<string, string>>;

export interface AffinityTerm {
  /** Terms of the same key match the same pods and spread over the same domains. */
  key: string;
  namespaces: ReadonlySet<string>;
  /** Undefined: only the named ones. */
  namespaceRequirements: readonly LabelRequirement[] | undefined;
  requirements: readonly LabelRequirement[];
  topologyKey: string;
}

export interface WeightedTerm extends AffinityTerm {
  /** Negative for anti-affinity. */
  weight: number;
}

/** What a pod wants of the pods around it. */
export interface AffinityTerms {
  requiredAffinity: readonly AffinityTerm[];
  requiredAntiAffinity: readonly AffinityTerm[];
  preferred: readonly WeightedTerm[];
}

export interface AboutPod {
  namespace: string;
  labels: Labels;
}

export function affinityTerms({ podAffinity, podAntiAffinity }: SchedulingSpec, pod: AboutPod): AffinityTerms {
  const weighted = (terms: readonly { weight: number; podAffinityTerm: PodAffinityTerm }[] | undefined, sign: 1 | -1) =>
    (terms ?? []).map(({ weight, podAffinityTerm }) => ({
      ...affinityTerm(podAffinityTerm, pod),
      weight: sign * weight,
    }));
  const required = (terms: readonly PodAffinityTerm[] | undefined) =>
    (terms ?? []).map((term) => affinityTerm(term, pod));
  return {
    requiredAffinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: [
      ...weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1),
      ...weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1),
    ],
  };
}

function affinityTerm(term: PodAffinityTerm, { namespace, labels }: AboutPod): AffinityTerm {
  const { namespaces = [], namespaceSelector, labelSelector, topologyKey } = term;
  const own = namespaces.length === 0 && namespaceSelector === undefined ? [namespace] : namespaces;
  const requirements = [
    ...requirementsOf(labelSelector),
    ...keyRequirements(term.matchLabelKeys, labels, "In"),
    ...keyRequirements(term.mismatchLabelKeys, labels, "NotIn"),
  ];
  const namespaceRequirements = namespaceSelector === undefined ? undefined : requirementsOf(namespaceSelector);
  const key = JSON.stringify([own.toSorted(), namespaceRequirements ?? null, requirements, topologyKey]);
  return { key, namespaces: new Set(own), namespaceRequirements, requirements, topologyKey };
}

/** KEP-3633 and KEP-3243: keys that the pod has no label of say nothing. */
export function keyRequirements(
  keys: readonly string[] | undefined,
  labels: Labels,
  operator: "In" | "NotIn",
): LabelRequirement[] {
  return (keys ?? []).flatMap((key) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
}

/** `namespaceLabels` answers those of the pod's namespace; one that is not known (undefined) only a selector of all selects. */
export function matchesTerm(
  term: AffinityTerm,
  pod: AboutPod,
  namespaceLabels: (namespace: string) => Labels | undefined,
): boolean {
  const { namespaces, namespaceRequirements, requirements } = term;
  if (!matchesLabels(requirements, pod.labels)) return false;
  if (namespaces.has(pod.namespace)) return true;
  if (namespaceRequirements === undefined) return false;
  if (namespaceRequirements.length === 0) return true;
  const labels = namespaceLabels(pod.namespace);
  return labels !== undefined && matchesLabels(namespaceRequirements, labels);
}
