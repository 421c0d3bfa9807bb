/** The functions of expressions, by the types of what they are called with. */
import { extendedFunctions } from "./extended-functions.ts";
import { lengthOf } from "./issues.ts";
import { parseDuration, parseTimestamp } from "./time.ts";
import { matchesText } from "./text-functions.ts";
import {
  compareValues,
  concatenated,
  dictionary,
  Duration,
  equalValues,
  Fault,
  isDictionary,
  isSequence,
  itemsIn,
  Optional,
  sizeOfValue,
  textOf,
  Timestamp,
  TypeValue,
  typeOfValue,
  Uint,
  type Value,
  type CelFunction,
} from "./values.ts";

export interface FunctionCall {
  name: string;
  target: Value | undefined;
  args: readonly Value[];
}

export function callFunction({ name, target, args }: FunctionCall): Value {
  const values = target === undefined ? args : [target, ...args];
  const known = Object.hasOwn(BASIC, name) ? BASIC[name] : extendedFunctions(name);
  const result = known?.(...values);
  return result === undefined ? new Fault("no such overload") : result;
}

const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;
const UINT_MAX = 2n ** 64n - 1n;

function int(value: bigint): Value {
  return value < INT_MIN || value > INT_MAX ? new Fault("integer overflow") : value;
}

function uint(value: bigint): Value {
  return value < 0n || value > UINT_MAX ? new Fault("unsigned integer overflow") : new Uint(value);
}

interface Arithmetic {
  integers: (a: bigint, b: bigint) => bigint;
  doubles?: (a: number, b: number) => number;
  /** Where the second must not be zero. */
  divides?: string;
}

function arithmetic({ integers, doubles, divides }: Arithmetic): CelFunction {
  return (a, b) => {
    if (typeof a === "number" && typeof b === "number") return doubles?.(a, b);
    const isInt = typeof a === "bigint" && typeof b === "bigint";
    const isUint = a instanceof Uint && b instanceof Uint;
    if (!isInt && !isUint) return undefined;
    const [left, right] = isInt ? [a, b] : [(a as Uint).value, (b as Uint).value];
    if (divides && right === 0n) return new Fault(divides);
    return isInt ? int(integers(left, right)) : uint(integers(left, right));
  };
}

const plus = arithmetic({ integers: (a, b) => a + b, doubles: (a, b) => a + b });
const minus = arithmetic({ integers: (a, b) => a - b, doubles: (a, b) => a - b });

function sum(a: Value, b: Value): Value | undefined {
  if (typeof a === "string" && typeof b === "string") return a + b;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Uint8Array.from([...a, ...b]);
  if (isSequence(a) && isSequence(b)) return concatenated(a, b);
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.ns + b.ns);
  if (a instanceof Timestamp && b instanceof Duration) return new Timestamp(a.ns + b.ns);
  if (a instanceof Duration && b instanceof Timestamp) return new Timestamp(a.ns + b.ns);
  return plus(a, b);
}

function difference(a: Value, b: Value): Value | undefined {
  if (a instanceof Duration && b instanceof Duration) return new Duration(a.ns - b.ns);
  if (a instanceof Timestamp && b instanceof Duration) return new Timestamp(a.ns - b.ns);
  if (a instanceof Timestamp && b instanceof Timestamp) return new Duration(a.ns - b.ns);
  return minus(a, b);
}

function compared(fits: (order: number) => boolean): CelFunction {
  return (a = null, b = null) => {
    const order = compareValues(a, b);
    return order === undefined ? undefined : fits(order);
  };
}

function indexed(container: Value, key: Value): Value | undefined {
  if (container instanceof Optional) {
    const inner = container.value === undefined ? undefined : entry(container.value, key);
    return new Optional(inner instanceof Fault ? undefined : inner);
  }
  const found = entry(container, key);
  if (found !== undefined) return found;
  if (isSequence(container)) return new Fault(`index out of bounds: ${textOf(key) ?? ""}`);
  return isDictionary(container) ? new Fault(`no such key: ${textOf(key) ?? ""}`) : undefined;
}

function entry(container: Value, key: Value): Value | undefined {
  if (isDictionary(container)) return container.get(key);
  if (!isSequence(container)) return undefined;
  const index =
    typeof key === "bigint"
      ? Number(key)
      : key instanceof Uint
        ? Number(key.value)
        : typeof key === "number"
          ? key
          : -1;
  return Number.isInteger(index) && index >= 0 && index < container.size ? container.at(index) : undefined;
}

function contains(item: Value, container: Value): Value | undefined {
  if (isDictionary(container)) return container.get(item) !== undefined;
  return isSequence(container) ? itemsIn(container).some((other) => equalValues(item, other)) : undefined;
}

function size(value: Value): Value | undefined {
  if (typeof value === "string") return BigInt(lengthOf(value));
  return value instanceof Uint8Array || isSequence(value) || isDictionary(value)
    ? BigInt(sizeOfValue(value))
    : undefined;
}

function toInt(value: Value): Value | undefined {
  if (typeof value === "bigint") return value;
  if (value instanceof Uint) return int(value.value);
  if (typeof value === "number") {
    return Number.isFinite(value) && Math.abs(value) < 2 ** 63
      ? BigInt(Math.trunc(value))
      : new Fault("integer overflow");
  }
  if (value instanceof Timestamp) return value.ns / 1_000_000_000n;
  if (value instanceof Duration) return value.ns;
  if (typeof value !== "string") return undefined;
  return /^[+-]?\d{1,20}$/.test(value)
    ? int(BigInt(value.replace("+", "")))
    : new Fault(`type conversion error from 'string' to 'int'`);
}

