/**
 * Reads `application/vnd.kubernetes.protobuf`: a magic number, the envelope runtime.Unknown, and the message of a built-in
 * kind, which the field facts describe. Gives plain JSON that is not canonical yet (see canonical.ts).
 */
import { base64Encode, BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  fieldFacts,
  JSON_SCHEMA_PROPS,
  type FieldFact,
  type ScalarForm,
  type SpecialForm,
  type StructFact,
  type TypeFact,
} from "./field-facts.ts";
import { microTimeOfSeconds, timeOfSeconds } from "./go-time.ts";
import { JsonSyntaxError, scanJson, type RawNumber } from "./json.ts";

/** Bytes that are no message of the expected type. */
export class ProtobufError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ProtobufError";
  }
}

/** "k8s" and a zero byte. */
export const PROTOBUF_MAGIC: readonly number[] = [0x6b, 0x38, 0x73, 0x00];

/** Nesting at most; the deepest built-in type that is no JSON schema needs fewer than 20. */
const DEPTH_MAX = 200;

export interface Envelope {
  apiVersion: string;
  kind: string;
  /** The encoded object. */
  raw: Uint8Array;
}

/** @throws ProtobufError */
export function readEnvelope(body: Uint8Array): Envelope {
  if (body.length === 0) throw new ProtobufError("empty data");
  if (PROTOBUF_MAGIC.some((byte, index) => body[index] !== byte)) {
    throw new ProtobufError(
      `provided data does not appear to be a protobuf message, expected prefix [${PROTOBUF_MAGIC.join(" ")}]`,
    );
  }
  if (body.length === PROTOBUF_MAGIC.length) throw new ProtobufError("empty body");
  return reading(() => {
    const envelope: Envelope = { apiVersion: "", kind: "", raw: new Uint8Array() };
    let contentEncoding = "";
    eachField(new BinaryReader(body.subarray(PROTOBUF_MAGIC.length)), (reader, number, wire) => {
      if (number === 1) readTypeMeta(nested(reader, wire), envelope);
      else if (number === 2) envelope.raw = bytes(reader, wire);
      else if (number === 3) contentEncoding = string(reader, wire);
      else reader.skip(wire, number);
    });
    if (contentEncoding !== "") throw new ProtobufError(`content encoding ${contentEncoding} is not supported`);
    return envelope;
  });
}

function readTypeMeta(meta: BinaryReader, envelope: Envelope): void {
  eachField(meta, (reader, number, wire) => {
    if (number === 1) envelope.apiVersion = string(reader, wire);
    else if (number === 2) envelope.kind = string(reader, wire);
    else reader.skip(wire, number);
  });
}

/** @throws ProtobufError when the bytes are no such message; Error when the definition has no facts */
export function decodeProtobuf(raw: Uint8Array, definition: string): Record<string, unknown> {
  return reading(() => struct(new BinaryReader(raw), structOf(definition), 0, {}));
}

/** Whatever the reader meets in hostile bytes is one kind of error. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtobufError) throw error;
    if (error instanceof JsonSyntaxError) throw new ProtobufError(error.message, { cause: error });
    if (error instanceof RangeError) throw new ProtobufError("unexpected EOF", { cause: error });
    throw new ProtobufError(`proto: ${error instanceof Error ? error.message : "malformed"}`, { cause: error });
  }
}

type OnField = (reader: BinaryReader, number: number, wire: WireType) => void;

function eachField(reader: BinaryReader, onField: OnField): void {
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    onField(reader, number, wire);
    if (reader.pos > reader.len) throw new ProtobufError("unexpected EOF");
  }
}

function expectWire(wire: WireType, expected: WireType): void {
  if (wire !== expected) throw new ProtobufError(`proto: wrong wireType = ${wire}`);
}

function bytes(reader: BinaryReader, wire: WireType): Uint8Array {
  expectWire(wire, WireType.LengthDelimited);
  return reader.bytes();
}

function string(reader: BinaryReader, wire: WireType): string {
  expectWire(wire, WireType.LengthDelimited);
  return reader.string();
}

function nested(reader: BinaryReader, wire: WireType): BinaryReader {
  return new BinaryReader(bytes(reader, wire));
}

function structOf(definition: string): StructFact {
  const fact = fieldFacts.struct(definition);
  if (!fact) throw new Error(`there are no field facts of ${definition}`);
  return fact;
}

/** Reads into `into`, as protobuf merges a message that comes in parts. */
function struct(
  message: BinaryReader,
  fact: StructFact,
  depth: number,
  into: Record<string, unknown>,
): Record<string, unknown> {
  if (depth > DEPTH_MAX) throw new ProtobufError("proto: message nests too deeply");
  eachField(message, (reader, number, wire) => {
    const field = fact.byNumber.get(number);
    if (!field) reader.skip(wire, number);
    else readField({ reader, wire, depth: depth + 1 }, field, into);
  });
  return into;
}

