import { isRawNumber } from "./patch/json-value.ts";

/**
 * A deep copy of what a body was decoded to. `structuredClone` throws where a body has integers beyond 2^53: those are raw numbers
 * (encoding/json.ts), which never change and are shared.
 */
export function copyJson<T>(value: T): T {
  if (typeof value !== "object" || value === null || isRawNumber(value)) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  const members = Object.entries(value).map(([name, member]) => [name, copyJson(member)]);
  return Object.fromEntries(members) as T;
}
