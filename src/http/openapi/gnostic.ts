/**
 * An OpenAPI v2 document in protobuf, as kubectl (explain, apply), Helm and Argo CD ask for it: openapi.v2.Document of
 * github.com/google/gnostic-models/openapiv2/OpenAPIv2.proto. Only what our documents hold is written. Extensions and defaults travel
 * as YAML, of which JSON is a part.
 */

type Json = Record<string, unknown>;
type Bytes = Uint8Array<ArrayBuffer>;

/** Writes one member, tag included, into the writer. */
type Member = (writer: Writer, value: unknown) => void;

/** The members of a JSON object by name; those that begin with "x-" share one. What is not named here is not written. */
interface Message {
  members: Readonly<Record<string, Member>>;
  extension?: Member;
}

const ENCODER = new TextEncoder();
const FIRST_BYTES = 1 << 20;

/** Grows as needed. A message is written first and its length put before it then. */
class Writer {
  #bytes: Bytes = new Uint8Array(FIRST_BYTES);
  #at = 0;

  finish(): Bytes {
    return this.#bytes.slice(0, this.#at);
  }

  varint(value: number): void {
    this.#reserve(5);
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  text(number: number, value: string): void {
    this.sized(number, () => {
      // A UTF-16 unit takes three bytes at most.
      this.#reserve(value.length * 3);
      this.#at += ENCODER.encodeInto(value, this.#bytes.subarray(this.#at)).written;
    });
  }

  /** A member with a length: text or a message. */
  sized(number: number, content: () => void): void {
    this.varint((number << 3) | 2);
    const start = this.#at;
    content();
    const length = this.#at - start;
    const prefix = length > 0x1fffff ? 4 : length > 0x3fff ? 3 : length > 0x7f ? 2 : 1;
    this.#reserve(prefix);
    this.#bytes.copyWithin(start + prefix, start, this.#at);
    this.#at = start;
    this.varint(length);
    this.#at = start + prefix + length;
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

function write(writer: Writer, value: unknown, { members, extension }: Message): void {
  for (const [name, member] of Object.entries(value as Json)) {
    if (name.startsWith("x-")) extension?.(writer, { [name]: member });
    else members[name]?.(writer, member);
  }
}

const text =
  (number: number): Member =>
  (writer, value) =>
    writer.text(number, String(value));

const flag =
  (number: number): Member =>
  (writer, value) => {
    if (value !== true) return;
    writer.varint(number << 3);
    writer.varint(1);
  };

const texts =
  (number: number): Member =>
  (writer, value) => {
    for (const item of value as readonly string[]) writer.text(number, item);
  };

/** Any with its `yaml`. */
const any =
  (number: number): Member =>
  (writer, value) =>
    writer.sized(number, () => writer.text(2, JSON.stringify(value)));

/** A message, as many messages around it as there are numbers. */
const message =
  (numbers: readonly number[], of: () => Message): Member =>
  (writer, value) => {
    const [number = 0, ...inner] = numbers;
    writer.sized(number, () => (inner.length > 0 ? message(inner, of)(writer, value) : write(writer, value, of())));
  };

/** A message that holds a list of {name: 1, value: 2} under this number. */
const map =
  (numbers: readonly number[], value: Member): Member =>
  (writer, members) => {
    const [number = 0, at = 0] = numbers;
    writer.sized(number, () => {
      for (const [name, member] of Object.entries(members as Json)) named(at, value)(writer, { [name]: member });
    });
  };

/** One {name: 1, value: 2}, from an object with one member. */
const named =
  (number: number, value: Member): Member =>
  (writer, member) => {
    const [[name, of] = ["", undefined]] = Object.entries(member as Json);
    writer.sized(number, () => {
      writer.text(1, name);
      value(writer, of);
    });
  };

const SCHEMA: Message = {
  members: {
    $ref: text(1),
    format: text(2),
    description: text(4),
    default: any(5),
    uniqueItems: flag(16),
    required: texts(19),
    additionalProperties: message([21, 1], () => SCHEMA),
    type: (writer, value) => writer.sized(22, () => writer.text(1, String(value))),
    items: message([23, 1], () => SCHEMA),
    properties: map(
      [25, 1],
      message([2], () => SCHEMA),
    ),
  },
  extension: named(31, any(2)),
};

const REFERENCE: Message = { members: { $ref: text(1) } };

const BODY_PARAMETER: Message = {
  members: { description: text(1), name: text(2), in: text(3), required: flag(4), schema: message([5], () => SCHEMA) },
};

const QUERY_PARAMETER: Message = {
  members: {
    required: flag(1),
    in: text(2),
    description: text(3),
    name: text(4),
    type: text(6),
    uniqueItems: flag(20),
  },
};

const PATH_PARAMETER: Message = {
  members: {
    required: flag(1),
    in: text(2),
    description: text(3),
    name: text(4),
    type: text(5),
    uniqueItems: flag(19),
  },
};

/** A Parameter under this number: a body (1), or what is none (2), in the query (3) or the path (4). */
const parameter =
  (numbers: readonly number[]): Member =>
  (writer, value) => {
    const { in: place } = value as Json;
    if (place === "body") message([...numbers, 1], () => BODY_PARAMETER)(writer, value);
    else if (place === "path") message([...numbers, 2, 4], () => PATH_PARAMETER)(writer, value);
    else message([...numbers, 2, 3], () => QUERY_PARAMETER)(writer, value);
  };

/** ParametersItems: a Parameter (1) or a reference to one (2). */
const parameters =
  (number: number): Member =>
  (writer, value) => {
    for (const item of value as readonly Json[]) {
      if ("$ref" in item) message([number, 2], () => REFERENCE)(writer, item);
      else parameter([number, 1])(writer, item);
    }
  };

const RESPONSE: Message = { members: { description: text(1), schema: message([2, 1], () => SCHEMA) } };

const OPERATION: Message = {
  members: {
    tags: texts(1),
    description: text(3),
    operationId: text(5),
    produces: texts(6),
    consumes: texts(7),
    parameters: parameters(8),
    responses: map(
      [9, 1],
      message([2, 1], () => RESPONSE),
    ),
    schemes: texts(10),
  },
  extension: named(13, any(2)),
};

const PATH_ITEM: Message = {
  members: {
    get: message([2], () => OPERATION),
    put: message([3], () => OPERATION),
    post: message([4], () => OPERATION),
    delete: message([5], () => OPERATION),
    options: message([6], () => OPERATION),
    head: message([7], () => OPERATION),
    patch: message([8], () => OPERATION),
    parameters: parameters(9),
  },
};

const API_KEY: Message = { members: { type: text(1), name: text(2), in: text(3), description: text(4) } };

const DOCUMENT: Message = {
  members: {
    swagger: text(1),
    info: message([2], () => ({ members: { title: text(1), version: text(2) } })),
    paths: map(
      [8, 2],
      message([2], () => PATH_ITEM),
    ),
    definitions: map(
      [9, 1],
      message([2], () => SCHEMA),
    ),
    parameters: map([10, 1], parameter([2])),
    security(writer, value) {
      for (const item of value as readonly Json[]) {
        writer.sized(12, () => {
          for (const [name, scopes] of Object.entries(item)) {
            named(1, (inner, list) => inner.sized(2, () => texts(1)(inner, list)))(writer, { [name]: scopes });
          }
        });
      }
    },
    securityDefinitions: map(
      [13, 1],
      message([2, 2], () => API_KEY),
    ),
  },
};

export function encodeDocument(document: Json): Bytes {
  const writer = new Writer();
  write(writer, document, DOCUMENT);
  return writer.finish();
}
