/** Expressions in schemas: apiextensions-apiserver's pkg/apis/apiextensions/validation (validation.go, cel_validation.go) and its texts. */
import { describe, expect, it } from "vitest";
import type { JsonSchema, ValidationRule } from "../../../schema/custom/json-schema.ts";
import { faultsOf, updateFaults, type Loose } from "../../testing/prepare.ts";
import { customResourceDefinitionKind } from "./kind.ts";

function definition(root: JsonSchema): Loose {
  return {
    metadata: { name: "crontabs.example.com" },
    spec: {
      group: "example.com",
      names: { plural: "crontabs", kind: "CronTab" },
      scope: "Namespaced",
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: root } }],
    },
  };
}

const AT = "spec.validation.openAPIV3Schema.properties[spec]";

function withSpec(spec: JsonSchema): JsonSchema {
  return { type: "object", properties: { spec } };
}

function faults(spec: JsonSchema): string[] {
  return faultsOf(customResourceDefinitionKind, definition(withSpec(spec))).map((fault) => fault.replace(AT, ""));
}

const rules = (...all: (string | ValidationRule)[]): { "x-kubernetes-validations": ValidationRule[] } => ({
  "x-kubernetes-validations": all.map((rule) => (typeof rule === "string" ? { rule } : rule)),
});

/** As Go prints the internal type. */
function shown(rule: string, extra: Loose = {}): string {
  const all = {
    Rule: rule,
    Message: "",
    MessageExpression: "",
    Reason: null,
    FieldPath: "",
    OptionalOldSelf: null,
    ...extra,
  };
  return JSON.stringify(all).replaceAll("&", "\\u0026").replaceAll("<", "\\u003c").replaceAll(">", "\\u003e");
}

const TRY =
  "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
const spec: JsonSchema = {
  type: "object",
  properties: {
    replicas: { type: "integer" },
    name: { type: "string", maxLength: 63 },
    hosts: { type: "array", items: { type: "string", maxLength: 253 }, maxItems: 16 },
    "max-surge": { "x-kubernetes-int-or-string": true },
    namespace: { type: "string" },
    free: { "x-kubernetes-preserve-unknown-fields": true },
  },
};

function rootFaults(rule: string): string[] {
  return faultsOf(customResourceDefinitionKind, definition({ ...withSpec(spec), ...rules(rule) }));
}

