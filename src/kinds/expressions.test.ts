/**
 * Expressions of policies, webhooks and device selectors: pkg/apis/admissionregistration/validation, pkg/apis/resource/validation and the
 * environments of k8s.io/apiserver/pkg/admission/plugin/cel and k8s.io/dynamic-resource-allocation/cel.
 */
import { describe, expect, it } from "vitest";
import { mutatingAdmissionPolicyKind } from "./admissionregistration/mutatingadmissionpolicies/kind.ts";
import { validatingAdmissionPolicyKind } from "./admissionregistration/validatingadmissionpolicies/kind.ts";
import { validatingWebhookConfigurationKind } from "./admissionregistration/validatingwebhookconfigurations/kind.ts";
import { deviceClassKind } from "./resource/deviceclasses/kind.ts";
import { faultsOf, type Loose } from "./testing/prepare.ts";

const rule = { apiGroups: ["apps"], apiVersions: ["v1"], resources: ["deployments"], operations: ["CREATE"] };

function policy(spec: Loose): Loose {
  return { metadata: { name: "p" }, spec: { matchConstraints: { resourceRules: [rule] }, ...spec } };
}

const undeclared = (name: string, line: string, column: number): string =>
  `compilation failed: ERROR: <input>:1:${column}: undeclared reference to '${name}' (in container '')\n | ${line}\n | ${".".repeat(column - 1)}^`;

function valid(validation: Loose, more: Loose = {}): string[] {
  return faultsOf(validatingAdmissionPolicyKind, policy({ validations: [validation], ...more }));
}

function annotated(valueExpression: string): string[] {
  return faultsOf(validatingAdmissionPolicyKind, policy({ auditAnnotations: [{ key: "a", valueExpression }] }));
}

function mutated(mutation: Loose): string[] {
  return faultsOf(mutatingAdmissionPolicyKind, policy({ mutations: [mutation], reinvocationPolicy: "Never" }));
}

function apply(expression: string): Loose {
  return { patchType: "ApplyConfiguration", applyConfiguration: { expression } };
}

function patch(expression: string): Loose {
  return { patchType: "JSONPatch", jsonPatch: { expression } };
}

function selected(expression: string): string[] {
  return faultsOf(deviceClassKind, { metadata: { name: "d" }, spec: { selectors: [{ cel: { expression } }] } });
}

describe("validating policies", () => {
  const at = "spec.validations[0]";
  const paramKind = { apiVersion: "v1", kind: "ConfigMap" };

  it.each([
    "object.spec.replicas <= 5",
    "oldObject == null || object.metadata.name == oldObject.metadata.name",
    "request.userInfo.groups.exists(g, g == 'system:masters') && request.operation == 'CREATE'",
    "namespaceObject.metadata.labels.env == 'prod'",
    "authorizer.group('apps').resource('deployments').namespace('x').check('create').allowed()",
    "authorizer.requestResource.check('custom').reason() == ''",
    "authorizer.serviceAccount('a', 'b').path('/healthz').check('get').allowed()",
  ])("may say %s", (expression) => expect(valid({ expression })).toEqual([]));

  it.each<[Loose, Loose, string[]]>([
    [{ expression: "x" }, {}, [`${at}.expression: Invalid value: "x": ${undeclared("x", "x", 1)}`]],
    [{ expression: "'a'" }, {}, [`${at}.expression: Invalid value: "'a'": must evaluate to bool but got string`]],
    [
      { expression: "object.a" },
      {},
      [`${at}.expression: Invalid value: "object.a": must evaluate to bool but got dyn`],
    ],
    [
      { expression: "request.foo == 1" },
      {},
      [
        `${at}.expression: Invalid value: "request.foo == 1": compilation failed: ERROR: <input>:1:8: undefined field 'foo'\n | request.foo == 1\n | .......^`,
      ],
    ],
    [
      { expression: "params.data.a == '1'" },
      {},
      [`${at}.expression: Invalid value: "params.data.a == '1'": ${undeclared("params", "params.data.a == '1'", 1)}`],
    ],
    [{ expression: "params.data.a == '1'" }, { paramKind }, []],
    [{ expression: "true", messageExpression: "'no: ' + object.metadata.name" }, {}, []],
    [
      { expression: "true", messageExpression: "1" },
      {},
      [`${at}.messageExpression: Invalid value: "1": must evaluate to string but got int`],
    ],
    [
      { expression: "true", messageExpression: "authorizer.path('/').check('get').reason()" },
      {},
      [expect.stringContaining("undeclared reference to 'authorizer'") as string],
    ],
    [
      { expression: "true", messageExpression: " " },
      {},
      [`${at}.messageExpression: Invalid value: " ": must be non-empty if specified`],
    ],
  ])("%j %j", (validation, more, expected) => expect(valid(validation, more)).toEqual(expected));

  it("have variables, each after those it uses", () => {
    const variables = [
      { name: "names", expression: "object.spec.containers.map(c, string(c.name))" },
      { name: "first", expression: "variables.names[0]" },
    ];
    expect(valid({ expression: "variables.first.startsWith('a')" }, { variables })).toEqual([]);
    expect(valid({ expression: "variables.first + 1 == 2" }, { variables })[0]).toContain(
      "found no matching overload for '_+_' applied to '(string, int)'",
    );
    expect(valid({ expression: "variables.other" }, { variables })[0]).toContain("undefined field 'other'");
    expect(valid({ expression: "true" }, { variables: [variables[1], variables[0]] })).toEqual([
      `spec.variables[0].expression: Invalid value: "variables.names[0]": compilation failed: ERROR: <input>:1:10: undefined field 'names'\n | variables.names[0]\n | .........^`,
    ]);
    expect(valid({ expression: "true" }, { variables: [{ name: "namespace", expression: "1" }] })).toEqual([
      'spec.variables[0].name: Invalid value: "namespace": must be a valid CEL identifier',
    ]);
  });

  it("have annotations that are strings, or none", () => {
    expect(annotated("object.metadata.name == '' ? null : dyn('x')")).toEqual([
      "spec.auditAnnotations[0].valueExpression: Invalid value: \"object.metadata.name == '' ? null : dyn('x')\": must evaluate to one of [string null_type] but got dyn",
    ]);
    expect(annotated("string(object.spec.replicas)")).toEqual([]);
    expect(annotated("null")).toEqual([]);
    expect(annotated(`'${"a".repeat(5_120)}'`)).toEqual([
      "spec.auditAnnotations[0].valueExpression: Required value: must not exceed 5120 bytes in length",
    ]);
  });

  it("have conditions that see parameters", () => {
    const matchConditions = [{ name: "a", expression: "params.enabled == true" }];
    expect(valid({ expression: "true" }, { paramKind, matchConditions })).toEqual([]);
    expect(valid({ expression: "true" }, { matchConditions })).toEqual([
      `spec.matchConditions[0].expression: Invalid value: "params.enabled == true": ${undeclared("params", "params.enabled == true", 1)}`,
    ]);
  });
});

