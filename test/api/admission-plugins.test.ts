/** Admission plugins that are off by default, switched on, over the whole API. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
beforeAll(async () => {
  const enable = ["OwnerReferencesPermissionEnforcement", "PodNodeSelector"];
  api = await createTestCluster({ config: { plugins: { enable, disable: ["ServiceAccount"] } } });
  const metadata = { name: "picky", annotations: { "scheduler.alpha.kubernetes.io/node-selector": "disk=ssd" } };
  await api.call("/api/v1/namespaces", { method: "POST", body: { metadata } });
});
afterAll(async () => await api.stop());

const rules = "/apis/rbac.authorization.k8s.io/v1/namespaces/picky";
const maps = "/api/v1/namespaces/picky/configmaps";

async function allow(verbs: string[], name: string): Promise<void> {
  const role = { metadata: { name }, rules: [{ apiGroups: [""], resources: ["configmaps"], verbs }] };
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name };
  const subjects = [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "mary" }];
  await api.call(`${rules}/roles`, { method: "POST", body: role });
  await api.call(`${rules}/rolebindings`, { method: "POST", body: { metadata: { name }, roleRef, subjects } });
}

test("who sets an owner needs the right to delete the object, as his roles are now", async () => {
  const headers = { "Impersonate-User": "mary" };
  await allow(["create"], "writer");
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: "1" }];
  const create = (name: string, more: object) =>
    api.call(maps, { method: "POST", headers, body: { metadata: { name, ...more } } });
  expect((await create("free", {})).status).toBe(201);
  const refused = await create("owned", { ownerReferences });
  expect([refused.status, (refused.body as { message?: string }).message]).toEqual([
    403,
    `configmaps "owned" is forbidden: cannot set an ownerRef on a resource you can't delete: , <nil>`,
  ]);
  await allow(["delete"], "remover");
  expect((await create("owned", { ownerReferences })).status).toBe(201);
});

test("pods get the node selector of their namespace; what is switched off is not asked", async () => {
  const body = { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "c:1" }] } };
  const made = await api.call("/api/v1/namespaces/picky/pods", { method: "POST", body });
  // No account is looked up, nor any token mounted.
  expect([made.status, made.text]).toEqual([201, made.text]);
  expect(made.body["spec"]).toMatchObject({ nodeSelector: { disk: "ssd" } });
  expect(made.body["spec"]).not.toHaveProperty("serviceAccountName");
});
