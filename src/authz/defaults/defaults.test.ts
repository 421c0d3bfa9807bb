import { describe, expect, it } from "vitest";
import type { ClusterRole, PolicyRule, RoleBinding } from "../../kinds/rbac/types.ts";
import { faultsOf } from "../../kinds/testing/prepare.ts";
import { clusterRoleBindingKind } from "../../kinds/rbac/clusterrolebindings/kind.ts";
import { clusterRoleKind } from "../../kinds/rbac/clusterroles/kind.ts";
import { roleBindingKind } from "../../kinds/rbac/rolebindings/kind.ts";
import { roleKind } from "../../kinds/rbac/roles/kind.ts";
import type { KindDefinition } from "../../registry/kind.ts";
import { aggregatedRules, withAggregation } from "../../kinds/rbac/aggregation.ts";
import { defaultClusterPolicy, defaultNamespacePolicy } from "./index.ts";
import { clusterBinding, clusterRole, group, rule, user } from "./notation.ts";
import { reconciledBinding, reconciledRole } from "./reconcile.ts";

describe("the default policy", () => {
  const policy = [...defaultClusterPolicy(), ...defaultNamespacePolicy()];
  const kinds = [clusterRoleKind, clusterRoleBindingKind, roleKind, roleBindingKind] as unknown as KindDefinition[];

  it("is valid, each object once, each role there that a binding names", () => {
    const names = policy.map(
      ({ ref, object: { metadata } }) => `${ref.resource}/${metadata.namespace}/${metadata.name}`,
    );
    expect(new Set(names).size).toBe(names.length);
    for (const { ref, object } of policy) {
      const kind = kinds.find(({ plural }) => plural === ref.resource);
      expect(kind && faultsOf(kind, object)).toEqual([]);
      if (!ref.resource.endsWith("bindings")) continue;
      const { roleRef } = object as RoleBinding;
      const at = roleRef.kind === "Role" ? `roles/${object.metadata.namespace}` : "clusterroles/undefined";
      expect(names).toContain(`${at}/${roleRef.name}`);
    }
  });

  it("writes rules down in words, sorted", () => {
    expect(rule("list get", "events.k8s.io core", "b a/x", "n")).toEqual({
      verbs: ["get", "list"],
      apiGroups: ["", "events.k8s.io"],
      resources: ["a/x", "b"],
      resourceNames: ["n"],
    });
  });
});

const pods: PolicyRule = { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] };
const maps: PolicyRule = { verbs: ["get"], apiGroups: [""], resources: ["configmaps"] };

const made = (name: string, from: string, labels = {}): ClusterRole => ({
  ...clusterRole(name, [], labels),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: from } }] },
});

describe("aggregation", () => {
  it("joins the rules of those selected, by name, each once, and not its own", () => {
    const a = clusterRole("a", [maps, pods], { to: "x" });
    const b = clusterRole("b", [{ ...pods, resourceNames: [] }, maps], { to: "x" });
    const self = { ...made("x", "x", { to: "x" }), rules: [rule("*", "*", "*")] };
    expect(aggregatedRules(self, [b, self, a, clusterRole("c", [pods])])).toEqual([maps, pods]);
    expect(aggregatedRules(a, [b])).toBeUndefined();
  });

  it("ends where roles are made of each other", () => {
    const roles = [made("a", "b", { to: "a" }), made("b", "a", { to: "b" }), clusterRole("c", [pods], { to: "a" })];
    expect(withAggregation(roles).map(({ rules }) => rules)).toEqual([[pods], [pods], [pods]]);
  });
});

describe("reconciling", () => {
  const wanted = clusterRole("r", [pods, maps]);

  it.each<[string, Partial<ClusterRole>, PolicyRule[] | undefined]>([
    ["changes nothing that is as it should be", {}, undefined],
    ["keeps what was added", { rules: [rule("*", "*", "*")] }, undefined],
    [
      "adds what is missing, as parts",
      { rules: [maps] },
      [maps, ...["get", "list"].map((verb) => ({ ...pods, verbs: [verb] }))],
    ],
    [
      "adds the rest of a rule",
      { rules: [{ ...pods, verbs: ["list"] }, maps] },
      [{ ...pods, verbs: ["list"] }, maps, { ...pods, verbs: ["get"] }],
    ],
    [
      "leaves alone who asks for it",
      { rules: [], metadata: { name: "r", annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } } },
      undefined,
    ],
    ["puts the label back", { metadata: { name: "r", annotations: wanted.metadata.annotations ?? {} } }, [pods, maps]],
    ["ends an aggregation that nobody asked for", { aggregationRule: { clusterRoleSelectors: [{}] } }, [pods, maps]],
  ])("of a role %s", (_, change, rules) => {
    const result = reconciledRole({ ...wanted, ...change }, wanted);
    if (rules === undefined) return expect(result).toEqual({ change: "none" });
    expect(result).toMatchObject({ change: "update", object: { rules, metadata: wanted.metadata } });
    expect(result).not.toHaveProperty("object.aggregationRule");
  });

  it("adds selectors to an aggregated role and leaves its rules to the controller", () => {
    const one = { matchLabels: { to: "r" } };
    const selects = { ...wanted, rules: [], aggregationRule: { clusterRoleSelectors: [one] } };
    expect(reconciledRole({ ...selects, rules: [pods] }, selects)).toEqual({ change: "none" });
    const other = { matchLabels: { mine: "yes" } };
    const changed = { ...selects, rules: [pods], aggregationRule: { clusterRoleSelectors: [other] } };
    expect(reconciledRole(changed, selects)).toMatchObject({
      change: "update",
      object: { rules: [pods], aggregationRule: { clusterRoleSelectors: [other, one] } },
    });
  });

  it("of a binding brings back subjects, and the role by making it anew", () => {
    const binding = clusterBinding("r", [user("a"), group("b")]);
    expect(reconciledBinding(binding, binding)).toEqual({ change: "none" });
    const lost = { ...binding, subjects: [user("mine"), group("b")] };
    expect(reconciledBinding(lost, binding)).toMatchObject({ object: { subjects: [...lost.subjects, user("a")] } });
    const other = { ...binding, roleRef: { ...binding.roleRef, name: "other" } };
    expect(reconciledBinding(other, binding)).toEqual({ change: "recreate", object: binding });
  });
});
