import { describe, expect, it } from "vitest";
import type { User } from "../../authn/authenticator.ts";
import {
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
  type PolicyRule,
  type RoleBinding,
  type Subject,
} from "../../kinds/rbac/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { Attributes } from "../authorizer.ts";
import { rule, urls } from "../defaults/notation.ts";
import { RbacIndex } from "./rbac-index.ts";
import { indexOf, storedPolicy } from "./testing/objects.ts";

const GROUP = "rbac.authorization.k8s.io";
const role = (rules: PolicyRule[], name = "r", namespace?: string): KubeObject => ({
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  rules,
});
const binding = (
  subjects: Subject[],
  {
    name = "b",
    namespace,
    kind = "ClusterRole",
    to = "r",
  }: { name?: string; namespace?: string; kind?: string; to?: string } = {},
): RoleBinding => ({
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  subjects,
  roleRef: { apiGroup: GROUP, kind, name: to },
});
const ann: User = { name: "ann", groups: ["devs", "system:authenticated"] };
const bot: User = { name: "system:serviceaccount:ci:bot", groups: [] };
const user = (name: string): Subject => ({ kind: "User", apiGroup: GROUP, name });

const of = (name: string, ...groups: string[]): User => ({ name, groups });

/** "get a/pods/p/log", "list /nodes", "create apps:a/deployments", "get @/healthz". */
function ask(who: User, text: string): Attributes {
  const [verb = "", target = ""] = text.split(" ");
  if (target.startsWith("@")) return { user: who, verb, path: target.slice(1) };
  const [group, rest] = target.includes(":") ? (target.split(":") as [string, string]) : ["", target];
  const [namespace = "", resource = "", name = "", ...sub] = rest.split("/");
  const subresource = sub.join("/");
  return { user: who, verb, path: "", resource: { group, version: "v1", resource, subresource, namespace, name } };
}

/** What a cluster role with this rule, given to ann in the whole cluster, allows her. */
describe("a rule", () => {
  it.each<[PolicyRule, string, boolean]>([
    [rule("get", "core", "pods"), "get a/pods/p", true],
    [rule("get", "core", "pods"), "list a/pods", false],
    [rule("get", "core", "pods"), "get apps:a/pods/p", false],
    [rule("*", "core", "pods"), "anything a/pods/p", true],
    [rule("get", "*", "pods"), "get x.io:a/pods/p", true],
    [rule("get", "core", "*"), "get a/secrets/s", true],
    [rule("get", "core", "*"), "get a/pods/p/log", true],
    [rule("get", "core", "pods"), "get a/pods/p/log", false],
    [rule("get", "core", "pods/log"), "get a/pods/p/log", true],
    [rule("get", "core", "pods/log"), "get a/pods/p", false],
    [rule("get", "*", "*/scale"), "get apps:a/deployments/d/scale", true],
    [rule("get", "*", "*/scale"), "get apps:a/deployments/d/status", false],
    [rule("get", "*", "*/scale"), "get apps:a/deployments/d", false],
    [rule("get", "core", "pods/*"), "get a/pods/p/log", false],
    [rule("get", "core", "secrets", "one two"), "get a/secrets/two", true],
    [rule("get", "core", "secrets", "one two"), "get a/secrets/three", false],
    [rule("list", "core", "secrets", "one"), "list a/secrets", false],
    [rule("list", "core", "secrets", "one"), "list a/secrets/one", true],
    [{ ...rule("list", "core", "secrets"), resourceNames: [] }, "list a/secrets", true],
    [rule("create", "core", "secrets", "one"), "create a/secrets", false],
    [urls("get", "/healthz"), "get @/healthz", true],
    [urls("get", "/healthz"), "get @/healthz/etcd", false],
    [urls("get", "/healthz/*"), "get @/healthz/etcd", true],
    [urls("get", "/healthz/*"), "get @/healthz", false],
    [urls("get", "/api*"), "get @/apis/x", true],
    [urls("get", "*"), "get @/anything", true],
    [urls("get", "*"), "post @/anything", false],
    [urls("get", "*"), "get a/pods/p", false],
    [rule("*", "*", "*"), "get @/healthz", false],
    [{}, "get a/pods/p", false],
  ])("%j: %s: %s", (one, text, expected) => {
    const index = indexOf([
      [clusterRoles, role([one])],
      [clusterRoleBindings, binding([user("ann")])],
    ]);
    expect(index.authorize(ask(ann, text)).verdict).toBe(expected ? "allow" : "none");
  });
});

