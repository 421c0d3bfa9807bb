/** What StorageClasses and VolumeAttributesClasses have in common: pkg/apis/storage/validation of Kubernetes. */
import { byteLength, qualifiedNameFaults } from "../../machinery/names.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { invalidFor } from "../../machinery/validation.ts";

const PARAMETERS_MAX = 512;
const PARAMETERS_BYTES_MAX = 256 * 1024;

export function provisionerErrors(name: string, field: string): FieldError[] {
  if (!name) return [fieldError.required(field)];
  const lower = name.toLowerCase();
  return invalidFor(field, lower, qualifiedNameFaults(lower));
}

export function parameterErrors(parameters: Readonly<Record<string, string>>, field: string): FieldError[] {
  const entries = Object.entries(parameters);
  if (entries.length > PARAMETERS_MAX) return [fieldError.tooLong(field, PARAMETERS_MAX)];
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === "") errors.push(fieldError.invalid(field, key, "field can not be empty."));
    bytes += byteLength(key) + byteLength(value);
  }
  return bytes > PARAMETERS_BYTES_MAX ? [...errors, fieldError.tooLong(field, PARAMETERS_BYTES_MAX)] : errors;
}
