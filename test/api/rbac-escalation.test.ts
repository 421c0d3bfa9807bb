/** Nobody gives what he does not have. Texts are those of kube-apiserver. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertFailure, createTestCluster, type Answer, type TestCluster } from "../harness/cluster.ts";

const GROUP = "rbac.authorization.k8s.io";
const RBAC = `/apis/${GROUP}/v1`;
const ROLES = `${RBAC}/namespaces/default/roles`;
const BINDINGS = `${RBAC}/namespaces/default/rolebindings`;

let api: TestCluster;

const call = (user: string, path: string, method = "GET", body?: object, headers: Record<string, string> = {}) =>
  api.call(path, { method, body, headers: { "Impersonate-User": user, ...headers } });
const asAdmin = async (path: string, body: object) => {
  const answer = await api.call(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
};

const user = (name: string) => ({ kind: "User", apiGroup: GROUP, name });
const binding = (name: string, to: string, kind = "ClusterRole", subjects = [user("carl")]) => ({
  metadata: { name },
  subjects,
  roleRef: { apiGroup: GROUP, kind, name: to },
});
const rule = (verbs: string[], apiGroups: string[], resources: string[], more: object = {}) => ({
  verbs,
  apiGroups,
  resources,
  ...more,
});
const role = (name: string, ...rules: object[]) => ({ metadata: { name }, rules });

const refusal = (kind: string, name: string, ...missing: string[]) => ({
  code: 403,
  reason: "Forbidden",
  message: `${kind}.${GROUP} "${name}" is forbidden: user "bob" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n${missing.join("\n")}`,
});

beforeAll(async () => {
  api = await createTestCluster();
  await asAdmin(BINDINGS, binding("bob", "admin", "ClusterRole", [user("bob")]));
  const all = ["get", "list", "create", "update", "patch"];
  await asAdmin(
    `${RBAC}/clusterroles`,
    role("role-writer", rule(all, [GROUP], ["clusterroles", "clusterrolebindings"])),
  );
  await asAdmin(`${RBAC}/clusterrolebindings`, binding("bob", "role-writer", "ClusterRole", [user("bob")]));
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

describe("a role", () => {
  it("may hold what its writer has", async () => {
    const body = role(
      "fine",
      rule(["get", "list"], [""], ["pods", "pods/log"]),
      rule(["create"], ["apps"], ["deployments"]),
    );
    expect((await call("bob", ROLES, "POST", body)).status).toBe(201);
  });

  it.each<[object[], string[]]>([
    [[rule(["get", "list"], [""], ["nodes"])], ['{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}']],
    [
      [rule(["get", "escalate"], ["x.io", ""], ["pods", "things"], { resourceNames: ["one"] })],
      [
        '{APIGroups:[""], Resources:["pods"], ResourceNames:["one"], Verbs:["escalate"]}',
        '{APIGroups:[""], Resources:["things"], ResourceNames:["one"], Verbs:["get" "escalate"]}',
        '{APIGroups:["x.io"], Resources:["pods"], ResourceNames:["one"], Verbs:["get" "escalate"]}',
        '{APIGroups:["x.io"], Resources:["things"], ResourceNames:["one"], Verbs:["get" "escalate"]}',
      ],
    ],
    [[rule(["*"], ["*"], ["*"])], ['{APIGroups:["*"], Resources:["*"], Verbs:["*"]}']],
  ])("may not hold %j", async (rules, missing) => {
    assertFailure(await call("bob", ROLES, "POST", role("more", ...rules)), refusal("roles", "more", ...missing));
  });

  it("may not be made to hold more, in whatever way", async () => {
    await call("bob", ROLES, "POST", role("grows", rule(["get"], [""], ["pods"])));
    const more = role("grows", rule(["get"], [""], ["pods", "nodes"]));
    const expected = refusal("roles", "grows", '{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}');
    const path = `${ROLES}/grows`;
    const whole = { apiVersion: `${GROUP}/v1`, kind: "Role", ...more };
    const ways: Answer[] = [
      await call("bob", path, "PUT", more),
      await call("bob", path, "PATCH", { rules: more.rules }, { "content-type": "application/merge-patch+json" }),
      await call("bob", `${path}?fieldManager=me&force=true`, "PATCH", whole, {
        "content-type": "application/apply-patch+yaml",
      }),
    ];
    for (const answer of ways) assertFailure(answer, expected);
    const finalizers = { metadata: { finalizers: ["x.io/y"] } };
    const merge = { "content-type": "application/merge-patch+json" };
    await api.call(path, { method: "PUT", body: more });
    assertFailure(await call("bob", path, "PATCH", { metadata: { labels: { a: "b" } } }, merge), expected);
    expect((await call("bob", path, "PATCH", finalizers, merge)).status).toBe(200);
    const created = { ...whole, metadata: { name: "applied" } };
    assertFailure(
      await call("bob", `${ROLES}/applied?fieldManager=me`, "PATCH", created, {
        "content-type": "application/apply-patch+yaml",
      }),
      refusal("roles", "applied", '{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}'),
    );
  });

  it("that aggregates takes everything to write", async () => {
    const body = { ...role("gathers"), aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] } };
    assertFailure(await call("bob", `${RBAC}/clusterroles`, "POST", body), {
      code: 403,
      reason: "Forbidden",
      message: `clusterroles.${GROUP} "gathers" is forbidden: must have cluster-admin privileges to use the aggregationRule`,
    });
    await asAdmin(`${RBAC}/clusterroles`, body);
    assertFailure(await call("bob", `${RBAC}/clusterroles/gathers`, "PUT", role("gathers")), {
      code: 403,
      reason: "Forbidden",
      message: /must have cluster-admin privileges/,
    });
  });

  it("may hold anything for those who may escalate", async () => {
    const rights = [rule(["create", "escalate"], [GROUP], ["roles"])];
    await asAdmin(ROLES, role("escalator", ...rights));
    await asAdmin(BINDINGS, binding("eve", "escalator", "Role", [user("eve")]));
    expect((await call("eve", ROLES, "POST", role("any", rule(["*"], ["*"], ["*"])))).status).toBe(201);
  });
});

describe("a binding", () => {
  it("may give what its writer has, and no more", async () => {
    expect((await call("bob", BINDINGS, "POST", binding("view", "view"))).status).toBe(201);
    expect((await call("carl", "/api/v1/namespaces/default/pods")).status).toBe(200);
    const answer = await call("bob", BINDINGS, "POST", binding("all", "cluster-admin"));
    const missing = ['{APIGroups:["*"], Resources:["*"], Verbs:["*"]}', '{NonResourceURLs:["*"], Verbs:["*"]}'];
    assertFailure(answer, refusal("rolebindings", "all", ...missing));
    // In the cluster bob has less.
    assertFailure(await call("bob", `${RBAC}/clusterrolebindings`, "POST", binding("view", "view")), {
      code: 403,
      reason: "Forbidden",
      message:
        /^clusterrolebindings.* "view" is forbidden: user "bob" .*not currently held:\n\{APIGroups:\[""\], Resources:\["bindings"\], Verbs:\["get" "list" "watch"\]\}\n/,
    });
  });

  it("to more of its writer's own role is refused in an update, too", async () => {
    await asAdmin(BINDINGS, binding("strong", "cluster-admin"));
    const subjects = [user("bob")];
    const answer = await call("bob", `${BINDINGS}/strong`, "PUT", { ...binding("strong", "cluster-admin"), subjects });
    assertFailure(answer, { code: 403, reason: "Forbidden", message: /not currently held/ });
  });

  it("to a role that is not there takes the right to bind", async () => {
    assertFailure(await call("bob", BINDINGS, "POST", binding("none", "none")), {
      code: 404,
      reason: "NotFound",
      message: `clusterrole.${GROUP} "none" not found`,
    });
    expect((await api.call(BINDINGS, { method: "POST", body: binding("none", "none") })).status).toBe(201);
  });

  it("may give anything that its writer may bind", async () => {
    await asAdmin(
      ROLES,
      role(
        "binder",
        rule(["create"], [GROUP], ["rolebindings"]),
        rule(["bind"], [GROUP], ["clusterroles"], { resourceNames: ["cluster-admin"] }),
      ),
    );
    await asAdmin(BINDINGS, binding("fay", "binder", "Role", [user("fay")]));
    expect((await call("fay", BINDINGS, "POST", binding("given", "cluster-admin"))).status).toBe(201);
    expect((await call("fay", BINDINGS, "POST", binding("given-2", "edit"))).status).toBe(403);
    assertFailure(await call("fay", BINDINGS, "POST", binding("given-3", "x", "Robot")), {
      code: 422,
      reason: "Invalid",
      message: /roleRef\.kind: Unsupported value: "Robot"/,
    });
  });
});

describe("impersonation", () => {
  it("is a right like others", async () => {
    const headers = { "Impersonate-User": "bob" };
    const path = "/api/v1/namespaces/default/serviceaccounts";
    await asAdmin(path, { metadata: { name: "actor" } });
    const issued = await api.call<{ status: { token: string } }>(`${path}/actor/token`, { method: "POST", body: {} });
    const { token } = issued.body.status;
    const ask = async () => await api.call(BINDINGS, { token, headers });
    assertFailure(await ask(), {
      code: 403,
      reason: "Forbidden",
      message:
        'users "bob" is forbidden: User "system:serviceaccount:default:actor" cannot impersonate resource "users" in API group "" at the cluster scope',
    });
    const names = { resourceNames: ["bob"] };
    await asAdmin(`${RBAC}/clusterroles`, role("actor", rule(["impersonate"], [""], ["users"], names)));
    const subjects = [{ kind: "ServiceAccount", name: "actor", namespace: "default" }];
    await asAdmin(`${RBAC}/clusterrolebindings`, { ...binding("actor", "actor"), subjects });
    expect((await ask()).status).toBe(200);
    const masters = { ...headers, "Impersonate-Group": "system:masters" };
    expect((await api.call(BINDINGS, { token, headers: masters })).status).toBe(403);
  });
});
