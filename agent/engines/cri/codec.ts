/** Encodes and decodes the messages of messages.ts by their tables. */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { MESSAGES, type Message, type MessageName, type Outgoing, type ScalarType } from "./messages.ts";

type Type = ScalarType | MessageName;
type Field = readonly [number: number, type: Type, repeated?: "repeated"];
type Plain = Record<string, unknown>;

interface Table {
  fields: readonly (readonly [name: string, field: Field])[];
  byNumber: ReadonlyMap<number, readonly [name: string, field: Field]>;
}

const TABLES = new Map<MessageName, Table>(
  (Object.entries(MESSAGES) as [MessageName, Record<string, Field>][]).map(([name, message]) => {
    const fields = Object.entries(message);
    return [name, { fields, byNumber: new Map(fields.map((entry) => [entry[1][0], entry])) }];
  }),
);

function tableOf(name: MessageName): Table {
  const table = TABLES.get(name);
  if (table === undefined) throw new Error(`no message ${name}`);
  return table;
}

export function encode<N extends MessageName>(name: N, message: Outgoing<N>): Uint8Array {
  return write(new BinaryWriter(), name, message).finish();
}

/** @throws Error on bytes that are no such message */
export function decode<N extends MessageName>(name: N, bytes: Uint8Array): Message<N> {
  return read(new BinaryReader(bytes), bytes.length, name) as Message<N>;
}

function write(writer: BinaryWriter, name: MessageName, message: Plain): BinaryWriter {
  for (const [key, [number, type, repeated]] of tableOf(name).fields) {
    const value = message[key];
    if (value === undefined) continue;
    if (repeated !== undefined) writeRepeated(writer, number, type, value as unknown[]);
    else if (type === "map") writeMap(writer, number, value as Record<string, string>);
    else if (!isDefault(value)) writeOne(writer, number, type, value);
  }
  return writer;
}

function isDefault(value: unknown): boolean {
  return value === "" || value === 0 || value === false || (value instanceof Uint8Array && value.length === 0);
}

function writeRepeated(writer: BinaryWriter, number: number, type: Type, values: unknown[]): void {
  if (values.length === 0) return;
  if (type !== "int64") {
    for (const value of values) writeOne(writer, number, type, value);
    return;
  }
  // Numbers travel packed.
  writer.tag(number, WireType.LengthDelimited).fork();
  for (const value of values) writer.int64(value as number);
  writer.join();
}

function writeMap(writer: BinaryWriter, number: number, map: Record<string, string>): void {
  for (const [key, value] of Object.entries(map)) {
    writer.tag(number, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key).tag(2, WireType.LengthDelimited).string(value);
    writer.join();
  }
}

function writeOne(writer: BinaryWriter, number: number, type: Type, value: unknown): void {
  switch (type) {
    case "string":
      writer.tag(number, WireType.LengthDelimited).string(value as string);
      return;
    case "bytes":
      writer.tag(number, WireType.LengthDelimited).bytes(value as Uint8Array);
      return;
    case "bool":
      writer.tag(number, WireType.Varint).bool(value as boolean);
      return;
    case "uint32":
      writer.tag(number, WireType.Varint).uint32(value as number);
      return;
    case "int32":
    case "enum":
      writer.tag(number, WireType.Varint).int32(value as number);
      return;
    case "int64":
      writer.tag(number, WireType.Varint).int64(value as number);
      return;
    case "map":
      throw new Error("a map is written whole");
    default:
      writer.tag(number, WireType.LengthDelimited).fork();
      write(writer, type, value as Plain).join();
  }
}

function read(reader: BinaryReader, end: number, name: MessageName): Plain {
  const table = tableOf(name);
  const message: Plain = {};
  for (const [key, [, type, repeated]] of table.fields) message[key] = repeated === undefined ? empty(type) : [];
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const known = table.byNumber.get(number);
    if (known === undefined) {
      reader.skip(wireType, number);
      continue;
    }
    const [key, [, type, repeated]] = known;
    if (type === "map") readEntry(reader, message[key] as Record<string, string>);
    else if (repeated === undefined) message[key] = readOne(reader, type);
    else (message[key] as unknown[]).push(readOne(reader, type));
  }
  return message;
}

function empty(type: Type): unknown {
  switch (type) {
    case "string":
      return "";
    case "bytes":
      return new Uint8Array();
    case "bool":
      return false;
    case "int32":
    case "uint32":
    case "int64":
    case "enum":
      return 0;
    case "map":
      return {};
    default:
      return undefined;
  }
}

function readEntry(reader: BinaryReader, into: Record<string, string>): void {
  const end = reader.uint32() + reader.pos;
  let key = "";
  let value = "";
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    if (number === 1) key = reader.string();
    else if (number === 2) value = reader.string();
    else reader.skip(wireType, number);
  }
  into[key] = value;
}

function readOne(reader: BinaryReader, type: Exclude<Type, "map">): unknown {
  switch (type) {
    case "string":
      return reader.string();
    case "bytes":
      return reader.bytes();
    case "bool":
      return reader.bool();
    case "uint32":
      return reader.uint32();
    case "int32":
    case "enum":
      return reader.int32();
    case "int64":
      return Number(reader.int64());
    default: {
      const length = reader.uint32();
      return read(reader, reader.pos + length, type);
    }
  }
}
