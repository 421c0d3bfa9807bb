/** Metadata as the rules of a kind want it. */
import type { KubeObject } from "../machinery/meta.ts";
import { isObject, isRawNumber } from "../machinery/patch/json-value.ts";
import type { FieldError } from "../machinery/status-error.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "../machinery/validate-meta.ts";
import type { Resource } from "./scheme.ts";

/** `old` is undefined for a new object. Never mutates. */
export function metaErrors(resource: Resource, object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const rules = { namespaced: resource.namespaced, nameRule: resource.stored.kind.nameRule, field: "metadata" };
  if (!old) return validateObjectMeta(object.metadata, rules);
  return validateObjectMetaUpdate(object.metadata, old.metadata, rules);
}

/**
 * What a kind's validation finds. A body of a few megabytes can have more faults than a function takes arguments, which is how
 * validators join them: that is one fault, and not the server's. Validators count with numbers; integers beyond 2^53 are raw
 * (encoding/json.ts) and cannot be compared, so where one is met the objects are judged as `seen` shows them: by the nearest number.
 */
export function faultsOf(validate: (seen: <T>(value: T) => T) => FieldError[] | undefined): FieldError[] {
  try {
    return validate((value) => value) ?? [];
  } catch (error) {
    if (error instanceof TypeError) return faultsOfNearest(validate, error);
    if (!(error instanceof RangeError)) throw error;
    return [{ reason: "FieldValueTooMany", field: "", message: "Too many: there are more faults than can be told" }];
  }
}

/** @throws the error when it was not for a raw number */
function faultsOfNearest(validate: Parameters<typeof faultsOf>[0], error: TypeError): FieldError[] {
  let replaced = 0;
  const nearest = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(nearest);
    if (isRawNumber(value)) {
      replaced += 1;
      return Number(value.rawJSON);
    }
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, nearest(member)]));
  };
  const faults = validate((value) => nearest(value) as typeof value) ?? [];
  if (replaced === 0) throw error;
  return faults;
}
