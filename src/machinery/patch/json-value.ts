/** JSON values as patches handle them. */
import { badRequest } from "../status-error.ts";

export type JsonObject = Record<string, unknown>;

/** A member map: neither a list nor a number that JSON.rawJSON keeps exact (codec.ts makes those, and they stay whole). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

export function isRawNumber(value: unknown): value is { readonly rawJSON: string } {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null && "rawJSON" in value;
}

/** The own member of that name: never something inherited, such as "constructor". */
export function member(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets a member. @throws StatusError "BadRequest" for the one name that would set the prototype instead */
export function setMember(object: JsonObject, key: string, value: unknown): void {
  if (key === "__proto__") throw badRequest('error decoding patch: the member name "__proto__" is not allowed');
  object[key] = value;
}

/** A deep copy. @throws StatusError "BadRequest" for a member `__proto__` */
export function copyJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyJson);
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) setMember(copy, key, copyJson(value[key]));
  return copy;
}

export function equalJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (isRawNumber(left) && isRawNumber(right)) return left.rawJSON === right.rawJSON;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => equalJson(item, right[index]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && equalJson(left[key], right[key]));
}

/** What Go calls the type of a JSON value. */
export function goTypeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return isRawNumber(value) ? "number" : typeof value;
}
