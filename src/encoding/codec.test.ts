import { describe, expect, it } from "vitest";
import type { GroupVersionKind } from "../machinery/gvk.ts";
import { isStatusError } from "../machinery/status-error.ts";
import {
  decodeObject,
  decodeRaw,
  decodeValue,
  faultWarnings,
  mediaTypeOf,
  strictRefusal,
  type MediaType,
} from "./codec.ts";

const DEPLOYMENT: GroupVersionKind = { group: "apps", version: "v1", kind: "Deployment" };
const DEFINITIONS: Record<string, string> = {
  "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
  "/v1/Secret": "io.k8s.api.core.v1.Secret",
};

function definitionFor({ group, version, kind }: GroupVersionKind): string | undefined {
  return DEFINITIONS[`${group}/${version}/${kind}`];
}

function decode(
  text: string,
  mediaType: MediaType = "application/json",
  defaults: GroupVersionKind | null = DEPLOYMENT,
) {
  const body = new TextEncoder().encode(text);
  return decodeObject({ body, mediaType, definitionFor, ...(defaults ? { defaults } : {}) });
}

function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isStatusError(error, "BadRequest") && error.code === 400) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

const HEAD = '"apiVersion":"apps/v1","kind":"Deployment"';

describe("decodeObject", () => {
  it("decodes, canonicalises and reports", () => {
    const text = `{${HEAD},"metadata":{"name":"d"},"spec":{"replicas":1,"replicas":0,"foo":{},"paused":false}}`;
    const decoded = decode(text);
    expect(decoded.object).toMatchObject({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" } });
    expect(decoded.object["spec"]).toMatchObject({ replicas: 0 });
    expect(decoded.object["spec"]).not.toHaveProperty("paused");
    expect(decoded.faults).toEqual(['duplicate field "spec.replicas"', 'unknown field "spec.foo"']);
    expect(faultWarnings(decoded.faults)).toEqual(decoded.faults);
    expect(strictRefusal(decoded)?.message).toBe(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ' +
        'duplicate field "spec.replicas", unknown field "spec.foo"',
    );
  });

  it("takes a missing kind and apiVersion from the request", () => {
    expect(decode('{"metadata":{"name":"d"}}').object).toMatchObject({ apiVersion: "apps/v1", kind: "Deployment" });
    expect(strictRefusal(decode("{}"))).toBeUndefined();
  });

  it("reads YAML, with the same rules", () => {
    const text =
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: 2\n  paused: yes\n  x: 1\n";
    const decoded = decode(text, "application/yaml");
    expect(decoded.object["spec"]).toMatchObject({ replicas: 2, paused: true });
    expect(decoded.faults).toEqual(['unknown field "spec.x"']);
  });

  it("tells all duplicates of YAML as one fault and warns of each", () => {
    const decoded = decode("spec:\n  replicas: 1\n  replicas: 2\n  x: 1\nspec: {z: 2}\n", "application/yaml");
    expect(decoded.faults).toEqual([
      'yaml: unmarshal errors:\n  line 3: key "replicas" already set in map\n  line 5: key "spec" already set in map',
      'unknown field "spec.z"',
    ]);
    expect(faultWarnings(decoded.faults)).toEqual([
      'line 3: key "replicas" already set in map',
      'line 5: key "spec" already set in map',
      'unknown field "spec.z"',
    ]);
  });

  it("says nothing of what is inside of an unknown field, and stops at a hundred faults", () => {
    const nested = decode(`{${HEAD},"x":{"a":1,"a":2},"spec":{"replicas":1,"replicas":2,"x":1,"x":2}}`);
    expect(nested.faults).toEqual(['unknown field "x"', 'duplicate field "spec.replicas"', 'unknown field "spec.x"']);
    const many = Array.from({ length: 80 }, (_, i) => `"u${i}":1,"metadata":{"name":"d"}`).join(",");
    const labels = Array.from({ length: 80 }, (_, i) => `"l${i}":"1","l${i}":"2"`).join(",");
    expect(decode(`{${HEAD},${many},"metadata":{"labels":{${labels}}}}`).faults).toHaveLength(100);
  });

  it.each([
    [
      `{${HEAD},"spec":{"replicas":"3"}}`,
      'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      '{"kind":"Foo","apiVersion":"apps/v1"}',
      'Foo in version "v1" cannot be handled as a Deployment: no kind "Foo" is registered for version "apps/v1" in scheme "gantry"',
    ],
    [
      '{"a":x}',
      "the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: invalid character 'x' looking for beginning of value ({\"a\":x})",
    ],
    [
      "",
      "the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
    ],
    [
      "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]",
      'the object provided is unrecognized (must be of type Deployment): couldn\'t get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b312c322c332c342c352c362c372c382c392c31302c31312c31322c3133 ...)',
    ],
    [
      '{"kind":5}',
      'the object provided is unrecognized (must be of type Deployment): couldn\'t get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string ({"kind":5})',
    ],
    [
      '{"apiVersion":"a/b/c","kind":"Deployment"}',
      'the object provided is unrecognized (must be of type Deployment): unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c","kind":" ...)',
    ],
  ])("refuses %s", (text, message) => {
    expect(refusalOf(() => decode(text))).toBe(message);
  });

  it("needs a kind where the request gives none", () => {
    expect(refusalOf(() => decode('{"a":1}', "application/json", null))).toContain(
      `Object 'Kind' is missing in '{"a":1}'`,
    );
    expect(refusalOf(() => decode('{"kind":"Deployment"}', "application/json", null))).toContain(
      "Object 'apiVersion' is missing in",
    );
  });

  it.each(["a: b: c", "a: [", "- 1", "text"])("refuses the YAML %j", (text) => {
    expect(refusalOf(() => decode(text, "application/yaml"))).toContain("the object provided is unrecognized");
  });

  it("canonicalises a value that is parsed already", () => {
    const value = { kind: "Secret", apiVersion: "v1", data: {}, type: "Opaque", nothing: null, x: 1 };
    expect(decodeValue(value, { definitionFor })).toEqual({
      object: { kind: "Secret", apiVersion: "v1", metadata: {}, type: "Opaque" },
      faults: ['unknown field "nothing"', 'unknown field "x"'],
    });
  });
});

describe("decodeRaw", () => {
  it("parses a patch and reports duplicates", () => {
    const body = new TextEncoder().encode('{"spec":{"a":null,"a":null}}');
    expect(decodeRaw({ body, mediaType: "application/json" })).toMatchObject({
      value: { spec: { a: null } },
      faults: ['duplicate field "spec.a"'],
    });
    const yaml = new TextEncoder().encode("spec: {a: on}");
    expect(decodeRaw({ body: yaml, mediaType: "application/yaml" }).value).toEqual({ spec: { a: true } });
  });

  it.each([
    ["{", "application/json"],
    ["a: [", "application/yaml"],
    ["x", "application/vnd.kubernetes.protobuf"],
  ] as const)("refuses %s as %s", (text, mediaType) => {
    expect(refusalOf(() => decodeRaw({ body: new TextEncoder().encode(text), mediaType }))).toContain("decod");
  });
});

it.each([
  ["application/json; charset=utf-8", "application/json"],
  ["", "application/json"],
  ["Application/YAML", "application/yaml"],
  ["application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf"],
  ["text/html", undefined],
])("mediaTypeOf(%j)", (contentType, expected) => {
  expect(mediaTypeOf(contentType)).toBe(expected);
});
