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
import { tooManyValues, VALUES_MAX } from "../machinery/object-limits.ts";
import { StatusError } from "../machinery/status-error.ts";

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
    eachField(new MessageReader(body.subarray(PROTOBUF_MAGIC.length)), (reader, number, wire) => {
      if (number === 1) readTypeMeta(reader.message(wire), envelope);
      else if (number === 2) envelope.raw = bytes(reader, wire);
      else if (number === 3) contentEncoding = string(reader, wire);
      else reader.skip(wire, number);
    });
    if (contentEncoding !== "") throw new ProtobufError(`content encoding ${contentEncoding} is not supported`);
    return envelope;
  });
}

function readTypeMeta(meta: MessageReader, envelope: Envelope): void {
  eachField(meta, (reader, number, wire) => {
    if (number === 1) envelope.apiVersion = string(reader, wire);
    else if (number === 2) envelope.kind = string(reader, wire);
    else reader.skip(wire, number);
  });
}

/**
 * @throws ProtobufError when the bytes are no such message; StatusError "RequestEntityTooLarge" for more than VALUES_MAX fields; Error
 * when the definition has no facts
 */
export function decodeProtobuf(raw: Uint8Array, definition: string): Record<string, unknown> {
  return reading(() => struct(new MessageReader(raw), structOf(definition), 0, {}));
}

/** Whatever the reader meets in hostile bytes is one kind of error. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtobufError || error instanceof StatusError) throw error;
    if (error instanceof JsonSyntaxError) throw new ProtobufError(error.message, { cause: error });
    if (error instanceof RangeError) throw new ProtobufError("unexpected EOF", { cause: error });
    throw new ProtobufError(`proto: ${error instanceof Error ? error.message : "malformed"}`, { cause: error });
  }
}

/** Counts the fields of a message and of all messages in it. */
class MessageReader extends BinaryReader {
  private readonly left: { fields: number };

  constructor(encoded: Uint8Array, left = { fields: VALUES_MAX }) {
    super(encoded);
    this.left = left;
  }

  /** @throws StatusError "RequestEntityTooLarge" */
  count(): void {
    this.left.fields -= 1;
    if (this.left.fields < 0) throw tooManyValues();
  }

  /** The message in a field of this one. */
  message(wire: WireType): MessageReader {
    return new MessageReader(bytes(this, wire), this.left);
  }
}

type OnField = (reader: MessageReader, number: number, wire: WireType) => void;

function eachField(reader: MessageReader, onField: OnField): void {
  while (reader.pos < reader.len) {
    reader.count();
    const [number, wire] = reader.tag();
    onField(reader, number, wire);
    if (reader.pos > reader.len) throw new ProtobufError("unexpected EOF");
  }
}

function expectWire(wire: WireType, expected: WireType): void {
  if (wire !== expected) throw new ProtobufError(`proto: wrong wireType = ${wire}`);
}

function bytes(reader: MessageReader, wire: WireType): Uint8Array {
  expectWire(wire, WireType.LengthDelimited);
  return reader.bytes();
}

function string(reader: MessageReader, wire: WireType): string {
  expectWire(wire, WireType.LengthDelimited);
  return reader.string();
}

function structOf(definition: string): StructFact {
  const fact = fieldFacts.struct(definition);
  if (!fact) throw new Error(`there are no field facts of ${definition}`);
  return fact;
}

/** Reads into `into`, as protobuf merges a message that comes in parts. */
function struct(
  message: MessageReader,
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
  reader: MessageReader;
  wire: WireType;
  depth: number;
}

function readField(at: At, { name, type }: FieldFact, into: Record<string, unknown>): void {
  if (type.form === "struct") {
    // An embedded struct has no name: its fields are those of the object around it.
    const target = name === "" ? into : ((into[name] ??= {}) as Record<string, unknown>);
    struct(at.reader.message(at.wire), structOf(type.definition), at.depth, target);
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
  const reader = at.reader.message(at.wire);
  const wire = type.form === "float64" ? WireType.Bit64 : WireType.Varint;
  while (reader.pos < reader.len) {
    reader.count();
    list.push(scalar({ reader, wire, depth: at.depth }, type.form));
  }
}

/** A list that is a message of its own, with its items in field 1. */
function wrapped(at: At, type: TypeFact, list: unknown[]): void {
  eachField(at.reader.message(at.wire), (reader, number, wire) => {
    if (number === 1) item({ reader, wire, depth: at.depth + 1 }, type, list);
    else reader.skip(wire, number);
  });
}

function entry(at: At, type: TypeFact, map: Record<string, unknown>): void {
  let key = "";
  let found: unknown;
  eachField(at.reader.message(at.wire), (reader, number, wire) => {
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
      return struct(at.reader.message(at.wire), structOf(type.definition), at.depth, {});
    case "special":
      return special(at.reader.message(at.wire), type.special, at.depth);
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

function special(reader: MessageReader, form: SpecialForm, depth: number): unknown {
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

function quantity(message: MessageReader): string {
  let text = "0";
  eachField(message, (reader, number, wire) => {
    if (number === 1) text = string(reader, wire);
    else reader.skip(wire, number);
  });
  return text;
}

/** Null is Go's zero time, which is an empty message. */
function time(message: MessageReader, form: "time" | "micro-time"): string | null {
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

function intOrString(message: MessageReader): number | string {
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
function rawJson(message: MessageReader): unknown {
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
  message: MessageReader,
  form: "schema-or-array" | "schema-or-bool" | "schema-or-strings",
  depth: number,
): unknown {
  const schemaNumber = form === "schema-or-bool" ? 2 : 1;
  let schema: Record<string, unknown> | undefined;
  let allows = false;
  const list: unknown[] = [];
  eachField(message, (reader, number, wire) => {
    if (number === schemaNumber) {
      schema = struct(reader.message(wire), structOf(JSON_SCHEMA_PROPS), depth + 1, schema ?? {});
    } else if (form === "schema-or-bool" && number === 1) {
      allows = scalar({ reader, wire, depth }, "bool") === true;
    } else if (form === "schema-or-array" && number === 2) {
      list.push(struct(reader.message(wire), structOf(JSON_SCHEMA_PROPS), depth + 1, {}));
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
