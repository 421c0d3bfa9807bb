/** Lists that are posted: many bindings, preemptions or events in one request, each with the end that it would have had by itself. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { Status } from "../../src/machinery/status-error.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

const PODS = "/api/v1/namespaces/default/pods";
const LIST = "/api/v1/bindings";
interface Pod extends KubeObject {
  spec: { nodeName?: string };
  status?: { conditions?: object[] };
}

let api: TestCluster;

async function create(path: string, body: object): Promise<{ metadata: { uid?: string; resourceVersion?: string } }> {
  const answer = await api.call(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

const pod = (name: string, spec: object = {}) =>
  create(PODS, { metadata: { name }, spec: { containers: [{ name: "c", image: "busybox" }], ...spec } });

const podOf = async (name: string) => (await api.call<Pod>(`${PODS}/${name}`)).body;

const binding = (name: string, metadata: object = {}, target: object = { kind: "Node", name: "n1" }) => ({
  apiVersion: "v1",
  kind: "Binding",
  metadata: { namespace: "default", name, ...metadata },
  target,
});

const post =
  (path: string, kind: string) =>
  (items: readonly unknown[], options: object = {}) =>
    api.call<{ items: Status[] }>(path, {
      method: "POST",
      body: { apiVersion: "v1", kind, metadata: {}, items },
      ...options,
    });
const bind = post(LIST, "BindingList");
const preempt = post(LIST, "PreemptionList");
const record = post("/api/v1/events", "EventList");
const endsOf = ({ body }: { body: { items: Status[] } }) =>
  body.items.map(({ status, reason, code }) => [status, reason, code]);

const victim = (name: string, uid?: string) => ({
  metadata: { namespace: "default", name, uid },
  message: "default-scheduler: preempting to accommodate a higher priority pod",
});
const boundPod = async (name: string, metadata: object = {}) => {
  const body = {
    metadata: { name, ...metadata },
    spec: { nodeName: "n1", containers: [{ name: "c", image: "busybox" }] },
  };
  return (await create(PODS, body)).metadata.uid;
};

const event = (name: string, namespace: string | undefined = "default") => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name, namespace },
  involvedObject: { apiVersion: "v1", kind: "Pod", namespace, name: "p" },
  reason: "Did",
  message: "it was done",
  type: "Normal",
});

beforeAll(async () => {
  api = await createTestCluster();
  await create("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

describe("a BindingList", () => {
  it("binds what can be bound and says of each other one why not", async () => {
    const { uid } = (await pod("good")).metadata;
    await pod("bound", { nodeName: "n9" });
    await pod("other");
    await pod("aimless");
    await pod("gated", { schedulingGates: [{ name: "example.com/wait" }] });
    await pod("late");
    await create("/apis/coordination.k8s.io/v1/namespaces/default/leases", { metadata: { name: "mine" } });
    const answer = await bind([
      binding("good", { uid, annotations: { "example.com/why": "it fits" } }),
      binding("bound"),
      binding("ghost"),
      binding("other", { uid: "of-an-earlier-pod" }),
      binding("aimless", {}, {}),
      binding("gated"),
      binding("late", { annotations: { "scheduling.gantry.dev/lease": "default/mine/1" } }),
      binding("good"),
      { apiVersion: "v1", kind: "Binding", metadata: { name: "no-namespace" } },
      { ...binding("good"), target: "n1" },
    ]);
    expect(answer.status).toBe(201);
    expect(endsOf(answer)).toEqual([
      ["Success", undefined, undefined],
      ["Failure", "Conflict", 409],
      ["Failure", "NotFound", 404],
      ["Failure", "Conflict", 409],
      ["Failure", "Invalid", 422],
      ["Failure", "Conflict", 409],
      ["Failure", "Conflict", 409],
      ["Failure", "Conflict", 409],
      ["Failure", "BadRequest", 400],
      ["Failure", "BadRequest", 400],
    ]);
    expect(answer.body.items[5]?.message).toBe(
      'Operation cannot be fulfilled on pods/binding "gated": pod gated has non-empty .spec.schedulingGates',
    );
    const good = await podOf("good");
    expect(good.spec.nodeName).toBe("n1");
    expect(good.metadata.annotations).toEqual({ "example.com/why": "it fits" });
    expect(good.status?.conditions).toEqual([expect.objectContaining({ type: "PodScheduled", status: "True" })]);
    for (const name of ["other", "aimless", "gated", "late"]) {
      expect((await podOf(name)).spec.nodeName, name).toBeUndefined();
    }
  });

  it("stores what any other write would store, and raises no generation", async () => {
    await pod("plain");
    const before = await podOf("plain");
    await bind([binding("plain")]);
    const bound = await podOf("plain");
    expect(bound.metadata.generation).toBe(before.metadata.generation);
    expect(bound.metadata.managedFields).toEqual(before.metadata.managedFields);
    await api.call(`${PODS}/plain`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { metadata: { labels: { a: "b" } } },
    });
    const patched = await podOf("plain");
    expect(Object.keys(patched.spec)).toEqual(Object.keys(bound.spec));
    expect(JSON.stringify([patched.spec, patched.status])).toBe(JSON.stringify([bound.spec, bound.status]));
  });

  it("of two that are sent at once lets one win for each pod", async () => {
    const names = Array.from({ length: 20 }, (_, at) => `raced-${at}`);
    for (const name of names) await pod(name);
    const lists = await Promise.all(
      ["n1", "n2"].map((node) => bind(names.map((name) => binding(name, {}, { name: node })))),
    );
    for (const [at, name] of names.entries()) {
      const ends = lists.map(({ body }) => body.items[at]?.status);
      expect(ends.toSorted(), name).toEqual(["Failure", "Success"]);
      expect((await podOf(name)).spec.nodeName).toBe(ends[0] === "Success" ? "n1" : "n2");
    }
  });

  it("is no way around permissions, and nothing else goes that way", async () => {
    await pod("guarded");
    assertFailure(await bind([binding("guarded")], { headers: { "impersonate-user": "somebody" } }), {
      code: 403,
      reason: "Forbidden",
    });
    assertFailure(await api.call(LIST, { method: "POST", body: binding("guarded") }), {
      code: 405,
      reason: "MethodNotAllowed",
    });
    assertFailure(await bind(Array.from({ length: 257 }, () => binding("guarded"))), {
      code: 400,
      reason: "BadRequest",
    });
    expect((await podOf("guarded")).spec.nodeName).toBeUndefined();
    expect((await bind([])).body.items).toEqual([]);
  });

  it("labels pods with the zone and the region of their node, by a list, a binding or from the start", async () => {
    const zone = { "topology.kubernetes.io/zone": "z1", "topology.kubernetes.io/region": "r1" };
    await create("/api/v1/nodes", { metadata: { name: "placed", labels: { ...zone, other: "label" } } });
    const target = { kind: "Node", name: "placed" };
    for (const name of ["by-list", "by-itself"]) {
      await create(PODS, {
        metadata: { name, labels: { app: "a", "topology.kubernetes.io/zone": "mine" } },
        spec: { containers: [{ name: "c", image: "busybox" }] },
      });
    }
    await bind([binding("by-list", { labels: { from: "binding" } }, target)]);
    await create(`${PODS}/by-itself/binding`, { ...binding("by-itself", {}, target) });
    await pod("from-the-start", { nodeName: "placed" });
    expect((await podOf("by-list")).metadata.labels).toEqual({ app: "a", from: "binding", ...zone });
    expect((await podOf("by-itself")).metadata.labels).toEqual({ app: "a", ...zone });
    expect((await podOf("from-the-start")).metadata.labels).toEqual(zone);
  });

  it("binds nothing in a dry run", async () => {
    await pod("dry");
    const body = { apiVersion: "v1", kind: "BindingList", metadata: {}, items: [binding("dry")] };
    const answer = await api.call<{ items: Status[] }>(`${LIST}?dryRun=All`, { method: "POST", body });
    expect(answer.body.items.map(({ status }) => status)).toEqual(["Success"]);
    expect((await podOf("dry")).spec.nodeName).toBeUndefined();
  });
});

describe("a PreemptionList", () => {
  it("says in one write why each pod goes, and makes it go with its own grace", async () => {
    const uid = await boundPod("victim");
    const before = await podOf("victim");
    const answer = await preempt([
      victim("victim", uid),
      victim("ghost", "u"),
      victim("victim", "other"),
      victim("victim"),
    ]);
    expect(answer.status).toBe(201);
    expect(endsOf(answer)).toEqual([
      ["Success", undefined, undefined],
      ["Failure", "NotFound", 404],
      ["Failure", "Conflict", 409],
      ["Failure", "BadRequest", 400],
    ]);
    const after = await podOf("victim");
    expect(after.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(after.status?.conditions).toContainEqual(
      expect.objectContaining({
        type: "DisruptionTarget",
        status: "True",
        reason: "PreemptionByScheduler",
        message: "default-scheduler: preempting to accommodate a higher priority pod",
        observedGeneration: before.metadata.generation,
      }),
    );
    expect(after.metadata.managedFields?.map(({ subresource }) => subresource)).toEqual([undefined, "status"]);
    // The same as a write of anybody else: nothing is out of order afterwards.
    const patched = await api.call<Pod>(`${PODS}/victim`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { metadata: { labels: { a: "b" } } },
    });
    expect(JSON.stringify(patched.body.status)).toBe(JSON.stringify(after.status));
    // Again: it goes already.
    expect(endsOf(await preempt([victim("victim", uid)]))).toEqual([["Success", undefined, undefined]]);
    expect((await podOf("victim")).metadata.resourceVersion).toBe(patched.body.metadata.resourceVersion);
  });

  it("takes away at once what runs nowhere, and waits for finalizers", async () => {
    const nowhere = (await pod("nowhere")).metadata.uid;
    const kept = await boundPod("kept", { finalizers: ["example.com/wait"] });
    expect(endsOf(await preempt([victim("nowhere", nowhere), victim("kept", kept)])).map(([status]) => status)).toEqual(
      ["Success", "Success"],
    );
    expect((await api.call(`${PODS}/nowhere`)).status).toBe(404);
    expect((await podOf("kept")).metadata.deletionTimestamp).toBeDefined();
  });

  it("asks for the right to do both", async () => {
    const uid = await boundPod("defended");
    const binder = { "impersonate-user": "binder" };
    await create("/apis/rbac.authorization.k8s.io/v1/clusterroles", {
      metadata: { name: "binds" },
      rules: [{ apiGroups: [""], resources: ["bindings", "pods/status"], verbs: ["create", "patch"] }],
    });
    await create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      metadata: { name: "binds" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "binds" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "binder" }],
    });
    const refused = await preempt([victim("defended", uid)], { headers: binder });
    assertFailure(refused, { code: 403, reason: "Forbidden" });
    expect((await podOf("defended")).metadata.deletionTimestamp).toBeUndefined();
  });

  it("does nothing in a dry run", async () => {
    const uid = await boundPod("rehearsed");
    const body = { apiVersion: "v1", kind: "PreemptionList", metadata: {}, items: [victim("rehearsed", uid)] };
    const answer = await api.call<{ items: Status[] }>(`${LIST}?dryRun=All`, { method: "POST", body });
    expect(endsOf(answer)).toEqual([["Success", undefined, undefined]]);
    expect((await podOf("rehearsed")).metadata.deletionTimestamp).toBeUndefined();
  });
});

describe("an EventList", () => {
  it("stores what can be stored, and says of each other one why not", async () => {
    const answer = await record([
      event("one"),
      event("one"),
      event("two", "nowhere"),
      { ...event("three"), metadata: { name: "three" } },
      { ...event("four"), count: "many" },
      { ...event("five"), involvedObject: { namespace: "kube-system" } },
      event("six", "kube-system"),
    ]);
    expect(answer.status).toBe(201);
    expect(endsOf(answer)).toEqual([
      ["Success", undefined, undefined],
      ["Failure", "AlreadyExists", 409],
      ["Failure", "NotFound", 404],
      ["Failure", "BadRequest", 400],
      ["Failure", "BadRequest", 400],
      ["Failure", "Invalid", 422],
      ["Success", undefined, undefined],
    ]);
    const stored = await api.call<KubeObject & { reason: string }>("/api/v1/namespaces/default/events/one");
    expect(stored.body).toMatchObject({ reason: "Did", metadata: { uid: expect.any(String) as string } });
  });

  it("is no way around permissions, and only events go that way", async () => {
    assertFailure(await record([event("seven")], { headers: { "impersonate-user": "somebody" } }), {
      code: 403,
      reason: "Forbidden",
    });
    const body = { apiVersion: "v1", kind: "ConfigMapList", metadata: {}, items: [] };
    for (const path of ["/api/v1/events", "/api/v1/configmaps", "/apis/events.k8s.io/v1/events"]) {
      assertFailure(await api.call(path, { method: "POST", body }), { code: 405, reason: "MethodNotAllowed" });
    }
  });
});
