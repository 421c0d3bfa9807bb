import { VALUES_MAX } from "../machinery/object-limits.ts";
import { describe, expect, it } from "vitest";
import type { GroupVersionKind } from "../machinery/gvk.ts";
import { isStatusError } from "../machinery/status-error.ts";
import { canonicalise } from "./canonical.ts";
import { decodeObject } from "./codec.ts";
import { fieldFacts, type FieldFact, type TypeFact } from "./field-facts.ts";
import { KUBECTL_BODIES } from "./kubectl-bodies.fixture.ts";
import { decodeProtobuf } from "./protobuf.ts";

const GROUPS: Record<string, string> = {
  "": "io.k8s.api.core",
  "authentication.k8s.io": "io.k8s.api.authentication",
  "authorization.k8s.io": "io.k8s.api.authorization",
  "networking.k8s.io": "io.k8s.api.networking",
};

function definitionFor({ group, version, kind }: GroupVersionKind): string | undefined {
  const definition = `${GROUPS[group] ?? `io.k8s.api.${group}`}.${version}.${kind}`;
  return fieldFacts.struct(definition) && definition;
}

function decode(body: Uint8Array) {
  return decodeObject({ body, mediaType: "application/vnd.kubernetes.protobuf", definitionFor });
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

describe("bodies of kubectl", () => {
  it.each([
    [
      "createConfigmap",
      {
        kind: "ConfigMap",
        apiVersion: "v1",
        metadata: { name: "demo" },
        data: { a: "1", "a.txt": "hello\n" },
        binaryData: { "b.bin": "/wAB" },
      },
    ],
    ["createNamespace", { kind: "Namespace", apiVersion: "v1", metadata: { name: "team" }, spec: {}, status: {} }],
    ["createSecretGeneric", { kind: "Secret", metadata: { name: "s" }, data: { user: "YWRtaW4=" } }],
    [
      "createToken",
      {
        kind: "TokenRequest",
        apiVersion: "authentication.k8s.io/v1",
        spec: { audiences: ["x"], expirationSeconds: 600 },
      },
    ],
    [
      "authReview",
      {
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: { namespace: "default", verb: "get", resource: "pods", subresource: "log" } },
        status: { allowed: false },
      },
    ],
    [
      "createDeployment",
      {
        kind: "Deployment",
        apiVersion: "apps/v1",
        metadata: { name: "web", labels: { app: "web" } },
        spec: {
          replicas: 3,
          selector: { matchLabels: { app: "web" } },
          template: {
            metadata: { labels: { app: "web" } },
            spec: { containers: [{ name: "nginx", image: "nginx:1", ports: [{ containerPort: 80 }], resources: {} }] },
          },
          strategy: {},
        },
        status: {},
      },
    ],
    [
      "createServiceClusterip",
      {
        spec: {
          ports: [{ name: "80-8080", protocol: "TCP", port: 80, targetPort: 8080 }],
          selector: { app: "web" },
          type: "ClusterIP",
        },
        status: { loadBalancer: {} },
      },
    ],
    ["createPdb", { spec: { minAvailable: "50%", selector: { matchLabels: { app: "a" } } } }],
    [
      "createIngress",
      {
        spec: {
          rules: [
            {
              host: "a.example",
              http: {
                paths: [
                  { path: "/x", pathType: "Prefix", backend: { service: { name: "svc", port: { number: 80 } } } },
                ],
              },
            },
          ],
        },
      },
    ],
    ["createCronjob", { spec: { schedule: "*/5 * * * *", jobTemplate: { metadata: { name: "c" } } } }],
  ] as const)("%s", (name, expected) => {
    expect(decode(fromHex(KUBECTL_BODIES[name])).object).toMatchObject(expected);
  });

  it("refuses every truncation and survives every damaged byte", () => {
    const body = fromHex(KUBECTL_BODIES.createDeployment);
    const accepted: number[] = [];
    for (let length = 0; length < body.length; length += 1) {
      if (survives(body.subarray(0, length), `cut at ${length}`)) accepted.push(length);
    }
    // Without the object, and without the envelope's two empty last fields: each is a whole message.
    expect(accepted).toEqual([27, body.length - 4, body.length - 2]);
    for (let at = 0; at < body.length; at += 1) {
      for (const bits of [0x01, 0x80, 0xff]) {
        const damaged = body.slice();
        damaged[at] = (damaged[at] ?? 0) ^ bits;
        survives(damaged, `byte ${at} ^ ${bits}`);
      }
    }
  });
});

/** A body is decoded or refused as the client's fault; nothing else may happen. */
function survives(body: Uint8Array, context: string): boolean {
  try {
    decode(body);
    return true;
  } catch (error) {
    expect(isStatusError(error, "BadRequest"), `${context}: ${String(error)}`).toBe(true);
    return false;
  }
}

