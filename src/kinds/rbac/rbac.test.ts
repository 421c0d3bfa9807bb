import { describe, expect, it } from "vitest";
import { cellsOf, faultsOf, prepared, updateFaults, type Loose } from "../testing/prepare.ts";
import { clusterRoleBindingKind } from "./clusterrolebindings/kind.ts";
import { clusterRoleKind } from "./clusterroles/kind.ts";
import { roleBindingKind } from "./rolebindings/kind.ts";
import { roleKind } from "./roles/kind.ts";

const rule = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };
const urls = { verbs: ["get"], nonResourceURLs: ["/healthz"] };

describe("roles", () => {
  it("are accepted", () => {
    expect(faultsOf(roleKind, { rules: [rule] })).toEqual([]);
    expect(faultsOf(clusterRoleKind, { rules: [rule, urls] })).toEqual([]);
    expect(
      faultsOf(clusterRoleKind, { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] } }),
    ).toEqual([]);
  });
  it.each<[Loose, string[]]>([
    [{ ...rule, verbs: [] }, ["rules[0].verbs: Required value: verbs must contain at least one value"]],
    [
      { verbs: ["get"] },
      [
        "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        "rules[0].resources: Required value: resource rules must supply at least one resource",
      ],
    ],
    [
      { ...rule, ...urls },
      [
        'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to non-resource URLs',
        'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: rules cannot apply to both regular resources and non-resource URLs',
      ],
    ],
  ])("with the rule %j are refused", (faulty, faults) => {
    expect(faultsOf(roleKind, { rules: [faulty] })).toEqual(faults);
  });
  it("of a cluster may be made of others", () => {
    expect(faultsOf(clusterRoleKind, { aggregationRule: {} })).toEqual([
      "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil",
    ]);
  });
  it("are shown with their time, as by a server without a table for them", () => {
    const created = { metadata: { name: "r", creationTimestamp: "2026-01-01T00:00:00Z" }, rules: [rule] };
    expect(cellsOf(roleKind, created)).toEqual({ Name: "r", "Created At": "2026-01-01T00:00:00Z" });
  });
});

const binding = (parts: Loose = {}): Loose => ({
  roleRef: { kind: "ClusterRole", name: "view" },
  subjects: [
    { kind: "User", name: "ann" },
    { kind: "Group", name: "ops" },
    { kind: "ServiceAccount", name: "bot", namespace: "ci" },
  ],
  ...parts,
});
const GROUP = "rbac.authorization.k8s.io";

describe("bindings", () => {
  it("are completed with the API group of what they name", () => {
    expect(prepared(roleBindingKind, binding())).toMatchObject({
      roleRef: { apiGroup: GROUP, kind: "ClusterRole", name: "view" },
      subjects: [
        { kind: "User", apiGroup: GROUP, name: "ann" },
        { kind: "Group", apiGroup: GROUP, name: "ops" },
        { kind: "ServiceAccount", name: "bot", namespace: "ci" },
      ],
    });
    expect(prepared(roleBindingKind, binding()).subjects?.[2]).not.toHaveProperty("apiGroup");
    for (const kind of [roleBindingKind, clusterRoleBindingKind]) expect(faultsOf(kind, binding())).toEqual([]);
  });
  it.each<[Loose, string]>([
    [{ roleRef: { kind: "ClusterRole" } }, "roleRef.name: Required value"],
    [
      { roleRef: { kind: "Role", name: "r" } },
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ],
    [
      { roleRef: { apiGroup: "x.io", kind: "ClusterRole", name: "r" } },
      `roleRef.apiGroup: Unsupported value: "x.io": supported values: "${GROUP}"`,
    ],
    [
      { subjects: [{ kind: "Robot", name: "r2" }] },
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
    ],
    [{ subjects: [{ kind: "ServiceAccount", name: "bot" }] }, "subjects[0].namespace: Required value"],
    [
      { subjects: [{ kind: "User", name: "ann", apiGroup: "x.io" }] },
      `subjects[0].apiGroup: Unsupported value: "x.io": supported values: "${GROUP}"`,
    ],
  ])("of a cluster are refused for %j", (parts, fault) => {
    expect(faultsOf(clusterRoleBindingKind, binding(parts))).toEqual([fault]);
  });
  it("keep their role", () => {
    const now = binding({ roleRef: { kind: "ClusterRole", name: "edit" } });
    expect(updateFaults(roleBindingKind, { now, old: binding() })).toEqual([
      `roleRef: Invalid value: {"apiGroup":"${GROUP}","kind":"ClusterRole","name":"edit"}: cannot change roleRef`,
    ]);
    expect(updateFaults(roleBindingKind, { now: binding({ subjects: [] }), old: binding() })).toEqual([]);
  });
  it("are shown with whom they are for", () => {
    expect(cellsOf(roleBindingKind, binding())).toMatchObject({
      Role: "ClusterRole/view",
      Users: "ann",
      Groups: "ops",
      ServiceAccounts: "ci/bot",
    });
  });
});
