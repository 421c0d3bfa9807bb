/** JSON Merge Patch (RFC 7386): maps are merged, null deletes, everything else replaces. */
import { badRequest } from "../status-error.ts";
import { copyJson, goTypeOf, isObject, member, setMember, type JsonObject } from "./json-value.ts";

/** @throws StatusError "BadRequest" unless the patch is an object: an API object can be nothing else */
export function applyMergePatch(original: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw notAnObject(patch);
  return merged(original, patch);
}

export function notAnObject(patch: unknown): Error {
  return badRequest(
    `error decoding patch: json: cannot unmarshal ${goTypeOf(patch)} into Go value of type map[string]interface {}`,
  );
}

function merged(original: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return copyJson(patch);
  const result: JsonObject = isObject(original) ? { ...original } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else setMember(result, key, merged(member(result, key), value));
  }
  return result;
}
