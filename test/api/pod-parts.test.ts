/** ephemeralcontainers, resize and eviction of pods, and what counts as a change of one (pkg/registry/core/pod of Kubernetes). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

const PODS = "/api/v1/namespaces/default/pods";
const BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
const STRATEGIC = { "content-type": "application/strategic-merge-patch+json" };
const MERGE = { "content-type": "application/merge-patch+json" };

interface Container {
  name: string;
  image?: string;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
}
interface Pod extends KubeObject {
  spec: { containers: Container[]; ephemeralContainers?: Container[]; tolerations?: object[] };
  status: {
    observedGeneration?: number;
    qosClass?: string;
    conditions?: { type: string; observedGeneration?: number }[];
  };
}
interface Budget extends KubeObject {
  status: { disruptionsAllowed?: number; disruptedPods?: Record<string, string>; conditions?: object[] };
}

let api: TestCluster;
let made = 0;
let name = "";

beforeAll(async () => {
  api = await createTestCluster();
  await api.call("/api/v1/namespaces/default/serviceaccounts", {
    method: "POST",
    body: { metadata: { name: "default" } },
  });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});
beforeEach(() => {
  made += 1;
  name = `p${made}`;
});

async function create(resources: object = {}): Promise<Pod> {
  const answer = await api.call<Pod>(PODS, {
    method: "POST",
    body: {
      metadata: { name, labels: { of: name }, generation: 7 },
      spec: { containers: [{ name: "main", image: "busybox", resources }] },
    },
  });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

const part = (subresource: string, init: Parameters<TestCluster["call"]>[1] = {}) =>
  api.call<Pod>(`${PODS}/${name}/${subresource}`, init);
const debug = (containers: object[]) =>
  part("ephemeralcontainers", {
    method: "PATCH",
    headers: STRATEGIC,
    body: { spec: { ephemeralContainers: containers } },
  });
const resize = (resources: object, container = "main") =>
  part("resize", {
    method: "PATCH",
    headers: STRATEGIC,
    body: { spec: { containers: [{ name: container, resources }] } },
  });
const report = (status: object) => part("status", { method: "PATCH", headers: MERGE, body: { status } });

async function refusal(answer: Promise<{ status: number; body: unknown; text: string }>): Promise<string> {
  const { status, body, text } = await answer;
  if (status !== 422) throw new Error(text);
  return (body as { message: string }).message.replace(`Pod "${name}" is invalid: `, "");
}

const evict = (deleteOptions: object = {}) =>
  part("eviction", {
    method: "POST",
    body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name }, deleteOptions },
  });

/** A pod that runs and is ready, under a budget of its own. */
async function guarded(status: object | undefined, { ready = true, spec = {} } = {}): Promise<void> {
  await create();
  const conditions = ready ? [{ type: "Ready", status: "True" }] : [];
  await report({ phase: "Running", conditions });
  const selector = { matchLabels: { of: name } };
  const budget = { metadata: { name }, spec: { minAvailable: 1, selector, ...spec } };
  const answer = await api.call<Budget>(BUDGETS, { method: "POST", body: budget });
  if (answer.status !== 201) throw new Error(answer.text);
  if (!status) return;
  await api.call(`${BUDGETS}/${name}/status`, {
    method: "PATCH",
    headers: MERGE,
    body: { status: { observedGeneration: 1, ...status } },
  });
}
const budgetNow = async () => (await api.call<Budget>(`${BUDGETS}/${name}`)).body.status;
const exists = async () => (await api.call(`${PODS}/${name}`)).status === 200;

