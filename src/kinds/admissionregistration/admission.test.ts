import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../machinery/meta.ts";
import type { KindDefinition } from "../../registry/kind.ts";
import { cellsOf, faultsOf, prepared, type Loose } from "../testing/prepare.ts";
import { mutatingAdmissionPolicyKind } from "./mutatingadmissionpolicies/kind.ts";
import { mutatingAdmissionPolicyBindingKind } from "./mutatingadmissionpolicybindings/kind.ts";
import { mutatingWebhookConfigurationKind } from "./mutatingwebhookconfigurations/kind.ts";
import { validatingAdmissionPolicyKind } from "./validatingadmissionpolicies/kind.ts";
import { validatingAdmissionPolicyBindingKind } from "./validatingadmissionpolicybindings/kind.ts";
import { validatingWebhookConfigurationKind } from "./validatingwebhookconfigurations/kind.ts";

const any = <T extends KubeObject>(kind: KindDefinition<T>) => kind as unknown as KindDefinition;

const rule = { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
const webhook = (change: Loose = {}): Loose => ({
  name: "check.example.com",
  clientConfig: { service: { name: "hook", namespace: "default" } },
  rules: [rule],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
  ...change,
});
const policy = (change: Loose = {}): Loose => ({
  spec: {
    matchConstraints: { resourceRules: [rule] },
    validations: [{ expression: "object.metadata.name != ''" }],
    ...change,
  },
});
const mutation = {
  patchType: "ApplyConfiguration",
  applyConfiguration: { expression: "Object{metadata: Object.metadata{labels: {'a': 'b'}}}" },
};

describe("kinds of admission", () => {
  const matching = { matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {} };
  it("are completed as Kubernetes does", () => {
    const [hook] = prepared(mutatingWebhookConfigurationKind, { webhooks: [webhook()] }).webhooks ?? [];
    expect(hook).toMatchObject({
      ...matching,
      failurePolicy: "Fail",
      timeoutSeconds: 10,
      reinvocationPolicy: "Never",
      rules: [{ ...rule, scope: "*" }],
      clientConfig: { service: { port: 443 } },
    });
    expect(prepared(validatingWebhookConfigurationKind, { webhooks: [webhook()] }).webhooks?.[0]).not.toHaveProperty(
      "reinvocationPolicy",
    );
    expect(prepared(validatingAdmissionPolicyKind, policy()).spec).toMatchObject({
      failurePolicy: "Fail",
      matchConstraints: { ...matching, resourceRules: [{ ...rule, scope: "*" }] },
    });
    const binding = { spec: { policyName: "p", validationActions: ["Deny"], matchResources: {} } };
    expect(prepared(validatingAdmissionPolicyBindingKind, binding).spec.matchResources).toEqual(matching);
    expect(prepared(validatingWebhookConfigurationKind, {}).webhooks).toBeUndefined();
  });

  it.each<[string, KindDefinition, Loose, string[]]>([
    ["webhooks", any(validatingWebhookConfigurationKind), { webhooks: [webhook()] }, []],
    [
      "webhooks with faults, all at once",
      any(validatingWebhookConfigurationKind),
      {
        webhooks: [
          webhook(),
          webhook({
            rules: [
              { ...rule, operations: ["*", "CREATE"], apiVersions: [""], resources: ["*/*", "pods"], scope: "All" },
            ],
            failurePolicy: "Ask",
            sideEffects: "Some",
            timeoutSeconds: 31,
            admissionReviewVersions: ["v2"],
            clientConfig: { url: "http://me@example.com/?a#b" },
            matchConditions: [{ name: "a b", expression: "" }],
          }),
        ],
      },
      [
        'webhooks[1].rules[0].operations: Invalid value: ["*","CREATE"]: if \'*\' is present, must not specify other operations',
        "webhooks[1].rules[0].apiVersions[0]: Required value",
        'webhooks[1].rules[0].resources: Invalid value: ["*/*","pods"]: if \'*/*\' is present, must not specify other resources',
        'webhooks[1].rules[0].scope: Unsupported value: "All": supported values: "*", "Cluster", "Namespaced"',
        'webhooks[1].failurePolicy: Unsupported value: "Ask": supported values: "Fail", "Ignore"',
        'webhooks[1].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
        "webhooks[1].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
        "webhooks[1].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
        'webhooks[1].clientConfig.url: Invalid value: "me": user information is not permitted in the URL',
        'webhooks[1].clientConfig.url: Invalid value: "b": fragments are not permitted in the URL',
        'webhooks[1].clientConfig.url: Invalid value: "a": query parameters are not permitted in the URL',
        "webhooks[1].matchConditions[0].expression: Required value",
        expect.stringContaining('webhooks[1].matchConditions[0].name: Invalid value: "a b": name part must consist of'),
        'webhooks[1].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
        'webhooks[1].name: Duplicate value: "check.example.com"',
      ],
    ],
    [
      "a webhook of no one",
      any(mutatingWebhookConfigurationKind),
      {
        webhooks: [
          {
            name: "short.name",
            clientConfig: {},
            reinvocationPolicy: "Always",
          },
        ],
      },
      [
        'webhooks[0].name: Invalid value: "short.name": should be a domain with at least three segments separated by dots',
        "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
        'webhooks[0].reinvocationPolicy: Unsupported value: "Always": supported values: "IfNeeded", "Never"',
        "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
        "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
      ],
    ],
    [
      "a webhook of an odd Service",
      any(validatingWebhookConfigurationKind),
      {
        webhooks: [webhook({ clientConfig: { service: { name: "", namespace: "", path: "a/b_c", port: 70_000 } } })],
      },
      [
        "webhooks[0].clientConfig.service.name: Required value: service name is required",
        "webhooks[0].clientConfig.service.namespace: Required value: service namespace is required",
        "webhooks[0].clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
        "webhooks[0].clientConfig.service.path: Invalid value: \"a/b_c\": must start with a '/'",
        'webhooks[0].clientConfig.service.path: Invalid value: "a/b_c": segment[0] may not be empty',
        expect.stringContaining(
          'webhooks[0].clientConfig.service.path: Invalid value: "a/b_c": segment[1]: a lowercase',
        ),
      ],
    ],
    [
      "a policy",
      any(validatingAdmissionPolicyKind),
      policy({ paramKind: { apiVersion: "v1", kind: "ConfigMap" } }),
      [],
    ],
    [
      "a policy without anything",
      any(validatingAdmissionPolicyKind),
      { spec: {} },
      [
        "spec.matchConstraints: Required value",
        "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
        "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
      ],
    ],
    [
      "a policy with faults",
      any(validatingAdmissionPolicyKind),
      policy({
        failurePolicy: "Ask",
        paramKind: { apiVersion: "a/b/c" },
        matchConstraints: {},
        variables: [{ name: "1st", expression: " " }],
      }),
      [
        'spec.failurePolicy: Unsupported value: "Ask": supported values: "Fail", "Ignore"',
        'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        "spec.paramKind.kind: Required value",
        "spec.matchConstraints.resourceRules: Required value",
        'spec.variables[0].name: Invalid value: "1st": must be a valid CEL identifier',
        "spec.variables[0].expression: Required value: expression is not specified",
      ],
    ],
    [
      "a mutating policy",
      any(mutatingAdmissionPolicyKind),
      policy({ validations: undefined, mutations: [mutation], reinvocationPolicy: "Never" }),
      [],
    ],
    [
      "mutations of the other type",
      any(mutatingAdmissionPolicyKind),
      policy({
        validations: undefined,
        mutations: [
          { patchType: "JSONPatch", applyConfiguration: { expression: "Object{}" } },
          { ...mutation, jsonPatch: { expression: "[]" } },
        ],
        reinvocationPolicy: "Never",
      }),
      [
        "spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch",
        'spec.mutations[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
        'spec.mutations[1].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
      ],
    ],
    [
      "a binding",
      any(validatingAdmissionPolicyBindingKind),
      { spec: { policyName: "p", validationActions: ["Deny", "Audit"] } },
      [],
    ],
    [
      "a binding with faults",
      any(validatingAdmissionPolicyBindingKind),
      { spec: { paramRef: {}, validationActions: ["Deny", "Warn", "Deny", "Shout"] } },
      [
        "spec.policyName: Required value",
        "spec.paramRef: Required value: one of name or selector must be specified",
        "spec.paramRef.parameterNotFoundAction: Required value",
        'spec.validationActions[2]: Duplicate value: "Deny"',
        'spec.validationActions[3]: Unsupported value: "Shout": supported values: "Audit", "Deny", "Warn"',
        'spec.validationActions: Invalid value: ["Deny","Warn","Deny","Shout"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
    [
      "a binding of parameters by both",
      any(mutatingAdmissionPolicyBindingKind),
      { spec: { policyName: "p", paramRef: { name: "a", selector: {}, parameterNotFoundAction: "Deny" } } },
      [
        "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
      ],
    ],
  ])("%s", (_, kind, object, faults) => expect(faultsOf(kind, object)).toEqual(faults));

  it("are shown as by kubectl", () => {
    expect(cellsOf(validatingWebhookConfigurationKind, { webhooks: [webhook(), webhook()] })["Webhooks"]).toBe(2);
    expect(
      cellsOf(validatingAdmissionPolicyKind, policy({ paramKind: { apiVersion: "v1", kind: "ConfigMap" } })),
    ).toMatchObject({
      Validations: 1,
      ParamKind: "v1/ConfigMap",
    });
    const binding = { spec: { policyName: "p", paramRef: { name: "a", parameterNotFoundAction: "Deny" } } };
    expect(cellsOf(validatingAdmissionPolicyBindingKind, binding)).toMatchObject({ PolicyName: "p", ParamRef: "*/a" });
  });
});
