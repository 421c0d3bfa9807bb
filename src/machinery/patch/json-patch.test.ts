import { describe, expect, it } from "vitest";
import { isStatusError } from "../status-error.ts";
import { applyPatch } from "./apply-patch.ts";
import { JSON_PATCH_OPERATIONS_MAX } from "./json-patch.ts";

const apply = (original: unknown, patch: unknown) => applyPatch({ type: "json", original, patch });

function refusal(run: () => unknown): { code: number; message: string } {
  try {
    run();
  } catch (error) {
    if (isStatusError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("was not refused");
}

const operations = (count: number) => Array.from({ length: count }, () => ({ op: "test", path: "/a", value: 1 }));

describe("JSON patch", () => {
  it.each<[string, unknown, unknown, unknown]>([
    ["adds a member", { a: 1 }, [{ op: "add", path: "/b", value: 2 }], { a: 1, b: 2 }],
    ["adds null", { a: 1 }, [{ op: "add", path: "/a", value: null }], { a: null }],
    ["adds over an existing member", { a: 1 }, [{ op: "add", path: "/a", value: [2] }], { a: [2] }],
    ["inserts into a list", { l: [1, 3] }, [{ op: "add", path: "/l/1", value: 2 }], { l: [1, 2, 3] }],
    ["adds at the end by index", { l: [1] }, [{ op: "add", path: "/l/1", value: 2 }], { l: [1, 2] }],
    ["adds at the end by dash", { l: [1] }, [{ op: "add", path: "/l/-", value: 2 }], { l: [1, 2] }],
    ["counts from the end", { l: [1, 2, 3] }, [{ op: "remove", path: "/l/-1" }], { l: [1, 2] }],
    ["removes a member", { a: 1, b: 2 }, [{ op: "remove", path: "/a" }], { b: 2 }],
    ["replaces an item", { l: [1, 2] }, [{ op: "replace", path: "/l/0", value: 9 }], { l: [9, 2] }],
    ["replaces the document", { a: 1 }, [{ op: "replace", path: "", value: { b: 2 } }], { b: 2 }],
    ["moves", { a: { b: 1 }, c: {} }, [{ op: "move", from: "/a/b", path: "/c/d" }], { a: {}, c: { d: 1 } }],
    ["moves within a list", { l: [1, 2, 3] }, [{ op: "move", from: "/l/0", path: "/l/2" }], { l: [2, 3, 1] }],
    ["copies", { a: { b: 1 } }, [{ op: "copy", from: "/a", path: "/c" }], { a: { b: 1 }, c: { b: 1 } }],
    [
      "unescapes",
      { "a/b": 1, "m~n": 2, "~1": 3 },
      [
        { op: "remove", path: "/a~1b" },
        { op: "replace", path: "/m~0n", value: 0 },
        { op: "remove", path: "/~01" },
      ],
      { "m~n": 0 },
    ],
    ["tests", { a: { b: [1, { c: null }] } }, [{ op: "test", path: "/a", value: { b: [1, { c: null }] } }], null],
    ["tests for absence", { a: 1 }, [{ op: "test", path: "/b", value: null }], null],
    ["knows the empty name", { "": 1 }, [{ op: "remove", path: "/" }], {}],
    ["does nothing", { a: 1 }, [], { a: 1 }],
    ["does nothing for null", { a: 1 }, null, { a: 1 }],
    ["makes what it replaces", { a: 1 }, [{ op: "replace", path: "/b", value: 2 }], { a: 1, b: 2 }],
    ["adds null where it has no value", { a: 1 }, [{ op: "add", path: "/b" }], { a: 1, b: null }],
    ["copies null from where nothing is", { a: 1 }, [{ op: "copy", from: "/x", path: "/b" }], { a: 1, b: null }],
  ])("%s", (_, original, patch, expected) => {
    const before = JSON.stringify([original, patch]);
    expect(apply(original, patch)).toEqual(expected ?? original);
    expect(JSON.stringify([original, patch])).toBe(before);
  });

  it.each<[string, unknown]>([
    ["a test that fails", [{ op: "test", path: "/a", value: 2 }]],
    ["a test of another type", [{ op: "test", path: "/a", value: "1" }]],
    ["a member too many in a test", [{ op: "test", path: "/m", value: { x: 1, y: 2 } }]],
    ["an unknown operation", [{ op: "frobnicate", path: "/a" }]],
    ["no operation", [{ path: "/a" }]],
    ["no path", [{ op: "remove" }]],
    ["a path without a slash", [{ op: "remove", path: "a" }]],
    ["removing what is not there", [{ op: "remove", path: "/b" }]],
    ["replacing what is nowhere", [{ op: "replace", path: "/b/c", value: 1 }]],
    ["replacing beyond the end", [{ op: "replace", path: "/l/2", value: 1 }]],
    ["replacing after the end", [{ op: "replace", path: "/l/-", value: 1 }]],
    ["adding the document", [{ op: "add", path: "", value: {} }]],
    ["making the document a string", [{ op: "replace", path: "", value: "x" }]],
    ["copying the document", [{ op: "copy", from: "", path: "/b" }]],
    ["moving what is not there", [{ op: "move", from: "/b", path: "/c" }]],
    ["adding below what is not there", [{ op: "add", path: "/b/c", value: 1 }]],
    ["adding below a string", [{ op: "add", path: "/s/c", value: 1 }]],
    ["an index beyond the end", [{ op: "add", path: "/l/3", value: 1 }]],
    ["an index before the beginning", [{ op: "remove", path: "/l/-3" }]],
    ["a name in a list", [{ op: "remove", path: "/l/x" }]],
    ["moving into itself", [{ op: "move", from: "/m", path: "/m/x" }]],
    ["removing the document", [{ op: "remove", path: "" }]],
    ["an inherited member", [{ op: "add", path: "/constructor/prototype/x", value: 1 }]],
    [
      "one bad operation among good ones",
      [
        { op: "remove", path: "/a" },
        { op: "remove", path: "/a" },
      ],
    ],
  ])("refuses %s with 422", (_, patch) => {
    const original = { a: 1, s: "x", l: [1, 2], m: { x: 1 } };
    const before = structuredClone(original);
    expect(refusal(() => apply(original, patch))).toEqual({
      code: 422,
      message: "the server rejected our request due to an error in our request",
    });
    expect(original).toEqual(before);
  });

  it.each<[string, unknown]>([
    ["a map", { op: "remove", path: "/a" }],
    ["operations that are no maps", ["remove"]],
    ["a path that is a number", [{ op: "remove", path: 1 }]],
    ["__proto__", [{ op: "add", path: "/__proto__", value: { polluted: true } }]],
    ["__proto__ in a value", JSON.parse('[{"op":"add","path":"/b","value":{"__proto__":{"polluted":true}}}]')],
  ])("refuses %s with 400", (_, patch) => {
    expect(refusal(() => apply({ a: 1 }, patch)).code).toBe(400);
    expect({}).not.toHaveProperty("polluted");
  });

  it("bounds the number of operations", () => {
    expect(apply({ a: 1 }, operations(JSON_PATCH_OPERATIONS_MAX))).toEqual({ a: 1 });
    expect(refusal(() => apply({ a: 1 }, operations(JSON_PATCH_OPERATIONS_MAX + 1)))).toEqual({
      code: 413,
      message: "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
    });
  });

  it("bounds what copies add up to", () => {
    const doubling = Array.from({ length: 40 }, () => ({ op: "copy", from: "/l", path: "/l/-" }));
    expect(refusal(() => apply({ l: ["some text"] }, doubling)).code).toBe(422);
  });

  it.each([
    ["insertions at the front", { op: "add", path: "/l/0", value: 1 }],
    ["removals at the front", { op: "remove", path: "/l/0" }],
    ["moves to the front", { op: "move", from: "/l/-1", path: "/l/0" }],
  ])("bounds what %s move of a long list", (_what, operation) => {
    const l = Array.from({ length: 40_000 }, (_, at) => at);
    const patch = Array.from({ length: 1_000 }, () => operation);
    expect(refusal(() => apply({ l }, patch))).toMatchObject({ code: 422 });
    expect(() => apply({ l: l.slice(0, 10_000) }, patch)).not.toThrow();
  });

  it("bounds the length of a path", () => {
    expect(refusal(() => apply({}, [{ op: "test", path: "/a".repeat(1_000_000), value: 1 }]))).toMatchObject({
      code: 422,
    });
  });

  it("shares nothing with the patch", () => {
    const patch = [{ op: "add", path: "/a", value: { b: 1 } }];
    const result = apply({}, patch) as { a: { b: number } };
    result.a.b = 2;
    expect(patch[0]?.value.b).toBe(1);
  });
});
