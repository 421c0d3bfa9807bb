/** ConfigMap, and what it shares with Secret: pkg/apis/core/validation of Kubernetes. */
import { byteLength, configKeyFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { sameJson } from "../../../registry/same-json.ts";
import type { ConfigMap } from "./types.ts";

/** Of all values together. */
export const DATA_BYTES_MAX = 1024 * 1024;

export function validateConfigMap({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...invalidFor(`data[${key}]`, key, configKeyFaults(key)));
    if (Object.hasOwn(binaryData, key)) {
      errors.push(fieldError.invalid(`data[${key}]`, key, "duplicate of key present in binaryData"));
    }
    bytes += byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...invalidFor(`binaryData[${key}]`, key, configKeyFaults(key)));
    bytes += base64Length(value);
  }
  // Kubernetes names no field here.
  if (bytes > DATA_BYTES_MAX) errors.push(fieldError.tooLong("[]", DATA_BYTES_MAX));
  return errors;
}

export function validateConfigMapUpdate(now: ConfigMap, old: ConfigMap): FieldError[] {
  return validateImmutable(now, old, ["data", "binaryData"]);
}

/** An object that was declared immutable keeps its content and stays so. */
export function validateImmutable<T extends { immutable?: boolean; [field: string]: unknown }>(
  now: T,
  old: T,
  fields: readonly string[],
): FieldError[] {
  if (old.immutable !== true) return [];
  const errors: FieldError[] = [];
  if (now.immutable !== true) {
    errors.push(fieldError.forbidden("immutable", "field is immutable when `immutable` is set"));
  }
  for (const field of fields) {
    if (sameJson(now[field] ?? {}, old[field] ?? {})) continue;
    errors.push(fieldError.forbidden(field, "field is immutable when `immutable` is set"));
  }
  return errors;
}

/** Bytes that a base64 text stands for. */
export function base64Length(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}