function toUint(value: Value): Value | undefined {
  if (value instanceof Uint) return value;
  if (typeof value === "bigint") return uint(value);
  if (typeof value === "number")
    return Number.isFinite(value) && value >= 0 && value < 2 ** 64
      ? uint(BigInt(Math.trunc(value)))
      : new Fault("unsigned integer overflow");
  if (typeof value !== "string") return undefined;
  return /^\d{1,20}$/.test(value) ? uint(BigInt(value)) : new Fault(`type conversion error from 'string' to 'uint'`);
}

function toDouble(value: Value): Value | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (typeof value !== "string") return undefined;
  const found = value.trim() === "" || /\s/.test(value) ? NaN : Number(value);
  return Number.isNaN(found) && value !== "NaN" ? new Fault(`type conversion error from 'string' to 'double'`) : found;
}

function toBool(value: Value): Value | undefined {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  if (["1", "t", "T", "true", "TRUE", "True"].includes(value)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(value)) return false;
  return new Fault(`type conversion error from 'string' to 'bool'`);
}

function toDuration(value: Value): Value | undefined {
  if (value instanceof Duration) return value;
  if (typeof value === "bigint") return new Duration(value);
  const ns = typeof value === "string" ? parseDuration(value) : undefined;
  return ns === undefined
    ? new Fault(`type conversion error from 'string' to 'google.protobuf.Duration'`)
    : new Duration(ns);
}

function toTimestamp(value: Value): Value | undefined {
  if (value instanceof Timestamp) return value;
  if (typeof value === "bigint") return new Timestamp(value * 1_000_000_000n);
  const ns = typeof value === "string" ? parseTimestamp(value) : undefined;
  return ns === undefined
    ? new Fault(`type conversion error from 'string' to 'google.protobuf.Timestamp'`)
    : new Timestamp(ns);
}

function isZero(value: Value): boolean {
  if (value === null || value === false || value === 0n || value === 0 || value === "") return true;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.ns === 0n;
  return (value instanceof Uint8Array || isSequence(value) || isDictionary(value)) && sizeOfValue(value) === 0;
}

function inserted(map: Value, key: Value, value?: Value): Value | undefined {
  if (!isDictionary(map)) return undefined;
  const entries = map.keys().map((one): [Value, Value] => [one, map.get(one) ?? null]);
  const more: [Value, Value][] =
    value === undefined
      ? isDictionary(key)
        ? key.keys().map((one): [Value, Value] => [one, key.get(one) ?? null])
        : []
      : [[key, value]];
  const twice = more.find(([one]) => map.get(one) !== undefined);
  return twice
    ? new Fault(`insert failed: key ${textOf(twice[0]) ?? ""} already exists`)
    : dictionary([...entries, ...more]);
}

const BASIC: Readonly<Record<string, CelFunction | undefined>> = {
  "_==_": (a = null, b = null) => equalValues(a, b),
  "_!=_": (a = null, b = null) => !equalValues(a, b),
  "_<_": compared((order) => order < 0),
  "_<=_": compared((order) => order <= 0),
  "_>_": compared((order) => order > 0),
  "_>=_": compared((order) => order >= 0),
  "_+_": (a = null, b = null) => sum(a, b),
  "_-_": (a = null, b = null) => difference(a, b),
  "_*_": arithmetic({ integers: (a, b) => a * b, doubles: (a, b) => a * b }),
  "_/_": arithmetic({ integers: (a, b) => a / b, doubles: (a, b) => a / b, divides: "division by zero" }),
  "_%_": arithmetic({ integers: (a, b) => a % b, divides: "modulus by zero" }),
  "-_": (a) => (typeof a === "bigint" ? int(-a) : typeof a === "number" ? -a : undefined),
  "!_": (a) => (typeof a === "boolean" ? !a : undefined),
  "_[_]": (a = null, b = null) => indexed(a, b),
  "_[?_]": (a = null, b = null) => {
    const inner = a instanceof Optional ? a.value : a;
    return new Optional(inner === undefined ? undefined : entry(inner, b));
  },
  "_?._": (a = null, b = null) => {
    const inner = a instanceof Optional ? a.value : a;
    return new Optional(inner !== undefined && isDictionary(inner) ? inner.get(b) : undefined);
  },
  "@in": (a = null, b = null) => contains(a, b),
  size: (a = null) => size(a),
  type: (a = null) => new TypeValue(typeOfValue(a)),
  dyn: (a) => a,
  int: (a = null) => toInt(a),
  uint: (a = null) => toUint(a),
  double: (a = null) => toDouble(a),
  bool: (a = null) => toBool(a),
  string: (a = null) => textOf(a),
  bytes: (a) => (a instanceof Uint8Array ? a : typeof a === "string" ? new TextEncoder().encode(a) : undefined),
  duration: (a = null) => toDuration(a),
  timestamp: (a = null) => toTimestamp(a),
  contains: (a, b) => (typeof a === "string" && typeof b === "string" ? a.includes(b) : undefined),
  startsWith: (a, b) => (typeof a === "string" && typeof b === "string" ? a.startsWith(b) : undefined),
  endsWith: (a, b) => (typeof a === "string" && typeof b === "string" ? a.endsWith(b) : undefined),
  matches: (a, b) => (typeof a === "string" && typeof b === "string" ? matchesText(a, b) : undefined),
  "optional.of": (a) => new Optional(a),
  "optional.none": () => new Optional(undefined),
  "optional.ofNonZeroValue": (a = null) => new Optional(isZero(a) ? undefined : a),
  hasValue: (a) => (a instanceof Optional ? a.value !== undefined : undefined),
  value: (a) => (a instanceof Optional ? (a.value ?? new Fault("optional.none() dereference")) : undefined),
  "cel.@mapInsert": (a = null, b = null, c = undefined as unknown as Value) => inserted(a, b, c),
};
