/** status, scale, binding, eviction, log, exec, finalize. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { StreamTarget } from "../../src/relay/protocol.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
const opened: { node: string; target: StreamTarget }[] = [];
const PODS = "/api/v1/namespaces/default/pods";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const MERGE = { "content-type": "application/merge-patch+json" };

interface Pod extends KubeObject {
  spec: { nodeName?: string; containers: object[] };
  status?: { phase?: string; conditions?: { type: string; status: string }[] };
}

async function create<T = KubeObject>(path: string, body: object): Promise<T> {
  const answer = await api.call<T>(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

async function pod(name: string, containers = ["main"]): Promise<Pod> {
  return await create<Pod>(PODS, {
    metadata: { name },
    spec: {
      containers: containers.map((container) => ({ name: container, image: "busybox" })),
      serviceAccountName: "default",
    },
  });
}

const bind = (name: string, node: string) =>
  api.call(`${PODS}/${name}/binding`, {
    method: "POST",
    body: { metadata: { name }, target: { kind: "Node", name: node } },
  });

async function report(name: string, state: object): Promise<void> {
  const answer = await api.call(`${PODS}/${name}/status`, { method: "PATCH", headers: MERGE, body: { status: state } });
  if (answer.status !== 200) throw new Error(answer.text);
}

beforeAll(async () => {
  api = await createTestCluster({
    streams: {
      open: async ({ node, target }) => {
        opened.push({ node, target });
        return new Response("line\n", { headers: { "content-type": "text/plain" } });
      },
    },
  });
  await create("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  await create("/api/v1/nodes", { metadata: { name: "n1" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

describe("status", () => {
  it("is written by its own path alone", async () => {
    const made = await pod("reported");
    await api.call(`${PODS}/reported`, {
      method: "PATCH",
      headers: MERGE,
      body: { status: { phase: "Failed" }, metadata: { labels: { a: "1" } } },
    });
    const main = await api.call<Pod>(`${PODS}/reported`);
    expect(main.body.status?.phase).toBe(made.status?.phase);
    expect(main.body.metadata.labels).toEqual({ a: "1" });
    await api.call(`${PODS}/reported/status`, {
      method: "PATCH",
      headers: MERGE,
      body: { status: { phase: "Running" }, spec: { nodeName: "sneaky" } },
    });
    const after = await api.call<Pod>(`${PODS}/reported/status`);
    expect(after.body.status?.phase).toBe("Running");
    expect(after.body.spec.nodeName).toBeUndefined();
    expect(after.body.metadata.generation).toBe(made.metadata.generation);
  });
});

describe("binding", () => {
  it("assigns a pod to a node, once", async () => {
    await pod("bound");
    const first = await bind("bound", "n1");
    expect([first.status, first.body]).toMatchObject([201, { kind: "Status", status: "Success" }]);
    const { body } = await api.call<Pod>(`${PODS}/bound`);
    expect(body.spec.nodeName).toBe("n1");
    expect(body.status?.conditions).toEqual([expect.objectContaining({ type: "PodScheduled", status: "True" })]);
    assertFailure(await bind("bound", "n2"), {
      code: 409,
      reason: "Conflict",
      message: 'Operation cannot be fulfilled on pods/binding "bound": pod bound is already assigned to node "n1"',
    });
    assertFailure(await bind("ghost", "n1"), { code: 404, reason: "NotFound" });
    await pod("nowhere");
    assertFailure(await bind("nowhere", ""), { code: 422, reason: "Invalid" });
  });

  it("lets one of two schedulers win", async () => {
    await pod("raced");
    const codes = (await Promise.all(["a", "b", "c"].map((node) => bind("raced", node)))).map(
      (answer) => answer.status,
    );
    expect(codes.toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
  });

  it("makes the pod selectable by its node", async () => {
    await pod("selected");
    await bind("selected", "n7");
    const { body } = await api.call<{ items: Pod[] }>(`${PODS}?fieldSelector=spec.nodeName%3Dn7`);
    expect(body.items.map(({ metadata }) => metadata.name)).toEqual(["selected"]);
  });
});

describe("deletion of pods", () => {
  it("is graceful on a node, shortens, and ends with grace 0 and the uid", async () => {
    const made = await pod("graceful");
    await bind("graceful", "n1");
    const first = await api.call<Pod>(`${PODS}/graceful`, { method: "DELETE" });
    expect(first.status).toBe(200);
    expect(first.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 30 });
    const longer = await api.call<Pod>(`${PODS}/graceful?gracePeriodSeconds=90`, { method: "DELETE" });
    expect(longer.body.metadata).toEqual(first.body.metadata);
    const shorter = await api.call<Pod>(`${PODS}/graceful?gracePeriodSeconds=5`, { method: "DELETE" });
    expect(shorter.body.metadata.deletionGracePeriodSeconds).toBe(5);
    const wrong = await api.call(`${PODS}/graceful`, {
      method: "DELETE",
      body: { gracePeriodSeconds: 0, preconditions: { uid: "other" } },
    });
    assertFailure(wrong, { code: 409, reason: "Conflict" });
    const last = await api.call<Pod>(`${PODS}/graceful`, {
      method: "DELETE",
      body: { gracePeriodSeconds: 0, preconditions: { uid: made.metadata.uid } },
    });
    expect(last.status).toBe(200);
    expect((await api.call(`${PODS}/graceful`)).status).toBe(404);
  });

  it("is immediate without a node, and answers the pod", async () => {
    await pod("quick");
    const { status, body } = await api.call<Pod>(`${PODS}/quick`, { method: "DELETE" });
    expect([status, body.kind]).toEqual([200, "Pod"]);
    expect((await api.call(`${PODS}/quick`)).status).toBe(404);
  });

  it("by eviction is a 201", async () => {
    await pod("evicted");
    const evict = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "evicted" } };
    const dry = await api.call(`${PODS}/evicted/eviction`, {
      method: "POST",
      body: { ...evict, deleteOptions: { dryRun: ["All"] } },
    });
    expect(dry.status).toBe(201);
    expect((await api.call(`${PODS}/evicted`)).status).toBe(200);
    const answer = await api.call(`${PODS}/evicted/eviction`, { method: "POST", body: evict });
    expect([answer.status, answer.body]).toMatchObject([201, { kind: "Status", status: "Success" }]);
    expect((await api.call(`${PODS}/evicted`)).status).toBe(404);
  });
});

describe("scale", () => {
  const deployment = {
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  };

  it("reads and writes the replicas of anything that has them", async () => {
    const made = await create(DEPLOYMENTS, deployment);
    const read = await api.call(`${DEPLOYMENTS}/web/scale`);
    expect(read.body).toMatchObject({
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: { name: "web", namespace: "default", uid: made.metadata.uid },
      spec: { replicas: 2 },
      status: { replicas: 0, selector: "app=web" },
    });
    const put = await api.call(`${DEPLOYMENTS}/web/scale`, {
      method: "PUT",
      body: { ...read.body, spec: { replicas: 0 } },
    });
    expect([put.status, put.body["spec"]]).toEqual([200, { replicas: 0 }]);
    const patched = await api.call(`${DEPLOYMENTS}/web/scale`, {
      method: "PATCH",
      headers: MERGE,
      body: { spec: { replicas: 5 } },
    });
    expect([patched.status, patched.body["spec"]]).toEqual([200, { replicas: 5 }]);
    const { body } = await api.call(`${DEPLOYMENTS}/web`);
    expect(body["spec"]).toMatchObject({ replicas: 5 });
    expect(body.metadata.generation).toBe(3);
    const stale = await api.call(`${DEPLOYMENTS}/web/scale`, { method: "PUT", body: read.body });
    assertFailure(stale, {
      code: 409,
      reason: "Conflict",
      message: /^Operation cannot be fulfilled on deployments.apps "web"/,
    });
    const negative = await api.call(`${DEPLOYMENTS}/web/scale`, {
      method: "PATCH",
      headers: MERGE,
      body: { spec: { replicas: -1 } },
    });
    assertFailure(negative, {
      code: 422,
      reason: "Invalid",
      message:
        'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    });
  });
});

const waiting = (why: string) => ({
  code: 400,
  reason: "BadRequest",
  message: `container "one" in pod "silent" is waiting to start: ${why}`,
});

const wait = (reason: string, more: object = {}) =>
  report("silent", { containerStatuses: [{ ...containerStatus("one", { waiting: { reason } }), ...more }] });

const exec = (query: string, protocols?: string) =>
  api.call(`${PODS}/shell/exec?${query}`, {
    headers: protocols === undefined ? {} : { upgrade: "websocket", "sec-websocket-protocol": protocols },
  });

describe("streams", () => {
  it("of logs name pod, uid and container, and pass the node's answer on", async () => {
    const made = await pod("talker");
    await bind("talker", "n1");
    await report("talker", { containerStatuses: [containerStatus("main", { running: {} })] });
    const { status: code, text } = await api.call(`${PODS}/talker/log?follow=true&tailLines=5`);
    expect([code, text]).toEqual([200, "line\n"]);
    expect(opened.at(-1)).toEqual({
      node: "n1",
      target: {
        kind: "log",
        namespace: "default",
        pod: "talker",
        uid: made.metadata.uid,
        query: "follow=true&tailLines=5&container=main",
      },
    });
  });

  it("of logs say what they wait for", async () => {
    await pod("silent", ["one", "two"]);
    assertFailure(await api.call(`${PODS}/silent/log`), {
      code: 400,
      reason: "BadRequest",
      message: "a container name must be specified for pod silent, choose one of: [one two]",
    });
    assertFailure(await api.call(`${PODS}/silent/log?container=three`), {
      code: 400,
      reason: "BadRequest",
      message: "container three is not valid for pod silent",
    });
    expect((await api.call(`${PODS}/silent/log?container=one`)).text).toBe("");
    await bind("silent", "n1");
    const log = () => api.call(`${PODS}/silent/log?container=one`);
    assertFailure(await log(), waiting("ContainerCreating"));
    await wait("ContainerCreating");
    assertFailure(await log(), waiting("ContainerCreating"));
    await wait("ImagePullBackOff");
    assertFailure(await log(), waiting("trying and failing to pull image"));
    assertFailure(await api.call(`${PODS}/silent/log?container=one&previous=true`), {
      code: 400,
      reason: "BadRequest",
      message: 'previous terminated container "one" in pod "silent" not found',
    });
    await wait("CrashLoopBackOff", { lastState: { terminated: { exitCode: 1, containerID: "x://1" } } });
    expect((await log()).status).toBe(200);
    assertFailure(await api.call(`${PODS}/silent/log?container=one&tailLines=-1`), { code: 422, reason: "Invalid" });
  });

  it("of exec choose the first subprotocol that is known", async () => {
    await pod("shell");
    assertFailure(await exec("command=ls", "v5.channel.k8s.io"), {
      code: 400,
      reason: "BadRequest",
      message: "pod shell does not have a host assigned",
    });
    await bind("shell", "n1");
    assertFailure(await exec("command=ls"), { code: 400, reason: "BadRequest", message: "Upgrade request required" });
    assertFailure(await exec("", "v5.channel.k8s.io"), { code: 400, reason: "BadRequest" });
    assertFailure(await exec("command=ls", "v9.channel.k8s.io"), { code: 400, reason: "BadRequest" });
    await exec(
      "command=sh&command=-c&stdin=true",
      "base64url.bearer.authorization.k8s.io.eA, v5.channel.k8s.io, v4.channel.k8s.io",
    );
    expect(opened.at(-1)).toMatchObject({
      node: "n1",
      target: {
        kind: "exec",
        pod: "shell",
        query: "command=sh&command=-c&stdin=true&container=main",
        subprotocol: "v5.channel.k8s.io",
      },
    });
  });

  it("of attach need no command", async () => {
    const headers = { upgrade: "websocket", "sec-websocket-protocol": "v5.channel.k8s.io" };
    await api.call(`${PODS}/shell/attach?stdin=true&container=main`, { headers });
    expect(opened.at(-1)).toMatchObject({ node: "n1", target: { kind: "attach", pod: "shell" } });
  });
});

function containerStatus(name: string, state: object): object {
  return { name, state, ready: false, restartCount: 0, image: "busybox", imageID: "" };
}

describe("namespaces", () => {
  it("wait for their finalizers, take nothing new meanwhile, and go by /finalize", async () => {
    await create("/api/v1/namespaces", { metadata: { name: "leaving" } });
    const { body } = await api.call("/api/v1/namespaces/leaving", { method: "DELETE" });
    expect(body).toMatchObject({
      kind: "Namespace",
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Terminating" },
    });
    expect(body.metadata.deletionTimestamp).toBeDefined();
    const late = await api.call("/api/v1/namespaces/leaving/configmaps", {
      method: "POST",
      body: { metadata: { name: "late" } },
    });
    const refusal = assertFailure(late, {
      code: 403,
      reason: "Forbidden",
      message:
        'configmaps "late" is forbidden: unable to create new content in namespace leaving because it is being terminated',
    });
    expect(refusal.details?.causes).toEqual([
      { reason: "NamespaceTerminating", message: "namespace leaving is being terminated", field: "metadata.namespace" },
    ]);
    await api.call("/api/v1/namespaces/leaving", { method: "PUT", body: { ...body, spec: {} } });
    expect((await api.call("/api/v1/namespaces/leaving")).status, "only /finalize clears them").toBe(200);
    const { body: current } = await api.call("/api/v1/namespaces/leaving");
    const done = await api.call("/api/v1/namespaces/leaving/finalize", {
      method: "PUT",
      body: { ...current, spec: { finalizers: [] } },
    });
    expect(done.status).toBe(200);
    expect((await api.call("/api/v1/namespaces/leaving")).status).toBe(404);
  });

  it("of the system are there from the start", async () => {
    const { body } = await api.call<{ items: KubeObject[] }>("/api/v1/namespaces");
    const names = body.items.map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(["default", "kube-node-lease", "kube-public", "kube-system"]));
    const { body: service } = await api.call<{ spec: object }>("/api/v1/namespaces/default/services/kubernetes");
    expect(service.spec).toMatchObject({
      clusterIP: api.cluster.config.kubernetesServiceIp,
      ports: [{ name: "https", port: 443, targetPort: 443 }],
    });
  });
});
