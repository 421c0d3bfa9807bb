/**
 * What a schema may say, rule by rule with Kubernetes' texts. Each table names the function of k8s.io/apiextensions-apiserver that
 * has the rules.
 */
import { describe, expect, it } from "vitest";
import type { JsonSchema } from "../../../schema/custom/json-schema.ts";
import { faultsOf, type Loose } from "../../testing/prepare.ts";
import { customResourceDefinitionKind } from "./kind.ts";

const AT = "spec.validation.openAPIV3Schema";

function definition(root: JsonSchema, version: Loose = {}): Loose {
  return {
    metadata: { name: "crontabs.example.com" },
    spec: {
      group: "example.com",
      names: { plural: "crontabs", kind: "CronTab" },
      scope: "Namespaced",
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: root }, ...version }],
    },
  };
}

/** Faults of a root schema, without the path that all have. */
function rootFaults(root: JsonSchema, version: Loose = {}): string[] {
  return faultsOf(customResourceDefinitionKind, definition(root, version)).map((fault) =>
    fault.startsWith(AT) ? fault.slice(AT.length) : fault,
  );
}

/** Faults of the schema of `.spec.x`, from there on. */
function faults(schema: JsonSchema): string[] {
  const spec: JsonSchema = { type: "object", properties: { x: schema } };
  const before = ".properties[spec].properties[x]";
  return rootFaults({ type: "object", properties: { spec } }).map((fault) =>
    fault.startsWith(before) ? fault.slice(before.length) : fault,
  );
}

type Row = [JsonSchema, string[]];
const MUST_EMPTY = "must be empty to be structural";
const object = (properties: Record<string, JsonSchema>): JsonSchema => ({ type: "object", properties });

function list(items: JsonSchema, extra: JsonSchema = {}): JsonSchema {
  return { type: "array", items, ...extra };
}

function ruled(rule: Loose): JsonSchema {
  return { ...object({ a: { type: "string" } }), "x-kubernetes-validations": [{ rule: "", ...rule }] };
}

