import { isRawNumber } from "./patch/json-value.ts";

/**
 * A deep copy of what a body was decoded to. `structuredClone` throws where a body has integers beyond 2^53: those are raw numbers
 * (encoding/json.ts), which never change and are shared.
 */
export function copyJson<T>(value: T): T {
  if (typeof value !== "object" || value === null || isRawNumber(value)) return value;
  if (Array.isArray(value)) return value.map(copyJson) as T;
  // No decoder lets a member `__proto__` in.
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const member: unknown = (value as Record<string, unknown>)[name];
    copy[name] = typeof member === "object" ? copyJson(member) : member;
  }
  return copy as T;
}