describe("a binding", () => {
  const read = [rule("get list", "core", "pods")];
  const index = indexOf([
    [clusterRoles, role(read)],
    [roles, role(read, "r", "a")],
    [clusterRoleBindings, binding([user("root"), { kind: "Group", name: "ops" }], { name: "all" })],
    [clusterRoleBindings, binding([{ kind: "ServiceAccount", name: "bot", namespace: "sys" }], { name: "of-account" })],
    [clusterRoleBindings, binding([{ kind: "ServiceAccount", name: "nowhere" }], { name: "of-nobody" })],
    [roleBindings, binding([user("ann")], { namespace: "a", kind: "Role" })],
    [roleBindings, binding([{ kind: "Group", name: "devs" }], { name: "devs", namespace: "b" })],
    [roleBindings, binding([{ kind: "ServiceAccount", name: "bot" }], { name: "own", namespace: "ci" })],
    [roleBindings, binding([user("ann")], { name: "broken", namespace: "c", kind: "Role", to: "gone" })],
    [roleBindings, binding([user("ann")], { name: "broken-2", namespace: "c", to: "gone" })],
  ]);
  it.each<[User, string, string, string?]>([
    [of("root"), "list /pods", "allow", 'ClusterRoleBinding "all" of ClusterRole "r" to User "root"'],
    [of("root"), "get z/pods/p", "allow", 'ClusterRoleBinding "all" of ClusterRole "r" to User "root"'],
    [of("eve", "x", "ops"), "list z/pods", "allow", 'ClusterRoleBinding "all" of ClusterRole "r" to Group "ops"'],
    [
      of("system:serviceaccount:sys:bot"),
      "list /pods",
      "allow",
      'ClusterRoleBinding "of-account" of ClusterRole "r" to ServiceAccount "bot/sys"',
    ],
    [of("system:serviceaccount::nowhere"), "list /pods", "none"],
    [ann, "list a/pods", "allow", 'RoleBinding "b/a" of Role "r" to User "ann"'],
    [ann, "list b/pods", "allow", 'RoleBinding "devs/b" of ClusterRole "r" to Group "devs"'],
    [bot, "list ci/pods", "allow", 'RoleBinding "own/ci" of ClusterRole "r" to ServiceAccount "bot/ci"'],
    [bot, "list a/pods", "none"],
    [ann, "list /pods", "none"],
    [of("ops"), "list /pods", "none"],
    [of("eve", "root"), "list /pods", "none"],
    [ann, "delete a/pods/p", "none"],
  ])("%j: %s: %s %s", (who, text, verdict, why) => {
    expect(index.authorize(ask(who, text))).toEqual({
      verdict,
      ...(why === undefined ? {} : { reason: `RBAC: allowed by ${why}` }),
    });
  });

  it("of a role that is not there says so", () => {
    expect(index.authorize(ask(ann, "list c/pods"))).toEqual({
      verdict: "none",
      reason: `RBAC: [role.${GROUP} "gone" not found, clusterrole.${GROUP} "gone" not found]`,
    });
    expect(index.rulesFor(ann, "c").errors).toHaveLength(2);
    expect(index.rulesFor(ann, "a")).toEqual({ rules: read, errors: [] });
    expect(index.rulesOf({ kind: "Role", name: "r" }, "a")).toEqual(read);
    expect(() => index.rulesOf({ kind: "Role", name: "r" }, "b")).toThrow(`role.${GROUP} "r" not found`);
  });
});

describe("changes", () => {
  it("count at once, and leave nothing behind", () => {
    const index = new RbacIndex();
    const may = (text: string) => index.authorize(ask(ann, text)).verdict === "allow";
    const bound = storedPolicy(
      clusterRoleBindings,
      binding([user("ann"), { kind: "Group", name: "devs" }, user("ann")]),
    );
    index.put(bound);
    expect(may("get a/pods/p")).toBe(false);
    index.put(storedPolicy(clusterRoles, role([rule("get", "core", "pods")])));
    expect(may("get a/pods/p")).toBe(true);
    index.put(storedPolicy(clusterRoles, role([rule("get", "core", "secrets")])));
    expect([may("get a/pods/p"), may("get a/secrets/s")]).toEqual([false, true]);
    index.put(storedPolicy(clusterRoleBindings, binding([user("eve")])));
    expect(may("get a/secrets/s")).toBe(false);
    index.put(bound);
    expect(may("get a/secrets/s")).toBe(true);
    expect(index.bytes).toBeGreaterThan(0);
    index.remove(bound);
    index.remove(bound);
    expect(may("get a/secrets/s")).toBe(false);
    index.remove(storedPolicy(clusterRoles, role([])));
    expect(index.bytes).toBe(0);
  });
});
