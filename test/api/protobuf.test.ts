/** What kubectl 1.32 sends as protobuf, recorded from it; the answers are JSON. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KUBECTL_BODIES } from "../../src/encoding/kubectl-bodies.fixture.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const PROTOBUF = {
  "content-type": "application/vnd.kubernetes.protobuf",
  accept: "application/vnd.kubernetes.protobuf,application/json",
};

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

const post = (path: string, body: Uint8Array) => api.call(path, { method: "POST", body, headers: PROTOBUF });

describe("protobuf bodies", () => {
  it("create a ConfigMap and a Deployment", async () => {
    const map = await post("/api/v1/namespaces/default/configmaps", bytes(KUBECTL_BODIES.createConfigmap));
    expect([map.status, map.headers.get("content-type")]).toEqual([201, "application/json"]);
    expect(map.body).toMatchObject({ kind: "ConfigMap", metadata: { name: "demo" }, data: { a: "1" } });
    const web = await post("/apis/apps/v1/namespaces/default/deployments", bytes(KUBECTL_BODIES.createDeployment));
    expect(web.status).toBe(201);
    expect(web.body).toMatchObject({ kind: "Deployment", metadata: { name: "web" }, spec: { replicas: 3 } });
  });

  it("that are cut off, or of another kind, are refused", async () => {
    const whole = bytes(KUBECTL_BODIES.createConfigmap);
    for (const body of [whole.subarray(0, whole.length - 7), whole.subarray(0, 4), new Uint8Array([1, 2, 3])]) {
      const answer = await post("/api/v1/namespaces/default/configmaps", body);
      assertFailure(answer, { code: 400, reason: "BadRequest" });
    }
    assertFailure(await post("/api/v1/namespaces/default/secrets", whole), { code: 400, reason: "BadRequest" });
  });
});
