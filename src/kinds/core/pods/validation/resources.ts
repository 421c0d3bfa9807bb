/** Requests and limits of containers and pods. */
import { compareQuantities, readQuantity } from "../../../../machinery/quantity.ts";
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import type { ResourceList, ResourceRequirements } from "../types.ts";
import { isExtendedResource, isWholeResource, resourceNameErrors } from "./resource-names.ts";

const NANO = 1_000_000_000n;

export function validateResources(resources: ResourceRequirements | undefined, field: string): FieldError[] {
  if (!resources) return [];
  const { limits = {}, requests = {} } = resources;
  const errors = validateList(limits, `${field}.limits`);
  for (const [name, text] of Object.entries(requests)) {
    const at = `${field}.requests`;
    const faults = validateList({ [name]: text }, at);
    errors.push(...faults);
    if (faults.length > 0) continue;
    errors.push(...requestErrors(name, text, { limit: limits[name], at }));
  }
  return errors;
}

function requestErrors(
  name: string,
  text: string,
  { limit, at }: { limit: string | undefined; at: string },
): FieldError[] {
  if (limit === undefined) {
    const mustLimit = isExtendedResource(name) || name.startsWith("hugepages-");
    return mustLimit
      ? [fieldError.required(at.replace(/requests$/, "limits"), "Limit must be set for non overcommitable resources")]
      : [];
  }
  const allowed = readQuantity(limit);
  const wanted = readQuantity(text);
  if (!allowed || !wanted) return [];
  const order = compareQuantities(wanted, allowed);
  if (isExtendedResource(name) || name.startsWith("hugepages-")) {
    return order === 0 ? [] : [fieldError.invalid(at, text, `must be equal to ${name} limit of ${limit}`)];
  }
  return order > 0 ? [fieldError.invalid(at, text, `must be less than or equal to ${name} limit of ${limit}`)] : [];
}

function validateList(resources: ResourceList, field: string): FieldError[] {
  return Object.entries(resources).flatMap(([name, text]) => [
    ...resourceNameErrors(name, { field: `${field}[${name}]`, of: "Container" }),
    ...quantityErrors(name, text, `${field}[${name}]`),
  ]);
}

function quantityErrors(name: string, text: string, field: string): FieldError[] {
  const quantity = readQuantity(text);
  if (!quantity) return [fieldError.invalid(field, text, "must be a quantity")];
  if (quantity.nano < 0n) return [fieldError.invalid(field, text, "must be greater than or equal to 0")];
  return isWholeResource(name) && quantity.nano % NANO !== 0n
    ? [fieldError.invalid(field, text, "must be an integer")]
    : [];
}
