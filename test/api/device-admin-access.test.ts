/** Devices that others use: pkg/registry/resource/utils.go of Kubernetes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertFailure, createTestCluster, type Answer, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
  const labels = { "resource.kubernetes.io/admin-access": "true" };
  await api.call("/api/v1/namespaces", { method: "POST", body: { metadata: { name: "admins", labels } } });
  await api.call("/api/v1/namespaces", { method: "POST", body: { metadata: { name: "users" } } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const spec = (adminAccess: boolean) => ({
  devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "gpu.example.com", adminAccess } }] },
});
const collectionOf = (namespace: string, plural = "resourceclaims") =>
  `/apis/resource.k8s.io/v1/namespaces/${namespace}/${plural}`;
const create = async (collection: string, body: object): Promise<Answer> =>
  await api.call(collection, { method: "POST", body });

const WHY =
  "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace";

describe("admin access to devices", () => {
  it.each([
    ["admins", true, 201],
    ["users", false, 201],
    ["users", true, 422],
  ] as const)("in %s, asked for: %s", async (namespace, adminAccess, status) => {
    const made = await create(collectionOf(namespace), { metadata: { name: "claim" }, spec: spec(adminAccess) });
    const template = { metadata: { name: "template" }, spec: { spec: spec(adminAccess) } };
    const templates = await create(collectionOf(namespace, "resourceclaimtemplates"), template);
    expect([made.status, templates.status]).toEqual([status, status]);
    if (status === 201) return;
    const field = "spec.devices.requests[0].adminAccess";
    assertFailure(made, {
      code: 422,
      reason: "Invalid",
      message: `ResourceClaim.resource.k8s.io "claim" is invalid: ${field}: Forbidden: ${WHY}`,
    });
    assertFailure(templates, {
      code: 422,
      reason: "Invalid",
      message: `ResourceClaimTemplate.resource.k8s.io "template" is invalid: ${field}: Forbidden: ${WHY}`,
    });
  });

  it("is not given where it may not be asked for", async () => {
    await create(collectionOf("users"), { metadata: { name: "given" }, spec: spec(false) });
    const results = [{ request: "gpu", driver: "gpu.example.com", pool: "p", device: "d", adminAccess: true }];
    const answer = await api.call(`${collectionOf("users")}/given/status`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { status: { allocation: { devices: { results } } } },
    });
    assertFailure(answer, {
      code: 422,
      reason: "Invalid",
      message: `ResourceClaim.resource.k8s.io "given" is invalid: status.allocation.devices.results[0].adminAccess: Forbidden: ${WHY}`,
    });
  });
});
