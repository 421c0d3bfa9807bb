/** Objects that are a little wrong: values of other types, members that are new or gone, and whatever their types allow. */
import type { SchemaNode } from "../../src/machinery/schema.ts";
import type { Dice } from "./seeded.ts";

/** More than an object may have, and less than a body. */
const HUGE_CHARACTERS = 1_600_000;
const NESTED_DEPTH = 500;

/** Values that somebody forgot to think of. */
export const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e21,
  2 ** 31,
  2 ** 53,
  Number.MAX_VALUE,
  "",
  "x",
  " ",
  "-1",
  "x".repeat(5_000),
  "\u0000\u2028",
  "\ud800",
  "ÄÖ\u{1f600}\u200f",
  "a/b/c",
  "../..",
  "%",
  "0x10",
  "NaN",
  [],
  [null],
  [[]],
  [{}],
  {},
  { a: null },
  { constructor: { prototype: 1 } },
  { "": "" },
  JSON.parse('{"__proto__": {"polluted": true}}'),
  ["a", 1, {}],
  "2026-01-01T00:00:00Z",
  "1Gi",
  "1e999",
  "100%",
  "$patch",
  { $patch: "delete" },
  { "$setElementOrder/containers": [{ name: "a" }] },
  "__proto__",
];

const ODD_MEMBERS = [
  "x",
  "name",
  "spec",
  "items",
  "__proto__",
  "constructor",
  "status",
  "$patch",
  "",
  "a.b",
  "\u{1f600}",
];

/** Changes something anywhere, so many times: a value, or a member that is new or gone. Never changes what it is given. */
export function mutated(dice: Dice, value: unknown, times: number): unknown {
  let result = value;
  for (let i = 0; i < times; i++) result = mutatedOnce(dice, result, 0);
  return result;
}

function mutatedOnce(dice: Dice, value: unknown, depth: number): unknown {
  if (Array.isArray(value) && value.length > 0 && dice.chance(0.85)) return withItem(dice, value, depth);
  if (!isObject(value) || dice.chance(depth === 0 ? 0.02 : 0.08)) return oddValue(dice);
  const keys = Object.keys(value);
  if (keys.length === 0 || dice.chance(0.12)) return { ...value, [dice.pick(ODD_MEMBERS)]: oddValue(dice) };
  const key = dice.pick(keys);
  if (dice.chance(0.15)) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  return { ...value, [key]: mutatedOnce(dice, value[key], depth + 1) };
}

function withItem(dice: Dice, items: readonly unknown[], depth: number): unknown[] {
  const at = dice.roll(items.length);
  if (dice.chance(0.15)) return [...items, items[at]];
  if (dice.chance(0.1)) return items.filter((_item, index) => index !== at);
  return items.map((item, index) => (index === at ? mutatedOnce(dice, item, depth + 1) : item));
}

function oddValue(dice: Dice): unknown {
  if (dice.chance(0.005)) return "x".repeat(HUGE_CHARACTERS);
  if (dice.chance(0.01)) return nested(NESTED_DEPTH);
  return dice.pick(ODD);
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/**
 * With members that the type declares and the object lacks, and with other values of the right type in it: what no decoder refuses,
 * and validation has to think of.
 */
export function filled(dice: Dice, node: SchemaNode, value: unknown, depth = 0): unknown {
  if (!isObject(value) || !node.properties) return typed(dice, node, depth);
  const members: Record<string, unknown> = { ...value };
  const names = [...node.properties.keys()].filter((name) => depth > 0 || !META.has(name));
  for (let i = 0; i <= dice.roll(2); i++) {
    const present = names.filter((name) => isObject(members[name]) || Array.isArray(members[name]));
    const name = present.length > 0 && dice.chance(0.7) ? dice.pick(present) : names.length > 0 && dice.pick(names);
    const below = name && node.properties.get(name);
    if (name && below) members[name] = deeper(dice, below, members[name], depth + 1);
  }
  return members;
}

const META = new Set(["apiVersion", "kind", "metadata"]);

function deeper(dice: Dice, node: SchemaNode, value: unknown, depth: number): unknown {
  const { items } = node;
  if (Array.isArray(value) && items && value.length > 0 && dice.chance(0.8)) {
    const at = dice.roll(value.length);
    return value.map((item: unknown, index) => (index === at ? deeper(dice, items, item, depth) : item));
  }
  if (isObject(value) && dice.chance(0.9)) return filled(dice, node, value, depth);
  return typed(dice, node, depth);
}

const TEXTS: readonly string[] = [
  "",
  "a",
  "x.y/z",
  "Always",
  "None",
  "10.0.0.1",
  "::1",
  "A-b_c",
  "1",
  "*",
  "/",
  "x".repeat(300),
];
const AMOUNTS: readonly unknown[] = ["1", "100m", "-1", "0", "1Gi", "1e18", "9999999999999999999999", 1.5, 0, -3];
const BY_FORMAT: Readonly<Record<string, readonly unknown[]>> = {
  quantity: AMOUNTS,
  "int-or-string": [0, 1, 65_536, "25%", "http", "-1%", ""],
  "date-time": ["2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", null, "2026-01-01T00:00:00+14:00"],
  "micro-time": ["2026-01-01T00:00:00.000001Z", null],
  byte: ["", "AAAA", "AA==", null],
};
const INTEGERS: readonly number[] = [0, 1, -1, 2, 80, 65_536, 2_147_483_647, -2_147_483_648];

/** A value of the type, of few members. */
function typed(dice: Dice, node: SchemaNode, depth: number): unknown {
  const ofFormat = node.format === undefined ? undefined : BY_FORMAT[node.format];
  if (ofFormat) return dice.pick(ofFormat);
  switch (node.type) {
    case "boolean":
      return dice.chance(0.5);
    case "integer":
    case "number":
      return dice.pick(INTEGERS);
    case "string":
      return dice.pick(TEXTS);
    case "array":
      return Array.from({ length: dice.roll(3) }, () => (node.items ? typed(dice, node.items, depth + 1) : "a"));
    case "any":
      return dice.pick(ODD);
    default:
      return typedObject(dice, node, depth);
  }
}

const TYPED_DEPTH_MAX = 7;

function typedObject(dice: Dice, node: SchemaNode, depth: number): object {
  if (depth > TYPED_DEPTH_MAX || dice.chance(0.15)) return {};
  const { properties, additional } = node;
  if (additional) return { [dice.pick(["a", "x.y/z", "", "__proto__"])]: typed(dice, additional, depth + 1) };
  if (!properties) return dice.chance(0.5) ? {} : { kind: "X", apiVersion: "v1", a: [1] };
  const names = [...properties.keys()];
  const chosen = names.filter(() => dice.chance(Math.min(1, 3 / names.length)));
  return Object.fromEntries(chosen.map((name) => [name, typed(dice, properties.get(name) as SchemaNode, depth + 1)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
