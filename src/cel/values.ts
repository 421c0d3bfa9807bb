/**
 * Values of expressions. Integers are bigint, doubles are numbers, JSON is looked at where an expression looks: nothing is converted that
 * is not asked for.
 */
import { DYN, type CelType } from "./types.ts";
import { durationText, parseDuration, parseTimestamp, timestampText } from "./time.ts";

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds. */
export class Duration {
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = ns;
  }
}

/** Nanoseconds since 1970. */
export class Timestamp {
  readonly ns: bigint;
  constructor(ns: bigint) {
    this.ns = ns;
  }
}

export class Optional {
  /** undefined: there is none. */
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}

export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A value of Kubernetes' libraries: a quantity, an address, a URL … */
export class Opaque<T = unknown> {
  readonly type: string;
  readonly value: T;
  /** What equal values have alike. */
  readonly key: string;
  constructor(type: string, value: T, key: string) {
    this.type = type;
    this.value = value;
    this.key = key;
  }
}

/** What went wrong. It is a value: `x || true` is true whatever x is. */
export class Fault {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** Keys are of these types. */
export type Key = string | bigint | boolean | Uint;

export interface Dictionary {
  readonly kind: "dictionary";
  readonly size: number;
  get(key: Value): Value | undefined;
  keys(): Value[];
  /** Of an object of a declared type: its fields, not its entries, may be selected. */
  readonly isObject: boolean;
}

export interface Sequence {
  readonly kind: "sequence";
  readonly size: number;
  at(index: number): Value;
}

export type Value =
  | boolean
  | bigint
  | number
  | string
  | null
  | Uint8Array
  | Uint
  | Duration
  | Timestamp
  | Optional
  | TypeValue
  | Opaque
  | Sequence
  | Dictionary
  | Fault;

/** The beginning of an array that others may see more of. */
class ArraySequence implements Sequence {
  readonly kind = "sequence";
  readonly size: number;
  private readonly items: Value[];

  constructor(items: Value[]) {
    this.items = items;
    this.size = items.length;
  }

  at(index: number): Value {
    const item = index < this.size ? this.items[index] : undefined;
    return item === undefined ? new Fault(`index out of bounds: ${index}`) : item;
  }

  /** With more behind it. Loops append one by one: the array is copied only where somebody else has appended to it. */
  with(more: Sequence): ArraySequence {
    const items = this.items.length === this.size ? this.items : this.items.slice(0, this.size);
    for (let index = 0; index < more.size; index += 1) items.push(more.at(index));
    return new ArraySequence(items);
  }
}

/** A function or an operator. The target comes first where there is one. undefined: not for such values. */
export type CelFunction = (...values: Value[]) => Value | undefined;

export function sequence(items: readonly Value[]): Sequence {
  return new ArraySequence([...items]);
}

export function concatenated(a: Sequence, b: Sequence): Sequence {
  return (a instanceof ArraySequence ? a : new ArraySequence(itemsIn(a))).with(b);
}

export function itemsIn(list: Sequence): Value[] {
  return Array.from({ length: list.size }, (_, index) => list.at(index));
}

/** Of keys that `keyText` tells apart. */
export function dictionary(entries: readonly (readonly [Value, Value])[]): Dictionary {
  const map = new Map(entries.map((entry) => [keyText(entry[0]), entry]));
  return {
    kind: "dictionary",
    isObject: false,
    size: map.size,
    get: (key) => map.get(keyText(key))?.[1],
    keys: () => [...map.values()].map(([key]) => key),
  };
}

/** 1, 1u and 1.0 are one key. */
function keyText(key: Value): string {
  if (typeof key === "string") return `s${key}`;
  if (typeof key === "bigint") return `n${key}`;
  if (key instanceof Uint) return `n${key.value}`;
  if (typeof key === "number") return `n${key}`;
  return typeof key === "boolean" ? `b${key}` : "?";
}

export function isSequence(value: Value): value is Sequence {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "sequence";
}

export function isDictionary(value: Value): value is Dictionary {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "dictionary";
}

/** JSON as a value of its type; what is not declared is what it looks like. */
export function fromJson(json: unknown, type: CelType = DYN): Value {
  if (json === null || json === undefined) return null;
  if (Array.isArray(json)) {
    const item = type.kind === "list" ? type.params[0] : DYN;
    return {
      kind: "sequence",
      size: json.length,
      at: (index) => (index in json ? fromJson(json[index], item) : new Fault(`index out of bounds: ${index}`)),
    };
  }
  if (typeof json === "object") return fromObject(json as Readonly<Record<string, unknown>>, type);
  if (typeof json === "number") return Number.isInteger(json) && type.kind !== "double" ? BigInt(json) : json;
  if (typeof json === "string") return fromText(json, type);
  return typeof json === "boolean" ? json : null;
}

function fromObject(json: Readonly<Record<string, unknown>>, type: CelType): Dictionary {
  const isObject = type.kind === "object" && type.fields !== undefined;
  const typeOfMember = (name: string): CelType | undefined => {
    if (isObject) return type.fields?.(name);
    return type.kind === "map" ? type.params[1] : DYN;
  };
  return {
    kind: "dictionary",
    isObject,
    size: Object.keys(json).length,
    get(key) {
      if (typeof key !== "string") return undefined;
      const name = isObject ? unescapeName(key) : key;
      return Object.hasOwn(json, name) ? fromJson(json[name], typeOfMember(key)) : undefined;
    },
    keys: () => Object.keys(json),
  };
}

function fromText(text: string, type: CelType): Value {
  if (type.kind === "timestamp") {
    const ns = parseTimestamp(text.length === 10 ? `${text}T00:00:00Z` : text);
    return ns === undefined ? new Fault(`cannot convert ${text} to a timestamp`) : new Timestamp(ns);
  }
  if (type.kind === "duration") {
    const ns = parseDuration(text);
    return ns === undefined ? new Fault(`cannot convert ${text} to a duration`) : new Duration(ns);
  }
  if (type.kind !== "bytes") return text;
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return new Fault("cannot decode base64");
  }
}

