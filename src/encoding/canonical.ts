/**
 * Built-in objects as Go would hold and print them. One pass over a parsed value, driven by the field facts: checks types
 * (with the texts of Go's decoder), collects and drops unknown members, and writes the canonical form: quantities and times
 * normalised, empty `omitempty` fields dropped, zero values behind pointers kept, plain structs and required scalars always
 * present, null never, members in struct order. What is canonical stays as it is.
 */
import {
  PATTERN_WEIGHT,
  RULE_WEIGHT,
  SCHEMA_ALTERNATIVE_WEIGHT,
  SCHEMA_NODE_WEIGHT,
  SPECIAL_WEIGHT,
  tooManyItems,
  weightOf,
} from "../machinery/object-limits.ts";
import { canonicalQuantity } from "../machinery/quantity.ts";
import {
  fieldFacts,
  JSON_SCHEMA_PROPS,
  VALIDATION_RULE,
  type FieldFact,
  type StructFact,
  type TypeFact,
} from "./field-facts.ts";
import { canonicalMicroTime, canonicalTime } from "./go-time.ts";
import { isRawNumber } from "./json.ts";

/** A value that its Go type cannot take; `message` is Go's. */
export class GoDecodeError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GoDecodeError";
  }
}

export interface TypedObject {
  /** Fresh and canonical; free-form parts (RawExtension) are shared with the input. */
  value: Record<string, unknown>;
  /** Paths of members that the type does not declare, e.g. `spec.template.spec.containers[0].foo`, in document order. */
  unknownFields: string[];
}

/**
 * Whose messages: those of Go's JSON decoder, or of the converter between maps and types that decodes what a strategic merge
 * patch made (k8s.io/apimachinery/pkg/runtime/converter.go).
 */
export type DecodeWording = "json" | "converter";

export interface TypedOptions {
  wording?: DecodeWording;
  /** By default as many as there are: what is stored has been counted. */
  itemsMax?: number;
}

/**
 * @throws GoDecodeError for the first value of a wrong type; StatusError "RequestEntityTooLarge" for more than `itemsMax` items; Error
 * when the definition is none
 */
export function decodeTyped(
  value: unknown,
  definition: string,
  { wording = "json", itemsMax = Number.POSITIVE_INFINITY }: TypedOptions = {},
): TypedObject {
  const fact = fieldFacts.struct(definition);
  if (!fact) throw new Error(`there are no field facts of ${definition}`);
  const decoder = new TypedDecoder(wording, itemsMax);
  return { value: decoder.root(value, fact), unknownFields: decoder.unknownFields };
}

/** The canonical form of an object of a built-in type; unknown members are dropped. @throws like decodeTyped */
export function canonicalise<T extends object>(object: T, definition: string): T {
  return decodeTyped(object, definition).value as T;
}

/** Unknown members reported at most, as Kubernetes does. */
const UNKNOWN_MAX = 100;

const INT64_MAX = 2n ** 63n - 1n;
/** Longer numbers are out of range without being read: that would take time. */
const INT64_CHARACTERS_MAX = 20;

/** `value` is a node of a schema, or what claims to be one. */
function hasPattern(value: unknown): boolean {
  return typeof value === "object" && value !== null && "pattern" in value;
}

function isInt64(integer: bigint): boolean {
  return integer <= INT64_MAX && integer >= -INT64_MAX - 1n;
}

/** A step of the path to a value: a field, a list index or the key of a map. */
type Step = { field: string; of: StructFact } | { index: number } | { key: string };

interface GivenMember {
  /** Into the fields of its struct. */
  index: number;
  value: unknown;
}

class TypedDecoder {
  readonly unknownFields: string[] = [];
  private readonly path: Step[] = [];
  /** Was the map that was last made empty? To ask a large one costs as much as to make it. */
  private madeEmptyMap = false;
  private readonly wording: DecodeWording;
  private readonly itemsMax: number;
  private items = 0;

  constructor(wording: DecodeWording, itemsMax: number) {
    this.wording = wording;
    this.itemsMax = itemsMax;
  }

