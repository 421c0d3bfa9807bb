import { describe, expect, it } from "vitest";
import { createDice, type Dice } from "../../test/harness/seeded.ts";
import { loadYaml } from "./yaml.ts";

describe("loadYaml", () => {
  it.each([
    ["a: yes", { a: true }],
    ["a: [on, off, y, n, No, TRUE]", { a: [true, false, true, false, false, true] }],
    ["a: 'yes'", { a: "yes" }],
    ["a: 0777", { a: 511 }],
    ["a: 0o17", { a: 15 }],
    ["a: 0x1F", { a: 31 }],
    ["a: 0b101", { a: 5 }],
    ["a: 1_000", { a: 1000 }],
    ["a: -0", { a: 0 }],
    ["a: 08", { a: 8 }],
    ["a: 1.5e3", { a: 1500 }],
    ["a: .5", { a: 0.5 }],
    ["a: 1.2.3", { a: "1.2.3" }],
    ["a: ~\nb: null\nc:", { a: null, b: null, c: null }],
    ["a: 2001-01-01", { a: "2001-01-01" }],
    ["1: a\ntrue: b\n1.5: c", { "1": "a", true: "b", "1.5": "c" }],
    ["a: |\n  x\n  y\n", { a: "x\ny\n" }],
    ["# only\n--- \na: 1\n", { a: 1 }],
    ["", null],
    ["# nothing\n", null],
    ["a: &x {b: 1}\nc: *x", { a: { b: 1 }, c: { b: 1 } }],
    ["a: &x {b: 1}\nc:\n  <<: *x\n  b: 2", { a: { b: 1 }, c: { b: 2 } }],
    ['{"a": {"b": [1, "2"]}}', { a: { b: [1, "2"] } }],
    ["a: !!str 5", { a: "5" }],
  ])("%j", (text, value) => {
    expect(loadYaml(text)).toEqual({ value, duplicates: [] });
  });

  // The lines are those that sigs.k8s.io/yaml v1.6 prints.
  it.each<[string, unknown, string[]]>([
    [
      "a: 1\na: 2\nb:\n- c: {d: 1, d: 2}\n  e: 3\n",
      { a: 2, b: [{ c: { d: 2 }, e: 3 }] },
      ['line 2: key "a"', 'line 4: key "d"'],
    ],
    [
      "a: 1\nb:\n  c: &x [1,2]\n  c: *x\na:\n  - q\n",
      { a: ["q"], b: { c: [1, 2] } },
      ['line 4: key "c"', 'line 6: key "a"'],
    ],
    [
      "a: 1\nb: {x: 1, x: 2}\nb:\n  - c: 1\n    c: |\n      t\n",
      { a: 1, b: [{ c: "t\n" }] },
      ['line 2: key "x"', 'line 5: key "c"', 'line 4: key "b"'],
    ],
    ["5: 1\n5: 2\ntrue: 1\nyes: 2\n", { 5: 2, true: 2 }, ["line 2: key 5", "line 4: key true"]],
    ['a: 1\n"a": 2\na: 3\n', { a: 3 }, ['line 2: key "a"', 'line 3: key "a"']],
    ["x:\n  a: 1\n  a:\n    z: 1\n    z: 2\n", { x: { a: { z: 2 } } }, ['line 5: key "z"', 'line 4: key "a"']],
    ["a: 1\na:\nb: 1\nb:\n\n\n  c: 1\n", { a: null, b: { c: 1 } }, ['line 2: key "a"', 'line 7: key "b"']],
    ["a: 1\na: &x\n\n  b: 1\n", { a: { b: 1 } }, ['line 2: key "a"']],
    ["a: 1\na: !!str 5\n", { a: "5" }, ['line 2: key "a"']],
    ["a: 'x\n\n  y'\na: 2", { a: 2 }, ['line 4: key "a"']],
  ])("reports duplicates of %j by line and keeps the last", (text, value, lines) => {
    expect(loadYaml(text)).toEqual({ value, duplicates: lines.map((line) => `${line} already set in map`) });
  });

  it("reads the first of several documents", () => {
    expect(loadYaml("a: 1\na: 2\n---\na: 1\na: 2\n")).toEqual({
      value: { a: 2 },
      duplicates: ['line 2: key "a" already set in map'],
    });
  });

  it("keeps large integers", () => {
    expect(JSON.stringify(loadYaml("a: 9007199254740993").value)).toBe('{"a":9007199254740993}');
  });

  it.each([
    ["a: b: c", /^yaml: line 1: /],
    ["a: [1", /^yaml: /],
    ["a: 1\n b: 2", /^yaml: line 2: /],
    ["\tx: 1", /^yaml: /],
    ["a: .inf", /^json: unsupported value/],
    ["? [a]\n: b", /unsupported map key/],
    ["__proto__: {x: 1}", /"__proto__" is not allowed/],
    ["a: *nothing", /^yaml: /],
    ["[".repeat(3000), /^yaml: /],
    [bomb(), /excessive aliasing/],
    ["a: 1\n".repeat(300_000), /limit is 1048576|fields and items/],
    [`a: &x 1\n${many(15_000, (at) => `k${at}: 1`)}`, /limit is 20000 fields and items/],
    [many(60_000, (at) => `k${at}: 1`), /limit is 32000 fields and items/],
    [`${"\n".repeat(100_000)} a: b: c`, /^yaml: line 100001: /],
  ])("refuses %j", (text, message) => {
    expect(() => loadYaml(text)).toThrow(message);
  });
});