describe("mutating policies", () => {
  const at = "spec.mutations[0]";
  it.each<[Loose, string[]]>([
    [apply("Object{spec: Object.spec{replicas: 3, template: Object.spec.template{}}}"), []],
    [apply("has(object.spec.a) ? Object{} : Object{metadata: Object.metadata{labels: {'a': 'b'}}}"), []],
    [
      apply("{'a': 1}"),
      [
        `${at}.applyConfiguration.expression: Invalid value: "{'a': 1}": must evaluate to Object but got map(string, int)`,
      ],
    ],
    [apply("Other{}"), [expect.stringContaining("undeclared reference to 'Other' (in container '')") as string]],
    [patch("[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: 1}]"), []],
    [
      patch("[JSONPatch{op: 1}]"),
      [expect.stringContaining("expected type of field 'op' is 'string' but provided type is 'int'") as string],
    ],
    [
      patch("[]"),
      [`${at}.jsonPatch.expression: Invalid value: "[]": must evaluate to list(JSONPatch) but got list(dyn)`],
    ],
    [patch("[JSONPatch{what: 1}]"), [expect.stringContaining("undefined field 'what'") as string]],
  ])("%j", (mutation, expected) => expect(mutated(mutation)).toEqual(expected));
});

describe("webhooks", () => {
  const webhook = {
    name: "a.example.com",
    clientConfig: { url: "https://example.com" },
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  };
  const conditioned = (expression: string): string[] =>
    faultsOf(validatingWebhookConfigurationKind, {
      webhooks: [{ ...webhook, matchConditions: [{ name: "c", expression }] }],
    });
  const at = "webhooks[0].matchConditions[0].expression";
  it.each<[string, string[]]>([
    ["request.resource.group != 'rbac.authorization.k8s.io'", []],
    ["!('system:nodes' in request.userInfo.groups)", []],
    ["params.a", [`${at}: Invalid value: "params.a": ${undeclared("params", "params.a", 1)}`]],
    ["  request.name", [`${at}: Invalid value: "request.name": must evaluate to bool but got string`]],
  ])("%s", (expression, expected) => expect(conditioned(expression)).toEqual(expected));
});

describe("device selectors", () => {
  const at = "spec.selectors[0].cel.expression";
  it.each<[string, string[]]>([
    ["device.driver == 'gpu.example.com'", []],
    ["device.attributes['gpu.example.com'].model", []],
    ["device.capacity['gpu.example.com'].memory.compareTo(quantity('10Gi')) >= 0", []],
    ["cel.bind(dra, device.attributes['a.example.com'], dra.good && dra.fast)", []],
    ["device.attributes['a'].version.isGreaterThan(semver('1.0.0'))", []],
    ["device.driver", [`${at}: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string`]],
    [
      "device.foo",
      [
        `${at}: Invalid value: "device.foo": compilation failed: ERROR: <input>:1:7: undefined field 'foo'\n | device.foo\n | ......^`,
      ],
    ],
    [
      "device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, a != b))))",
      [`${at}: Forbidden: too complex, exceeds cost limit`],
    ],
  ])("%s", (expression, expected) => expect(selected(expression)).toEqual(expected));
});
