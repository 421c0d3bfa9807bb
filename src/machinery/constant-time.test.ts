import { expect, test } from "vitest";
import { sameBytes, sameSecret } from "./constant-time.ts";

test.each([
  ["", "", true],
  ["abc", "abc", true],
  ["abc", "abd", false],
  ["abc", "Abc", false],
  ["abc", "ab", false],
  ["ab", "abc", false],
  ["a", "a\u0000", false],
  ["ü", "u", false],
])("%j and %j: %j", (a, b, same) => {
  expect(sameSecret(a, b)).toBe(same);
});

/** An array that notes which of its elements are read. */
function watched(values: readonly number[], reads: number[]): ArrayLike<number> {
  return new Proxy(values, {
    get(target, name) {
      if (typeof name === "string" && /^\d+$/.test(name)) reads.push(Number(name));
      return Reflect.get(target, name) as unknown;
    },
  });
}

test("every element of both is read, in the same order, wherever they differ", () => {
  const secret = Array.from({ length: 32 }, (_, at) => at);
  const readsOf = (given: readonly number[]): string => {
    const [ofSecret, ofGiven]: [number[], number[]] = [[], []];
    sameBytes(watched(secret, ofSecret), watched(given, ofGiven));
    return JSON.stringify([ofSecret, ofGiven]);
  };
  const equal = readsOf(secret);
  expect(JSON.parse(equal)).toEqual([secret, secret]);
  for (let at = 0; at < secret.length; at += 1) expect(readsOf(secret.with(at, 255)), String(at)).toBe(equal);
  expect(readsOf(secret.map(() => 255))).toBe(equal);
});
