/** The three kinds of patch, behind one function. Server-side apply is no patch in this sense. */
import type { SchemaNode } from "../schema.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge.ts";

export interface PatchRequest {
  type: "json" | "merge" | "strategic";
  original: unknown;
  /** The decoded body. */
  patch: unknown;
  /** Of the whole object. Only strategic merge reads it: where it is missing, lists are replaced and maps merged. */
  schema?: SchemaNode;
}

/**
 * The patched object. Never mutates its arguments; the result may share what did not change with `original`, and shares nothing
 * with `patch`, so one patch can be applied to several states.
 * @throws StatusError BadRequest (the patch is malformed), Invalid (it does not fit), RequestEntityTooLarge (too many operations)
 */
export function applyPatch({ type, original, patch, schema }: PatchRequest): unknown {
  if (type === "json") return applyJsonPatch(original, patch);
  if (type === "merge") return applyMergePatch(original, patch);
  return applyStrategicMergePatch(original, patch, schema);
}
