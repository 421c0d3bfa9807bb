import { describe, expect, it } from "vitest";
import { encodeDocument } from "./gnostic.ts";

/** A message as it is on the wire: values by member number, in order. Lengths are not interpreted. */
type Wire = Map<number, (number | Uint8Array)[]>;

function decode(bytes: Uint8Array): Wire {
  const wire: Wire = new Map();
  let next = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[next++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (next < bytes.length) {
    const tag = varint();
    const value = varint();
    const sized = (tag & 7) === 2;
    wire.set(tag >> 3, [...(wire.get(tag >> 3) ?? []), sized ? bytes.subarray(next, next + value) : value]);
    if (sized) next += value;
  }
  return wire;
}

/** The values at a path of member numbers, all branches. */
function at(bytes: Uint8Array, ...path: number[]): (number | Uint8Array)[] {
  const [number, ...rest] = path;
  if (number === undefined) return [bytes];
  const values = decode(bytes).get(number) ?? [];
  return rest.length === 0 ? values : values.flatMap((value) => (typeof value === "number" ? [] : at(value, ...rest)));
}

function texts(bytes: Uint8Array, ...path: number[]): string[] {
  return at(bytes, ...path).map((value) =>
    typeof value === "number" ? String(value) : new TextDecoder().decode(value),
  );
}

const reference = { $ref: "#/definitions/T" };
const bytes = encodeDocument({
  swagger: "2.0",
  info: { title: "Kubernetes", version: "v1.36.0" },
  paths: {
    "/things/{name}": {
      get: {
        tags: ["a", "b"],
        description: "x".repeat(300),
        operationId: "readThing",
        consumes: ["*/*"],
        produces: ["application/json"],
        schemes: ["https"],
        parameters: [
          { in: "body", name: "body", required: true, schema: reference },
          { in: "query", name: "pretty", type: "string", uniqueItems: true },
        ],
        responses: { "200": { description: "OK", schema: reference } },
        "x-kubernetes-action": "get",
      },
      parameters: [
        { in: "path", name: "name", type: "string", required: true, uniqueItems: true },
        { $ref: "#/parameters/shared" },
      ],
    },
  },
  definitions: {
    T: {
      description: "An ö and a \u{1F600}.",
      type: "object",
      required: ["a"],
      properties: {
        a: { type: "array", items: reference },
        m: { type: "object", additionalProperties: { type: "string" } },
      },
      "x-kubernetes-group-version-kind": [{ group: "", kind: "T", version: "v1" }],
    },
    Empty: {},
  },
  parameters: { shared: { in: "query", name: "shared", type: "boolean" } },
  securityDefinitions: { Token: { type: "apiKey", name: "authorization", in: "header", description: "d" } },
  security: [{ Token: [] }],
});

// Member numbers are those of OpenAPIv2.proto.
describe("an OpenAPI v2 document in protobuf", () => {
  it.each([
    ["swagger", [1], ["2.0"]],
    ["info", [2, 2], ["v1.36.0"]],
    ["a path", [8, 2, 1], ["/things/{name}"]],
    ["tags", [8, 2, 2, 2, 1], ["a", "b"]],
    ["a long text", [8, 2, 2, 2, 3], ["x".repeat(300)]],
    ["the id", [8, 2, 2, 2, 5], ["readThing"]],
    ["produces", [8, 2, 2, 2, 6], ["application/json"]],
    ["a body", [8, 2, 2, 2, 8, 1, 1, 5, 1], ["#/definitions/T"]],
    ["a required body", [8, 2, 2, 2, 8, 1, 1, 4], ["1"]],
    ["a query parameter", [8, 2, 2, 2, 8, 1, 2, 3, 4], ["pretty"]],
    ["its uniqueness", [8, 2, 2, 2, 8, 1, 2, 3, 20], ["1"]],
    ["a code", [8, 2, 2, 2, 9, 1, 1], ["200"]],
    ["its schema", [8, 2, 2, 2, 9, 1, 2, 1, 2, 1, 1], ["#/definitions/T"]],
    ["an extension", [8, 2, 2, 2, 13, 2, 2], ['"get"']],
    ["a parameter of the path", [8, 2, 2, 9, 1, 2, 4, 4], ["name"]],
    ["a shared parameter", [8, 2, 2, 9, 2, 1], ["#/parameters/shared"]],
    ["definitions", [9, 1, 1], ["T", "Empty"]],
    ["prose", [9, 1, 2, 4], ["An ö and a \u{1F600}."]],
    ["a type", [9, 1, 2, 22, 1], ["object"]],
    ["required", [9, 1, 2, 19], ["a"]],
    ["properties", [9, 1, 2, 25, 1, 1], ["a", "m"]],
    ["items", [9, 1, 2, 25, 1, 2, 23, 1, 1], ["#/definitions/T"]],
    ["values", [9, 1, 2, 25, 1, 2, 21, 1, 22, 1], ["string"]],
    ["the name of an extension", [9, 1, 2, 31, 1], ["x-kubernetes-group-version-kind"]],
    ["its value as YAML", [9, 1, 2, 31, 2, 2], ['[{"group":"","kind":"T","version":"v1"}]']],
    ["what is shared", [10, 1, 2, 2, 3, 4], ["shared"]],
    ["security", [12, 1, 1], ["Token"]],
    ["its definition", [13, 1, 2, 2, 2], ["authorization"]],
  ])("holds %s", (_what, path, expected) => {
    expect(texts(bytes, ...path)).toEqual(expected);
  });
});
