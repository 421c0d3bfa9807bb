import { expect, test } from "vitest";
import { policyFault } from "./policy-fault.ts";
import { DEFAULT_AUDIT_POLICY, scopeOf, type AuditedRequest, type AuditPolicy, type AuditRule } from "./policy.ts";

const levelOf = (policy: AuditPolicy, request: AuditedRequest) => scopeOf(policy, request).level;

const user = { name: "ann", groups: ["dev", "system:authenticated"] };
const ask = (verb: string, what: string, namespace = "default", name = ""): AuditedRequest => {
  if (what.startsWith("/")) return { user, verb, path: what };
  const [plural = "", subresource = ""] = what.split("/");
  const [resource = "", ...group] = plural.split(".");
  return { user, verb, path: "", resource: { group: group.join("."), resource, subresource, namespace, name } };
};

test.each<[string, string, string]>([
  ["create", "pods", "Metadata"],
  ["patch", "deployments.apps", "Metadata"],
  ["deletecollection", "configmaps", "Metadata"],
  ["post", "/gantry/v1/keys/rotate", "Metadata"],
  ["get", "pods", "None"],
  ["watch", "configmaps", "None"],
  ["get", "/readyz", "None"],
  ["get", "secrets", "Metadata"],
  ["list", "secrets", "Metadata"],
  ["watch", "secrets", "Metadata"],
  ["get", "pods/exec", "Metadata"],
  ["create", "pods/attach", "Metadata"],
  ["get", "services/proxy", "Metadata"],
  ["get", "pods/log", "None"],
  ["create", "events", "None"],
  ["patch", "events.events.k8s.io", "None"],
  ["update", "leases.coordination.k8s.io", "None"],
  ["create", "selfsubjectaccessreviews.authorization.k8s.io", "None"],
])("by default %s of %s is recorded as %s", (verb, what, level) => {
  expect(levelOf(DEFAULT_AUDIT_POLICY, ask(verb, what))).toBe(level);
});

test("by default tokens are recorded, but not those that nodes renew", () => {
  const asked = ask("create", "serviceaccounts/token");
  expect(levelOf(DEFAULT_AUDIT_POLICY, asked)).toBe("Metadata");
  const node = { name: "system:node:a", groups: ["system:nodes"] };
  expect(levelOf(DEFAULT_AUDIT_POLICY, { ...asked, user: node })).toBe("None");
});

test.each<[string, Partial<AuditRule>, AuditedRequest, boolean]>([
  ["a user", { users: ["ann"] }, ask("get", "pods"), true],
  ["another user", { users: ["bob"] }, ask("get", "pods"), false],
  ["a group", { userGroups: ["dev"] }, ask("get", "pods"), true],
  ["a verb", { verbs: ["list"] }, ask("get", "pods"), false],
  ["a namespace", { namespaces: ["default"] }, ask("get", "pods"), true],
  ["no namespace", { namespaces: [""] }, ask("get", "nodes", ""), true],
  ["a group of resources", { resources: [{ group: "apps" }] }, ask("get", "deployments.apps"), true],
  ["all groups of resources", { resources: [{ group: "*" }] }, ask("get", "deployments.apps"), true],
  ["a resource of all groups", { resources: [{ group: "*", resources: ["pods"] }] }, ask("get", "nodes"), false],
  ["a name", { resources: [{ resources: ["pods"], resourceNames: ["a"] }] }, ask("get", "pods", "default", "a"), true],
  [
    "another name",
    { resources: [{ resources: ["pods"], resourceNames: ["a"] }] },
    ask("get", "pods", "default", "b"),
    false,
  ],
  ["a resource, not its subresource", { resources: [{ resources: ["pods"] }] }, ask("get", "pods/log"), false],
  ["all of a resource", { resources: [{ resources: ["pods/*"] }] }, ask("get", "pods/log"), true],
  [
    "a subresource of all",
    { resources: [{ resources: ["*/scale"], group: "apps" }] },
    ask("get", "deployments.apps/scale"),
    true,
  ],
  ["a path", { nonResourceURLs: ["/healthz*"] }, ask("get", "/healthz/ping"), true],
  ["a resource by a path", { nonResourceURLs: ["*"] }, ask("get", "pods"), false],
  ["a path by a resource", { resources: [{ group: "" }] }, ask("get", "/healthz"), false],
])("a rule for %s", (_, rule, request, matches) => {
  expect(levelOf({ rules: [{ level: "Request", ...rule }] }, request)).toBe(matches ? "Request" : "None");
});

