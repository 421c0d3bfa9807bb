/** Checks of single values that validation of many kinds needs, with Kubernetes' texts. */
import { labelValueFaults, qualifiedNameFaults } from "./names.ts";
import type { LabelSelector } from "./selectors.ts";
import { fieldError, type FieldError } from "./status-error.ts";
import { validateLabels } from "./validate-meta.ts";

/** One error for each fault of the value. */
export function invalidFor(field: string, value: unknown, faults: readonly string[]): FieldError[] {
  return faults.map((fault) => fieldError.invalid(field, value, fault));
}

export function notFoundError(field: string, value: unknown): FieldError {
  return { reason: "FieldValueNotFound", field, message: `Not found: ${JSON.stringify(value)}` };
}

/** A list or map with more members than it may have. */
export function tooManyError(field: string, count: number, max: number): FieldError {
  return { reason: "FieldValueTooMany", field, message: `Too many: ${count}: must have at most ${max} items` };
}

/** A fault of several values together, of which none is shown. */
export function invalidWithoutValue(field: string, why: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${why}` };
}

/** One error for each number that is negative, at `field.name`; absent ones are fine. */
export function validateNonnegatives(of: object | undefined, field: string, names: readonly string[]): FieldError[] {
  const numbers = (of ?? {}) as Record<string, unknown>;
  return names.flatMap((name) => {
    const value = numbers[name];
    return typeof value === "number" ? validateNonnegative(value, `${field}.${name}`) : [];
  });
}

/** An absent number is fine. */
export function validateNonnegative(value: number | undefined, field: string): FieldError[] {
  return value === undefined || value >= 0
    ? []
    : [fieldError.invalid(field, value, "must be greater than or equal to 0")];
}

/** `undefined` and "" count as absent and are "Required". */
export function validateOneOf(value: string | undefined, field: string, supported: readonly string[]): FieldError[] {
  if (!value) return [fieldError.required(field)];
  return supported.includes(value) ? [] : [fieldError.notSupported(field, value, supported)];
}

/** metav1.LabelSelector: k8s.io/apimachinery/pkg/apis/meta/v1/validation. */
export function validateLabelSelector(selector: LabelSelector | undefined, field: string): FieldError[] {
  if (!selector) return [];
  const errors = validateLabels(selector.matchLabels, `${field}.matchLabels`);
  (selector.matchExpressions ?? []).forEach(({ key, operator, values = [] }, index) => {
    const at = `${field}.matchExpressions[${index}]`;
    if (operator === "In" || operator === "NotIn") {
      const why = "must be specified when `operator` is 'In' or 'NotIn'";
      if (values.length === 0) errors.push(fieldError.required(`${at}.values`, why));
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      if (values.length > 0) errors.push(fieldError.forbidden(`${at}.values`, why));
    } else {
      errors.push(fieldError.invalid(`${at}.operator`, operator, "not a valid selector operator"));
    }
    errors.push(...invalidFor(`${at}.key`, key, qualifiedNameFaults(key)));
    values.forEach((value, at2) => {
      errors.push(...invalidFor(`${at}.values[${at2}]`, value, labelValueFaults(value)));
    });
  });
  return errors;
}

export { IP_FAULT, ipFaults, isIpv4, isIpv6 } from "./ip.ts";