describe("structural schemas: validateStructuralInvariants", () => {
  it.each<Row>([
    [{ type: "string" }, []],
    [{}, [".type: Required value: must not be empty for specified object fields"]],
    [{ "x-kubernetes-preserve-unknown-fields": true }, []],
    [{ "x-kubernetes-int-or-string": true }, []],
    [{ type: "array" }, [".items: Required value: must be specified"]],
    [{ type: "array", items: {} }, [".items.type: Required value: must not be empty for specified array items"]],
    [
      { type: "object", additionalProperties: {} },
      [".additionalProperties.type: Required value: must not be empty for specified object fields"],
    ],
    [{ type: "object", additionalProperties: { type: "string" } }, []],
    [
      { "x-kubernetes-int-or-string": true, "x-kubernetes-preserve-unknown-fields": true },
      [
        ".x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true",
      ],
    ],
    [
      { type: "object", "x-kubernetes-int-or-string": true, "x-kubernetes-embedded-resource": true },
      [
        ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        ".x-kubernetes-embedded-resource: Invalid value: true: must be false if x-kubernetes-int-or-string is true",
      ],
    ],
    [
      { "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
      [".type: Required value: must be object if x-kubernetes-embedded-resource is true"],
    ],
    [
      { type: "string", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
      ['.type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true'],
    ],
    [
      {
        type: "object",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
        additionalProperties: true,
      },
      [".additionalProperties: Forbidden: must not be used if x-kubernetes-embedded-resource is set"],
    ],
    [
      {
        ...object({ kind: { type: "integer" }, apiVersion: { type: "object" }, metadata: { type: "string" } }),
        "x-kubernetes-embedded-resource": true,
      },
      [
        '.properties[apiVersion].type: Invalid value: "object": must be string',
        '.properties[kind].type: Invalid value: "integer": must be string',
        '.properties[metadata].type: Invalid value: "string": must be object',
      ],
    ],
  ])("%j", (schema, expected) => expect(faults(schema)).toEqual(expected));

  it.each<Row>([
    [{}, [".type: Required value: must not be empty at the root"]],
    [{ type: "array", items: { type: "string" } }, ['.type: Invalid value: "array": must be object at the root']],
    [
      { type: "object", additionalProperties: true },
      [".additionalProperties: Forbidden: must not be used at the root"],
    ],
    [{ type: "object", nullable: true }, [".nullable: Forbidden: nullable cannot be true at the root"]],
    [object({ metadata: { type: "object", properties: { name: { type: "string", maxLength: 9 } } } }), []],
    [
      object({ metadata: { type: "object", properties: { labels: { type: "object" } } } }),
      [
        ".properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
      ],
    ],
    [
      object({ kind: { type: "string", default: "CronTab" } }),
      [".properties[kind].default: Forbidden: must not be set in top-level kind"],
    ],
  ])("at the root: %j", (schema, expected) => expect(rootFaults(schema)).toEqual(expected));
});

describe("junctors: validateNestedValueValidation", () => {
  const everything: JsonSchema = {
    type: "string",
    title: "t",
    description: "d",
    default: "x",
    nullable: true,
    additionalProperties: true,
    "x-kubernetes-preserve-unknown-fields": true,
    "x-kubernetes-embedded-resource": true,
    "x-kubernetes-int-or-string": true,
    "x-kubernetes-list-type": "set",
    "x-kubernetes-map-type": "atomic",
    "x-kubernetes-list-map-keys": ["a"],
    "x-kubernetes-validations": [{ rule: "true" }],
  };
  it("only narrow values down", () => {
    const MUST_FALSE = "must be false to be structural";
    const MUST_UNDEFINED = "must be undefined to be structural";
    const structural = faults({ type: "string", anyOf: [everything] }).filter((fault) => fault.includes("structural"));
    expect(structural).toEqual([
      `.anyOf[0].additionalProperties: Forbidden: ${MUST_UNDEFINED}`,
      `.anyOf[0].default: Forbidden: ${MUST_UNDEFINED}`,
      `.anyOf[0].description: Forbidden: ${MUST_EMPTY}`,
      `.anyOf[0].nullable: Forbidden: ${MUST_FALSE}`,
      `.anyOf[0].title: Forbidden: ${MUST_EMPTY}`,
      `.anyOf[0].type: Forbidden: ${MUST_EMPTY}`,
      `.anyOf[0].x-kubernetes-embedded-resource: Forbidden: ${MUST_FALSE}`,
      `.anyOf[0].x-kubernetes-int-or-string: Forbidden: ${MUST_FALSE}`,
      `.anyOf[0].x-kubernetes-list-map-keys: Forbidden: ${MUST_EMPTY}`,
      `.anyOf[0].x-kubernetes-list-type: Forbidden: ${MUST_UNDEFINED}`,
      `.anyOf[0].x-kubernetes-map-type: Forbidden: ${MUST_UNDEFINED}`,
      `.anyOf[0].x-kubernetes-preserve-unknown-fields: Forbidden: ${MUST_FALSE}`,
      `.anyOf[0].x-kubernetes-validations: Forbidden: ${MUST_EMPTY}`,
    ]);
  });

  const intOrString: JsonSchema[] = [{ type: "integer" }, { type: "string" }];
  it.each<Row>([
    [{ "x-kubernetes-int-or-string": true, anyOf: intOrString }, []],
    [{ "x-kubernetes-int-or-string": true, allOf: [{ anyOf: intOrString }, { pattern: "^[0-9]+%?$" }] }, []],
    [
      { "x-kubernetes-int-or-string": true, oneOf: intOrString },
      [`.oneOf[0].type: Forbidden: ${MUST_EMPTY}`, `.oneOf[1].type: Forbidden: ${MUST_EMPTY}`],
    ],
    [
      { "x-kubernetes-int-or-string": true, anyOf: intOrString.toReversed() },
      [`.anyOf[0].type: Forbidden: ${MUST_EMPTY}`, `.anyOf[1].type: Forbidden: ${MUST_EMPTY}`],
    ],
    [
      {
        ...object({ a: { type: "string" }, b: { type: "string" } }),
        oneOf: [{ required: ["a"] }, { required: ["b"] }],
      },
      [],
    ],
    [
      { ...object({ metadata: { type: "object" } }), anyOf: [{ properties: { metadata: {} } }] },
      [".anyOf[0].properties[metadata]: Forbidden: must not be specified in a nested context"],
    ],
  ])("%j", (schema, expected) => expect(faults(schema)).toEqual(expected));
});

describe("what junctors speak of: validateStructuralCompleteness", () => {
  const a = object({ a: { type: "string" } });
  it.each<Row>([
    [{ ...a, not: { properties: { a: { minLength: 1 } } } }, []],
    [
      { ...a, not: { properties: { b: { minLength: 1 } } } },
      [`.properties[b]: Required value: because it is defined in ${AT}.not.properties[b]`],
    ],
    [
      { ...a, allOf: [{ properties: { a: { items: { minLength: 1 } } } }] },
      [`.properties[a].items: Required value: because it is defined in ${AT}.allOf[0].properties[a].items`],
    ],
    // Only the root is looked at, upstream too.
    [object({ spec: { ...a, not: { properties: { b: { minLength: 1 } } } } }), []],
  ])("%j", (schema, expected) => expect(rootFaults(schema)).toEqual(expected));
});

describe("patterns: Go's regexp.Compile", () => {
  const prefix = "must be a valid regular expression, but isn't: error parsing regexp:";
  it.each([
    ["^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", undefined],
    ["^(?i)(?P<n>\\d+)\\z", undefined],
    ["(?=x)", "invalid or unsupported Perl syntax: `(?=`"],
    ["(a", "missing closing ): `(a`"],
    ["a**", "invalid nested repetition operator: `**`"],
  ])("%s", (pattern, why) =>
    expect(faults({ type: "string", pattern })).toEqual(
      why === undefined ? [] : [`.pattern: Invalid value: ${JSON.stringify(pattern)}: ${prefix} ${why}`],
    ),
  );
});

describe("fields of a schema: ValidateCustomResourceDefinitionOpenAPISchema", () => {
  const supported = 'supported values: "array", "boolean", "integer", "number", "object", "string"';
  const unsupported = "OpenAPIV3Schema '$ref' is not supported";
  it.each<Row>([
    [
      { type: "null" },
      [
        `.type: Unsupported value: "null": ${supported}`,
        ".type: Forbidden: type cannot be set to null, use nullable as an alternative",
      ],
    ],
    [{ type: "text" }, [`.type: Unsupported value: "text": ${supported}`]],
    [{ type: "string", $ref: "#/x" }, [".$ref: Forbidden: $ref is not supported"]],
    [{ type: "string", id: "x" }, [".id: Forbidden: id is not supported"]],
    [
      object({ a: { type: "object", patternProperties: { a: { type: "string" } } } }),
      [".properties[a].patternProperties: Forbidden: patternProperties is not supported"],
    ],
    [
      { type: "string", definitions: { a: { type: "string" } } },
      [".definitions: Forbidden: definitions is not supported"],
    ],
    [{ type: "string", dependencies: { a: ["b"] } }, [".dependencies: Forbidden: dependencies is not supported"]],
    [
      { type: "array", items: { type: "string" }, additionalItems: false },
      [".additionalItems: Forbidden: additionalItems is not supported"],
    ],
    [
      { type: "array", items: [{ type: "string" }] },
      [".items: Forbidden: items must be a schema object and not an array"],
    ],
    [
      { type: "array", items: { type: "string" }, uniqueItems: true },
      [".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic"],
    ],
    [
      { ...object({ a: { type: "string" } }), additionalProperties: false },
      [".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
    ],
    [{ ...object({ a: { type: "string" } }), additionalProperties: true }, []],
    [
      { type: "object", "x-kubernetes-preserve-unknown-fields": false },
      [".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"],
    ],
    [{ type: "object", $schema: "x" }, ["OpenAPIV3Schema"]],
  ])("%j", (schema, expected) => {
    const found = faults(schema);
    if (expected[0] === "OpenAPIV3Schema") {
      expect(found).toEqual([`: Invalid value: "": ${unsupported.replace("$ref", "schema")}`]);
    } else expect(found).toEqual(expected);
  });
});

describe("lists and maps: x-kubernetes-list-type, -list-map-keys, -map-type", () => {
  const keyed = (items: JsonSchema, keys: string[]): JsonSchema =>
    list(items, { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys });
  const named = { ...object({ name: { type: "string" } }), required: ["name"] };
  const atomic = "must be atomic as item of a list with x-kubernetes-list-type=set";
  it.each<Row>([
    [keyed(named, ["name"]), []],
    [
      { type: "string", "x-kubernetes-map-type": "atomic" },
      ['.type: Invalid value: "string": must be object if x-kubernetes-map-type is specified'],
    ],
    [
      { type: "object", "x-kubernetes-map-type": "odd" },
      ['.x-kubernetes-map-type: Unsupported value: "odd": supported values: "atomic", "granular"'],
    ],
    [
      { type: "string", "x-kubernetes-list-type": "set" },
      ['.type: Invalid value: "string": must be array if x-kubernetes-list-type is specified'],
    ],
    [
      list({ type: "string" }, { "x-kubernetes-list-type": "odd" }),
      ['.x-kubernetes-list-type: Unsupported value: "odd": supported values: "atomic", "set", "map"'],
    ],
    [
      list({ type: "object" }, { "x-kubernetes-list-type": "set" }),
      [`.items.x-kubernetes-map-type: Invalid value: null: ${atomic}`],
    ],
    [list({ type: "object", "x-kubernetes-map-type": "atomic" }, { "x-kubernetes-list-type": "set" }), []],
    [
      list(list({ type: "string" }, { "x-kubernetes-list-type": "set" }), { "x-kubernetes-list-type": "set" }),
      [`.items.x-kubernetes-list-type: Invalid value: "set": ${atomic}`],
    ],
    [
      list({ type: "string", nullable: true }, { "x-kubernetes-list-type": "set" }),
      [".items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set"],
    ],
    [
      list(named, { "x-kubernetes-list-map-keys": ["name"] }),
      [".x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty"],
    ],
    [
      list(named, { "x-kubernetes-list-type": "set", "x-kubernetes-list-map-keys": ["name"] }),
      [
        `.items.x-kubernetes-map-type: Invalid value: null: ${atomic}`,
        '.x-kubernetes-list-type: Invalid value: "set": must be map if x-kubernetes-list-map-keys is non-empty',
      ],
    ],
    [
      keyed(named, []),
      [".x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"],
    ],
    [
      keyed({ type: "string" }, ["name"]),
      [`.items.type: Invalid value: "string": must be object if parent array's x-kubernetes-list-type is map`],
    ],
    [
      keyed(named, ["other", "name", "name"]),
      [
        '.x-kubernetes-list-map-keys: Invalid value: ["other","name","name"]: entries must all be names of item properties',
        '.x-kubernetes-list-map-keys: Invalid value: ["other","name","name"]: must not contain duplicate entries',
      ],
    ],
    [
      keyed({ ...object({ name: { type: "object" } }), required: ["name"] }, ["name"]),
      [
        `.items.properties[name].type: Invalid value: "object": must be a scalar type if parent array's x-kubernetes-list-type is map`,
      ],
    ],
    [
      keyed(object({ name: { type: "string", nullable: true } }), ["name"]),
      [
        ".items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ".items.properties[name].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it cannot be nullable",
      ],
    ],
  ])("%j", (schema, expected) => expect(faults(schema)).toEqual(expected));
});

describe("with a status: validateCustomResourceDefinitionValidation", () => {
  const subresources = { status: {} };
  it.each<Row>([
    [{ type: "object", required: ["spec"], description: "x" }, []],
    [
      { type: "string" },
      [
        '.type: Invalid value: "string": only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
        '.type: Invalid value: "string": must be object at the root',
      ],
    ],
    [
      { type: "object", maxProperties: 2 },
      [
        ': Invalid value: {"type":"object","maxProperties":2}: only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled',
      ],
    ],
  ])("%j", (schema, expected) => expect(rootFaults(schema, { subresources })).toEqual(expected));
});

describe("rules: x-kubernetes-validations", () => {
  const at = ".x-kubernetes-validations[0]";
  it.each<[Loose, string[]]>([
    [{ rule: "true", message: "m", reason: "FieldValueInvalid", fieldPath: ".a" }, []],
    [{ rule: " " }, [`${at}.rule: Required value: rule is not specified`]],
    [{ rule: "true", message: " " }, [`${at}.message: Invalid value: " ": must be non-empty if specified`]],
    [{ rule: "true", message: "a\nb" }, [`${at}.message: Invalid value: "a\\nb": must not contain line breaks`]],
    [
      { rule: "true ||\n true" },
      [`${at}.message: Required value: message must be specified if rule contains line breaks`],
    ],
    [
      { rule: "true", messageExpression: " " },
      [`${at}.messageExpression: Required value: messageExpression must be non-empty if specified`],
    ],
    [
      { rule: "true", reason: "Odd" },
      [
        `${at}.reason: Unsupported value: "Odd": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
      ],
    ],
    [{ rule: "true", fieldPath: ".b" }, [`${at}.fieldPath: Invalid value: ".b": must be a valid path`]],
    [
      { rule: "true", fieldPath: "\n" },
      [
        `${at}.fieldPath: Invalid value: "\\n": must be non-empty if specified`,
        `${at}.fieldPath: Invalid value: "\\n": must not contain line breaks`,
        `${at}.fieldPath: Invalid value: "\\n": must be a valid path`,
      ],
    ],
  ])("%j", (rule, expected) => expect(faults(ruled(rule))).toEqual(expected));
});

describe("selectable fields: ValidateCustomResourceSelectableFields", () => {
  const schema: JsonSchema = object({
    metadata: { type: "object", properties: { name: { type: "string" } } },
    spec: object({
      ...Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, { type: "string" }])),
      o: { type: "object" },
    }),
  });
  const of = (...paths: string[]): string[] =>
    rootFaults(schema, { selectableFields: paths.map((jsonPath) => ({ jsonPath })) });
  it.each<[string[], string[]]>([
    [[".spec.f0", ".spec.f1"], []],
    [[".spec.f0", ".spec.f0"], ['spec.selectableFields[1].jsonPath: Duplicate value: ".spec.f0"']],
    [
      [".metadata.name"],
      ['spec.selectableFields[0].jsonPath: Invalid value: ".metadata.name": must not point to fields in metadata'],
    ],
    [
      [".spec.o"],
      [
        'spec.selectableFields[0].jsonPath: Invalid value: ".spec.o": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
      ],
    ],
    [
      ["spec.f0"],
      [
        'spec.selectableFields[0].jsonPath: Invalid value: "spec.f0": is an invalid path: expected [ or . but got: spec',
      ],
    ],
    [
      [".spec."],
      ['spec.selectableFields[0].jsonPath: Invalid value: ".spec.": is an invalid path: unexpected end of JSON path'],
    ],
    [
      Array.from({ length: 9 }, (_, i) => `.spec.f${i}`),
      ["spec.selectableFields: Too many: 9: must have at most 8 items"],
    ],
  ])("%j", (paths, expected) => expect(of(...paths)).toEqual(expected));
});

describe("versions that differ", () => {
  it("have their faults named at each", () => {
    const [version] = (definition({ type: "object" })["spec"] as { versions: Loose[] }).versions;
    const two = definition({ type: "object" });
    (two["spec"] as { versions: Loose[] }).versions = [
      { ...version, deprecated: true, deprecationWarning: "" },
      { ...version, name: "v2", storage: false, schema: { openAPIV3Schema: {} }, subresources: { scale: {} } },
    ];
    expect(faultsOf(customResourceDefinitionKind, two)).toEqual([
      'spec.versions[0].deprecationWarning: Invalid value: "": must not be an empty string',
      "spec.versions[1].schema.openAPIV3Schema.type: Required value: must not be empty at the root",
      "spec.versions[1].subresources.scale.specReplicasPath: Required value",
      "spec.versions[1].subresources.scale.statusReplicasPath: Required value",
    ]);
  });
});

describe("defaults: ValidateDefaults of schema/defaulting", () => {
  const at = ".default";
  it.each<Row>([
    [{ type: "integer", default: 3 }, []],
    [{ type: "string", default: "a", enum: ["a", "b"], pattern: "^[a-z]$", maxLength: 1 }, []],
    [{ type: "object", default: { a: { b: 1 } }, "x-kubernetes-preserve-unknown-fields": true }, []],
    [{ ...object({ a: { type: "string" } }), default: {} }, []],
    [{ type: "string", nullable: true, default: "" }, []],
    [{ "x-kubernetes-int-or-string": true, default: "50%" }, []],
    [{ type: "array", items: { type: "object", additionalProperties: { type: "integer" } }, default: [{ a: 1 }] }, []],
    [{ type: "integer", default: "3" }, [`${at}: Invalid value: "string":  in body must be of type integer: "string"`]],
    [{ type: "integer", default: 1.5 }, [`${at}: Invalid value: "number":  in body must be of type integer: "number"`]],
    [{ type: "number", default: 1 }, []],
    [
      { ...object({ a: { type: "string" } }), default: { a: 1, b: 2 } },
      [
        `${at}: Invalid value: {"a":1,"b":2}: must not have unknown fields`,
        `${at}.a: Invalid value: "integer": a in body must be of type string: "integer"`,
      ],
    ],
    [{ type: "string", enum: ["a", "b"], default: "c" }, [`${at}: Unsupported value: "c": supported values: "a", "b"`]],
    [{ type: "string", maxLength: 1, default: "ab" }, [`${at}: Too long: may not be more than 1 bytes`]],
    [
      { type: "string", minLength: 3, default: "ab" },
      [`${at}: Invalid value: "ab":  in body should be at least 3 chars long`],
    ],
    [{ type: "string", pattern: "^b", default: "ab" }, [`${at}: Invalid value: "ab":  in body should match '^b'`]],
    [
      { type: "string", format: "ipv4", default: "x" },
      [`${at}: Invalid value: "x":  in body must be of type ipv4: "x"`],
    ],
    [{ type: "string", format: "what", default: "x" }, []],
    [
      { type: "integer", minimum: 2, default: 1 },
      [`${at}: Invalid value: 1:  in body should be greater than or equal to 2`],
    ],
    [
      { type: "integer", maximum: 2, exclusiveMaximum: true, multipleOf: 3, default: 2 },
      [
        `${at}: Invalid value: 2:  in body should be a multiple of 3`,
        `${at}: Invalid value: 2:  in body should be less than 2`,
      ],
    ],
    [
      { type: "array", items: { type: "string" }, maxItems: 1, default: ["a", 1] },
      [
        `${at}[1]: Invalid value: "integer": [1] in body must be of type string: "integer"`,
        `${at}: Too many: 2: must have at most 1 items`,
      ],
    ],
    [
      {
        ...object({ a: { type: "string" }, b: { type: "string" } }),
        required: ["a"],
        minProperties: 2,
        default: { b: "" },
      },
      [`${at}: Invalid value: 1:  in body should have at least 2 properties`, `${at}.a: Required value`],
    ],
    [
      { ...object({ a: { type: "string" } }), oneOf: [{ required: ["a"] }, { maxProperties: 1 }], default: { a: "x" } },
      [`${at}: Invalid value: "": "" must validate one and only one schema (oneOf). Found 2 valid alternatives`],
    ],
    [
      { type: "string", anyOf: [{ minLength: 3 }, { pattern: "^x" }], not: { enum: ["ab"] }, default: "ab" },
      [
        `${at}: Invalid value: "": "" must validate at least one schema (anyOf)`,
        `${at}: Invalid value: "ab":  in body should be at least 3 chars long`,
        `${at}: Invalid value: "": "" must not validate the schema (not)`,
      ],
    ],
    [
      {
        type: "object",
        "x-kubernetes-embedded-resource": true,
        "x-kubernetes-preserve-unknown-fields": true,
        default: { kind: "", metadata: { name: "a/b", labels: { a: "-" } } },
      },
      [
        `${at}.apiVersion: Required value`,
        `${at}.kind: Invalid value: "": must not be empty`,
        `${at}.metadata.name: Invalid value: "a/b": may not contain '/'`,
        expect.stringContaining(`${at}.metadata.labels: Invalid value: "-"`) as string,
      ],
    ],
  ])("%j", (schema, expected) => expect(faults(schema)).toEqual(expected));

  it("stand nowhere that says which value they are of", () => {
    const metadata: JsonSchema = object({
      labels: { type: "object", additionalProperties: { type: "string", default: "x" } },
    });
    const embedded: JsonSchema = { ...object({ metadata }), "x-kubernetes-embedded-resource": true };
    expect(faults(embedded)).toEqual([
      ".properties[metadata].properties[labels].additionalProperties.default: Forbidden: must not be set inside additionalProperties applying to object metadata",
    ]);
  });
});
