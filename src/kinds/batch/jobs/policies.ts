/** When a Job fails or succeeds early: pkg/apis/batch/validation of Kubernetes. */
import { byteLength, qualifiedNameFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, invalidWithoutValue, tooManyError, validateNonnegative } from "../../../machinery/validation.ts";
import { countIndexes } from "./indexes.ts";
import type { JobSpec, PodFailurePolicyRule, SuccessPolicyRule } from "./types.ts";

const RULES_MAX = 20;
const EXIT_CODES_MAX = 255;
const CONDITIONS_MAX = 20;
const INDEXES_BYTES_MAX = 64 * 1024;
const ACTIONS = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS = ["In", "NotIn"];
const CONDITION_STATUSES = ["False", "True", "Unknown"];

/** As Go prints a list of strings. */
function listed(values: readonly string[]): string {
  return `valid values: [${values.map((value) => JSON.stringify(value)).join(" ")}]`;
}

export function failurePolicyErrors(spec: JobSpec, field: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const at = `${field}.rules`;
  const { containers, initContainers = [] } = spec.template.spec;
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  return [
    ...(rules.length > RULES_MAX ? [tooManyError(at, rules.length, RULES_MAX)] : []),
    ...rules.flatMap((rule, index) => ruleErrors(rule, { spec, names, field: `${at}[${index}]` })),
  ];
}

function ruleErrors(
  { action, onExitCodes, onPodConditions = [] }: PodFailurePolicyRule,
  { spec, names, field }: { spec: JobSpec; names: ReadonlySet<string>; field: string },
): FieldError[] {
  const errors: FieldError[] = [];
  if (!action) errors.push(fieldError.required(`${field}.action`, listed(ACTIONS)));
  else if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined) {
    errors.push(fieldError.invalid(`${field}.action`, action, "requires the backoffLimitPerIndex to be set"));
  } else if (!ACTIONS.includes(action)) {
    errors.push(fieldError.notSupported(`${field}.action`, action, ACTIONS));
  }
  if (onExitCodes) errors.push(...exitCodeErrors(onExitCodes, names, `${field}.onExitCodes`));
  errors.push(...conditionErrors(onPodConditions, `${field}.onPodConditions`));
  if (onExitCodes && onPodConditions.length > 0) {
    errors.push(invalidWithoutValue(field, "specifying both OnExitCodes and OnPodConditions is not supported"));
  } else if (!onExitCodes && onPodConditions.length === 0) {
    errors.push(invalidWithoutValue(field, "specifying one of OnExitCodes and OnPodConditions is required"));
  }
  return errors;
}

function exitCodeErrors(
  { operator, containerName, values = [] }: NonNullable<PodFailurePolicyRule["onExitCodes"]>,
  names: ReadonlySet<string>,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!operator) errors.push(fieldError.required(`${field}.operator`, listed(OPERATORS)));
  else if (!OPERATORS.includes(operator)) {
    errors.push(fieldError.notSupported(`${field}.operator`, operator, OPERATORS));
  }
  if (containerName !== undefined && !names.has(containerName)) {
    const why = "must be one of the container or initContainer names in the pod template";
    errors.push(fieldError.invalid(`${field}.containerName`, containerName, why));
  }
  const at = `${field}.values`;
  if (values.length === 0) errors.push(fieldError.invalid(at, null, "at least one value is required"));
  else if (values.length > EXIT_CODES_MAX) errors.push(tooManyError(at, values.length, EXIT_CODES_MAX));
  const seen = new Set<number>();
  values.forEach((value, index) => {
    if (operator === "In" && value === 0) {
      errors.push(fieldError.invalid(`${at}[${index}]`, value, "must not be 0 for the In operator"));
    }
    if (seen.has(value)) errors.push(fieldError.duplicate(`${at}[${index}]`, value));
    seen.add(value);
  });
  const ordered = values.every((value, index) => index === 0 || (values[index - 1] ?? value) <= value);
  return ordered ? errors : [...errors, fieldError.invalid(at, values, "must be ordered")];
}

function conditionErrors(patterns: NonNullable<PodFailurePolicyRule["onPodConditions"]>, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (patterns.length > CONDITIONS_MAX) errors.push(tooManyError(field, patterns.length, CONDITIONS_MAX));
  patterns.forEach(({ type, status }, index) => {
    const at = `${field}[${index}]`;
    errors.push(...invalidFor(`${at}.type`, type, qualifiedNameFaults(type)));
    if (!status) errors.push(fieldError.required(`${at}.status`, listed(CONDITION_STATUSES)));
    else if (!CONDITION_STATUSES.includes(status)) {
      errors.push(fieldError.notSupported(`${at}.status`, status, CONDITION_STATUSES));
    }
  });
  return errors;
}

export function successPolicyErrors(spec: JobSpec, field: string): FieldError[] {
  const { successPolicy, completionMode, completions = 0 } = spec;
  if (completionMode !== "Indexed") {
    return [fieldError.invalid(field, successPolicy, "requires indexed completion mode")];
  }
  const rules = successPolicy?.rules ?? [];
  const at = `${field}.rules`;
  const errors: FieldError[] = [];
  if (rules.length === 0) {
    errors.push(fieldError.required(at, "at least one rules must be specified when the successPolicy is specified"));
  }
  if (rules.length > RULES_MAX) errors.push(tooManyError(at, rules.length, RULES_MAX));
  return [...errors, ...rules.flatMap((rule, index) => successRuleErrors(rule, completions, `${at}[${index}]`))];
}

function successRuleErrors(
  { succeededIndexes: indexes, succeededCount: count }: SuccessPolicyRule,
  completions: number,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (count === undefined && indexes === undefined) {
    errors.push(fieldError.required(field, "at least one of succeededCount or succeededIndexes must be specified"));
  }
  let total = 0;
  if (indexes !== undefined) {
    const at = `${field}.succeededIndexes`;
    if (byteLength(indexes) > INDEXES_BYTES_MAX) errors.push(fieldError.tooLong(at, INDEXES_BYTES_MAX));
    try {
      total = countIndexes(indexes, completions);
    } catch (error) {
      errors.push(fieldError.invalid(at, indexes, `error parsing succeededIndexes: ${(error as Error).message}`));
    }
  }
  if (count === undefined) return errors;
  const at = `${field}.succeededCount`;
  errors.push(...validateNonnegative(count, at));
  if (count > completions) {
    const why = `must be less than or equal to ${completions} (the number of specified completions)`;
    errors.push(fieldError.invalid(at, count, why));
  }
  if (indexes !== undefined && count > total) {
    const why = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
    errors.push(fieldError.invalid(at, count, why));
  }
  return errors;
}
