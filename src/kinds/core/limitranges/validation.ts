/** LimitRange: ValidateLimitRange of pkg/apis/core/validation of Kubernetes. */
import { qualifiedNameFaults } from "../../../machinery/names.ts";
import { compareQuantities, readQuantity } from "../../../machinery/quantity.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import type { ResourceList } from "../pods/types.ts";
import { resourceNameErrors } from "../pods/validation/resource-names.ts";
import type { LimitRange, LimitRangeItem } from "./types.ts";

const TYPES = ["Pod", "Container", "PersistentVolumeClaim"];
const LISTS = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

export function validateLimitRange({ spec }: LimitRange): FieldError[] {
  const types = new Set<string>();
  return (spec.limits ?? []).flatMap((limit, index) => {
    const field = `spec.limits[${index}]`;
    const errors = typeErrors(limit.type, `${field}.type`);
    if (types.has(limit.type)) errors.push(fieldError.duplicate(`${field}.type`, limit.type));
    types.add(limit.type);
    for (const list of LISTS) {
      if (limit.type === "Pod" && (list === "default" || list === "defaultRequest")) continue;
      for (const name of Object.keys(limit[list] ?? {})) {
        errors.push(...resourceNameErrors(name, { field: `${field}.${list}[${name}]`, of: limit.type }));
      }
    }
    return [...errors, ...kindErrors(limit, field), ...orderErrors(limit, field)];
  });
}

function typeErrors(type: string, field: string): FieldError[] {
  const faults = qualifiedNameFaults(type);
  if (faults.length > 0) return invalidFor(field, type, faults);
  if (type.includes("/") || TYPES.includes(type)) return [];
  return [fieldError.invalid(field, type, "must be a standard limit type or fully qualified")];
}

function kindErrors(limit: LimitRangeItem, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (limit.type === "Pod") {
    for (const list of ["default", "defaultRequest"] as const) {
      if (Object.keys(limit[list] ?? {}).length === 0) continue;
      errors.push(fieldError.forbidden(`${field}.${list}`, "may not be specified when `type` is 'Pod'"));
    }
  }
  const bounded = limit.min?.["storage"] !== undefined || limit.max?.["storage"] !== undefined;
  if (limit.type === "PersistentVolumeClaim" && !bounded) {
    const why = "either minimum or maximum storage value is required, but neither was provided";
    errors.push(fieldError.required(field, why));
  }
  return errors;
}

/** Pairs of which the first may not be above the second: the list whose member is named, and what messages call the two. */
const ORDER = [
  ["min", "max", "min", "min value", "max value"],
  ["min", "defaultRequest", "defaultRequest", "min value", "default request value"],
  ["defaultRequest", "max", "defaultRequest", "default request value", "max value"],
  ["defaultRequest", "default", "defaultRequest", "default request value", "default limit value"],
  ["min", "default", "default", "min value", "default value"],
  ["default", "max", "default", "default value", "max value"],
] as const;

function orderErrors(limit: LimitRangeItem, field: string): FieldError[] {
  const names = new Set(LISTS.flatMap((list) => Object.keys(limit[list] ?? {})));
  return [...names].toSorted().flatMap((name) => {
    const errors: FieldError[] = [];
    for (const [low, high, shown, lowText, highText] of ORDER) {
      if (limit.type === "Pod" && [low, high].some((list) => list !== "min" && list !== "max")) continue;
      const a = limit[low]?.[name];
      const b = limit[high]?.[name];
      if (a === undefined || b === undefined || !isAbove(a, b)) continue;
      const why = `${lowText} ${a} is greater than ${highText} ${b}`;
      errors.push(fieldError.invalid(`${field}.${shown}[${name}]`, limit[shown]?.[name], why));
    }
    return [...errors, ...ratioErrors(limit, name, `${field}.maxLimitRequestRatio[${name}]`)];
  });
}

function ratioErrors(
  { maxLimitRequestRatio: ratios, min, max }: LimitRangeItem,
  name: string,
  field: string,
): FieldError[] {
  const ratio = ratios?.[name];
  if (ratio === undefined) return [];
  if (isAbove("1", ratio)) return [fieldError.invalid(field, ratio, `ratio ${ratio} is less than 1`)];
  const [low, high] = [number(min, name), number(max, name)];
  if (!low || !high || number(ratios, name) * low <= high) return [];
  const most = high / low;
  return [fieldError.invalid(field, ratio, `ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`)];
}

function number(list: ResourceList | undefined, name: string): number {
  const quantity = readQuantity(list?.[name] ?? "0");
  return quantity ? Number(quantity.nano) / 1e9 : 0;
}

function isAbove(a: string, b: string): boolean {
  const [x, y] = [readQuantity(a), readQuantity(b)];
  return x !== undefined && y !== undefined && compareQuantities(x, y) > 0;
}