  root(value: unknown, fact: StructFact): Record<string, unknown> {
    if (typeof value !== "object" || value === null || Array.isArray(value) || isRawNumber(value)) {
      const [pkg = ""] = fact.definition.split(".").slice(-2);
      throw new GoDecodeError(`json: cannot unmarshal ${describe(value)} into Go value of type ${pkg}.${fact.name}`);
    }
    return this.struct(value as Record<string, unknown>, fact);
  }

  private struct(object: Record<string, unknown>, fact: StructFact): Record<string, unknown> {
    const { fields, always } = fact;
    const given: GivenMember[] = [];
    let isOrdered = true;
    for (const key in object) {
      const index = fact.index.get(key);
      if (index === undefined) {
        this.reportUnknown(key);
        continue;
      }
      const member = object[key];
      if (member === null || member === undefined) continue;
      const value = this.member(member, fields[index] as FieldFact, fact);
      const last = given.at(-1);
      if (last && last.index > index) isOrdered = false;
      given.push({ index, value });
    }
    if (!isOrdered) given.sort((one, other) => one.index - other.index);
    // Both are in the order of the fields, and together shorter than these: schemas have two or three members of forty.
    const out: Record<string, unknown> = {};
    let next = 0;
    for (const { index, value } of given) {
      for (; next < always.length && (always[next] as number) <= index; next += 1) {
        if (always[next] !== index) this.put(out, fields[always[next] as number] as FieldFact, undefined);
      }
      this.put(out, fields[index] as FieldFact, value);
    }
    for (; next < always.length; next += 1) this.put(out, fields[always[next] as number] as FieldFact, undefined);
    return out;
  }

  private member(member: unknown, field: FieldFact, of: StructFact): unknown {
    this.path.push({ field: field.name, of });
    const value = this.value(member, field.type);
    this.path.pop();
    const isNoisyMap = field.type.form === "map" && this.madeEmptyMap && field.omitEmpty && !field.type.pointer;
    return isNoisyMap ? undefined : value;
  }

  private put(out: Record<string, unknown>, field: FieldFact, given: unknown): void {
    const value = given === undefined ? this.absent(field) : given;
    if (value === undefined || (field.omitEmpty && !field.type.pointer && isNoise(value, field.type))) return;
    out[field.name] = value;
  }

  /** What Go prints of a field that was never set. */
  private absent({ type, omitEmpty, omitZero }: FieldFact): unknown {
    if (type.pointer) return undefined;
    if (type.form === "struct") return omitZero ? undefined : this.zero(type);
    if (type.form === "special" && type.special === "quantity") return "0";
    return omitEmpty ? undefined : this.zero(type);
  }

  private zero(type: TypeFact): unknown {
    switch (type.form) {
      case "string":
        return "";
      case "bool":
        return false;
      case "int32":
      case "int64":
      case "float64":
        return 0;
      case "struct":
        return this.struct({}, structOf(type.definition));
      case "special":
        if (type.special === "quantity") return "0";
        return type.special === "int-or-string" ? 0 : undefined;
      default:
        return undefined;
    }
  }

  private value(value: unknown, type: TypeFact): unknown {
    switch (type.form) {
      case "string":
        return typeof value === "string" ? value : this.mismatch(value, type);
      case "bool":
        return typeof value === "boolean" ? value : this.mismatch(value, type);
      case "int32":
      case "int64":
      case "float64":
        return this.number(value, type.form, type);
      case "bytes":
        return typeof value === "string" ? base64(value) : this.mismatch(value, type);
      case "list":
        return Array.isArray(value) ? this.list(value, type.of) : this.mismatch(value, type);
      case "map":
        return isObject(value) ? this.map(value, type.of) : this.mismatch(value, type);
      case "struct":
        return isObject(value) ? this.struct(value, structOf(type.definition)) : this.mismatch(value, type);
      default:
        return this.special(value, type);
    }
  }

