/** Which objects a quota is about: its scopes, all of which must match (pkg/quota/v1/evaluator/core of Kubernetes). */
import type { KubeObject } from "../../../machinery/meta.ts";
import type { PersistentVolumeClaim } from "../persistentvolumeclaims/types.ts";
import { qosClassOf } from "../pods/qos.ts";
import type { Pod, PodAffinityTerm } from "../pods/types.ts";
import type { ResourceQuota } from "./types.ts";

export interface ScopeRequirement {
  scopeName: string;
  operator: string;
  values?: readonly string[];
}

export function scopesOf({ spec }: ResourceQuota): ScopeRequirement[] {
  const named = (spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" }));
  return [...named, ...(spec.scopeSelector?.matchExpressions ?? [])];
}

/** Kinds that know nothing of a scope never match it. */
export function matchesScope(groupResource: string, object: KubeObject, requirement: ScopeRequirement): boolean {
  if (groupResource === "pods") return podMatches(object as Pod, requirement);
  if (groupResource !== "persistentvolumeclaims") return false;
  if (requirement.scopeName !== "VolumeAttributesClass") return false;
  return matchesNames(requirement, attributesClasses(object as PersistentVolumeClaim));
}

function podMatches(pod: Pod, requirement: ScopeRequirement): boolean {
  const { spec } = pod;
  switch (requirement.scopeName) {
    case "Terminating":
      return isTerminating(pod);
    case "NotTerminating":
      return !isTerminating(pod);
    case "BestEffort":
      return qosClassOf(spec) === "BestEffort";
    case "NotBestEffort":
      return qosClassOf(spec) !== "BestEffort";
    case "PriorityClass":
      return matchesNames(requirement, spec.priorityClassName ? [spec.priorityClassName] : []);
    case "CrossNamespacePodAffinity":
      return affinityTerms(pod).some(
        (term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined,
      );
    default:
      return false;
  }
}

export function isTerminating({ spec }: Pod): boolean {
  return spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
}

/** Like a requirement on a label; whoever has several names matches by any. */
function matchesNames({ operator, values = [] }: ScopeRequirement, names: readonly string[]): boolean {
  switch (operator) {
    case "Exists":
      return names.length > 0;
    case "DoesNotExist":
      return names.length === 0;
    case "In":
      return names.some((name) => values.includes(name));
    case "NotIn":
      return names.length === 0 || names.some((name) => !values.includes(name));
    default:
      return false;
  }
}

/** The class a claim is to have, the one it has, and the one it is on its way to. */
function attributesClasses({ spec, status }: PersistentVolumeClaim): string[] {
  const { currentVolumeAttributesClassName, modifyVolumeStatus } = status ?? {};
  return [
    spec.volumeAttributesClassName,
    currentVolumeAttributesClassName,
    modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name) => name !== undefined && name !== "") as string[];
}

function affinityTerms({ spec: { affinity } }: Pod): PodAffinityTerm[] {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((one) => [
    ...(one?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
}
