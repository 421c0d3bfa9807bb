/** Job: pkg/apis/batch/validation of Kubernetes. */
import { byteLength, dnsLabelFaults, domainPathFaults } from "../../../machinery/names.ts";
import { matchesLabels, requirementsOf } from "../../../machinery/selectors.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, validateLabelSelector, validateNonnegatives } from "../../../machinery/validation.ts";
import { sameJson } from "../../../registry/same-json.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { validatePodTemplate } from "../../core/pods/validation/pod-spec.ts";
import { immutableErrors, immutableMembers } from "../../immutable.ts";
import { failurePolicyErrors, successPolicyErrors } from "./policies.ts";
import { validateJobStatus } from "./status-validation.ts";
import {
  CONTROLLER_UID_LABEL,
  hasCondition,
  JOB_NAME_LABEL,
  OLD_CONTROLLER_UID_LABEL,
  OLD_JOB_NAME_LABEL,
  type Job,
  type JobSpec,
} from "./types.ts";

const INDEXED_PARALLELISM_MAX = 100_000;
const FAILED_INDEXES_MAX = 100_000;
/** Above so many completions a Job with limits per index must keep to less. */
const MANY_COMPLETIONS = 100_000;
const MANY_PARALLELISM_MAX = 10_000;
const MANY_FAILED_INDEXES_MAX = 10_000;
const MANAGED_BY_BYTES_MAX = 63;

export function validateJob(job: Job): FieldError[] {
  const { metadata, spec } = job;
  const errors = [...generatedSelectorErrors(job), ...validateJobSpec(spec, "spec")];
  if (spec.selector) errors.push(...validateLabelSelector(spec.selector, "spec.selector"));
  else errors.push(fieldError.required("spec.selector"));
  const labels = spec.template.metadata?.labels;
  if (spec.selector && !matchesLabels(requirementsOf(spec.selector), labels ?? {})) {
    const why = "`selector` does not match template `labels`";
    errors.push(fieldError.invalid("spec.template.metadata.labels", labels ?? null, why));
  }
  if (spec.completionMode !== "Indexed" || !spec.completions) return errors;
  // The index becomes part of a host name.
  const longest = `${metadata.name ?? ""}-${spec.completions - 1}`;
  if (dnsLabelFaults(longest).length > 0) {
    const why = `will not able to create pod with invalid DNS label: ${longest}`;
    errors.push(fieldError.invalid("metadata.name", metadata.name ?? "", why));
  }
  return errors;
}

/** Unless a client chooses himself, the pods of a Job carry its uid and name. */
function generatedSelectorErrors({ metadata, spec }: Job): FieldError[] {
  if (spec.manualSelector === true || !spec.selector) return [];
  const { uid = "", name = "" } = metadata;
  const expected: Record<string, string> = {
    [OLD_CONTROLLER_UID_LABEL]: uid,
    [OLD_JOB_NAME_LABEL]: name,
    [CONTROLLER_UID_LABEL]: uid,
    [JOB_NAME_LABEL]: name,
  };
  const labels = spec.template.metadata?.labels ?? {};
  const errors = Object.entries(expected).flatMap(([key, value]) => {
    if (!Object.hasOwn(labels, key)) {
      return [fieldError.required(`spec.template.metadata.labels[${key}]`, `must be '${value}'`)];
    }
    if (labels[key] === value) return [];
    return [fieldError.invalid(`spec.template.metadata.labels[${key}]`, labels[key], `must be '${value}'`)];
  });
  if (!matchesLabels(requirementsOf(spec.selector), expected)) {
    errors.push(fieldError.invalid("spec.selector", spec.selector, "`selector` not auto-generated"));
  }
  return errors;
}

/** What the template of a CronJob must hold to, too. */
export function validateJobSpec(spec: JobSpec, field: string): FieldError[] {
  return [
    ...validateNonnegatives(spec, field, [
      "parallelism",
      "completions",
      "activeDeadlineSeconds",
      "backoffLimit",
      "ttlSecondsAfterFinished",
      "backoffLimitPerIndex",
      "maxFailedIndexes",
    ]),
    ...(spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined
      ? [fieldError.required(`${field}.backoffLimitPerIndex`, "when maxFailedIndexes is specified")]
      : []),
    ...managedByErrors(spec.managedBy, `${field}.managedBy`),
    ...completionErrors(spec, field),
    ...(spec.podFailurePolicy ? failurePolicyErrors(spec, `${field}.podFailurePolicy`) : []),
    ...(spec.successPolicy ? successPolicyErrors(spec, `${field}.successPolicy`) : []),
    ...replacementErrors(spec, `${field}.podReplacementPolicy`),
    ...validatePodTemplate(spec.template, `${field}.template`),
    ...restartErrors(spec, `${field}.template.spec.restartPolicy`),
  ];
}

function managedByErrors(manager: string | undefined, field: string): FieldError[] {
  if (manager === undefined) return [];
  const errors = invalidFor(field, manager, domainPathFaults(manager));
  if (byteLength(manager) > MANAGED_BY_BYTES_MAX) errors.push(fieldError.tooLong(field, MANAGED_BY_BYTES_MAX));
  return errors;
}