/** Where the next value stands. */
interface At {
  reader: BinaryReader;
  wire: WireType;
  depth: number;
}

function readField(at: At, { name, type }: FieldFact, into: Record<string, unknown>): void {
  if (type.form === "struct") {
    // An embedded struct has no name: its fields are those of the object around it.
    const target = name === "" ? into : ((into[name] ??= {}) as Record<string, unknown>);
    struct(nested(at.reader, at.wire), structOf(type.definition), at.depth, target);
  } else if (type.form === "list") {
    const list = (into[name] ??= []) as unknown[];
    if (type.wrapped) wrapped(at, type.of, list);
    else item(at, type.of, list);
  } else if (type.form === "map") {
    entry(at, type.of, (into[name] ??= {}) as Record<string, unknown>);
  } else {
    into[name] = value(at, type);
  }
}

/** One element, or a packed run of numbers. */
function item(at: At, type: TypeFact, list: unknown[]): void {
  const isNumber = type.form === "int32" || type.form === "int64" || type.form === "bool" || type.form === "float64";
  if (!isNumber || at.wire !== WireType.LengthDelimited) {
    list.push(value(at, type));
    return;
  }
  const reader = nested(at.reader, at.wire);
  const wire = type.form === "float64" ? WireType.Bit64 : WireType.Varint;
  while (reader.pos < reader.len) list.push(scalar({ reader, wire, depth: at.depth }, type.form));
}

/** A list that is a message of its own, with its items in field 1. */
function wrapped(at: At, type: TypeFact, list: unknown[]): void {
  eachField(nested(at.reader, at.wire), (reader, number, wire) => {
    if (number === 1) item({ reader, wire, depth: at.depth + 1 }, type, list);
    else reader.skip(wire, number);
  });
}

function entry(at: At, type: TypeFact, map: Record<string, unknown>): void {
  let key = "";
  let found: unknown;
  eachField(nested(at.reader, at.wire), (reader, number, wire) => {
    if (number === 1) key = string(reader, wire);
    else if (number === 2) found = value({ reader, wire, depth: at.depth + 1 }, type);
    else reader.skip(wire, number);
  });
  if (key === "__proto__") throw new ProtobufError('the member name "__proto__" is not allowed');
  map[key] = found ?? null;
}

function value(at: At, type: TypeFact): unknown {
  switch (type.form) {
    case "struct":
      return struct(nested(at.reader, at.wire), structOf(type.definition), at.depth, {});
    case "special":
      return special(nested(at.reader, at.wire), type.special, at.depth);
    case "list": {
      const list: unknown[] = [];
      wrapped(at, type.of, list);
      return list;
    }
    case "map":
      throw new ProtobufError("proto: a map cannot be nested");
    default:
      return scalar(at, type.form);
  }
}

function scalar({ reader, wire }: At, form: ScalarForm): unknown {
  switch (form) {
    case "string":
      return string(reader, wire);
    case "bytes":
      return base64Encode(bytes(reader, wire));
    case "bool":
      expectWire(wire, WireType.Varint);
      return reader.bool();
    case "int32":
      expectWire(wire, WireType.Varint);
      return reader.int32();
    case "int64":
      expectWire(wire, WireType.Varint);
      return integer(reader.int64());
    case "float64":
      expectWire(wire, WireType.Bit64);
      return reader.double();
  }
  throw new Error(`unknown scalar ${String(form)}`);
}

