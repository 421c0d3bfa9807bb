/** A small type with everything that server-side apply tells apart, random objects of it, and what applying them should come to. */
import type { SchemaNode } from "../../src/machinery/schema.ts";
import type { Dice } from "../harness/seeded.ts";

export type Value = Record<string, unknown>;

const text: SchemaNode = { type: "string" };
const number: SchemaNode = { type: "integer" };
const port: SchemaNode = {
  type: "object",
  properties: new Map([
    ["port", number],
    ["protocol", { ...text, default: "TCP" }],
    ["name", text],
  ]),
};

/** An object may hold another one of its own type. */
export function createNode(): SchemaNode {
  const properties = new Map<string, SchemaNode>([
    ["text", text],
    ["number", number],
    ["labels", { type: "object", additional: text }],
    ["selector", { type: "object", additional: text, mapType: "atomic" }],
    ["args", { type: "array", items: text }],
    ["finalizers", { type: "array", items: text, listType: "set" }],
    ["ports", { type: "array", items: port, listType: "map", listMapKeys: ["port", "protocol"] }],
  ]);
  const node: SchemaNode = { type: "object", properties };
  const item: SchemaNode = { type: "object", properties: new Map([...properties, ["name", text]]) };
  properties.set("inner", node);
  properties.set("items", { type: "array", items: item, listType: "map", listMapKeys: ["name"] });
  return node;
}

const WORDS = ["a", "b", "c", "constructor"];

/** Members are never empty: an empty one states nothing. */
export function randomObject(dice: Dice, depth = 0): Value {
  const object: Value = {};
  const maybe = (name: string, make: () => unknown): void => {
    if (dice.chance(0.45)) object[name] = make();
  };
  maybe("text", () => dice.pick(WORDS));
  maybe("number", () => dice.roll(3));
  maybe("labels", () => words(dice));
  maybe("selector", () => words(dice));
  maybe("args", () => [dice.pick(WORDS), dice.pick(WORDS)]);
  maybe("finalizers", () => distinct(dice));
  maybe("ports", () => distinct(dice).map((word) => randomPort(dice, word)));
  if (depth < 2) {
    const inner = randomObject(dice, depth + 1);
    if (Object.keys(inner).length > 0) maybe("inner", () => inner);
    maybe("items", () => distinct(dice).map((name) => ({ name, ...randomObject(dice, 2) })));
  }
  return object;
}

function words(dice: Dice): Value {
  return Object.fromEntries(distinct(dice).map((word) => [word, dice.pick(WORDS)]));
}

function distinct(dice: Dice): string[] {
  const some = WORDS.filter(() => dice.chance(0.5));
  return some.length > 0 ? some : [dice.pick(WORDS)];
}

function randomPort(dice: Dice, word: string): Value {
  const at = { port: 80 + WORDS.indexOf(word), ...(dice.chance(0.5) ? { protocol: "TCP" } : {}) };
  return dice.chance(0.5) ? { ...at, name: dice.pick(WORDS) } : at;
}

const KEYS: Readonly<Record<string, readonly string[]>> = { ports: ["port", "protocol"], items: ["name"] };
const ATOMIC = new Set(["selector", "args", "text", "number"]);

/** The object without some of its fields; of an item that stays, its keys stay. */
export function withoutSome(dice: Dice, object: Value, keys: readonly string[] = []): Value {
  const left: Value = {};
  for (const [name, value] of Object.entries(object)) {
    const rest = keys.includes(name) ? value : lessOf(dice, name, value);
    if (rest !== undefined) left[name] = rest;
  }
  return left;
}

function lessOf(dice: Dice, name: string, value: unknown): unknown {
  if (dice.chance(0.3)) return undefined;
  if (ATOMIC.has(name) || typeof value !== "object") return value;
  if (Array.isArray(value)) {
    const itemKeys = KEYS[name];
    const items = value
      .filter(() => dice.chance(0.7))
      .map((item) => (itemKeys ? withoutSome(dice, item, itemKeys) : item));
    return items.length > 0 ? items : undefined;
  }
  const rest = withoutSome(dice, value as Value);
  return Object.keys(rest).length > 0 ? rest : undefined;
}

/** Deals the fields of an object to two managers. Keys of items go to both, as each must say which item it means. */
export function split(dice: Dice, object: Value, keys: readonly string[] = []): [Value, Value] {
  const [left, right]: [Value, Value] = [{}, {}];
  for (const [name, value] of Object.entries(object)) {
    if (keys.includes(name)) {
      left[name] = right[name] = value;
      continue;
    }
    const [one, other] = dealt(dice, name, value);
    if (one !== undefined) left[name] = one;
    if (other !== undefined) right[name] = other;
  }
  return [left, right];
}

function dealt(dice: Dice, name: string, value: unknown): [unknown, unknown] {
  if (ATOMIC.has(name) || typeof value !== "object" || dice.chance(0.3)) {
    return dice.chance(0.5) ? [value, undefined] : [undefined, value];
  }
  if (!Array.isArray(value)) return split(dice, value as Value).map(filled) as [unknown, unknown];
  const itemKeys = KEYS[name];
  const pairs = value.map((item: unknown) =>
    itemKeys && dice.chance(0.5)
      ? split(dice, item as Value, itemKeys)
      : dice.chance(0.5)
        ? [item, undefined]
        : [undefined, item],
  );
  const side = (index: 0 | 1): unknown => filled(pairs.map((pair) => pair[index]).filter((item) => item !== undefined));
  return [side(0), side(1)];
}

function filled(value: unknown): unknown {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0 ? undefined : value;
}

/** What both state; where they differ, the second. */
export function overlaid(below: Value, above: Value): Value {
  const out: Value = { ...below };
  for (const [name, value] of Object.entries(above)) {
    out[name] = Object.hasOwn(below, name) ? both(name, below[name], value) : value;
  }
  return out;
}

function both(name: string, below: unknown, above: unknown): unknown {
  if (ATOMIC.has(name) || typeof above !== "object") return above;
  if (!Array.isArray(above)) return overlaid(below as Value, above as Value);
  const keyOf = itemKey(name);
  const items = new Map((below as unknown[]).map((item) => [keyOf(item), item]));
  for (const item of above) {
    const key = keyOf(item);
    const known = items.get(key);
    items.set(key, known !== undefined && KEYS[name] ? overlaid(known as Value, item as Value) : item);
  }
  return [...items.values()];
}

function itemKey(name: string): (item: unknown) => string {
  const keys = KEYS[name];
  if (!keys) return (item) => JSON.stringify(item);
  return (item) => JSON.stringify(keys.map((key) => (item as Value)[key] ?? "TCP"));
}

/** Without nulls and what is empty, items in the order of their keys: what tells two states apart. */
export function settled(value: unknown, name = ""): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => settled(item));
    return name === "args" ? items : items.toSorted((a, b) => (itemKey(name)(a) < itemKey(name)(b) ? -1 : 1));
  }
  const out: Value = {};
  for (const member of Object.keys(value).toSorted()) {
    const inner = settled((value as Value)[member], member);
    if (inner !== null && filled(inner) !== undefined) out[member] = inner;
  }
  return out;
}
