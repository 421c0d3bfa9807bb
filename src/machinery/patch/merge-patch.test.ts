import { describe, expect, it } from "vitest";
import { createDice, withSeed, type Dice } from "../../../test/harness/seeded.ts";
import { isStatusError } from "../status-error.ts";
import { applyPatch } from "./apply-patch.ts";

const apply = (original: unknown, patch: unknown) => applyPatch({ type: "merge", original, patch });

describe("merge patch", () => {
  // The examples of RFC 7386, appendix A, that have an object for a patch.
  it.each<[unknown, unknown, unknown]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    // A null in a list is a value. One in a map inside of the list is taken out, which is not what the RFC says, but what Kubernetes
    // does, unless the list takes the place of a map.
    [{ a: 1 }, { a: [null, { b: null }] }, { a: [null, {}] }],
    [{ a: {} }, { a: [null, { b: null }] }, { a: [null, { b: null }] }],
    // An inherited member is no member.
    [{}, { constructor: { a: 1 } }, { constructor: { a: 1 } }],
  ])("%j + %j = %j", (original, patch, expected) => {
    const before = JSON.stringify([original, patch]);
    expect(apply(original, patch)).toEqual(expected);
    expect(JSON.stringify([original, patch])).toBe(before);
  });

  it.each([[["c"]], ["bar"], [null], [1], [JSON.parse('{"a":{"__proto__":{"polluted":true}}}')]])(
    "refuses %j as malformed",
    (patch) => {
      const refused = (() => {
        try {
          return apply({ a: 1 }, patch);
        } catch (error) {
          return error;
        }
      })();
      expect(isStatusError(refused, "BadRequest")).toBe(true);
      expect({}).not.toHaveProperty("polluted");
    },
  );

  it("leads from any object to any other by the patch between them", async () => {
    await withSeed(async (dice) => {
      for (let round = 0; round < 500; round++) {
        const from = randomObject(dice, 3);
        const to = randomObject(dice, 3);
        const patch = difference(from, to);
        const once = apply(from, patch);
        expect(once).toEqual(to);
        expect(apply(once, patch)).toEqual(once);
      }
    });
  });

  it("draws objects that differ", () => {
    const dice = createDice(1);
    expect(randomObject(dice, 3)).not.toEqual(randomObject(dice, 3));
  });
});

type Tree = { [name: string]: Tree | number | number[] };

function randomObject(dice: Dice, depth: number): Tree {
  const object: Tree = {};
  for (const name of ["a", "b", "c", "d"]) {
    const kind = dice.roll(depth === 0 ? 3 : 4);
    if (kind === 1) object[name] = dice.roll(3);
    if (kind === 2) object[name] = Array.from({ length: dice.roll(3) }, () => dice.roll(3));
    if (kind === 3) object[name] = randomObject(dice, depth - 1);
  }
  return object;
}

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

function difference(from: Tree, to: Tree): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const name of Object.keys(from)) if (!(name in to)) patch[name] = null;
  for (const [name, value] of Object.entries(to)) {
    const before = from[name];
    if (isTree(value) && isTree(before)) patch[name] = difference(before, value);
    else if (JSON.stringify(before) !== JSON.stringify(value)) patch[name] = value;
  }
  return patch;
}