  private number(value: unknown, form: "int32" | "int64" | "float64", type: TypeFact): unknown {
    if (isRawNumber(value)) {
      if (form === "float64") return Number(value.rawJSON);
      const { rawJSON } = value;
      if (form === "int32" || rawJSON.length > INT64_CHARACTERS_MAX || !isInt64(BigInt(rawJSON))) {
        return this.mismatch(value, type, `number ${value.rawJSON}`);
      }
      return value;
    }
    if (typeof value !== "number") return this.mismatch(value, type);
    if (form === "float64") return value;
    if (!Number.isInteger(value) || (form === "int32" && value !== (value | 0))) {
      return this.mismatch(value, type, `number ${value}`);
    }
    if (!Number.isSafeInteger(value)) return this.mismatch(value, type, `number ${value}`);
    return value;
  }

  private count(of: TypeFact, value: unknown, nodeWeight: number): void {
    if (of.form === "special") this.items += SPECIAL_WEIGHT;
    else if (of.form !== "struct") this.items += 1;
    else if (of.definition === JSON_SCHEMA_PROPS) this.items += nodeWeight + (hasPattern(value) ? PATTERN_WEIGHT : 0);
    else if (of.definition === VALIDATION_RULE) this.items += RULE_WEIGHT;
    else this.items += weightOf(structOf(of.definition).fields.length);
    if (this.items > this.itemsMax) throw tooManyItems(this.itemsMax);
  }

  private list(list: readonly unknown[], of: TypeFact): unknown[] {
    const out: unknown[] = [];
    for (let index = 0; index < list.length; index += 1) {
      const item = list[index];
      this.count(of, item, SCHEMA_ALTERNATIVE_WEIGHT);
      if (item === null) {
        out.push(isRaw(of) ? null : (this.zero(of) ?? null));
        continue;
      }
      this.path.push({ index });
      const value = this.value(item, of);
      if (value !== undefined) out.push(value);
      this.path.pop();
    }
    return out;
  }

  private map(object: Record<string, unknown>, of: TypeFact): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    let empty = true;
    for (const key in object) {
      const member = object[key];
      empty = false;
      this.count(of, member, SCHEMA_NODE_WEIGHT);
      if (of.form === "string" && typeof member === "string") {
        out[key] = member;
        continue;
      }
      this.path.push({ key });
      out[key] = member === null ? this.nullMember(of) : this.value(member, of);
      this.path.pop();
    }
    this.madeEmptyMap = empty;
    return out;
  }

  /** A null in a map is the zero value of its type; of bytes, lists and maps it is written empty rather than as null. */
  private nullMember(of: TypeFact): unknown {
    if (of.form === "bytes") return "";
    if (of.form === "list") return [];
    if (of.form === "map") return {};
    return isRaw(of) ? null : (this.zero(of) ?? null);
  }

  private special(value: unknown, type: TypeFact & { form: "special" }): unknown {
    switch (type.special) {
      case "quantity":
        return quantity(value);
      case "time":
        return this.inner(value, canonicalTime);
      case "micro-time":
        return this.inner(value, canonicalMicroTime);
      case "int-or-string":
        if (typeof value === "string") return value;
        return this.number(value, "int32", INT32);
      case "schema-or-array":
        if (Array.isArray(value)) return this.list(value, SCHEMA);
        return isObject(value) ? this.struct(value, structOf(JSON_SCHEMA_PROPS)) : this.mismatch(value, type);
      case "schema-or-bool":
        if (typeof value === "boolean") return value;
        return isObject(value) ? this.struct(value, structOf(JSON_SCHEMA_PROPS)) : this.mismatch(value, type);
      case "schema-or-strings":
        if (Array.isArray(value)) return this.list(value, STRING);
        return isObject(value) ? this.struct(value, structOf(JSON_SCHEMA_PROPS)) : this.mismatch(value, type);
      default:
        return value;
    }
  }

  /** A string that its type decodes by itself: errors know nothing of the path. */
  private inner(value: unknown, read: (text: string) => string | undefined): string | undefined {
    if (typeof value !== "string") {
      throw new GoDecodeError(`json: cannot unmarshal ${describe(value)} into Go value of type string`);
    }
    try {
      return read(value);
    } catch (cause) {
      throw new GoDecodeError((cause as Error).message, { cause });
    }
  }

  private reportUnknown(key: string): void {
    if (this.unknownFields.length >= UNKNOWN_MAX) return;
    let path = "";
    for (const step of this.path) {
      if ("index" in step) path += `[${step.index}]`;
      else path += `${path === "" ? "" : "."}${"field" in step ? step.field : step.key}`;
    }
    this.unknownFields.push(path === "" ? key : `${path}.${key}`);
  }

  /** Go names the innermost struct and the fields that lead to the value, without indices and keys. */
  private mismatch(value: unknown, type: TypeFact, found = describe(value)): never {
    if (this.wording === "converter") throw new GoDecodeError(cannotConvert(value, type));
    const fields = this.path.filter((step) => "field" in step);
    const struct = fields.at(-1)?.of.name ?? "";
    const path = fields.map((step) => step.field).join(".");
    throw new GoDecodeError(
      `json: cannot unmarshal ${found} into Go struct field ${struct}.${path} of type ${type.goType}`,
    );
  }
}