describe("rules", () => {
  it.each([
    "self.replicas <= 10",
    "!has(self.replicas) || self.replicas >= oldSelf.replicas",
    "self.hosts.all(h, h.endsWith(self.name))",
    "type(self.max__dash__surge) == string",
    "self.namespace == self.__namespace__",
  ])("that compile: %s", (rule) => expect(faults({ ...spec, ...rules(rule) })).toEqual([]));

  const at = ".x-kubernetes-validations[0]";
  it.each<[string | ValidationRule, string[]]>([
    [
      "self.foo == 1",
      [
        `${at}.rule: Invalid value: ${shown("self.foo == 1")}: compilation failed: ERROR: <input>:1:5: undefined field 'foo'\n | self.foo == 1\n | ....^`,
      ],
    ],
    [
      "self.free == 1",
      [
        `${at}.rule: Invalid value: ${shown("self.free == 1")}: compilation failed: ERROR: <input>:1:5: undefined field 'free'\n | self.free == 1\n | ....^`,
      ],
    ],
    ["self.replicas", [`${at}.rule: Invalid value: ${shown("self.replicas")}: cel expression must evaluate to a bool`]],
    [
      { rule: "true", messageExpression: "self.replicas" },
      [
        `${at}.messageExpression: Invalid value: ${shown("true", { MessageExpression: "self.replicas" })}: messageExpression must evaluate to a string`,
      ],
    ],
    [
      { rule: "true", messageExpression: "'a' +" },
      [
        expect.stringMatching(
          /messageExpression compilation failed: ERROR: <input>:1:6: Syntax error: mismatched input '<EOF>' expecting/,
        ) as string,
      ],
    ],
    [
      { rule: "true", optionalOldSelf: true },
      [`${at}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`],
    ],
    [{ rule: "!oldSelf.hasValue() || oldSelf.value().replicas == 1", optionalOldSelf: true }, []],
    [{ rule: "oldSelf.replicas.orValue(1) == 1", optionalOldSelf: true }, []],
  ])("%j", (rule, expected) => expect(faults({ ...spec, ...rules(rule) })).toEqual(expected));

  it("are not judged while their schema has faults", () => {
    expect(faults({ ...spec, ...rules("self.foo == 1"), required: ["a"], properties: { a: {} } })).toEqual([
      ".properties[a].type: Required value: must not be empty for specified object fields",
    ]);
  });

  it("see the name of a resource at its root", () => {
    expect(rootFaults("self.metadata.name.startsWith('a') && self.kind == 'CronTab'")).toEqual([]);
    expect(rootFaults("self.metadata.labels == {}")[0]).toContain("undefined field 'labels'");
  });

  it("cannot compare with what was where items have no identity", () => {
    const item: JsonSchema = { type: "object", properties: { a: { type: "string" } }, ...rules("self.a == oldSelf.a") };
    const list: JsonSchema = { type: "array", items: item, maxItems: 3 };
    expect(faults({ type: "object", properties: { list } })).toEqual([
      `.properties[list].items.x-kubernetes-validations[0].rule: Invalid value: "self.a == oldSelf.a": oldSelf cannot be used on the uncorrelatable portion of the schema within ${AT}.properties[list]`,
    ]);
    const keyed: JsonSchema = { ...list, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"] };
    expect(faults({ type: "object", properties: { list: { ...keyed, items: { ...item, required: ["a"] } } } })).toEqual(
      [],
    );
  });
});

describe("cost of rules", () => {
  const text: JsonSchema = { type: "string" };
  const loop: JsonSchema = { type: "array", items: text, ...rules("self.all(x, self.all(y, x == y))") };
  it("is bounded for each", () => {
    expect(faults({ type: "object", properties: { loop } })).toEqual([
      `.properties[loop].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${TRY}`,
      ".properties[loop].x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
      `spec.validation.openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${TRY}`,
    ]);
  });
  it("counts how often a value may occur", () => {
    const item: JsonSchema = { type: "string", maxLength: 100, ...rules("self.contains('abcdefghijk')") };
    const list = (maxItems: number): JsonSchema => ({ type: "array", items: item, maxItems });
    expect(faults({ type: "object", properties: { list: list(1_000) } })).toEqual([]);
    expect(faults({ type: "object", properties: { list: list(140_000) } })).toEqual([
      `.properties[list].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of 1.134000x ${TRY}`,
    ]);
  });
  it("of what is stored so already may stay", () => {
    const stored = definition(
      withSpec({
        type: "object",
        properties: {
          list: {
            type: "array",
            maxItems: 140_000,
            items: { type: "string", maxLength: 100, ...rules("self.contains('abcdefghijk')") },
          },
        },
      }),
    );
    expect(updateFaults(customResourceDefinitionKind, { now: stored, old: stored })).toEqual([]);
  });
});

describe("size of rules", () => {
  it("is bounded for all of a definition together, which Kubernetes does not", () => {
    const long = `self.name == '${"a".repeat(49_000)}'`;
    const found = faults({ ...spec, ...rules(long, long, long) });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(
      "compilation failed: ERROR: <input>:-1:0: size of all expressions of the object exceeds limit: size: 147109, limit 131072",
    );
  });
});

function withDefault(
  value: unknown,
  rule: ValidationRule,
  more: JsonSchema = { type: "string", maxLength: 9 },
): string[] {
  return faults({ type: "object", properties: { a: { ...more, default: value, ...rules(rule) } } });
}

describe("defaults under rules", () => {
  const at = ".properties[a].default";
  it.each<[unknown, ValidationRule, JsonSchema | undefined, string[]]>([
    ["ab", { rule: "self.startsWith('a') && self == oldSelf" }, undefined, []],
    [
      "b",
      { rule: "self.startsWith('a')" },
      undefined,
      [`${at}: Invalid value: "b": failed rule: self.startsWith('a')`],
    ],
    ["b", { rule: "self == ''", message: " must be empty " }, undefined, [`${at}: Invalid value: "b": must be empty`]],
    [
      "b",
      { rule: "self == ''", messageExpression: "self + ' is not empty'" },
      undefined,
      [`${at}: Invalid value: "b": b is not empty`],
    ],
    [
      "b",
      { rule: "self == ''", reason: "FieldValueForbidden" },
      undefined,
      [`${at}: Forbidden: failed rule: self == ''`],
    ],
    [
      "b",
      { rule: "int(self) > 0" },
      undefined,
      [`${at}: Invalid value: "string": type conversion error from 'string' to 'int' evaluating rule: int(self) > 0`],
    ],
    [
      "b",
      { rule: "oldSelf.hasValue()", optionalOldSelf: true },
      undefined,
      [`${at}: Invalid value: "b": failed rule: oldSelf.hasValue()`],
    ],
    [
      { n: 1 },
      { rule: "self.n > 1", message: "too few", fieldPath: ".n" },
      { type: "object", properties: { n: { type: "integer" } } },
      [`${at}.n: Invalid value: too few`],
    ],
  ])("%j %j", (value, rule, schema, expected) => expect(withDefault(value, rule, schema)).toEqual(expected));
});
