/** Fields managed in one version of an object and changed in another. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { versionedKinds, type GaugeV1, type GaugeV2 } from "../harness/versioned-kinds.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster({ kinds: [...kinds, ...versionedKinds] });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const V1 = "/apis/gauges.test/v1/namespaces/default/gauges";
const V2 = "/apis/gauges.test/v2/namespaces/default/gauges";

const scaleTargetRef = { kind: "Deployment", name: "web" };

function gaugeV1(name: string, spec: object): object {
  return { apiVersion: "gauges.test/v1", kind: "Gauge", metadata: { name }, spec: { scaleTargetRef, ...spec } };
}

function gaugeV2(name: string, spec: object): object {
  return { apiVersion: "gauges.test/v2", kind: "Gauge", metadata: { name }, spec: { scaleTargetRef, ...spec } };
}

const cpu = (averageUtilization: number) => [
  { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } },
];

function apply<T extends KubeObject>(path: string, body: object, { force = false } = {}) {
  const headers = { "content-type": "application/apply-patch+yaml" };
  return api.call<T>(`${path}?fieldManager=applier&force=${force}`, { method: "PATCH", body, headers });
}

function edit<T extends KubeObject>(path: string, body: object) {
  const headers = { "content-type": "application/merge-patch+json" };
  return api.call<T>(`${path}?fieldManager=editor`, { method: "PATCH", body, headers });
}

/** "applier gauges.test/v1" → its fields */
function managers({ metadata }: KubeObject): Record<string, unknown> {
  const entries = metadata.managedFields ?? [];
  return Object.fromEntries(
    entries.map(({ manager, apiVersion, fieldsV1 }) => [`${manager} ${apiVersion}`, fieldsV1 as unknown]),
  );
}

it("each manager keeps its version, and loses a field that was changed under another name", async () => {
  const made = await apply<GaugeV1>(
    `${V1}/moved`,
    gaugeV1("moved", { maxReplicas: 5, targetCPUUtilizationPercentage: 60 }),
  );
  expect(managers(made.body)).toEqual({
    "applier gauges.test/v1": {
      "f:spec": { "f:maxReplicas": {}, "f:scaleTargetRef": {}, "f:targetCPUUtilizationPercentage": {} },
    },
  });
  const edited = await edit<GaugeV2>(`${V2}/moved`, { spec: { metrics: cpu(70) } });
  expect(managers(edited.body)).toEqual({
    "applier gauges.test/v1": { "f:spec": { "f:maxReplicas": {}, "f:scaleTargetRef": {} } },
    "editor gauges.test/v2": { "f:spec": { "f:metrics": {} } },
  });
});

it("a conflict is told in the version of whoever owns the field", async () => {
  const config = gaugeV1("fought", { maxReplicas: 5, targetCPUUtilizationPercentage: 60 });
  await apply(`${V1}/fought`, config);
  await edit(`${V2}/fought`, { spec: { metrics: cpu(70) } });
  assertFailure(await apply(`${V1}/fought`, config), {
    code: 409,
    reason: "Conflict",
    message: 'Apply failed with 1 conflict: conflict with "editor" using gauges.test/v2: .spec.metrics',
  });
  const forced = await apply<GaugeV1>(`${V1}/fought`, config, { force: true });
  expect(forced.body.spec.targetCPUUtilizationPercentage).toBe(60);
  expect(Object.keys(managers(forced.body))).toEqual(["applier gauges.test/v1"]);
});

it("who applies in another version than before takes out what it applied then", async () => {
  await apply(`${V1}/switched`, gaugeV1("switched", { maxReplicas: 5, targetCPUUtilizationPercentage: 60 }));
  const switched = await apply<GaugeV2>(`${V2}/switched`, gaugeV2("switched", { maxReplicas: 6 }));
  expect(switched.status).toBe(200);
  expect(switched.body.spec.maxReplicas).toBe(6);
  expect(switched.body.spec.metrics).toBeUndefined();
  expect(managers(switched.body)).toEqual({
    // The reference is owned as a whole in v1 only.
    "applier gauges.test/v2": { "f:spec": { "f:maxReplicas": {}, "f:scaleTargetRef": { "f:kind": {}, "f:name": {} } } },
  });
  const again = await apply<GaugeV2>(`${V2}/switched`, gaugeV2("switched", { maxReplicas: 6 }));
  expect(again.body).toEqual(switched.body);
});

it("a version that is not served is forgotten with the next change", async () => {
  const made = await apply<GaugeV1>(`${V1}/outdated`, gaugeV1("outdated", { maxReplicas: 5 }));
  const [entry] = made.body.metadata.managedFields ?? [];
  const outdated = { ...entry, manager: "old", apiVersion: "gauges.test/v0" };
  await edit(`${V1}/outdated`, { metadata: { managedFields: [entry, outdated] } });
  const changed = await edit(`${V1}/outdated`, { spec: { minReplicas: 3 } });
  expect(Object.keys(managers(changed.body))).toEqual(["applier gauges.test/v1", "editor gauges.test/v1"]);
});
