/** Shares of the pods of a workload: pkg/apis/apps/validation of Kubernetes. */
import { percentFaults } from "../../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import { invalidFor, validateNonnegative } from "../../../../machinery/validation.ts";
import type { IntOrString } from "../types.ts";

/** A number or a percentage. */
export function amountErrors(amount: IntOrString, field: string): FieldError[] {
  if (typeof amount === "number") return validateNonnegative(amount, field);
  return invalidFor(field, amount, percentFaults(amount));
}

export function isZero(amount: IntOrString): boolean {
  return amountOf(amount) === 0;
}

export function atMostAllErrors(amount: IntOrString, field: string): FieldError[] {
  if (typeof amount === "number" || percentFaults(amount).length > 0 || amountOf(amount) <= 100) return [];
  return [fieldError.invalid(field, amount, "must not be greater than 100%")];
}

/** What cannot be read counts as nothing, as in Go. */
function amountOf(amount: IntOrString): number {
  return typeof amount === "number" ? amount : Number.parseInt(amount, 10) || 0;
}