const UNESCAPED: Readonly<Record<string, string>> = { underscores: "__", dot: ".", dash: "-", slash: "/" };

/** Properties as rules spell them, back again: k8s.io/apiserver/pkg/cel/escaping.go. */
export function unescapeName(name: string): string {
  return name.includes("__")
    ? name.replace(/__([^_]+)__/g, (all, word: string) => UNESCAPED[word] ?? (all === name ? word : all))
    : name;
}

export function typeOfValue(value: Value): string {
  if (value === null) return "null_type";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "double";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Uint) return "uint";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof Optional) return "optional_type";
  if (value instanceof TypeValue) return "type";
  if (value instanceof Opaque) return value.type;
  if (value instanceof Fault) return "error";
  return value.kind === "sequence" ? "list" : "map";
}

/** Elements, characters or bytes; 1 for what has none. */
export function sizeOfValue(value: Value): number {
  if (typeof value === "string") return value.length;
  if (value instanceof Uint8Array) return value.length;
  return isSequence(value) || isDictionary(value) ? value.size : 1;
}

function numberOf(value: Value): bigint | number | undefined {
  if (value instanceof Uint) return value.value;
  return typeof value === "bigint" || typeof value === "number" ? value : undefined;
}

/** Values of different types are not equal, numbers of different types may be. */
export function equalValues(a: Value, b: Value): boolean {
  const [left, right] = [numberOf(a), numberOf(b)];
  // JavaScript compares bigint and number by what they are.
  // oxlint-disable-next-line eqeqeq
  if (left !== undefined && right !== undefined) return left == right;
  if (a instanceof Uint8Array)
    return b instanceof Uint8Array && a.length === b.length && a.every((byte, index) => byte === b[index]);
  if (a instanceof Duration) return b instanceof Duration && a.ns === b.ns;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.ns === b.ns;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Opaque) return b instanceof Opaque && a.type === b.type && a.key === b.key;
  if (a instanceof Optional) {
    if (!(b instanceof Optional)) return false;
    if (a.value === undefined || b.value === undefined) return a.value === b.value;
    return equalValues(a.value, b.value);
  }
  if (isSequence(a))
    return isSequence(b) && a.size === b.size && itemsIn(a).every((item, index) => equalValues(item, b.at(index)));
  if (isDictionary(a)) {
    if (!isDictionary(b) || a.size !== b.size) return false;
    return a.keys().every((key) => {
      const [own, other] = [a.get(key), b.get(key)];
      return own !== undefined && other !== undefined && equalValues(own, other);
    });
  }
  return a === b;
}

/** Negative, zero or positive; undefined where there is no order. */
export function compareValues(a: Value, b: Value): number | undefined {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined && right !== undefined) return left < right ? -1 : left > right ? 1 : 0;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if ((a instanceof Duration && b instanceof Duration) || (a instanceof Timestamp && b instanceof Timestamp)) {
    return a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0;
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
      const difference = (a[index] ?? 0) - (b[index] ?? 0);
      if (difference !== 0) return difference;
    }
    return a.length - b.length;
  }
  return undefined;
}

/** By code points, as Go compares UTF-8. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    if (a[index] === b[index]) continue;
    const [left, right] = [a.codePointAt(index) ?? 0, b.codePointAt(index) ?? 0];
    if (left !== right) return left < right ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
}

/** `string(x)`; undefined where there is no such conversion. */
export function textOf(value: Value): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "number") return doubleText(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Duration) return durationText(value.ns);
  if (value instanceof Timestamp) return timestampText(value.ns);
  if (value instanceof Uint8Array) return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(value);
  return value instanceof Opaque ? value.key : undefined;
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}