describe("hostile bytes", () => {
  it.each([
    ["", "empty data"],
    ["6b387300", "empty body"],
    ["7b7d", "does not appear to be a protobuf message, expected prefix [107 56 115 0]"],
    ["6b3873000a05", "unexpected EOF"],
    ["6b38730012ffffffff0f", "unexpected EOF"],
    ["6b387300ffffffffffffffffffffff", "unrecognized"],
    ["6b3873001a04677a6970", "content encoding gzip is not supported"],
    ["6b387300120100", "Object 'Kind' is missing"],
    ["6b3873000a060a02763112001200", "Object 'Kind' is missing"],
    ["6b3873000a0b0a027631120557726f6e671200", 'no kind "Wrong" is registered for version "v1"'],
  ])("%s", (hex, message) => {
    expect(() => decode(fromHex(hex))).toThrow(message);
  });

  it("bounds the depth of recursive types", () => {
    const schema = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
    const not = fieldFacts.struct(schema)?.fields.find((field) => field.name === "not")?.number ?? 0;
    expect(not).toBeGreaterThan(0);
    let message: number[] = [];
    for (let depth = 0; depth < 1_000; depth += 1) message = delimited(not, message);
    expect(() => decodeProtobuf(Uint8Array.from(message), schema)).toThrow("nests too deeply");
  });

  it.each([
    ["fields that nobody knows", [0x78, 0x01]],
    ["finalizers", text(14, "")],
    ["labels", delimited(11, [])],
  ])("bounds the number of %s", (_what, field) => {
    const message = Uint8Array.from(Array.from({ length: VALUES_MAX + 1 }, () => field).flat());
    expect(() => decodeProtobuf(message, `${META}.ObjectMeta`)).toThrow("limit is 40000 fields and items");
  });

  it("refuses times out of range and keys that JavaScript treats specially", () => {
    const late = delimited(8, [0x08, ...varint(2n ** 62n)]);
    expect(() => decodeProtobuf(Uint8Array.from(late), `${META}.ObjectMeta`)).toThrow("time is out of range");
    const entry = delimited(11, [...text(1, "__proto__"), ...text(2, "x")]);
    expect(() => decodeProtobuf(Uint8Array.from(entry), `${META}.ObjectMeta`)).toThrow("not allowed");
  });
});

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";

describe("any object of any type", () => {
  it("comes back from an independent encoder", () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = seeded(seed);
    const definitions = fieldFacts.definitions();
    for (let round = 0; round < 1_500; round += 1) {
      const definition = definitions[round % definitions.length] ?? "";
      const sample = canonicalise(randomStruct(random, definition, 6), definition);
      const decoded = decodeProtobuf(Uint8Array.from(encodeStruct(sample, definition)), definition);
      expect(canonicalise(decoded, definition), `seed ${seed}, ${definition}`).toEqual(sample);
    }
  });
});

// The encoder: nothing of it is shared with the decoder but the facts themselves.

function varint(value: bigint): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...out, Number(rest)];
}

function delimited(number: number, payload: readonly number[]): number[] {
  return [...varint(BigInt(number * 8 + 2)), ...varint(BigInt(payload.length)), ...payload];
}

function text(number: number, value: string): number[] {
  return delimited(number, [...new TextEncoder().encode(value)]);
}

function integer(number: number, value: number | bigint): number[] {
  return [...varint(BigInt(number * 8)), ...varint(BigInt(value))];
}

function encodeStruct(object: Record<string, unknown>, definition: string): number[] {
  const fields = [...(fieldFacts.struct(definition)?.byNumber.values() ?? [])];
  return fields.flatMap((field) => encodeField(object, field));
}

function encodeField(object: Record<string, unknown>, { name, number, type }: FieldFact): number[] {
  if (name === "" && type.form === "struct") return delimited(number, encodeStruct(object, type.definition));
  const value = object[name];
  if (value === undefined) return [];
  if (type.form === "list") {
    const items = (value as unknown[]).flatMap((item) => encodeValue(type.wrapped ? 1 : number, item, type.of));
    return type.wrapped ? delimited(number, items) : items;
  }
  if (type.form === "map") {
    return Object.entries(value as object).flatMap(([key, member]) =>
      delimited(number, [...text(1, key), ...encodeValue(2, member, type.of)]),
    );
  }
  return encodeValue(number, value, type);
}

