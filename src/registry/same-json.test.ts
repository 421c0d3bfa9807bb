import { expect, it } from "vitest";
import { sameJson } from "./same-json.ts";

it.each([
  [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: 1 }, { a: 1, b: undefined }, true],
  [{ a: undefined }, { b: undefined }, true],
  [{ a: 1 }, { a: 1, b: 0 }, false],
  [{ a: 1, b: 0 }, { a: 1 }, false],
  [[1, 2], [2, 1], false],
  [[], {}, false],
  [null, {}, false],
  ["1", 1, false],
  [{ toString: 1 }, {}, false],
])("%j and %j: %s", (left, right, same) => {
  expect(sameJson(left, right)).toBe(same);
  expect(sameJson(right, left)).toBe(same);
});