test("bodies of secrets, tokens and config maps are never recorded, whatever the policy says", () => {
  const rules = [{ level: "RequestResponse" as const }];
  for (const what of ["secrets", "configmaps", "serviceaccounts/token", "tokenreviews.authentication.k8s.io"]) {
    expect(levelOf({ rules }, ask("create", what)), what).toBe("Metadata");
  }
  expect(levelOf({ rules }, ask("create", "serviceaccounts"))).toBe("RequestResponse");
});

test("stages of a rule and of the policy are both left out; the rule's word on managed fields counts", () => {
  const policy: AuditPolicy = {
    omitStages: ["RequestReceived"],
    omitManagedFields: true,
    rules: [
      { level: "Request", verbs: ["get"], omitStages: ["Panic"], omitManagedFields: false },
      { level: "Request", verbs: ["list"] },
    ],
  };
  const asked = (verb: string) => {
    const { omitStages, omitManagedFields } = scopeOf(policy, ask(verb, "pods"));
    return [[...omitStages], omitManagedFields];
  };
  expect(asked("get")).toEqual([["RequestReceived", "Panic"], false]);
  expect(asked("list")).toEqual([["RequestReceived"], true]);
  expect(asked("watch")).toEqual([["RequestReceived"], true]);
});

const withRule = (rule: object, rest: object = {}) => ({
  kind: "Policy",
  apiVersion: "audit.k8s.io/v1",
  rules: [{ level: "None", ...rule }],
  ...rest,
});

test.each<[unknown, string | undefined]>([
  [withRule({ omitStages: ["Panic"], omitManagedFields: true, nonResourceURLs: ["*", "/a*"] }), undefined],
  [withRule({ resources: [{ group: "*" }, { group: "apps", resources: ["x"], resourceNames: ["a"] }] }), undefined],
  [
    withRule({}, { omitStages: ["Done"] }),
    "omitStages: allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic",
  ],
  [withRule({ omitManagedFields: "yes" }), "rules[0]: omitManagedFields must be true or false"],
  [withRule({ nonResourceURLs: ["a"] }), "rules[0]: non-resource URL rules must begin with a '/' character"],
  [
    withRule({ nonResourceURLs: ["/a*b"] }),
    "rules[0]: non-resource URL wildcards '*' must be the final character of the rule",
  ],
  [withRule({ resources: [{ resourceNames: ["a"] }] }), "rules[0]: using resourceNames requires at least one resource"],
  [{ kind: "Policy", apiVersion: "audit.k8s.io/v1", rules: [{ level: "None" }] }, undefined],
  [undefined, "it is no Policy of audit.k8s.io/v1"],
  [{ kind: "Policy", apiVersion: "audit.k8s.io/v1" }, "it has no rules"],
  [
    { kind: "Policy", apiVersion: "audit.k8s.io/v1", rules: [{ level: "All" }] },
    "rules[0]: level must be one of None, Metadata, Request, RequestResponse",
  ],
  [
    { kind: "Policy", apiVersion: "audit.k8s.io/v1", rules: [{ level: "None", users: "ann" }] },
    "rules[0]: users must be a list of strings",
  ],
  [
    {
      kind: "Policy",
      apiVersion: "audit.k8s.io/v1",
      rules: [{ level: "None", namespaces: ["a"], nonResourceURLs: ["*"] }],
    },
    "rules[0]: rules cannot apply to both regular resources and non-resource URLs",
  ],
])("what is wrong with a policy is told", (policy, fault) => {
  expect(policyFault(policy)).toBe(fault);
});