function encodeValue(number: number, value: unknown, type: TypeFact): number[] {
  switch (type.form) {
    case "string":
      return text(number, value as string);
    case "bytes":
      return delimited(
        number,
        Array.from(atob(value as string), (char) => char.charCodeAt(0)),
      );
    case "bool":
      return integer(number, value === true ? 1 : 0);
    case "int32":
    case "int64":
      return integer(number, value as number);
    case "float64":
      return [...varint(BigInt(number * 8 + 1)), ...new Uint8Array(Float64Array.of(value as number).buffer)];
    case "struct":
      return delimited(number, encodeStruct(value as Record<string, unknown>, type.definition));
    case "list":
      return delimited(
        number,
        (value as unknown[]).flatMap((item) => encodeValue(1, item, type.of)),
      );
    case "map":
      throw new Error("no published type nests maps");
    default:
      return delimited(number, encodeSpecial(value, type.special));
  }
}

function encodeSpecial(value: unknown, form: (TypeFact & { form: "special" })["special"]): number[] {
  const schema = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
  const encodeSchema = (number: number, object: unknown): number[] =>
    delimited(number, encodeStruct(object as Record<string, unknown>, schema));
  switch (form) {
    case "quantity":
      return text(1, value as string);
    case "time":
      return integer(1, Date.parse(value as string) / 1000);
    case "micro-time": {
      const [, micros = "0"] = /\.(\d{6})Z$/.exec(value as string) ?? [];
      return [...integer(1, Math.floor(Date.parse(value as string) / 1000)), ...integer(2, Number(micros) * 1000)];
    }
    case "int-or-string":
      return typeof value === "number"
        ? [...integer(1, 0), ...integer(2, value)]
        : [...integer(1, 1), ...text(3, value as string)];
    case "raw":
      return text(1, JSON.stringify(value));
    case "schema-or-bool":
      return typeof value === "boolean" ? integer(1, value ? 1 : 0) : encodeSchema(2, value);
    case "schema-or-array":
      return Array.isArray(value) ? value.flatMap((item) => encodeSchema(2, item)) : encodeSchema(1, value);
    default:
      return Array.isArray(value) ? value.flatMap((item) => text(2, item as string)) : encodeSchema(1, value);
  }
}

// Random objects of a type, before canonicalisation.

type Random = () => number;

function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}

function randomStruct(random: Random, definition: string, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of fieldFacts.struct(definition)?.fields ?? []) {
    // What protobuf does not carry (kind, apiVersion) cannot come back.
    if (field.number === 0 || random() < (depth > 3 ? 0.3 : 0.7)) continue;
    const value = randomValue(random, field.type, depth - 1);
    if (value !== undefined) out[field.name] = value;
  }
  return out;
}

function randomValue(random: Random, type: TypeFact, depth: number): unknown {
  if (depth <= 0 && (type.form === "struct" || type.form === "list" || type.form === "map")) return undefined;
  switch (type.form) {
    case "string":
      return pick(random, ["", "a", "päd", "x".repeat(300)]);
    case "bytes":
      return pick(random, ["AA==", "aGVsbG8=", "/w=="]);
    case "bool":
      return random() < 0.5;
    case "int32":
      return pick(random, [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]);
    case "int64":
      return pick(random, [0, 1, -1, 2 ** 40, -(2 ** 52)]);
    case "float64":
      return pick(random, [0, 1.5, -1e300]);
    case "struct":
      return randomStruct(random, type.definition, depth);
    case "list": {
      const list = Array.from({ length: 1 + Math.floor(random() * 2) }, () => randomValue(random, type.of, depth - 1));
      // Protobuf cannot tell an empty list from none.
      return list.includes(undefined) ? undefined : list;
    }
    case "map":
      return randomMap(random, type.of, depth - 1);
    default:
      return randomSpecial(random, type.special);
  }
}

function randomMap(random: Random, of: TypeFact, depth: number): object | undefined {
  const entries = ["k", "l"].map((key) => [key, randomValue(random, of, depth)] as const);
  return entries.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(entries);
}

function randomSpecial(random: Random, form: (TypeFact & { form: "special" })["special"]): unknown {
  switch (form) {
    case "quantity":
      return pick(random, ["0", "1000m", "1.5Gi", "100k", "1e3"]);
    case "time":
      return pick(random, ["2026-11-24T03:00:00+01:00", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"]);
    case "micro-time":
      return pick(random, ["2026-11-24T03:00:00.000001Z", "1969-12-31T23:59:59.999999Z"]);
    case "int-or-string":
      return pick<number | string>(random, [1, -5, "http", "50%"]);
    case "raw":
      return pick<unknown>(random, [{ a: [1, null, { b: "c" }] }, { "f:x": {} }]);
    case "schema-or-bool":
      return pick<unknown>(random, [true, false, { type: "string" }]);
    case "schema-or-array":
      return pick<unknown>(random, [[{ type: "string" }, { type: "integer" }], { type: "string" }]);
    default:
      return pick<unknown>(random, [["a", "b"], { type: "string" }]);
  }
}
