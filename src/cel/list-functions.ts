/** Functions of lists: cel-go's ext/lists and ext/sets, and the lists of Kubernetes' library. */
import { joinTexts } from "./text-functions.ts";
import {
  compareValues,
  Duration,
  equalValues,
  Fault,
  isSequence,
  itemsIn,
  sequence,
  Uint,
  type Value,
  type CelFunction,
} from "./values.ts";

const RANGE_MAX = 1_000_000;

function listFunction(use: (items: readonly Value[], ...args: Value[]) => Value | undefined): CelFunction {
  return (list = null, ...args) => (isSequence(list) ? use(itemsIn(list), ...args) : undefined);
}

function setFunction(use: (items: readonly Value[], others: readonly Value[]) => boolean): CelFunction {
  return (a = null, b = null) => (isSequence(a) && isSequence(b) ? use(itemsIn(a), itemsIn(b)) : undefined);
}

function has(items: readonly Value[], item: Value): boolean {
  return items.some((other) => equalValues(item, other));
}

/** The first or last by order. */
function extreme(items: readonly Value[], sign: 1 | -1): Value {
  let best = items[0];
  if (best === undefined) return new Fault(`${sign > 0 ? "max" : "min"} called on empty list`);
  for (const item of items) if ((compareValues(item, best) ?? 0) * sign > 0) best = item;
  return best;
}

function total(items: readonly Value[]): Value | undefined {
  const [first] = items;
  if (first === undefined) return 0n;
  if (items.every((item): item is bigint => typeof item === "bigint"))
    return items.reduce((sum, item) => sum + item, 0n);
  if (items.every((item): item is number => typeof item === "number"))
    return items.reduce((sum, item) => sum + item, 0);
  if (items.every((item): item is Uint => item instanceof Uint))
    return new Uint(items.reduce((sum, { value }) => sum + value, 0n));
  if (items.every((item): item is Duration => item instanceof Duration))
    return new Duration(items.reduce((sum, { ns }) => sum + ns, 0n));
  return undefined;
}

function flattened(items: readonly Value[], depth: number): Value[] {
  return items.flatMap((item) => (isSequence(item) && depth > 0 ? flattened(itemsIn(item), depth - 1) : [item]));
}

function distinct(items: readonly Value[]): Value {
  const found: Value[] = [];
  for (const item of items) if (!has(found, item)) found.push(item);
  return sequence(found);
}

function sliced(items: readonly Value[], from: Value = 0n, to: Value = 0n): Value | undefined {
  if (typeof from !== "bigint" || typeof to !== "bigint") return undefined;
  if (from < 0n || to < 0n || from > to || to > BigInt(items.length))
    return new Fault(`cannot slice(${from}, ${to}) list`);
  return sequence(items.slice(Number(from), Number(to)));
}

export const LIST_FUNCTIONS: Readonly<Record<string, CelFunction | undefined>> = {
  isSorted: listFunction((items) =>
    items.every((item, index) => index === 0 || (compareValues(items[index - 1] ?? null, item) ?? 0) <= 0),
  ),
  sum: listFunction(total),
  min: listFunction((items) => extreme(items, -1)),
  max: listFunction((items) => extreme(items, 1)),
  indexOf: listFunction((items, item = null) => BigInt(items.findIndex((other) => equalValues(item, other)))),
  lastIndexOf: listFunction((items, item = null) => BigInt(items.findLastIndex((other) => equalValues(item, other)))),
  join: (list = null, by = "") => (isSequence(list) && typeof by === "string" ? joinTexts(list, by) : undefined),
  slice: listFunction(sliced),
  flatten: listFunction((items, depth = 1n) =>
    typeof depth === "bigint" ? sequence(flattened(items, Number(depth))) : undefined,
  ),
  reverse: listFunction((items) => sequence(items.toReversed())),
  distinct: listFunction(distinct),
  sort: listFunction((items) => sequence(items.toSorted((a, b) => compareValues(a, b) ?? 0))),
  "lists.range": (count) => {
    if (typeof count !== "bigint") return undefined;
    if (count > RANGE_MAX) return new Fault(`lists.range(${count}) is too large`);
    return { kind: "sequence", size: Math.max(0, Number(count)), at: (index) => BigInt(index) };
  },
  "sets.contains": setFunction((items, others) => others.every((other) => has(items, other))),
  "sets.equivalent": setFunction(
    (items, others) => others.every((other) => has(items, other)) && items.every((item) => has(others, item)),
  ),
  "sets.intersects": setFunction((items, others) => items.some((item) => has(others, item))),
};
