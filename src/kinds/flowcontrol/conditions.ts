/** Conditions of both kinds: pkg/apis/flowcontrol/validation of Kubernetes. */
import { fieldError, type FieldError } from "../../machinery/status-error.ts";

export function conditionErrors(conditions: readonly { type: string }[]): FieldError[] {
  const types = new Set<string>();
  return conditions.flatMap(({ type }, index) => {
    const field = `status.conditions[${index}].type`;
    const errors = types.has(type) ? [fieldError.duplicate(field, type)] : [];
    types.add(type);
    return type ? errors : [...errors, fieldError.required(field, "must not be empty")];
  });
}
