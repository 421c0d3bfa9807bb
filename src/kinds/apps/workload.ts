/** What the validation of workloads (things with a pod template and a selector) has in common. */
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { matchesLabels, requirementsOf, type LabelSelector } from "../../machinery/selectors.ts";
import { validateLabelSelector, validateNonnegatives } from "../../machinery/validation.ts";
import type { PodTemplateSpec } from "../core/pods/types.ts";
import { validateLastingTemplate } from "../core/pods/validation/pod-spec.ts";
import { immutableErrors } from "../immutable.ts";

interface WorkloadSpec {
  replicas?: number;
  minReadySeconds?: number;
  selector?: LabelSelector;
  template?: PodTemplateSpec;
}

/** `kind` as messages write it: "deployment". */
export function validateSelector(selector: LabelSelector | undefined, kind: string): FieldError[] {
  if (!selector) return [fieldError.required("spec.selector")];
  const errors = validateLabelSelector(selector, "spec.selector");
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) {
    errors.push(fieldError.invalid("spec.selector", selector, `empty selector is invalid for ${kind}`));
  }
  return errors;
}

export function validateCounts(spec: WorkloadSpec): FieldError[] {
  return validateNonnegatives(spec, "spec", ["replicas", "minReadySeconds"]);
}

/** The template of a workload whose pods run for good. `kind` as messages write it: "ReplicaSet". */
export function validateTemplate({ selector, template }: WorkloadSpec, kind: string): FieldError[] {
  if (!template) return [fieldError.required("spec.template")];
  const errors: FieldError[] = [];
  const labels = template.metadata?.labels ?? {};
  if (selector && validateSelector(selector, "").length === 0 && !matchesLabels(requirementsOf(selector), labels)) {
    const why = "`selector` does not match template `labels`";
    errors.push(fieldError.invalid("spec.template.metadata.labels", template.metadata?.labels ?? null, why));
  }
  return [...errors, ...validateLastingTemplate(template, "spec.template", kind)];
}

export function validateSameSelector(now: WorkloadSpec, old: WorkloadSpec): FieldError[] {
  return immutableErrors(now.selector, old.selector, "spec.selector");
}

interface Collisions {
  collisionCount?: number;
}

export function validateCollisions(now: Collisions | undefined, old: Collisions | undefined): FieldError[] {
  if ((now?.collisionCount ?? 0) >= (old?.collisionCount ?? 0)) return [];
  return [fieldError.invalid("status.collisionCount", now?.collisionCount ?? 0, "cannot be decremented")];
}
