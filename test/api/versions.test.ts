/** One stored object served in several versions and groups, with kinds that only tests have. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.ts";
import type { KubeList } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, take, watchEvents, type TestCluster } from "../harness/cluster.ts";
import {
  versionedKinds,
  type CoreNotice,
  type GaugeV1,
  type GaugeV2,
  type Notice,
} from "../harness/versioned-kinds.ts";

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
const CORE_NOTICES = "/api/v1/namespaces/default/notices";
const NOTICES = "/apis/notices.test/v1/namespaces/default/notices";
const MERGE = { "content-type": "application/merge-patch+json" };
const TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };
const PARTIAL = { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" };

const cpu = (averageUtilization: number) => [
  { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } },
];

function gaugeBody(name: string, target: number, labels: Record<string, string> = {}) {
  return {
    apiVersion: "gauges.test/v1",
    kind: "Gauge",
    metadata: { name, labels },
    spec: {
      scaleTargetRef: { kind: "Deployment", name: "web" },
      maxReplicas: 5,
      targetCPUUtilizationPercentage: target,
    },
  };
}

async function createV1(name: string, target: number, labels: Record<string, string> = {}): Promise<GaugeV1> {
  const { status, body, text } = await api.call<GaugeV1>(V1, { method: "POST", body: gaugeBody(name, target, labels) });
  if (status !== 201) throw new Error(text);
  return body;
}

const getV1 = async (name: string) => (await api.call<GaugeV1>(`${V1}/${name}`)).body;
const getV2 = async (name: string) => (await api.call<GaugeV2>(`${V2}/${name}`)).body;

describe("an object in two versions", () => {
  it("is created in one and read in the other, with one uid, revision and generation", async () => {
    const made = await createV1("made", 60);
    expect(made).toMatchObject({ apiVersion: "gauges.test/v1", kind: "Gauge" });
    // Defaulted as v1 defaults.
    expect(made.spec).toMatchObject({ minReplicas: 2, targetCPUUtilizationPercentage: 60 });
    const other = await getV2("made");
    expect(other).toMatchObject({ apiVersion: "gauges.test/v2", kind: "Gauge" });
    expect(other.spec).toMatchObject({ minReplicas: 2, maxReplicas: 5, metrics: cpu(60) });
    expect("targetCPUUtilizationPercentage" in other.spec).toBe(false);
    expect(other.metadata).toEqual(made.metadata);
    expect(await getV1("made")).toEqual(made);
  });

  it("is stored once, in the current form of the stored version", async () => {
    await createV1("stored", 60);
    const { object } = await api.storage.get({ resource: "gauges.gauges.test", namespace: "default", name: "stored" });
    expect(object).toMatchObject({ form: "v2/2", fields: { "spec.metrics.cpu": "60" } });
    expect(JSON.parse(object?.value ?? "")).not.toHaveProperty("apiVersion");
    const again = await api.call(V2, {
      method: "POST",
      body: { ...(await getV2("stored")), metadata: { name: "stored" } },
    });
    assertFailure(again, {
      code: 409,
      reason: "AlreadyExists",
      message: 'gauges.gauges.test "stored" already exists',
    });
  });

  it("is replaced through either, and writes nothing when nothing changes", async () => {
    const made = await createV1("same", 60);
    const v2 = await getV2("same");
    for (const [path, body] of [
      [V1, made],
      [V2, v2],
    ] as const) {
      const put = await api.call(`${path}/same`, { method: "PUT", body });
      expect([put.status, put.body]).toEqual([200, body]);
      const patched = await api.call(`${path}/same`, {
        method: "PATCH",
        headers: MERGE,
        body: { spec: { maxReplicas: 5 } },
      });
      expect([patched.status, patched.body]).toEqual([200, body]);
    }
    expect(await api.storage.revision()).toBe(Number(made.metadata.resourceVersion));
    const put = await api.call<GaugeV2>(`${V2}/same`, {
      method: "PUT",
      body: { ...v2, spec: { ...v2.spec, metrics: cpu(70) } },
    });
    expect(put.body.metadata.generation).toBe(2);
    expect((await getV1("same")).spec.targetCPUUtilizationPercentage).toBe(70);
    const stale = await api.call(`${V1}/same`, { method: "PUT", body: made });
    assertFailure(stale, { code: 409, reason: "Conflict" });
  });

  it("is patched in the words of the version addressed: merge, JSON and status", async () => {
    await createV1("patched", 60);
    const merged = await api.call<GaugeV1>(`${V1}/patched`, {
      method: "PATCH",
      headers: MERGE,
      body: { spec: { targetCPUUtilizationPercentage: 75 } },
    });
    expect(merged.body.spec.targetCPUUtilizationPercentage).toBe(75);
    const json = await api.call<GaugeV2>(`${V2}/patched`, {
      method: "PATCH",
      headers: { "content-type": "application/json-patch+json" },
      body: [
        { op: "test", path: "/spec/metrics/0/resource/target/averageUtilization", value: 75 },
        { op: "replace", path: "/spec/metrics/0/resource/target/averageUtilization", value: 80 },
      ],
    });
    expect(json.body.spec.metrics).toEqual(cpu(80));
    const strategic = await api.call<GaugeV1>(`${V1}/patched/status`, {
      method: "PATCH",
      headers: { "content-type": "application/strategic-merge-patch+json" },
      body: { status: { currentReplicas: 3, desiredReplicas: 4 }, spec: { targetCPUUtilizationPercentage: 1 } },
    });
    expect(strategic.body).toMatchObject({
      spec: { targetCPUUtilizationPercentage: 80 },
      status: { currentReplicas: 3, desiredReplicas: 4 },
    });
    expect((await getV2("patched")).status).toMatchObject({ currentReplicas: 3, desiredReplicas: 4 });
  });

  it("is validated as stored, and refused in the words of the version sent", async () => {
    const body = gaugeBody("small", 60);
    body.spec.maxReplicas = 1;
    const answer = await api.call(V1, { method: "POST", body });
    assertFailure(answer, {
      code: 422,
      reason: "Invalid",
      message: /^Gauge\.gauges\.test "small" is invalid: spec\.max/,
    });
    const mixed = await api.call(V2, { method: "POST", body: gaugeBody("mixed", 60) });
    assertFailure(mixed, {
      code: 400,
      reason: "BadRequest",
      message: /the API version in the data \(gauges\.test\/v1\)/,
    });
  });

  it("is scaled, shown as a table and deleted through either", async () => {
    await createV1("scaled", 60);
    const scale = await api.call(`${V1}/scaled/scale`, {
      method: "PATCH",
      headers: MERGE,
      body: { spec: { replicas: 9 } },
    });
    expect(scale.body).toMatchObject({ kind: "Scale", spec: { replicas: 9 } });
    expect((await getV2("scaled")).spec.maxReplicas).toBe(9);
    for (const path of [V1, V2]) {
      const table = await api.call(`${path}/scaled`, { headers: TABLE });
      expect(table.body).toMatchObject({ kind: "Table", rows: [{ cells: ["scaled", "60", expect.any(String)] }] });
    }
    const gone = await api.call(`${V1}/scaled`, { method: "DELETE" });
    expect(gone.body).toMatchObject({
      status: "Success",
      details: { name: "scaled", group: "gauges.test", kind: "gauges" },
    });
    expect((await api.call(`${V2}/scaled`)).status).toBe(404);
  });

  it("dries a run in the version asked for", async () => {
    const dry = await api.call<GaugeV1>(`${V1}?dryRun=All`, { method: "POST", body: gaugeBody("dry", 60) });
    expect([dry.status, dry.body.spec.targetCPUUtilizationPercentage]).toEqual([201, 60]);
    await createV1("dry", 60);
    const patched = await api.call<GaugeV1>(`${V1}/dry?dryRun=All`, {
      method: "PATCH",
      headers: MERGE,
      body: { spec: { targetCPUUtilizationPercentage: 1 } },
    });
    expect(patched.body.spec.targetCPUUtilizationPercentage).toBe(1);
    expect((await getV2("dry")).spec.metrics).toEqual(cpu(60));
  });
});

const listed = async (path: string, query: string) =>
  (await api.call<KubeList<GaugeV1>>(`${path}?labelSelector=set%3Dlist${query}`)).body;

describe("managers of fields in two versions", () => {
  const APPLY = { "content-type": "application/apply-patch+yaml" };
  const apply = (path: string, name: string, manager: string, spec: object) =>
    api.call<GaugeV1 & GaugeV2>(`${path}/${name}?fieldManager=${manager}`, {
      method: "PATCH",
      headers: APPLY,
      body: { apiVersion: path === V1 ? "gauges.test/v1" : "gauges.test/v2", kind: "Gauge", metadata: { name }, spec },
    });
  const target = { scaleTargetRef: { kind: "Deployment", name: "web" } };

  it("are named with the version they wrote in, conflict across versions, and take back what they drop", async () => {
    const made = await apply(V1, "applied", "one", { ...target, maxReplicas: 5, targetCPUUtilizationPercentage: 60 });
    expect(made.status).toBe(201);
    const again = await apply(V1, "applied", "one", { ...target, maxReplicas: 5, targetCPUUtilizationPercentage: 60 });
    expect(again.body).toEqual(made.body);
    const { metadata } = await getV2("applied");
    expect(metadata.managedFields).toMatchObject([
      { manager: "one", operation: "Apply", apiVersion: "gauges.test/v1" },
    ]);
    const conflict = await apply(V2, "applied", "two", { metrics: cpu(70) });
    // In the words of whom it takes the field from.
    assertFailure(conflict, {
      code: 409,
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.targetCPUUtilizationPercentage',
    });
    const own = await apply(V2, "applied", "two", target);
    expect(own.body.metadata.managedFields?.map(({ manager, apiVersion }) => [manager, apiVersion])).toEqual([
      ["one", "gauges.test/v1"],
      ["two", "gauges.test/v2"],
    ]);
    const dropped = await apply(V1, "applied", "one", { ...target, maxReplicas: 5 });
    expect([dropped.status, "targetCPUUtilizationPercentage" in dropped.body.spec]).toEqual([200, false]);
    expect("metrics" in (await getV2("applied")).spec).toBe(false);
    await api.call(`${V2}/applied`, { method: "DELETE" });
  });
});

describe("lists in two versions", () => {
  it("go on in the other version where one stopped, on one snapshot", async () => {
    for (const name of ["l1", "l2", "l3"]) await createV1(name, 50, { set: "list" });
    const first = await listed(V1, "&limit=2");
    expect(first).toMatchObject({ kind: "GaugeList", apiVersion: "gauges.test/v1" });
    expect(first.items.map(({ spec }) => spec.targetCPUUtilizationPercentage)).toEqual([50, 50]);
    await createV1("l4", 50, { set: "list" });
    const rest = await listed(V2, `&limit=2&continue=${first.metadata.continue}`);
    expect(rest.apiVersion).toBe("gauges.test/v2");
    expect(rest.items).toMatchObject([{ metadata: { name: "l3" }, spec: { metrics: cpu(50) } }]);
    expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it("answer the same list in each, however often it is asked for", async () => {
    // A list without limit and selector is the one that is remembered.
    for (let round = 0; round < 2; round++) {
      const v1 = (await api.call<KubeList<GaugeV1>>(V1)).body;
      const v2 = (await api.call<KubeList<GaugeV2>>(V2)).body;
      expect(v1.items.map(({ metadata }) => metadata)).toEqual(v2.items.map(({ metadata }) => metadata));
      expect(v1.items.every(({ spec }) => !("metrics" in spec))).toBe(true);
      expect(v2.items.every(({ spec }) => "metrics" in spec)).toBe(true);
    }
  });

  it("select by fields in their own words, and as tables and metadata", async () => {
    await createV1("chosen", 33);
    const v1 = (await api.call<KubeList>(`${V1}?fieldSelector=spec.target%3D33`)).body;
    const v2 = (await api.call<KubeList>(`${V2}?fieldSelector=spec.metrics.cpu%3D33`)).body;
    for (const { items } of [v1, v2]) expect(items.map(({ metadata }) => metadata.name)).toEqual(["chosen"]);
    const foreign = await api.call(`${V1}?fieldSelector=spec.metrics.cpu%3D33`);
    assertFailure(foreign, {
      code: 400,
      reason: "BadRequest",
      message: /field label not supported: spec\.metrics\.cpu/,
    });
    const table = await api.call(`${V1}?fieldSelector=spec.target%3D33`, { headers: TABLE });
    expect(table.body).toMatchObject({ rows: [{ cells: ["chosen", "33", expect.any(String)] }] });
    const partial = await api.call<KubeList>(`${V1}?fieldSelector=spec.target%3D33`, { headers: PARTIAL });
    expect(partial.body.items).toMatchObject([{ kind: "PartialObjectMetadata", metadata: { name: "chosen" } }]);
  });

  it("delete as a collection what matches in either", async () => {
    for (const name of ["d1", "d2"]) await createV1(name, 44, { set: "gone" });
    const answer = await api.call<KubeList<GaugeV1>>(`${V1}?fieldSelector=spec.target%3D44`, { method: "DELETE" });
    expect(answer.body.apiVersion).toBe("gauges.test/v1");
    expect(answer.body.items.map(({ spec }) => spec.targetCPUUtilizationPercentage)).toEqual([44, 44]);
    expect((await api.call<KubeList>(`${V2}?labelSelector=set%3Dgone`)).body.items).toEqual([]);
  });
});

describe("watches in two versions", () => {
  it("see what was patched in the other, each in its own form", async () => {
    const made = await createV1("seen", 60);
    const since = `?watch=1&resourceVersion=${made.metadata.resourceVersion}&fieldSelector=metadata.name%3Dseen`;
    const v1 = watchEvents(await api.fetch(V1 + since));
    const v2 = watchEvents(await api.fetch(V2 + since));
    await api.call(`${V2}/seen`, { method: "PATCH", headers: MERGE, body: { spec: { metrics: cpu(61) } } });
    await api.call(`${V1}/seen`, {
      method: "PATCH",
      headers: MERGE,
      body: { spec: { targetCPUUtilizationPercentage: 62 } },
    });
    await api.call(`${V1}/seen`, { method: "DELETE" });
    const [inV1, inV2] = [await take(v1, 3), await take(v2, 3)];
    await Promise.all([v1.return(undefined), v2.return(undefined)]);
    expect(inV1.map(({ type }) => type)).toEqual(["MODIFIED", "MODIFIED", "DELETED"]);
    expect(inV1.map(({ object }) => (object as GaugeV1).spec.targetCPUUtilizationPercentage)).toEqual([61, 62, 62]);
    expect(inV2.map(({ object }) => (object as GaugeV2).spec.metrics)).toEqual([cpu(61), cpu(62), cpu(62)]);
    expect(inV2.every(({ object }) => object.apiVersion === "gauges.test/v2")).toBe(true);
    expect(inV1.map(({ object }) => object.metadata)).toEqual(inV2.map(({ object }) => object.metadata));
  });

  it("follow a selected field in their own words, from the initial events on", async () => {
    await createV1("field", 71);
    const query = "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const events = watchEvents(await api.fetch(`${V1}${query}&fieldSelector=spec.target%3D71`));
    await api.call(`${V2}/field`, { method: "PATCH", headers: MERGE, body: { spec: { metrics: cpu(72) } } });
    const seen = await take(events, 3);
    await events.return(undefined);
    expect(seen.map(({ type }) => type)).toEqual(["ADDED", "BOOKMARK", "DELETED"]);
    expect(seen.every(({ object }) => object.apiVersion === "gauges.test/v1")).toBe(true);
    // The last state that matched.
    expect(seen[2]?.object).toMatchObject({ spec: { targetCPUUtilizationPercentage: 71 } });
  });

  it("show tables", async () => {
    const made = await createV1("tabled", 60);
    const since = `?watch=1&resourceVersion=${made.metadata.resourceVersion}&fieldSelector=metadata.name%3Dtabled`;
    const events = watchEvents(await api.fetch(V1 + since, { headers: TABLE }));
    await api.call(`${V2}/tabled`, { method: "PATCH", headers: MERGE, body: { spec: { metrics: cpu(5) } } });
    const [event] = await take(events, 1);
    await events.return(undefined);
    expect(event?.object).toMatchObject({ kind: "Table", rows: [{ cells: ["tabled", "5", expect.any(String)] }] });
  });
});

describe("an object in two groups", () => {
  it("has the names of each group", async () => {
    const body = {
      apiVersion: "notices.test/v1",
      kind: "Notice",
      metadata: { name: "both" },
      regarding: { kind: "Pod", name: "p" },
      note: "hello",
      reason: "Greeting",
    };
    const made = await api.call<Notice>(NOTICES, { method: "POST", body });
    expect(made.status).toBe(201);
    const core = (await api.call<CoreNotice>(`${CORE_NOTICES}/both`)).body;
    expect(core).toMatchObject({
      apiVersion: "v1",
      involvedObject: { name: "p" },
      message: "hello",
      reason: "Greeting",
    });
    expect(core.metadata).toEqual(made.body.metadata);
    const found = await api.call<KubeList<Notice>>(`${NOTICES}?fieldSelector=regarding.name%3Dp`);
    expect(found.body.items).toMatchObject([{ note: "hello", regarding: { kind: "Pod", name: "p" } }]);
    const missing = await api.call(`${NOTICES}/none`);
    assertFailure(missing, { code: 404, reason: "NotFound", message: 'notices.notices.test "none" not found' });
    const coreMissing = await api.call(`${CORE_NOTICES}/none`);
    assertFailure(coreMissing, { code: 404, reason: "NotFound", message: 'notices "none" not found' });
  });
});

interface GroupVersionDocument {
  resources: { name: string; kind: string; storageVersionHash?: string }[];
}

const hashOf = async (path: string, name: string) =>
  (await api.call<GroupVersionDocument>(path)).body.resources.find((one) => one.name === name)?.storageVersionHash;

describe("discovery", () => {
  it("lists each version with the hash of what is stored, the newest as the preferred one", async () => {
    const group = await api.call("/apis/gauges.test");
    expect(group.body).toMatchObject({
      versions: [{ version: "v2" }, { version: "v1" }],
      preferredVersion: { version: "v2" },
    });
    const hash = await hashOf("/apis/gauges.test/v2", "gauges");
    expect(hash).toMatch(/^[A-Za-z0-9+/]{11}=$/);
    expect(await hashOf("/apis/gauges.test/v1", "gauges")).toBe(hash);
    expect(await hashOf("/apis/notices.test/v1", "notices")).toBe(await hashOf("/api/v1", "notices"));
    expect(await hashOf("/api/v1", "notices")).not.toBe(hash);
    // As every stock server has it.
    expect(await hashOf("/api/v1", "pods")).toBe("xPOwRZ+Yhw8=");
  });
});
