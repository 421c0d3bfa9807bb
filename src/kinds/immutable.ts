/** Fields that never change (ValidateImmutableField of k8s.io/apimachinery). */
import { fieldError, type FieldError } from "../machinery/status-error.ts";
import { sameJson } from "../registry/same-json.ts";

export const IMMUTABLE = "field is immutable";

export function immutableErrors(now: unknown, old: unknown, field: string): FieldError[] {
  return sameJson(now, old) ? [] : [fieldError.invalid(field, now ?? null, IMMUTABLE)];
}

/** Several members of two objects, e.g. `spec.a` and `spec.b`. */
export function immutableMembers<T extends object>(
  now: T | undefined,
  old: T | undefined,
  { field, members }: { field: string; members: readonly (keyof T & string)[] },
): FieldError[] {
  return members.flatMap((member) => immutableErrors(now?.[member], old?.[member], join(field, member)));
}

function join(field: string, member: string): string {
  return field === "" ? member : `${field}.${member}`;
}