/** The converter names Go's kinds and no fields. A number is an int64 or a float64 for it. */
function cannotConvert(value: unknown, type: TypeFact): string {
  const kind = goKindOf(value);
  switch (type.form) {
    case "list":
    case "bytes":
      return `cannot restore slice from ${kind}`;
    case "map":
      return `cannot restore map from ${kind}`;
    case "struct":
      return `cannot restore struct from: ${kind}`;
    default: {
      // Go converts integers to strings, so it gets that far with them and no further.
      const isNumber = kind === "int64" || kind === "float64";
      const converts = isNumber && type.form !== "bool" && (type.form !== "string" || kind === "int64");
      return converts ? `cannot convert ${kind} to ${type.goType}` : `unrecognized type: ${type.form}`;
    }
  }
}

function goKindOf(value: unknown): string {
  if (Array.isArray(value)) return "slice";
  if (isRawNumber(value)) return "int64";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map";
}

const INT32: TypeFact = { form: "int32", goType: "int32", pointer: false };
const STRING: TypeFact = { form: "string", goType: "string", pointer: false };
const SCHEMA: TypeFact = {
  form: "struct",
  definition: JSON_SCHEMA_PROPS,
  goType: "v1.JSONSchemaProps",
  pointer: false,
};

function structOf(definition: string): StructFact {
  const fact = fieldFacts.struct(definition);
  if (!fact) throw new Error(`the table of field facts refers to ${definition}, which it does not list`);
  return fact;
}

function isRaw(type: TypeFact): boolean {
  return type.form === "special" && type.special === "raw";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/** As Go's decoder names what it found. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  if (isRawNumber(value)) return "number";
  return value === null ? "null" : typeof value;
}

/** Would Go's omitempty leave this out? Structs never are, and empty maps are left out before. An int-or-string of 0 is, so that it reads like an absent one. */
function isNoise(value: unknown, type: TypeFact): boolean {
  switch (type.form) {
    case "struct":
    case "map":
      return false;
    case "list":
      return (value as unknown[]).length === 0;
    case "special":
      return type.special === "int-or-string" && value === 0;
    default:
      return value === "" || value === 0 || value === false;
  }
}

/** Already canonical: a whole number below the step of its suffix. */
const CANONICAL_QUANTITY = /^(?:0|[1-9][0-9]{0,2}(?:m|k|M|G|Ki|Mi|Gi)?)$/;

const QUANTITY_FAULT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function quantity(value: unknown): string {
  const text = typeof value === "string" ? value : isRawNumber(value) ? value.rawJSON : numberText(value);
  if (CANONICAL_QUANTITY.test(text)) return text;
  try {
    return canonicalQuantity(text);
  } catch (cause) {
    throw new GoDecodeError(QUANTITY_FAULT, { cause });
  }
}

function numberText(value: unknown): string {
  if (typeof value !== "number") throw new GoDecodeError(QUANTITY_FAULT);
  return String(value);
}

/** Checks standard base64 and takes out the line breaks that Go's decoder skips. */
function base64(text: string): string {
  const joined = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, "") : text;
  if (joined.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(joined)) return joined;
  const bad = joined.search(/[^A-Za-z0-9+/]/);
  const at = bad >= 0 ? bad : joined.length - (joined.length % 4);
  throw new GoDecodeError(`illegal base64 data at input byte ${at}`);
}