describe("ephemeralcontainers", () => {
  it("come to a pod that runs, and change nothing else", async () => {
    await create();
    const { status, body } = await debug([
      { name: "debugger", image: "busybox", stdin: true, targetContainerName: "main" },
    ]);
    expect(status).toBe(200);
    expect(body.spec.ephemeralContainers).toEqual([
      {
        name: "debugger",
        image: "busybox",
        imagePullPolicy: "Always",
        resources: {},
        stdin: true,
        targetContainerName: "main",
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
      },
    ]);
    expect(body.metadata.generation).toBe(2);
    expect((await part("ephemeralcontainers")).body).toEqual(body);
    const put = structuredClone(body);
    put.metadata.labels = { sneaky: "yes" };
    Object.assign(put.spec.containers[0] ?? {}, { image: "other" });
    put.spec.ephemeralContainers?.push({ name: "second", image: "busybox" });
    const after = (await part("ephemeralcontainers", { method: "PUT", body: put })).body;
    expect(after.metadata.labels).toEqual({ of: name });
    expect(after.spec.containers[0]?.image).toBe("busybox");
    expect(after.spec.ephemeralContainers?.map((container) => container.name)).toEqual(["debugger", "second"]);
    const managers = (after.metadata.managedFields ?? []).filter(
      ({ subresource }) => subresource === "ephemeralcontainers",
    );
    expect(
      managers.every(({ fieldsV1 }) => JSON.stringify(fieldsV1).startsWith('{"f:spec":{"f:ephemeralContainers"')),
    ).toBe(true);
    expect(managers).not.toEqual([]);
  });

  it.each<[string, object, string]>([
    ["a name that is taken", { name: "main", image: "i" }, 'spec.ephemeralContainers[0].name: Duplicate value: "main"'],
    [
      "a target that is not there",
      { name: "d", image: "i", targetContainerName: "x" },
      'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
    ],
    [
      "ports",
      { name: "d", image: "i", ports: [{ containerPort: 80 }] },
      "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
    ],
    [
      "a probe",
      { name: "d", image: "i", livenessProbe: { exec: { command: ["true"] } } },
      "spec.ephemeralContainers[0].livenessProbe: Forbidden: cannot be set for an Ephemeral Container",
    ],
    [
      "resources",
      { name: "d", image: "i", resources: { limits: { cpu: "1" } } },
      "spec.ephemeralContainers[0].resources: Forbidden: cannot be set for an Ephemeral Container",
    ],
    ["no image", { name: "d" }, "spec.ephemeralContainers[0].image: Required value"],
  ])("refuses %s", async (_, container, expected) => {
    await create();
    expect(await refusal(debug([container]))).toBe(expected);
  });

  it("never go and never change", async () => {
    await create();
    await debug([{ name: "d", image: "i" }]);
    expect(await refusal(debug([{ name: "d", image: "j" }]))).toBe(
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "d" may not be changed\n',
    );
    const { body } = await part("ephemeralcontainers");
    delete body.spec.ephemeralContainers;
    expect(await refusal(part("ephemeralcontainers", { method: "PUT", body }))).toBe(
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "d" may not be removed\n',
    );
    const plain = api.call(`${PODS}/${name}`, { method: "PUT", body });
    expect(await refusal(plain)).toContain("pod updates may not change fields other than");
  });

  it("are no part of a pod that is made", async () => {
    const spec = { containers: [{ name: "main", image: "i" }], ephemeralContainers: [{ name: "d", image: "i" }] };
    const answer = api.call(PODS, { method: "POST", body: { metadata: { name }, spec } });
    expect(await refusal(answer)).toBe("spec.ephemeralContainers: Forbidden: cannot be set on create");
  });
});

describe("resize", () => {
  const half = { requests: { cpu: "500m", memory: "64Mi" } };

  it("changes what containers ask for, and answers with the pod", async () => {
    await create(half);
    const { status, body } = await resize({ requests: { cpu: "1" } });
    expect(status).toBe(200);
    expect(body.spec.containers[0]?.resources).toEqual({ requests: { cpu: "1", memory: "64Mi" } });
    expect(body.metadata.generation).toBe(2);
    expect((await part("resize")).body).toEqual((await api.call(`${PODS}/${name}`)).body);
    const put = structuredClone(body);
    Object.assign(put.spec.containers[0] ?? {}, { image: "other", resources: half });
    put.metadata.labels = { sneaky: "yes" };
    const after = (await part("resize", { method: "PUT", body: put })).body;
    expect([after.spec.containers[0]?.image, after.metadata.labels]).toEqual(["busybox", { of: name }]);
    expect(after.spec.containers[0]?.resources).toEqual(half);
  });

  it.each<[string, object, string]>([
    [
      "what is not CPU or memory",
      { requests: { "example.com/gpu": "1" }, limits: { "example.com/gpu": "1" } },
      "spec: Forbidden: only cpu and memory resources are mutable",
    ],
    [
      "the class of a pod",
      { limits: { cpu: "500m", memory: "64Mi" } },
      'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
    ],
    [
      "a request that is taken back",
      { requests: { memory: null } },
      "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
    ],
  ])("does not change %s", async (_, resources, expected) => {
    await create(half);
    expect(await refusal(resize(resources))).toBe(expected);
  });

  it("asks for no more than the node could give", async () => {
    const node = { metadata: { name: "small" }, status: { allocatable: { cpu: "1", memory: "1Gi" } } };
    await api.call("/api/v1/nodes", { method: "POST", body: node });
    await create(half);
    await part("binding", { method: "POST", body: { metadata: { name }, target: { kind: "Node", name: "small" } } });
    const refused = await resize({ requests: { cpu: "2" } });
    assertFailure(refused, { code: 403, reason: "Forbidden" });
    expect(refused.body).toMatchObject({
      message: `pods "${name}" is forbidden: node didn't have enough allocatable resources: cpu, requested: 2000, allocatable: 1000`,
      details: { name, kind: "pods", causes: [{ reason: "NodeCapacity" }] },
    });
    expect((await resize({ requests: { cpu: "1" } })).status).toBe(200);
  });

  it("brings no container", async () => {
    await create(half);
    expect(await refusal(resize({ requests: { cpu: "1" } }, "other"))).toContain(
      "spec.containers: Forbidden: containers may not be added or removed on resize",
    );
  });

  it("needs a node that says what containers have", async () => {
    await create(half);
    const running = { name: "main", ready: true, restartCount: 0, image: "i", imageID: "i", state: { running: {} } };
    await report({ phase: "Running", containerStatuses: [running] });
    expect(await refusal(resize({ requests: { cpu: "1" } }))).toBe(
      "spec: Forbidden: Pod running on node without support for resize",
    );
    await report({ containerStatuses: [{ ...running, resources: half }] });
    expect((await resize({ requests: { cpu: "1" } })).status).toBe(200);
  });
});

