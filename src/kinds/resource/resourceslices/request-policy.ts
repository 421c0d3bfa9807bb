/** How much of a capacity that is shared one request may take (KEP-5075): pkg/apis/resource/validation of Kubernetes. */
import {
  compareQuantities,
  addQuantities,
  formatQuantity,
  readQuantity,
  type Quantity,
} from "../../../machinery/quantity.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { tooManyError } from "../../../machinery/validation.ts";
import { eachOf } from "../parts.ts";
import type { CapacityPolicy } from "../types.ts";

const OPTIONS_MAX = 10;
const NANO = 1_000_000_000n;

/** `value`: the capacity. What is no quantity has been refused before. */
export function policyErrors(policy: CapacityPolicy, value: string, field: string): FieldError[] {
  const { validValues = [], validRange } = policy;
  if (validValues.length > 0 && validRange) {
    const why = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
    return [fieldError.forbidden(field, why)];
  }
  const named = validValues.length > 0 ? "validValues" : validRange ? "validRange" : undefined;
  if (!named) return [];
  const usual = quantityOf(policy.default);
  if (!usual) return [fieldError.required(`${field}.default`, `required when ${named} is defined`)];
  const capacity = quantityOf(value) ?? ZERO;
  return validRange
    ? rangeErrors(validRange, { usual, capacity, field: `${field}.validRange` })
    : optionErrors(validValues, { usual, capacity, field: `${field}.validValues` });
}

const ZERO: Quantity = { nano: 0n, format: "DecimalSI" };

interface Within {
  usual: Quantity;
  capacity: Quantity;
  field: string;
}

function quantityOf(text: string | undefined): Quantity | undefined {
  return text === undefined ? undefined : readQuantity(text);
}

function optionErrors(texts: readonly string[], { usual, capacity, field }: Within): FieldError[] {
  const options = texts.map((text) => quantityOf(text) ?? ZERO);
  const errors: FieldError[] = [];
  options.forEach((option, index) => {
    const before = options[index - 1];
    if (before && compareQuantities(before, option) > 0) {
      errors.push(
        fieldError.invalid(`${field}[${index}]`, formatQuantity(option), "values must be sorted in ascending order"),
      );
    }
  });
  if (options.length > OPTIONS_MAX) errors.push(tooManyError(field, options.length, OPTIONS_MAX));
  else {
    errors.push(
      ...eachOf(options, { field, key: ({ nano }) => String(nano / NANO) }, (option, at) =>
        compareQuantities(option, capacity) > 0
          ? [
              fieldError.invalid(
                at,
                formatQuantity(option),
                `option is larger than capacity value: ${formatQuantity(capacity)}`,
              ),
            ]
          : [],
      ),
    );
  }
  if (options.some((option) => compareQuantities(option, usual) === 0)) return errors;
  const why = "default value is not valid according to the requestPolicy";
  return [...errors, fieldError.invalid(field, formatQuantity(usual), why)];
}

function rangeErrors(range: NonNullable<CapacityPolicy["validRange"]>, within: Within): FieldError[] {
  const { usual, capacity, field } = within;
  const [min, max, step] = [quantityOf(range.min), quantityOf(range.max), quantityOf(range.step)];
  if (!min) return [fieldError.required(`${field}.min`, "required when validRange is defined")];
  const errors: FieldError[] = [];
  const refuse = (member: string, value: Quantity, why: string, than: Quantity) =>
    errors.push(fieldError.invalid(`${field}.${member}`, formatQuantity(value), `${why}: ${formatQuantity(than)}`));
  if (compareQuantities(min, capacity) > 0) refuse("min", min, "min is larger than capacity value", capacity);
  if (compareQuantities(usual, min) < 0) refuse("default", usual, "default is less than min", min);
  if (max) {
    if (compareQuantities(min, max) > 0) refuse("max", min, "min is larger than max", max);
    if (compareQuantities(max, capacity) > 0) refuse("max", max, "max is larger than capacity value", capacity);
    if (compareQuantities(usual, max) > 0) refuse("default", usual, "default is more than max", max);
  }
  return step ? [...errors, ...stepErrors({ ...within, min, max, step })] : errors;
}

function stepErrors({
  usual,
  capacity,
  min,
  max,
  step,
  field,
}: Within & { min: Quantity; max: Quantity | undefined; step: Quantity }): FieldError[] {
  const at = `${field}.step`;
  const shown = formatQuantity(step);
  if (step.nano <= 0n) return [fieldError.invalid(at, shown, "must be greater than zero")];
  const errors: FieldError[] = [];
  const first = addQuantities(min, step);
  if (compareQuantities(first, capacity) > 0) {
    const why = `one step ${formatQuantity(first)} is larger than capacity value: ${formatQuantity(capacity)}`;
    errors.push(fieldError.invalid(at, shown, why));
  }
  for (const value of [usual, ...(max ? [max] : [])]) {
    if ((value.nano - min.nano) % step.nano === 0n) continue;
    const why = `value is not a multiple of a given step (${shown}) from (${formatQuantity(min)})`;
    errors.push(fieldError.invalid(at, formatQuantity(value), why));
  }
  return errors;
}
