/**
 * A role that one may edit, and what one would like to be in it. Bob writes roles and bindings of his namespace and of the cluster, and
 * has what "edit" has in one namespace; whatever he sends, and by whatever verb, he ends with no right that he did not have.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { bindRole, grantRules, make } from "../harness/grants.ts";

const GROUP = "rbac.authorization.k8s.io";
const RBAC = `/apis/${GROUP}/v1`;
const OWN = `${RBAC}/namespaces/default`;
const BOB = { "Impersonate-User": "bob", "Impersonate-Group": "developers" };

let api: TestCluster;
let round = 0;
/** Names of this round's objects. */
let own: Record<"role" | "binding" | "clusterRole" | "clusterBinding", string>;

const everything = [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }];
const readPods = [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }];
const bob = { kind: "User", apiGroup: GROUP, name: "bob" };
const toRole = (kind: string, name: string) => ({ apiGroup: GROUP, kind, name });

beforeAll(async () => {
  api = await createTestCluster();
  await bindRole(api, { user: "bob", role: "edit", namespace: "default" });
  await grantRules(api, {
    user: "bob",
    rules: [
      {
        verbs: ["get", "list", "create", "update", "patch", "delete"],
        apiGroups: [GROUP],
        resources: ["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
      },
    ],
  });
  await make(api, `${RBAC}/clusterroles`, { metadata: { name: "powerful" }, rules: everything });
  await make(api, `${OWN}/roles`, { metadata: { name: "powerful" }, rules: everything });
});
beforeEach(async () => {
  round += 1;
  own = {
    role: `role-${round}`,
    binding: `binding-${round}`,
    clusterRole: `cluster-role-${round}`,
    clusterBinding: `cluster-binding-${round}`,
  };
  await make(api, `${OWN}/roles`, { metadata: { name: own.role }, rules: readPods });
  await make(api, `${RBAC}/clusterroles`, { metadata: { name: own.clusterRole }, rules: readPods });
  // Of somebody else, to what Bob does not have: he may edit the objects.
  const carl = { kind: "User", apiGroup: GROUP, name: "carl" };
  await make(api, `${OWN}/rolebindings`, {
    metadata: { name: own.binding },
    subjects: [carl],
    roleRef: toRole("Role", "powerful"),
  });
  await make(api, `${RBAC}/clusterrolebindings`, {
    metadata: { name: own.clusterBinding },
    subjects: [carl],
    roleRef: toRole("ClusterRole", "powerful"),
  });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

/** What nobody gave him. */
const WANTED: [string, TestRequest?][] = [
  ["/api/v1/nodes"],
  ["/api/v1/namespaces/kube-system/secrets"],
  ["/api/v1/namespaces/default/resourcequotas", { method: "POST", body: {} }],
  ["/metrics"],
  ["/api/v1/namespaces/none", { method: "DELETE" }],
];

async function expectNothingGained(groups = BOB): Promise<void> {
  for (const [path, init] of WANTED) {
    const answer = await api.call(path, { ...init, headers: groups });
    expect(answer.status, `${path}: ${answer.text}`).toBe(403);
  }
}

const MERGE = "application/merge-patch+json";

/** The same content by every verb that writes an object that is there. */
async function everyWay(path: string, kind: string, change: object): Promise<void> {
  const { body: before } = await api.call<Record<string, unknown>>(path);
  const name = path.split("/").at(-1) ?? "";
  const { metadata, ...rest } = change as { metadata?: object };
  const { managedFields: _managed, ...found } = before["metadata"] as Record<string, unknown>;
  const whole = { ...before, ...rest, apiVersion: `${GROUP}/v1`, kind, metadata: { ...found, ...metadata } };
  const sent = { apiVersion: `${GROUP}/v1`, kind, metadata: { name, ...metadata }, ...rest };
  const ways: [string, string, object][] = [
    ["PUT", "application/json", whole],
    ["PUT", "application/yaml", whole],
    ["PATCH", MERGE, change],
    ["PATCH", "application/strategic-merge-patch+json", change],
    [
      "PATCH",
      "application/json-patch+json",
      Object.entries(rest).map(([key, value]) => ({ op: "add", path: `/${key}`, value })),
    ],
    ["PATCH", "application/apply-patch+yaml", sent],
  ];
  for (const [method, type, body] of ways) {
    // Of what a JSON patch would change of the metadata there is nothing here.
    if (Array.isArray(body) && body.length === 0) continue;
    const query = type.includes("apply") ? "?fieldManager=bob&force=true" : "";
    const answer = await api.call(path + query, { method, body, headers: { ...BOB, "content-type": type } });
    expect([403, 404, 422], `${method} ${type}: ${answer.text}`).toContain(answer.status);
    const dry = await api.call(`${path}?dryRun=All&${query.slice(1)}`, {
      method,
      body,
      headers: { ...BOB, "content-type": type },
    });
    expect([403, 404, 422], `dry ${method} ${type}: ${dry.text}`).toContain(dry.status);
  }
  const { body: after } = await api.call<Record<string, unknown>>(path);
  expect(after).toEqual(before);
}

const RULES: [string, object[]][] = [
  ["everything", everything],
  ["what is beside what he has", [...readPods, { verbs: ["list"], apiGroups: [""], resources: ["nodes"] }]],
  [
    "the right to escalate",
    [{ verbs: ["escalate", "bind"], apiGroups: [GROUP], resources: ["roles", "clusterroles"] }],
  ],
  ["the right to impersonate", [{ verbs: ["impersonate"], apiGroups: [""], resources: ["users", "groups"] }]],
  ["all subresources of what he has", [{ verbs: ["get"], apiGroups: [""], resources: ["pods/*"] }]],
  ["one subresource of everything", [{ verbs: ["get"], apiGroups: ["*"], resources: ["*/scale"] }]],
  ["all verbs of what he has", [{ verbs: ["*"], apiGroups: [""], resources: ["pods"] }]],
  ["all groups of what he has", [{ verbs: ["get"], apiGroups: ["*"], resources: ["pods"] }]],
  ["names beside other rules", [{ verbs: ["get"], apiGroups: [""], resources: ["nodes"], resourceNames: ["n1"] }]],
  ["tokens of nodes", [{ verbs: ["create"], apiGroups: [""], resources: ["nodes/proxy"] }]],
];

describe("a role that he may edit takes in nothing that he does not have", () => {
  it.each(RULES)("in his namespace: %s", async (_name, rules) => {
    await everyWay(`${OWN}/roles/${own.role}`, "Role", { rules });
    await expectNothingGained();
  });

  it.each(RULES)("in the cluster: %s", async (_name, rules) => {
    await everyWay(`${RBAC}/clusterroles/${own.clusterRole}`, "ClusterRole", { rules });
    await expectNothingGained();
  });

  it("nor paths", async () => {
    for (const nonResourceURLs of [["*"], ["/metrics"], ["/m*"], ["/**"]])
      await everyWay(`${RBAC}/clusterroles/${own.clusterRole}`, "ClusterRole", {
        rules: [...readPods, { verbs: ["get"], nonResourceURLs }],
      });
    await expectNothingGained();
  });

  it("nor what other roles are labelled with", async () => {
    const gather = { clusterRoleSelectors: [{ matchLabels: { [`${GROUP}/aggregate-to-admin`]: "true" } }] };
    const path = `${RBAC}/clusterroles/${own.clusterRole}`;
    await everyWay(path, "ClusterRole", { aggregationRule: gather });
    await everyWay(path, "ClusterRole", { aggregationRule: gather, rules: null });
    await everyWay(path, "ClusterRole", { aggregationRule: { clusterRoleSelectors: [{}] } });
    await everyWay(`${RBAC}/clusterroles/admin`, "ClusterRole", { aggregationRule: { clusterRoleSelectors: [{}] } });
    await everyWay(`${RBAC}/clusterroles/admin`, "ClusterRole", { aggregationRule: null, rules: readPods });
  });

  it("nor does a label carry what is in it into roles that gather", async () => {
    for (const to of ["admin", "edit", "view"]) {
      const labels = { [`${GROUP}/aggregate-to-${to}`]: "true" };
      await everyWay(`${RBAC}/clusterroles/powerful`, "ClusterRole", { metadata: { labels } });
      const made = await api.call(`${RBAC}/clusterroles`, {
        method: "POST",
        headers: BOB,
        body: { metadata: { name: `labelled-${to}`, labels }, rules: everything },
      });
      expect(made.status).toBe(403);
    }
  });

  it("not even by an owner or a finalizer beside it", async () => {
    const gone = { apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: "gone" };
    await everyWay(`${OWN}/roles/${own.role}`, "Role", {
      metadata: { ownerReferences: [gone], finalizers: ["a.test/b"] },
      rules: everything,
    });
  });
});

describe("a binding that he may edit gives nothing that he does not have", () => {
  const SUBJECTS: [string, object[]][] = [
    ["himself", [bob]],
    ["his group", [{ kind: "Group", apiGroup: GROUP, name: "developers" }]],
    ["everybody", [{ kind: "Group", apiGroup: GROUP, name: "system:authenticated" }]],
    ["nobody", [{ kind: "Group", apiGroup: GROUP, name: "system:unauthenticated" }]],
    ["an account of his", [{ kind: "ServiceAccount", namespace: "default", name: "default" }]],
  ];
  it.each(SUBJECTS)("to %s", async (_name, subjects) => {
    await everyWay(`${OWN}/rolebindings/${own.binding}`, "RoleBinding", { subjects });
    await everyWay(`${RBAC}/clusterrolebindings/${own.clusterBinding}`, "ClusterRoleBinding", { subjects });
    await expectNothingGained();
    const anonymous = await api.call("/api/v1/nodes", { token: null });
    expect(anonymous.status).toBe(403);
  });

  it.each([
    toRole("ClusterRole", "cluster-admin"),
    toRole("ClusterRole", "powerful"),
    toRole("ClusterRole", "admin"),
    toRole("ClusterRole", "system:node"),
    toRole("Role", "powerful"),
    { kind: "ClusterRole", name: "cluster-admin" },
    { apiGroup: "", kind: "ClusterRole", name: "cluster-admin" },
    { apiGroup: `${GROUP}/v1`, kind: "ClusterRole", name: "cluster-admin" },
    toRole("clusterrole", "cluster-admin"),
    toRole("ClusterRole", "Cluster-Admin"),
    toRole("ClusterRole", "cluster-admin\u0000"),
    toRole("ClusterRole", "made-later"),
  ])("to a role of his choice: %j", async (roleRef) => {
    for (const [path, namespaced] of [
      [`${OWN}/rolebindings`, true],
      [`${RBAC}/clusterrolebindings`, false],
    ] as const) {
      const metadata = { name: `chosen-${round}` };
      const body = { metadata, subjects: [bob], roleRef };
      const ways: [string, string, string, object][] = [
        ["POST", path, "application/json", body],
        ["PUT", `${path}/chosen-${round}`, "application/json", body],
        [
          "PATCH",
          `${path}/chosen-${round}?fieldManager=bob`,
          "application/apply-patch+yaml",
          { apiVersion: `${GROUP}/v1`, kind: namespaced ? "RoleBinding" : "ClusterRoleBinding", ...body },
        ],
      ];
      for (const [method, at, type, sent] of ways) {
        const answer = await api.call(at, { method, body: sent, headers: { ...BOB, "content-type": type } });
        expect([400, 403, 404, 422], answer.text).toContain(answer.status);
      }
      // What is bound cannot be bound to something else.
      const name = namespaced ? own.binding : own.clusterBinding;
      await everyWay(`${path}/${name}`, namespaced ? "RoleBinding" : "ClusterRoleBinding", {
        roleRef,
        subjects: [bob],
      });
    }
    await expectNothingGained();
  });

  it("also not to his own role that grows later", async () => {
    const bound = await api.call(`${OWN}/rolebindings`, {
      method: "POST",
      headers: BOB,
      body: { metadata: { name: `own-${round}` }, subjects: [bob], roleRef: toRole("Role", own.role) },
    });
    expect(bound.status, bound.text).toBe(201);
    await everyWay(`${OWN}/roles/${own.role}`, "Role", { rules: everything });
    await api.call(`${OWN}/roles/${own.role}`, { method: "DELETE", headers: BOB });
    const again = await api.call(`${OWN}/roles`, {
      method: "POST",
      headers: BOB,
      body: { metadata: { name: own.role }, rules: everything },
    });
    expect(again.status).toBe(403);
    await expectNothingGained();
  });
});