function integer(int64: bigint | string): number | RawNumber {
  const number = Number(int64);
  if (Number.isSafeInteger(number)) return number;
  return (JSON as unknown as { rawJSON(text: string): RawNumber }).rawJSON(String(int64));
}

function special(reader: BinaryReader, form: SpecialForm, depth: number): unknown {
  switch (form) {
    case "quantity":
      return quantity(reader);
    case "time":
    case "micro-time":
      return time(reader, form);
    case "int-or-string":
      return intOrString(reader);
    case "raw":
      return rawJson(reader);
    default:
      return schemaOr(reader, form, depth);
  }
}

function quantity(message: BinaryReader): string {
  let text = "0";
  eachField(message, (reader, number, wire) => {
    if (number === 1) text = string(reader, wire);
    else reader.skip(wire, number);
  });
  return text;
}

/** Null is Go's zero time, which is an empty message. */
function time(message: BinaryReader, form: "time" | "micro-time"): string | null {
  if (message.len === 0) return null;
  let seconds = 0;
  let nanos = 0;
  eachField(message, (reader, number, wire) => {
    if (number === 1) seconds = scalar({ reader, wire, depth: 0 }, "int64") as number;
    else if (number === 2) nanos = scalar({ reader, wire, depth: 0 }, "int32") as number;
    else reader.skip(wire, number);
  });
  // The years 1 to 9999, which is what RFC 3339 can write.
  if (typeof seconds !== "number" || seconds < -62_135_596_800 || seconds > 253_402_300_799) {
    throw new ProtobufError("proto: time is out of range");
  }
  if (nanos < 0 || nanos > 999_999_999) throw new ProtobufError("proto: nanoseconds are out of range");
  return (form === "time" ? timeOfSeconds(seconds) : microTimeOfSeconds(seconds, nanos)) ?? null;
}

function intOrString(message: BinaryReader): number | string {
  let isString = false;
  let int = 0;
  let text = "";
  eachField(message, (reader, number, wire) => {
    if (number === 1) isString = scalar({ reader, wire, depth: 0 }, "int64") === 1;
    else if (number === 2) int = scalar({ reader, wire, depth: 0 }, "int32") as number;
    else if (number === 3) text = string(reader, wire);
    else reader.skip(wire, number);
  });
  return isString ? text : int;
}

/** RawExtension, FieldsV1 and JSON carry JSON text in field 1. */
function rawJson(message: BinaryReader): unknown {
  let found: unknown = null;
  eachField(message, (reader, number, wire) => {
    if (number === 1) {
      const text = bytes(reader, wire);
      found = text.length === 0 ? null : scanJson(text).value;
    } else {
      reader.skip(wire, number);
    }
  });
  return found;
}

/** The three unions of CRD schemas: a schema in one field, the alternative in another. */
function schemaOr(
  message: BinaryReader,
  form: "schema-or-array" | "schema-or-bool" | "schema-or-strings",
  depth: number,
): unknown {
  const schemaNumber = form === "schema-or-bool" ? 2 : 1;
  let schema: Record<string, unknown> | undefined;
  let allows = false;
  const list: unknown[] = [];
  eachField(message, (reader, number, wire) => {
    if (number === schemaNumber) {
      schema = struct(nested(reader, wire), structOf(JSON_SCHEMA_PROPS), depth + 1, schema ?? {});
    } else if (form === "schema-or-bool" && number === 1) {
      allows = scalar({ reader, wire, depth }, "bool") === true;
    } else if (form === "schema-or-array" && number === 2) {
      list.push(struct(nested(reader, wire), structOf(JSON_SCHEMA_PROPS), depth + 1, {}));
    } else if (form === "schema-or-strings" && number === 2) {
      list.push(string(reader, wire));
    } else {
      reader.skip(wire, number);
    }
  });
  if (schema) return schema;
  if (form === "schema-or-bool") return allows;
  // Neither of the two is null, also in JSON.
  return list.length === 0 ? null : list;
}
