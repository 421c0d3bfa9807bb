/** metav1.Condition: ValidateConditions of k8s.io/apimachinery/pkg/apis/meta/v1/validation. */
import { byteLength, conditionReasonFaults, qualifiedNameFaults } from "./names.ts";
import { fieldError, type FieldError } from "./status-error.ts";
import { invalidFor, validateOneOf } from "./validation.ts";

export interface Condition {
  type?: string;
  status?: string;
  observedGeneration?: number;
  lastTransitionTime?: string | null;
  reason?: string;
  message?: string;
}

const STATUSES = ["False", "True", "Unknown"];
const REASON_BYTES_MAX = 1024;
const MESSAGE_BYTES_MAX = 32 * 1024;

export function validateConditions(conditions: readonly Condition[], field: string): FieldError[] {
  const types = new Set<string>();
  return conditions.flatMap((condition, index) => {
    const at = `${field}[${index}]`;
    const { type = "" } = condition;
    const errors = types.has(type) ? [fieldError.duplicate(at, type)] : [];
    types.add(type);
    return [...errors, ...conditionErrors(condition, at)];
  });
}

function conditionErrors(condition: Condition, field: string): FieldError[] {
  const { type = "", status, observedGeneration = 0, lastTransitionTime, reason = "", message = "" } = condition;
  const errors = type
    ? invalidFor(`${field}.type`, type, qualifiedNameFaults(type))
    : [fieldError.required(`${field}.type`, "is required")];
  errors.push(...validateOneOf(status, `${field}.status`, STATUSES));
  if (observedGeneration < 0) {
    const why = "must be greater than or equal to zero";
    errors.push(fieldError.invalid(`${field}.observedGeneration`, observedGeneration, why));
  }
  if (!lastTransitionTime) errors.push(fieldError.required(`${field}.lastTransitionTime`));
  if (reason) errors.push(...invalidFor(`${field}.reason`, reason, conditionReasonFaults(reason)));
  else errors.push(fieldError.required(`${field}.reason`));
  if (byteLength(reason) > REASON_BYTES_MAX) errors.push(fieldError.tooLong(`${field}.reason`, REASON_BYTES_MAX));
  if (byteLength(message) > MESSAGE_BYTES_MAX) errors.push(fieldError.tooLong(`${field}.message`, MESSAGE_BYTES_MAX));
  return errors;
}