describe("generations", () => {
  it("count changes of the spec from 1, whatever clients send, and what was observed is not forgotten", async () => {
    expect((await create()).metadata.generation).toBe(1);
    const bound = await part("binding", {
      method: "POST",
      body: { metadata: { name }, target: { kind: "Node", name: "n" } },
    });
    expect(bound.status).toBe(201);
    const labelled = await api.call<Pod>(`${PODS}/${name}`, {
      method: "PATCH",
      headers: MERGE,
      body: { metadata: { labels: { a: "b" }, generation: 9 } },
    });
    expect(labelled.body.metadata.generation).toBe(1);
    const image = { spec: { containers: [{ name: "main", image: "other" }] } };
    const changed = await api.call<Pod>(`${PODS}/${name}`, { method: "PATCH", headers: STRATEGIC, body: image });
    expect(changed.body.metadata.generation).toBe(2);
    const ready = { type: "Ready", status: "True" };
    await report({ observedGeneration: 2, conditions: [{ ...ready, observedGeneration: 2 }] });
    const again = await part("status", {
      method: "PUT",
      body: { ...changed.body, metadata: { name }, status: { phase: "Running", conditions: [ready] } },
    });
    expect(again.body.status.observedGeneration).toBe(2);
    expect(again.body.status.conditions).toEqual([expect.objectContaining({ type: "Ready", observedGeneration: 2 })]);
    expect(again.body.metadata.generation).toBe(2);
    const deleted = await api.call<Pod>(`${PODS}/${name}`, { method: "DELETE" });
    expect(deleted.body.metadata.generation).toBe(3);
  });
});

