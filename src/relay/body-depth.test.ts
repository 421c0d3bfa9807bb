import { expect, test } from "vitest";
import { isTooDeep } from "./body-depth.ts";

const nested = (levels: number, open = "[", close = "]"): string => open.repeat(levels) + close.repeat(levels);

test.each([
  ["nothing", "", false],
  ["a status", JSON.stringify({ a: [{ b: { c: [1, "x"] } }] }), false],
  ["a hundred lists", nested(100), false],
  ["one more", nested(101), true],
  ["maps", nested(101, '{"a":', "}"), true],
  ["without an end", "[".repeat(101), true],
  ["many side by side", `[${"[],".repeat(1_000)}[]]`, false],
  ["brackets in a string", JSON.stringify("[".repeat(500)), false],
  ["brackets behind an escaped quote", JSON.stringify(`"${"[".repeat(500)}`), false],
  ["brackets behind an escaped backslash", `["\\\\",${nested(100)}]`, true],
  ["a string without an end", `"${"[".repeat(500)}`, false],
])("%s", (_name, json, expected) => {
  expect(isTooDeep(json)).toBe(expected);
});
