/** Metadata as the rules of a kind want it. */
import type { KubeObject } from "../machinery/meta.ts";
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
 * validators join them: that is one fault, and not the server's.
 */
export function faultsOf(validate: () => FieldError[] | undefined): FieldError[] {
  try {
    return validate() ?? [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [{ reason: "FieldValueTooMany", field: "", message: "Too many: there are more faults than can be told" }];
  }
}
