/** Built-in kinds as clients meet them: two versions of one object, what a kind does beyond its data. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const HPA_V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
const HPA_V2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
const CORE_EVENTS = "/api/v1/namespaces/default/events";
const EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events";
const MERGE = { "content-type": "application/merge-patch+json" };

interface Loose extends KubeObject {
  spec: Record<string, unknown>;
  status?: Record<string, unknown>;
}

async function post(path: string, body: object): Promise<Loose> {
  const { status, body: made, text } = await api.call<Loose>(path, { method: "POST", body });
  if (status !== 201) throw new Error(text);
  return made;
}

const get = async (path: string): Promise<Loose> => (await api.call<Loose>(path)).body;

describe("autoscalers", () => {
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
  it("are one object in two versions", async () => {
    await post(HPA_V1, {
      apiVersion: "autoscaling/v1",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "web" },
      spec: { scaleTargetRef, maxReplicas: 4, targetCPUUtilizationPercentage: 55 },
    });
    const v2 = await get(`${HPA_V2}/web`);
    expect(v2.spec).toEqual({
      scaleTargetRef,
      minReplicas: 1,
      maxReplicas: 4,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 55 } } },
      ],
    });
    const metric = {
      type: "External",
      external: { metric: { name: "queue" }, target: { type: "Value", value: "10" } },
    };
    const metrics = [...(v2.spec["metrics"] as object[]), metric];
    const changed = await api.call<Loose>(`${HPA_V2}/web`, {
      method: "PATCH",
      headers: MERGE,
      body: { spec: { metrics, behavior: { scaleUp: { selectPolicy: "Min" } } } },
    });
    expect(changed.status).toBe(200);
    const v1 = await get(`${HPA_V1}/web`);
    expect(v1.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 4, targetCPUUtilizationPercentage: 55 });
    // Written back as it was read, nothing changes: not even the order of metrics.
    const again = await api.call<Loose>(`${HPA_V1}/web`, { method: "PUT", body: v1 });
    expect(again.body.metadata.resourceVersion).toBe(v1.metadata.resourceVersion);
    expect((await get(`${HPA_V2}/web`)).spec).toEqual(changed.body.spec);
  });
});

describe("events", () => {
  const reported = {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: "one" },
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingController: "example.com/c",
    reportingInstance: "c-1",
    action: "Do",
    reason: "Done",
    type: "Normal",
    regarding: { kind: "Pod", name: "p", namespace: "default" },
    note: "all is well",
  };
  it("are one store seen twice", async () => {
    const made = await post(EVENTS, reported);
    const core = await get(`${CORE_EVENTS}/one`);
    expect(core).toMatchObject({
      apiVersion: "v1",
      involvedObject: reported.regarding,
      message: "all is well",
      reportingComponent: "example.com/c",
      source: {},
    });
    expect(core.metadata).toEqual(made.metadata);
    const selected = await api.call<{ items: unknown[] }>(`${EVENTS}?fieldSelector=regarding.name%3Dp`);
    expect(selected.body.items).toHaveLength(1);
    expect(await get(`${EVENTS}/one`)).toEqual(made);
  });
  it("are held to more through the new API", async () => {
    const bad = { ...reported, metadata: { name: "two" }, deprecatedCount: 3 };
    const refused = await api.call(EVENTS, { method: "POST", body: bad });
    assertFailure(refused, { code: 422, reason: "Invalid" });
    expect(refused.text).toContain("needs to be unset");
    const core = await post(CORE_EVENTS, {
      metadata: { name: "two" },
      involvedObject: reported.regarding,
      count: 3,
      reason: "Done",
    });
    expect(core["count"]).toBe(3);
  });
});

describe("jobs", () => {
  it("find their pods by what the server made up", async () => {
    const job = await post("/apis/batch/v1/namespaces/default/jobs", {
      metadata: { generateName: "work-" },
      spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "busybox:1" }] } } },
    });
    const { name = "", uid = "" } = job.metadata;
    expect(job.spec["selector"]).toEqual({ matchLabels: { "batch.kubernetes.io/controller-uid": uid } });
    expect(job.metadata.labels).toMatchObject({ "job-name": name, "controller-uid": uid });
  });
});

describe("priority classes", () => {
  const path = "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical";
  it("of the system are there and stay", async () => {
    expect(await get(path)).toMatchObject({ value: 2_000_001_000, preemptionPolicy: "PreemptLowerPriority" });
    const refused = await api.call(path, { method: "DELETE" });
    assertFailure(refused, { code: 403, reason: "Forbidden" });
    expect(refused.text).toContain("this is a system priority class and cannot be deleted");
  });
});

describe("pods of a class", () => {
  const classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
  const pods = "/api/v1/namespaces/default/pods";
  const spec = { containers: [{ name: "c", image: "busybox:1" }] };
  it("have its priority", async () => {
    await post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
    await post(classes, { metadata: { name: "gold" }, value: 7, preemptionPolicy: "Never" });
    const pod = await post(pods, { metadata: { name: "first" }, spec: { ...spec, priorityClassName: "gold" } });
    expect(pod.spec).toMatchObject({ priority: 7, preemptionPolicy: "Never" });
    await post(classes, { metadata: { name: "usual" }, value: 5, globalDefault: true });
    const second = await api.call(classes, {
      method: "POST",
      body: { metadata: { name: "another" }, value: 5, globalDefault: true },
    });
    assertFailure(second, { code: 403, reason: "Forbidden" });
  });
});

describe("a PUT", () => {
  it("creates what may be created so, and changes only what it has seen where that is asked for", async () => {
    const roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
    const role = { metadata: { name: "reader" }, rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }] };
    const made = await api.call<Loose>(`${roles}/reader`, { method: "PUT", body: role });
    expect([made.status, made.body.metadata.generation]).toEqual([201, undefined]);
    const drivers = "/apis/storage.k8s.io/v1/csidrivers";
    const driver = await post(drivers, { metadata: { name: "csi.example.com" }, spec: {} });
    expect(driver.metadata.generation).toBe(1);
    const blind = { ...driver, metadata: { name: "csi.example.com" } };
    const refused = await api.call(`${drivers}/csi.example.com`, { method: "PUT", body: blind });
    assertFailure(refused, { code: 422, reason: "Invalid" });
    expect(refused.text).toContain("must be specified for an update");
  });
});

describe("scale", () => {
  it("reads a selector that is a plain map, too", async () => {
    await post("/api/v1/namespaces/default/replicationcontrollers", {
      metadata: { name: "rc" },
      spec: {
        replicas: 0,
        template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "busybox:1" }] } },
      },
    });
    const path = "/api/v1/namespaces/default/replicationcontrollers/rc/scale";
    expect((await get(path)).status).toEqual({ replicas: 0, selector: "a=b" });
    const scaled = await api.call<Loose>(path, { method: "PATCH", headers: MERGE, body: { spec: { replicas: 2 } } });
    expect(scaled.body.spec).toEqual({ replicas: 2 });
  });
});

describe("component statuses", () => {
  const path = "/api/v1/componentstatuses";
  it("are made up when asked for, and only read", async () => {
    const { body } = await api.call<{ kind: string; items: Loose[] }>(path);
    expect(body.kind).toBe("ComponentStatusList");
    for (const item of body.items) {
      expect(await get(`${path}/${item.metadata.name ?? ""}`)).toMatchObject({ conditions: item["conditions"] });
    }
    assertFailure(await api.call(`${path}/nothing`), { code: 404, reason: "NotFound" });
    assertFailure(await api.call(path, { method: "POST", body: {} }), { code: 405, reason: "MethodNotAllowed" });
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const table = await api.call<{ kind: string; rows: unknown[] }>(path, { headers: { accept } });
    expect([table.body.kind, table.body.rows.length]).toEqual(["Table", body.items.length]);
  });
});

describe("bindings", () => {
  it("put a pod on a node without naming the pod in the path", async () => {
    const pods = "/api/v1/namespaces/default/pods";
    await post(pods, { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "busybox:1" }] } });
    const answer = await api.call("/api/v1/namespaces/default/bindings", {
      method: "POST",
      body: { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { kind: "Node", name: "n-1" } },
    });
    expect(answer.status).toBe(201);
    expect((await get(`${pods}/p`)).spec).toMatchObject({ nodeName: "n-1" });
  });
});

describe("pods", () => {
  it("change in place through subresources, and count it", async () => {
    const pods = "/api/v1/namespaces/default/pods";
    const strategic = { "content-type": "application/strategic-merge-patch+json" };
    const resources = { requests: { cpu: "1" } };
    await post(pods, { metadata: { name: "r" }, spec: { containers: [{ name: "c", image: "busybox:1", resources }] } });
    const resize = { spec: { containers: [{ name: "c", resources: { requests: { cpu: "500m" } } }] } };
    const debug = { spec: { ephemeralContainers: [{ name: "debug", image: "busybox:1" }] } };
    const patch = (path: string, body: object) =>
      api.call<Loose>(`${pods}/r${path}`, { method: "PATCH", headers: strategic, body });
    assertFailure(await patch("", resize), { code: 422, reason: "Invalid" });
    const resized = await patch("/resize", resize);
    expect(resized.body.spec["containers"]).toMatchObject([{ resources: { requests: { cpu: "500m" } } }]);
    expect(resized.body.metadata.generation).toBe(2);
    assertFailure(await patch("", debug), { code: 422, reason: "Invalid" });
    const debugged = await patch("/ephemeralcontainers", debug);
    expect(debugged.body.spec["ephemeralContainers"]).toMatchObject([
      { name: "debug", imagePullPolicy: "IfNotPresent" },
    ]);
    expect(await get(`${pods}/r/ephemeralcontainers`)).toEqual(debugged.body);
  });
});

describe("every cluster has", () => {
  it.each([
    "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/exempt",
    "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/catch-all",
    "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/exempt",
    "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/catch-all",
    "/apis/networking.k8s.io/v1/servicecidrs/kubernetes",
  ])("%s", async (path) => expect((await api.call(path)).status).toBe(200));
});