describe("random documents", () => {
  it("mean the same whether the library's constructor makes them or ours", () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    const dice = createDice(seed);
    for (let round = 0; round < 500; round += 1) {
      const text = `first: 1\n${block(dice, 0)}`;
      // What has an anchor is made by the library.
      const [ours, theirs] = [attempt(text), attempt(`${text}\nlast: &anchor 1`)];
      const { last: _last, ...value } = theirs.value as { last?: unknown };
      expect({ ...theirs, value }, `seed ${seed}: ${text}`).toEqual(ours);
    }
  });
});

function attempt(text: string): { value: unknown; duplicates?: string[]; refused?: boolean } {
  try {
    return loadYaml(text);
  } catch {
    return { value: {}, refused: true };
  }
}

const SCALARS = [
  "a",
  "yes",
  "~",
  "",
  "0777",
  "0x1F",
  "1_000",
  "1.5e3",
  "'q''q'",
  '"\\x41\\n"',
  "9007199254740993",
  "[a, 1, {b: no}]",
];
const BLOCKS = ["|\n  x\n   y\n\n  z", ">-\n  x\n  y", "plain\n  goes on"];

/** Members of a mapping, some twice. */
function block(dice: Dice, depth: number): string {
  const indent = "  ".repeat(depth);
  return Array.from({ length: 1 + dice.roll(4) }, () => {
    const key = dice.pick(["a", "b", "'c'", "1", "true", "x-y", '"d e"']);
    if (depth < 3 && dice.chance(0.3)) return `${indent}${key}:\n${block(dice, depth + 1)}`;
    if (dice.chance(0.2)) return `${indent}${key}:\n${indent}- ${dice.pick(SCALARS)}\n${indent}-\n${indent}- k: v`;
    if (dice.chance(0.2)) return `${indent}${key}: ${dice.pick(BLOCKS).replaceAll("\n", `\n${indent}`)}`;
    return `${indent}${key}: ${dice.pick(SCALARS)}`;
  }).join("\n");
}

function many(count: number, line: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => line(at)).join("\n");
}

/** A few lines that stand for ten to the ninth nodes. */
function bomb(): string {
  const lines = ["a0: &a0 [x]"];
  for (let i = 1; i < 10; i += 1) lines.push(`a${i}: &a${i} [${`*a${i - 1},`.repeat(10)}]`);
  return lines.join("\n");
}
