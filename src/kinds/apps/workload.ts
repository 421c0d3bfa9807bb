/** What the validation of workloads (things with a pod template and a selector) has in common. */
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { matchesLabels, requirementsOf, type LabelSelector } from "../../machinery/selectors.ts";
import { validateLabelSelector, validateNonnegative } from "../../machinery/validation.ts";
import { sameJson } from "../../registry/same-json.ts";
import type { PodTemplateSpec } from "../core/pods/types.ts";
import { validatePodTemplate } from "../core/pods/validation/pod-spec.ts";

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

export function validateCounts({ replicas, minReadySeconds }: WorkloadSpec): FieldError[] {
  return [
    ...validateNonnegative(replicas, "spec.replicas"),
    ...validateNonnegative(minReadySeconds, "spec.minReadySeconds"),
  ];
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
  errors.push(...validatePodTemplate(template, "spec.template"));
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy !== "Always") {
    errors.push(fieldError.notSupported("spec.template.spec.restartPolicy", restartPolicy, ["Always"]));
  }
  if (activeDeadlineSeconds !== undefined) {
    const why = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(fieldError.forbidden("spec.template.spec.activeDeadlineSeconds", why));
  }
  return errors;
}

export function validateSameSelector(now: WorkloadSpec, old: WorkloadSpec): FieldError[] {
  if (sameJson(now.selector, old.selector)) return [];
  return [fieldError.invalid("spec.selector", now.selector ?? null, "field is immutable")];
}

/** Numbers of a status can't be negative. */
export function validateStatusCounts(status: object | undefined, names: readonly string[]): FieldError[] {
  const counts = (status ?? {}) as Record<string, unknown>;
  return names.flatMap((name) => {
    const count = counts[name];
    return typeof count === "number" ? validateNonnegative(count, `status.${name}`) : [];
  });
}
