/** What is in use stays until it is not, over the real API, hub and log. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../test/harness/cluster.ts";
import { createLoops, type Loops } from "./loops.ts";

let cluster: TestCluster;
let loops: Loops;

beforeEach(async () => {
  cluster = await createTestCluster({ config: { nodeMonitorGraceMs: 3_600_000 } });
  loops = createLoops({ cluster: cluster.cluster, app: cluster.app });
});
afterEach(async () => {
  await loops.stop();
  expect(cluster.errors).toEqual([]);
  await cluster.stop();
});

/** As on Workers: until nothing is written any more. */
async function rest(): Promise<void> {
  for (let round = 0; round < 30; round++) {
    const before = await cluster.storage.revision();
    await loops.runOnce({ deadline: Date.now() + 20_000 });
    if ((await cluster.storage.revision()) === before) return;
  }
  throw new Error("the loops never come to rest");
}

const CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims";
const PODS = "/api/v1/namespaces/default/pods";
const VOLUMES = "/api/v1/persistentvolumes";
const CLASSES = "/apis/storage.k8s.io/v1/volumeattributesclasses";

const post = async (path: string, body: object): Promise<void> => {
  const answer = await cluster.call(path, { method: "POST", body });
  expect(answer.status, answer.text).toBe(201);
};
const statusOf = async (path: string): Promise<number> => (await cluster.call(path)).status;
const finalizersOf = async (path: string) => (await cluster.call(path)).body.metadata.finalizers;
const remove = async (path: string, query = ""): Promise<void> => {
  expect((await cluster.call(path + query, { method: "DELETE" })).status).toBe(200);
};
const claimOf = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
});

test("a claim stays as long as a bound pod mounts it", async () => {
  await rest();
  await post("/api/v1/nodes", { metadata: { name: "n1" } });
  await post(CLAIMS, claimOf("used"));
  await post(CLAIMS, claimOf("free"));
  expect(await finalizersOf(`${CLAIMS}/used`)).toEqual(["kubernetes.io/pvc-protection"]);
  await post(PODS, {
    metadata: { name: "p" },
    spec: {
      nodeName: "n1",
      containers: [{ name: "c", image: "c:1" }],
      volumes: [{ name: "v", persistentVolumeClaim: { claimName: "used" } }],
    },
  });
  await remove(`${CLAIMS}/used`);
  await remove(`${CLAIMS}/free`);
  expect(await statusOf(`${CLAIMS}/free`)).toBe(200);
  await rest();
  expect(await statusOf(`${CLAIMS}/free`)).toBe(404);
  expect((await cluster.call(`${CLAIMS}/used`)).body.metadata.deletionTimestamp).toBeDefined();
  // Others than those who deleted it take up where they left.
  loops = createLoops({ cluster: cluster.cluster, app: cluster.app });
  await rest();
  expect(await statusOf(`${CLAIMS}/used`)).toBe(200);
  await remove(`${PODS}/p`, "?gracePeriodSeconds=0");
  await rest();
  expect(await statusOf(`${CLAIMS}/used`)).toBe(404);
});

test("a claim that lost its protection gets it again", async () => {
  await post(CLAIMS, claimOf("data"));
  const patch = { metadata: { finalizers: null } };
  const headers = { "content-type": "application/merge-patch+json" };
  await cluster.call(`${CLAIMS}/data`, { method: "PATCH", body: patch, headers });
  expect(await finalizersOf(`${CLAIMS}/data`)).toBeUndefined();
  await rest();
  expect(await finalizersOf(`${CLAIMS}/data`)).toEqual(["kubernetes.io/pvc-protection"]);
});

test("a volume stays while it is bound, an attributes class while it is named", async () => {
  await post(CLASSES, { metadata: { name: "gold" }, driverName: "example.org", parameters: { speed: "high" } });
  await post(CLAIMS, claimOf("data", { volumeAttributesClassName: "gold" }));
  await post(VOLUMES, {
    metadata: { name: "disk" },
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } },
  });
  expect(await finalizersOf(`${VOLUMES}/disk`)).toEqual(["kubernetes.io/pv-protection"]);
  expect(await finalizersOf(`${CLASSES}/gold`)).toEqual(["kubernetes.io/vac-protection"]);
  const headers = { "content-type": "application/merge-patch+json" };
  const phase = async (to: string) => {
    const body = { status: { phase: to } };
    expect((await cluster.call(`${VOLUMES}/disk/status`, { method: "PATCH", body, headers })).status).toBe(200);
  };
  await phase("Bound");
  await remove(`${VOLUMES}/disk`);
  await remove(`${CLASSES}/gold`);
  await rest();
  expect([await statusOf(`${VOLUMES}/disk`), await statusOf(`${CLASSES}/gold`)]).toEqual([200, 200]);
  await phase("Released");
  await remove(`${CLAIMS}/data`);
  await rest();
  expect([await statusOf(`${VOLUMES}/disk`), await statusOf(`${CLASSES}/gold`)]).toEqual([404, 404]);
});
