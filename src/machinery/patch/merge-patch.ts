/** JSON Merge Patch (RFC 7386): maps are merged, null deletes, everything else replaces. */
import { badRequest } from "../status-error.ts";
import { copyJson, goTypeOf, isObject, member, setMember, type JsonObject } from "./json-value.ts";

/** @throws StatusError "BadRequest" unless the patch is an object: an API object can be nothing else */
export function applyMergePatch(original: unknown, patch: unknown): unknown {
  if (patch === null) throw badRequest("Invalid JSON Patch");
  if (!isObject(patch)) throw notAnObject(patch);
  return merged(original, patch);
}

export function notAnObject(patch: unknown): Error {
  return badRequest(
    `error decoding patch: json: cannot unmarshal ${goTypeOf(patch)} into Go value of type map[string]interface {}`,
  );
}

function merged(original: unknown, patch: unknown): unknown {
  // Kubernetes deletes by null also in the maps of a new list, unless the list takes the place of a map.
  if (!isObject(patch)) return isObject(original) ? copyJson(patch) : withoutNulls(patch);
  const result: JsonObject = isObject(original) ? { ...original } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else setMember(result, key, merged(member(result, key), value));
  }
  return result;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  return isObject(value) ? merged(undefined, value) : value;
}
