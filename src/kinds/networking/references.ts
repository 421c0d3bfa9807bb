/** References to objects of any kind: pkg/apis/networking/validation of Kubernetes. */
import { dnsSubdomainFaults, pathSegmentFaults } from "../../machinery/names.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { invalidFor } from "../../machinery/validation.ts";
import type { TypedReference } from "./types.ts";

export function referenceErrors(reference: TypedReference, field: string): FieldError[] {
  const { apiGroup } = reference;
  const errors = apiGroup === undefined ? [] : invalidFor(`${field}.apiGroup`, apiGroup, dnsSubdomainFaults(apiGroup));
  for (const name of ["kind", "name"] as const) {
    const value = reference[name];
    if (!value) errors.push(fieldError.required(`${field}.${name}`, `${name} is required`));
    else errors.push(...invalidFor(`${field}.${name}`, value, pathSegmentFaults(value)));
  }
  return errors;
}