describe("eviction under a budget", () => {
  it("that allows none is a 429 that says why", async () => {
    await guarded({ disruptionsAllowed: 0, desiredHealthy: 1, currentHealthy: 1, expectedPods: 1 });
    const failure = assertFailure(await evict(), {
      code: 429,
      reason: "TooManyRequests",
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
    });
    const message = `The disruption budget ${name} needs 1 healthy pods and has 1 currently`;
    expect(failure.details?.causes).toEqual([{ reason: "DisruptionBudget", message }]);
    expect(await exists()).toBe(true);
  });

  it("that nobody has looked at yet is a 429 to be tried again", async () => {
    await guarded(undefined);
    const answer = await evict();
    const failure = assertFailure(answer, { code: 429, reason: "TooManyRequests" });
    const message = `The disruption budget ${name} is still being processed by the server.`;
    expect(failure.details).toMatchObject({ causes: [{ reason: "DisruptionBudget", message }], retryAfterSeconds: 10 });
    expect(answer.headers.get("retry-after")).toBe("10");
  });

  it("that allows one takes it from the budget", async () => {
    await guarded({ disruptionsAllowed: 1, desiredHealthy: 1, currentHealthy: 2, expectedPods: 2 });
    expect((await evict({ dryRun: ["All"] })).status).toBe(201);
    expect([(await budgetNow()).disruptionsAllowed, await exists()]).toEqual([1, true]);
    expect((await evict()).status).toBe(201);
    expect(await exists()).toBe(false);
    const status = await budgetNow();
    expect(status.disruptionsAllowed).toBe(0);
    expect(Object.keys(status.disruptedPods ?? {})).toEqual([name]);
    expect(status.conditions).toEqual([
      expect.objectContaining({ type: "DisruptionAllowed", status: "False", reason: "InsufficientPods" }),
    ]);
  });

  it.each<[string, object, object, number]>([
    ["is let go where enough others are ready", { desiredHealthy: 1, currentHealthy: 1 }, {}, 201],
    ["stays where others are missing", { desiredHealthy: 2, currentHealthy: 1 }, {}, 429],
    [
      "is let go where the budget does not care",
      { desiredHealthy: 2, currentHealthy: 1 },
      { unhealthyPodEvictionPolicy: "AlwaysAllow" },
      201,
    ],
  ])("a pod that is not ready %s", async (_, status, spec, expected) => {
    await guarded({ disruptionsAllowed: 0, ...status }, { ready: false, spec });
    expect((await evict()).status).toBe(expected);
  });

  it.each([["Pending"], ["Succeeded"], ["Failed"]])("a pod that is %s is nobody's loss", async (phase) => {
    await guarded({ disruptionsAllowed: 0, desiredHealthy: 1, currentHealthy: 1 });
    await report({ phase });
    expect((await evict()).status).toBe(201);
    expect((await budgetNow()).disruptedPods).toBeUndefined();
  });

  it.each([
    ["an empty selector guards every pod", {}, 429],
    ["none guards nobody", undefined, 201],
  ])("%s", async (_, selector, expected) => {
    await guarded({ disruptionsAllowed: 0 }, { spec: { selector } });
    expect((await evict()).status).toBe(expected);
    await api.call(`${BUDGETS}/${name}`, { method: "DELETE" });
  });

  it("says on the pod why it goes, unless the pod is another one than the caller has in mind", async () => {
    await guarded({ disruptionsAllowed: 2 });
    await api.call(`${PODS}/${name}`, {
      method: "PATCH",
      headers: MERGE,
      body: { metadata: { finalizers: ["example.org/hold"] } },
    });
    assertFailure(await evict({ preconditions: { uid: "other" } }), {
      code: 409,
      reason: "Conflict",
      message:
        /^Operation cannot be fulfilled on Pod ".+": the UID in the precondition \(other\) does not match the UID in record \(.+\)\. The object might have been deleted and then recreated$/,
    });
    assertFailure(await evict({ preconditions: { resourceVersion: "1" } }), {
      code: 409,
      reason: "Conflict",
      message: /the ResourceVersion in the precondition \(1\) does not match .* The object might have been modified$/,
    });
    const now = (await api.call<Pod>(`${PODS}/${name}`)).body.metadata.resourceVersion;
    await api.call(`${BUDGETS}/${name}/status`, {
      method: "PATCH",
      headers: MERGE,
      body: { status: { disruptionsAllowed: 1 } },
    });
    expect((await evict({ preconditions: { resourceVersion: now } })).status).toBe(201);
    const { body } = await api.call<Pod>(`${PODS}/${name}`);
    expect(body.metadata.deletionTimestamp).toEqual(expect.any(String));
    expect(body.status.conditions).toContainEqual(
      expect.objectContaining({
        type: "DisruptionTarget",
        status: "True",
        reason: "EvictionByEvictionAPI",
        message: "Eviction API: evicting",
      }),
    );
  });

  it("two budgets are one too many", async () => {
    await guarded({ disruptionsAllowed: 1 });
    const spec = { maxUnavailable: 1, selector: { matchLabels: { of: name } } };
    await api.call(BUDGETS, { method: "POST", body: { metadata: { name: `${name}-2` }, spec } });
    assertFailure(await evict(), { code: 500, reason: "InternalError", message: /more than one PodDisruptionBudget/ });
  });

  it("many at once take no more than the budget allows", async () => {
    const names = Array.from({ length: 40 }, (_, index) => `many-${index}`);
    for (name of names) {
      await api.call(PODS, {
        method: "POST",
        body: { metadata: { name, labels: { of: "many" } }, spec: { containers: [{ name: "main", image: "i" }] } },
      });
      await report({ phase: "Running", conditions: [{ type: "Ready", status: "True" }] });
    }
    const spec = { minAvailable: 8, selector: { matchLabels: { of: "many" } } };
    await api.call(BUDGETS, { method: "POST", body: { metadata: { name: "many" }, spec } });
    const status = { observedGeneration: 1, disruptionsAllowed: 32, desiredHealthy: 8, currentHealthy: 40 };
    await api.call(`${BUDGETS}/many/status`, { method: "PATCH", headers: MERGE, body: { status } });
    const answers = await Promise.all(
      names.map((one) => api.call(`${PODS}/${one}/eviction`, { method: "POST", body: { metadata: { name: one } } })),
    );
    const left = await api.call<{ items: Pod[] }>(`${PODS}?labelSelector=of%3Dmany`);
    const evicted = answers.filter((answer) => answer.status === 201).length;
    expect(left.body.items).toHaveLength(40 - evicted);
    expect(evicted).toBe(32);
  });
});
