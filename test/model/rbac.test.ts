/** The index of roles and bindings gives what a naive authorizer gives, however it came to be. Each run prints its seed. */
import { expect, it } from "vitest";
import type { User } from "../../src/authn/authenticator.ts";
import type { Attributes } from "../../src/authz/authorizer.ts";
import { uncovered } from "../../src/authz/coverage.ts";
import { RbacIndex } from "../../src/authz/rbac/rbac-index.ts";
import { storedPolicy } from "../../src/authz/rbac/testing/objects.ts";
import {
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
  type PolicyRule,
  type RoleBinding,
  type Subject,
} from "../../src/kinds/rbac/types.ts";
import { withSeed, type Dice } from "../harness/seeded.ts";
import { modelAllows, type RbacModel } from "./rbac-model.ts";

const NAMESPACES = ["", "a", "b"];
const NAMES = ["x", "y", "z"];
const VERBS = ["get", "list", "create", "*"];
const GROUPS = ["", "apps", "*"];
const RESOURCES = ["pods", "pods/log", "deployments", "*/scale", "deployments/scale", "*"];
const PATHS = ["/healthz", "/healthz/*", "/apis*", "*"];
const USERS = ["ann", "system:serviceaccount:a:bot", "system:serviceaccount:b:bot"];
const TEAMS = ["devs", "ops", "system:authenticated"];

function some<T>(dice: Dice, from: readonly T[]): T[] {
  return from.filter(() => dice.chance(0.35));
}

function randomRule(dice: Dice): PolicyRule {
  if (dice.chance(0.2)) return { verbs: some(dice, VERBS), nonResourceURLs: some(dice, PATHS) };
  const rule = { verbs: some(dice, VERBS), apiGroups: some(dice, GROUPS), resources: some(dice, RESOURCES) };
  return dice.chance(0.3) ? { ...rule, resourceNames: some(dice, NAMES) } : rule;
}

function randomSubject(dice: Dice): Subject {
  if (dice.chance(0.4)) return { kind: "User", name: dice.pick(USERS) };
  if (dice.chance(0.5)) return { kind: "Group", name: dice.pick(TEAMS) };
  return { kind: "ServiceAccount", name: "bot", ...(dice.chance(0.5) ? { namespace: dice.pick(["a", "b"]) } : {}) };
}

function change(dice: Dice, model: RbacModel, index: RbacIndex): void {
  const namespace = dice.pick(NAMESPACES);
  const name = dice.pick(NAMES);
  const key = `${namespace}/${name}`;
  const metadata = { name, ...(namespace === "" ? {} : { namespace }) };
  const isRole = dice.chance(0.4);
  const ref = isRole
    ? namespace === ""
      ? clusterRoles
      : roles
    : namespace === ""
      ? clusterRoleBindings
      : roleBindings;
  if (dice.chance(0.2)) {
    (isRole ? model.roles : model.bindings).delete(key);
    return index.remove(storedPolicy(ref, { metadata }));
  }
  if (isRole) {
    const rules = Array.from({ length: dice.roll(3) }, () => randomRule(dice));
    model.roles.set(key, rules);
    return index.put(storedPolicy(ref, { metadata, rules }));
  }
  const kind = namespace !== "" && dice.chance(0.5) ? "Role" : "ClusterRole";
  const subjects = Array.from({ length: dice.roll(4) }, () => randomSubject(dice));
  const binding: RoleBinding = { metadata, roleRef: { apiGroup: "", kind, name: dice.pick(NAMES) }, subjects };
  model.bindings.set(key, binding);
  index.put(storedPolicy(ref, binding));
}

function randomQuestion(dice: Dice): Attributes {
  const user: User = { name: dice.pick(USERS), groups: some(dice, TEAMS) };
  const verb = dice.pick(["get", "list", "create", "delete"]);
  if (dice.chance(0.2))
    return { user, verb, path: dice.pick(["/healthz", "/healthz/etcd", "/apis", "/apis/apps", "/x"]) };
  const resource = {
    group: dice.pick(["", "apps"]),
    version: "v1",
    resource: dice.pick(["pods", "deployments"]),
    subresource: dice.pick(["", "", "log", "scale"]),
    namespace: dice.pick(NAMESPACES),
    name: dice.pick(["", ...NAMES]),
  };
  return { user, verb, path: "", resource };
}

it("the index answers as the model does, after each change", () =>
  withSeed(async (dice) => {
    const model: RbacModel = { roles: new Map(), bindings: new Map() };
    const index = new RbacIndex();
    let allowed = 0;
    for (let round = 0; round < 400; round++) {
      change(dice, model, index);
      for (let questions = 0; questions < 40; questions++) {
        const asked = randomQuestion(dice);
        const expected = modelAllows(model, asked);
        const { verdict, reason } = index.authorize(asked);
        expect(verdict === "allow", `${JSON.stringify(asked)}: ${reason}`).toBe(expected);
        if (expected) allowed++;
      }
    }
    expect(allowed).toBeGreaterThan(100);
  }));

it("whoever covers rules may do all that they allow", () =>
  withSeed(async (dice) => {
    let covered = 0;
    for (let round = 0; round < 4_000; round++) {
      const owner = Array.from({ length: 1 + dice.roll(3) }, () => randomRule(dice));
      const servant = [randomRule(dice)];
      if (uncovered(owner, servant).length > 0) continue;
      covered++;
      const bindings = new Map([
        [
          "/b",
          {
            metadata: { name: "b" },
            roleRef: { apiGroup: "", kind: "ClusterRole", name: "r" },
            subjects: [{ kind: "User", name: "ann" }],
          },
        ],
      ]);
      const may = (rules: PolicyRule[], asked: Attributes) =>
        modelAllows({ roles: new Map([["/r", rules]]), bindings }, asked);
      for (let questions = 0; questions < 20; questions++) {
        const asked = { ...randomQuestion(dice), user: { name: "ann", groups: [] } };
        if (may(servant, asked)) expect(may(owner, asked), JSON.stringify({ owner, servant, asked })).toBe(true);
      }
    }
    expect(covered).toBeGreaterThan(100);
  }));