function completionErrors(spec: JobSpec, field: string): FieldError[] {
  const { completionMode: mode, backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (mode === "Indexed") return indexedErrors(spec, field);
  const errors: FieldError[] = [];
  if (mode !== undefined && mode !== "NonIndexed") {
    return [fieldError.notSupported(`${field}.completionMode`, mode, ["NonIndexed", "Indexed"])];
  }
  const why = "requires indexed completion mode";
  if (backoffLimitPerIndex !== undefined) {
    errors.push(fieldError.invalid(`${field}.backoffLimitPerIndex`, backoffLimitPerIndex, why));
  }
  if (maxFailedIndexes !== undefined) {
    errors.push(fieldError.invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, why));
  }
  return errors;
}

function indexedErrors(spec: JobSpec, field: string): FieldError[] {
  const { completions, parallelism = 0, maxFailedIndexes, backoffLimitPerIndex } = spec;
  const errors: FieldError[] = [];
  if (completions === undefined) {
    errors.push(fieldError.required(`${field}.completions`, "when completion mode is Indexed"));
  }
  if (parallelism > INDEXED_PARALLELISM_MAX) {
    const why = `must be less than or equal to ${INDEXED_PARALLELISM_MAX} when completion mode is Indexed`;
    errors.push(fieldError.invalid(`${field}.parallelism`, parallelism, why));
  }
  const failed = `${field}.maxFailedIndexes`;
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    errors.push(fieldError.invalid(failed, maxFailedIndexes, "must be less than or equal to completions"));
  }
  if ((maxFailedIndexes ?? 0) > FAILED_INDEXES_MAX) {
    errors.push(fieldError.invalid(failed, maxFailedIndexes, `must be less than or equal to ${FAILED_INDEXES_MAX}`));
  }
  if ((completions ?? 0) <= MANY_COMPLETIONS || backoffLimitPerIndex === undefined) return errors;
  if (maxFailedIndexes === undefined) {
    errors.push(fieldError.required(failed, `must be specified when completions is above ${MANY_COMPLETIONS}`));
  }
  const many = (max: number) =>
    `must be less than or equal to ${max} when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
  if (parallelism > MANY_PARALLELISM_MAX) {
    errors.push(fieldError.invalid(`${field}.parallelism`, parallelism, many(MANY_PARALLELISM_MAX)));
  }
  if ((maxFailedIndexes ?? 0) > MANY_FAILED_INDEXES_MAX) {
    errors.push(fieldError.invalid(failed, maxFailedIndexes, many(MANY_FAILED_INDEXES_MAX)));
  }
  return errors;
}

function replacementErrors({ podReplacementPolicy: policy, podFailurePolicy }: JobSpec, field: string): FieldError[] {
  const supported = podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  return policy === undefined || supported.includes(policy) ? [] : [fieldError.notSupported(field, policy, supported)];
}

function restartErrors({ template, podFailurePolicy }: JobSpec, field: string): FieldError[] {
  const policy: string | undefined = template.spec.restartPolicy;
  if (!policy || policy === "Always") return [fieldError.required(field, 'valid values: "OnFailure", "Never"')];
  if (policy !== "OnFailure" && policy !== "Never") {
    return [fieldError.notSupported(field, policy, ["OnFailure", "Never"])];
  }
  if (!podFailurePolicy || policy === "Never") return [];
  return [fieldError.invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')];
}

export function validateJobUpdate(now: Job, old: Job, { subresource }: StrategyContext): FieldError[] {
  if (subresource === "status") return validateJobStatus(now, old);
  return [
    ...completionsErrors(now.spec, old.spec),
    ...immutableErrors(now.spec.selector, old.spec.selector, "spec.selector"),
    ...templateErrors(now, old),
    ...immutableMembers(now.spec, old.spec, {
      field: "spec",
      members: ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"],
    }),
  ];
}

function completionsErrors(now: JobSpec, old: JobSpec): FieldError[] {
  if (now.completionMode !== "Indexed") return immutableErrors(now.completions, old.completions, "spec.completions");
  if (now.completions === undefined || now.completions === old.completions) return [];
  if (now.completions === now.parallelism) return [];
  return [
    fieldError.invalid("spec.completions", now.completions, "can only be modified in tandem with spec.parallelism"),
  ];
}

/** While a Job is suspended and has not begun, it may still say where its pods want to go. */
function templateErrors(now: Job, old: Job): FieldError[] {
  const mutable = old.spec.suspend === true && isAtRest(old);
  const same = mutable
    ? sameJson(withoutDirectives(now.spec), withoutDirectives(old.spec))
    : sameJson(now.spec.template, old.spec.template);
  return same ? [] : [fieldError.invalid("spec.template", now.spec.template, "field is immutable")];
}

function isAtRest({ status }: Job): boolean {
  return status?.startTime === undefined || (hasCondition(status, "Suspended") && (status.active ?? 0) === 0);
}

function withoutDirectives({ template }: JobSpec): object {
  const { labels: _labels, annotations: _annotations, ...metadata } = template.metadata ?? {};
  const { nodeSelector: _nodes, tolerations: _tolerations, schedulingGates: _gates, affinity, ...spec } = template.spec;
  const { nodeAffinity: _affinity, ...others } = affinity ?? {};
  return { metadata, spec, affinity: others };
}
