/** All loops over the real API, hub and log; only the machines are made up. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../test/harness/cluster.ts";
import { eventually } from "../test/harness/eventually.ts";
import { createFakeKubelets, type FakeKubelets } from "../test/harness/fake-kubelets.ts";
import type { Client } from "./client/client.ts";
import { deployments, type Deployment } from "./kinds/apps/deployments/types.ts";
import { replicaSets, type ReplicaSet } from "./kinds/apps/replicasets/types.ts";
import { leases } from "./kinds/coordination/leases/types.ts";
import { configMaps, type ConfigMap } from "./kinds/core/configmaps/types.ts";
import { events, type CoreEvent } from "./kinds/core/events/types.ts";
import { namespaces, type Namespace } from "./kinds/core/namespaces/types.ts";
import { nodes, type Node } from "./kinds/core/nodes/types.ts";
import { pods, type Pod } from "./kinds/core/pods/types.ts";
import { serviceAccounts } from "./kinds/core/serviceaccounts/types.ts";
import { services, type Service } from "./kinds/core/services/types.ts";
import { endpointSlices, type EndpointSlice } from "./kinds/discovery/endpointslices/types.ts";
import { clusterRoles, type ClusterRole } from "./kinds/rbac/types.ts";
import { createLoops, type Loops } from "./loops.ts";
import { isStatusError } from "./machinery/status-error.ts";

let cluster: TestCluster;
let client: Client;
let kubelets: FakeKubelets;
let aheadMs = 0;
const undo: (() => Promise<void>)[] = [];
const now = (): number => Date.now() + aheadMs;
const soon = <T>(attempt: () => Promise<T>) => eventually(attempt, { withinMs: 10_000, everyMs: 20 });

beforeEach(async () => {
  aheadMs = 0;
  cluster = await createTestCluster({ platform: { clock: { now } } });
  client = cluster.app.clientFor({ name: "admin", groups: ["system:masters"] });
  kubelets = createFakeKubelets({ client, now });
});

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
  await cluster.stop();
});

const newLoops = (): Loops => createLoops({ cluster: cluster.cluster, app: cluster.app });

function startLoops(): void {
  const loops = newLoops();
  loops.start();
  undo.push(() => loops.stop());
}

/** As on Workers: called when woken, and told when to come again. */
async function runToRest(loops: Loops, withKubelets = true): Promise<{ nextDueMs: number | undefined }> {
  for (let round = 0; round < 60; round++) {
    const before = await cluster.storage.revision();
    const result = await loops.runOnce({ deadline: now() + 20_000 });
    const steps = withKubelets ? await kubelets.step() : 0;
    if (steps === 0 && (await cluster.storage.revision()) === before) return result;
  }
  throw new Error("the loops never come to rest");
}

function deployment(
  name: string,
  replicas: number,
  image = "web:1",
  more: Partial<Deployment["spec"]> = {},
): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default", annotations: { "kubernetes.io/change-cause": image } },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "c", image, ports: [{ name: "http", containerPort: 8080 }] }] },
      },
      ...more,
    },
  };
}

function service(name: string): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { selector: { app: name }, ports: [{ name: "web", port: 80, targetPort: "http" }] },
  };
}

const at = (name: string) => ({ namespace: "default", name });
const podsOf = async (app: string) =>
  (await client.list<Pod>(pods, { namespace: "default", labelSelector: `app=${app}` })).items;
const setsOf = async (app: string) =>
  (await client.list<ReplicaSet>(replicaSets, { namespace: "default", labelSelector: `app=${app}` })).items;

async function expectRolledOut(name: string, replicas: number): Promise<Deployment> {
  const object = await client.get<Deployment>(deployments, at(name));
  expect(object.status).toMatchObject({
    observedGeneration: object.metadata.generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  });
  const conditions = Object.fromEntries((object.status?.conditions ?? []).map(({ type, reason }) => [type, reason]));
  expect(conditions).toEqual({ Available: "MinimumReplicasAvailable", Progressing: "NewReplicaSetAvailable" });
  return object;
}

async function readyAddresses(name: string): Promise<string[]> {
  const labelSelector = `kubernetes.io/service-name=${name}`;
  const { items } = await client.list<EndpointSlice>(endpointSlices, { namespace: "default", labelSelector });
  return items.flatMap(({ endpoints = [] }) =>
    endpoints.filter(({ conditions }) => conditions?.ready).flatMap(({ addresses }) => addresses),
  );
}

describe("started, as on Node", () => {
  test("every namespace has its default service account and the cluster's authority, also after they are deleted or changed", async () => {
    startLoops();
    await client.create<Namespace>(namespaces, { metadata: { name: "team" } });
    for (const namespace of ["default", "kube-system", "team"]) {
      await soon(() => client.get(serviceAccounts, { namespace, name: "default" }));
      const authority = await soon(() => client.get<ConfigMap>(configMaps, { namespace, name: "kube-root-ca.crt" }));
      expect(authority.data).toEqual({ "ca.crt": cluster.cluster.keys.clusterCa });
    }
    await client.delete(serviceAccounts, { namespace: "team", name: "default" });
    await soon(() => client.get(serviceAccounts, { namespace: "team", name: "default" }));
    await client.patch(configMaps, { namespace: "team", name: "kube-root-ca.crt" }, "merge", {
      data: { "ca.crt": "x" },
    });
    await soon(async () => {
      const { data } = await client.get<ConfigMap>(configMaps, { namespace: "team", name: "kube-root-ca.crt" });
      expect(data).toEqual({ "ca.crt": cluster.cluster.keys.clusterCa });
    });
  });

  test("a deployment becomes pods on nodes behind a service, is scaled, rolled over, rolled back and deleted with all it owns", async () => {
    startLoops();
    undo.push(kubelets.start());
    await kubelets.addNode("one");
    await kubelets.addNode("two");
    await client.create(deployments, deployment("web", 3));
    await client.create(services, service("web"));
    await soon(() => expectRolledOut("web", 3));
    await soon(async () => expect(await readyAddresses("web")).toHaveLength(3));
    expect(new Set((await podsOf("web")).map(({ spec }) => spec.nodeName))).toEqual(new Set(["one", "two"]));
    const [slice] = (
      await client.list<EndpointSlice>(endpointSlices, {
        namespace: "default",
        labelSelector: "kubernetes.io/service-name=web",
      })
    ).items;
    expect(slice?.ports).toEqual([{ name: "web", port: 8080, protocol: "TCP" }]);

    await client.patch(deployments, at("web"), "merge", { spec: { replicas: 5 } });
    await soon(() => expectRolledOut("web", 5));

    const lowest = watchLowest(() => readyAddresses("web"));
    const newImage = { spec: { template: { spec: { containers: [{ name: "c", image: "web:2" }] } } } };
    await client.patch(deployments, at("web"), "strategic", newImage);
    await soon(async () => {
      await expectRolledOut("web", 5);
      expect((await podsOf("web")).map(({ spec }) => spec.containers[0]?.image)).toEqual(Array(5).fill("web:2"));
    });
    // 25 % of 5, rounded down, may be missing.
    expect(await lowest()).toBeGreaterThanOrEqual(4);
    const sets = await setsOf("web");
    expect(
      sets
        .map(({ metadata, spec }) => `${metadata.annotations?.["deployment.kubernetes.io/revision"]}: ${spec.replicas}`)
        .toSorted(),
    ).toEqual(["1: 0", "2: 5"]);

    // As `kubectl rollout undo` does it: the template of the older ReplicaSet, without the hash.
    const old = sets.find(({ spec }) => spec.replicas === 0);
    const { "pod-template-hash": _hash, ...labels } = old?.spec.template?.metadata?.labels ?? {};
    const template = { ...old?.spec.template, metadata: { ...old?.spec.template?.metadata, labels } };
    await client.patch(deployments, at("web"), "json", [{ op: "replace", path: "/spec/template", value: template }]);
    await soon(async () => {
      const { metadata } = await expectRolledOut("web", 5);
      expect(metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("3");
      expect((await podsOf("web")).map(({ spec }) => spec.containers[0]?.image)).toEqual(Array(5).fill("web:1"));
    });
    expect(await setsOf("web")).toHaveLength(2);

    // No roll-out: the ReplicaSet there is gets it.
    await client.patch(deployments, at("web"), "merge", { spec: { minReadySeconds: 1 } });
    await soon(async () => {
      const behind = (await setsOf("web")).find(({ spec }) => spec.replicas === 5);
      expect(behind?.spec.minReadySeconds).toBe(1);
      expect(behind?.metadata.annotations?.["deployment.kubernetes.io/revision-history"]).toBe("1");
    });

    await client.delete(deployments, at("web"), { propagationPolicy: "Background" });
    await client.delete(services, at("web"));
    await soon(async () => {
      expect(await setsOf("web")).toEqual([]);
      expect(await podsOf("web")).toEqual([]);
      const { items } = await client.list<EndpointSlice>(endpointSlices, { namespace: "default" });
      expect(items.filter(({ metadata }) => metadata.name?.startsWith("web-"))).toEqual([]);
    });
    expect(cluster.errors).toEqual([]);
  });

  test("a deleted pod is replaced, and an orphan that matches is adopted in its place", async () => {
    startLoops();
    undo.push(kubelets.start());
    await kubelets.addNode("one");
    await client.create(deployments, deployment("web", 2));
    await soon(() => expectRolledOut("web", 2));
    const [first] = await podsOf("web");
    await client.delete(pods, at(first?.metadata.name ?? ""));
    await soon(async () => {
      await expectRolledOut("web", 2);
      expect((await podsOf("web")).map(({ metadata }) => metadata.uid)).not.toContain(first?.metadata.uid);
    });

    // A pod whose label changes is released and replaced.
    const [second] = await podsOf("web");
    await client.patch(pods, at(second?.metadata.name ?? ""), "merge", { metadata: { labels: { app: "debug" } } });
    await soon(async () => {
      await expectRolledOut("web", 2);
      expect((await podsOf("debug"))[0]?.metadata.ownerReferences ?? []).toEqual([]);
    });
    // And taken back when it matches again: then one is too many.
    await client.patch(pods, at(second?.metadata.name ?? ""), "merge", { metadata: { labels: { app: "web" } } });
    await soon(async () => {
      await expectRolledOut("web", 2);
      expect(await podsOf("web")).toHaveLength(2);
      expect(await podsOf("debug")).toEqual([]);
    });
  });

  test("Recreate: nothing new runs while something old does", async () => {
    startLoops();
    undo.push(kubelets.start());
    await kubelets.addNode("one");
    await client.create(deployments, deployment("web", 3, "web:1", { strategy: { type: "Recreate" } }));
    await soon(() => expectRolledOut("web", 3));
    const images = watchAll(
      async () => new Set((await podsOf("web")).map(({ spec }) => spec.containers[0]?.image)).size,
    );
    const newImage = { spec: { template: { spec: { containers: [{ name: "c", image: "web:2" }] } } } };
    await client.patch(deployments, at("web"), "strategic", newImage);
    await soon(async () => {
      await expectRolledOut("web", 3);
      expect((await podsOf("web"))[0]?.spec.containers[0]?.image).toBe("web:2");
    });
    expect(Math.max(...(await images()))).toBe(1);
  });

  test("a namespace goes with all it holds, pods first", async () => {
    startLoops();
    undo.push(kubelets.start());
    await kubelets.addNode("one");
    await client.create<Namespace>(namespaces, { metadata: { name: "team" } });
    const inTeam = { ...deployment("web", 2), metadata: { name: "web", namespace: "team" } };
    await client.create(deployments, inTeam);
    await soon(async () => {
      const { status } = await client.get<Deployment>(deployments, { namespace: "team", name: "web" });
      expect(status?.readyReplicas).toBe(2);
    });
    await client.delete(namespaces, { name: "team" });
    await soon(async () => {
      const error = await client.get(namespaces, { name: "team" }).catch((cause: unknown) => cause);
      expect(isStatusError(error, "NotFound")).toBe(true);
    });
    for (const ref of [pods, replicaSets, deployments, configMaps, serviceAccounts, events]) {
      expect((await client.list(ref, { namespace: "team" })).items).toEqual([]);
    }
  });

  test("foreground: the owner goes last; orphan: dependents stay without an owner; circles end", async () => {
    startLoops();
    undo.push(kubelets.start());
    await kubelets.addNode("one");
    await client.create(deployments, deployment("front", 2));
    await client.create(deployments, deployment("alone", 1));
    await soon(() => expectRolledOut("front", 2));
    await soon(() => expectRolledOut("alone", 1));
    await client.delete(deployments, at("front"), { propagationPolicy: "Foreground" });
    await soon(async () => {
      const { items } = await client.list<Deployment>(deployments, { namespace: "default" });
      if (items.some(({ metadata }) => metadata.name === "front")) throw new Error("still there");
      // The last to go: when it is gone, so is everything it owned.
      expect(await podsOf("front")).toEqual([]);
      expect(await setsOf("front")).toEqual([]);
    });
    await client.delete(deployments, at("alone"), { propagationPolicy: "Orphan" });
    await soon(async () => {
      const [set] = await setsOf("alone");
      expect(set?.metadata.ownerReferences ?? []).toEqual([]);
      const { items } = await client.list<Deployment>(deployments, { namespace: "default" });
      expect(items).toEqual([]);
    });
    expect(await podsOf("alone")).toHaveLength(1);

    const circle = async (name: string) =>
      client.create<ConfigMap>(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { ...at(name) } });
    const [a, b] = [await circle("a"), await circle("b")];
    await client.patch(configMaps, at("a"), "merge", ownedBy(b));
    await client.patch(configMaps, at("b"), "merge", ownedBy(a));
    await client.delete(configMaps, at("a"), { propagationPolicy: "Foreground" });
    await soon(async () => {
      const { items } = await client.list<ConfigMap>(configMaps, { namespace: "default" });
      expect(items.map(({ metadata }) => metadata.name)).toEqual(["kube-root-ca.crt"]);
    });
  });
});

describe("the scheduler says why a pod is pending, in Kubernetes' words", () => {
  test("no nodes, then too small or tainted ones, then one that fits", async () => {
    startLoops();
    const pod: Pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: at("big"),
      spec: { containers: [{ name: "c", image: "x", resources: { requests: { cpu: "3" } } }] },
    };
    await soon(() => client.get(serviceAccounts, at("default")));
    await client.create(pods, pod);
    const said = async (message: string) => {
      const { status, spec } = await client.get<Pod>(pods, at("big"));
      expect(spec.nodeName).toBeUndefined();
      expect(status?.conditions).toEqual([
        expect.objectContaining({ type: "PodScheduled", status: "False", reason: "Unschedulable", message }),
      ]);
      const { items } = await client.list<CoreEvent>(events, { namespace: "default" });
      expect(items.filter(({ reason }) => reason === "FailedScheduling").map((event) => event.message)).toContain(
        message,
      );
    };
    await soon(() => said("no nodes available to schedule pods"));
    await kubelets.addNode("small", { cpu: "1" });
    await kubelets.addNode("closed", { spec: { taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }] } });
    await kubelets.addNode("cordoned", { spec: { unschedulable: true } });
    await soon(() =>
      said(
        "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
      ),
    );
    await kubelets.addNode("large");
    await soon(async () => {
      expect((await client.get<Pod>(pods, at("big"))).spec.nodeName).toBe("large");
      const { items } = await client.list<CoreEvent>(events, { namespace: "default" });
      const scheduled = items.find(({ reason }) => reason === "Scheduled");
      expect(scheduled).toMatchObject({
        type: "Normal",
        message: "Successfully assigned default/big to large",
        source: { component: "default-scheduler" },
      });
    });
  });
});

describe("run by run, as on Workers", () => {
  test("each run by loops that know nothing of the last: the deployment still comes up exactly once", async () => {
    await kubelets.addNode("one");
    await client.create(deployments, deployment("web", 4));
    await client.create(services, service("web"));
    for (let round = 0; round < 8; round++) {
      // A deadline that often ends a run in the middle of its work.
      await newLoops().runOnce({ deadline: now() + 30 + round * 40 });
      await kubelets.step();
    }
    await runToRest(newLoops());
    await expectRolledOut("web", 4);
    expect(await setsOf("web")).toHaveLength(1);
    expect(await podsOf("web")).toHaveLength(4);
    expect(await readyAddresses("web")).toHaveLength(4);
    const { items } = await client.list<CoreEvent>(events, { namespace: "default" });
    expect(items.filter(({ reason }) => reason === "SuccessfulDelete")).toEqual([]);
  });

  test("a cluster at rest writes nothing, also one with a pending pod, also after a restart of the loops", async () => {
    await kubelets.addNode("one");
    await client.create(deployments, deployment("web", 2));
    await client.create(services, service("web"));
    const tooBig = [{ name: "c", image: "x", resources: { requests: { cpu: "64" } } }];
    const template = { metadata: { labels: { app: "big" } }, spec: { containers: tooBig } };
    await client.create(deployments, deployment("big", 1, "x", { template }));
    const loops = newLoops();
    await runToRest(loops);
    const before = await cluster.storage.revision();
    for (let minute = 0; minute < 5; minute++) {
      aheadMs += 9_000;
      await beat("one");
      await loops.runOnce({ deadline: now() + 20_000 });
    }
    await newLoops().runOnce({ deadline: now() + 20_000 });
    const changes = (await cluster.storage.revision()) - before;
    // The five heartbeats, which this test has to write because it has no tunnels.
    expect(changes).toBe(5);
  });

  test("a lost node is called unreachable after its grace period, its pods are replaced, and it recovers", async () => {
    await kubelets.addNode("one");
    await kubelets.addNode("two");
    await client.create(deployments, deployment("web", 4));
    await client.create(services, service("web"));
    const loops = newLoops();
    await runToRest(loops);
    kubelets.lose("two");
    const onTwo = (await podsOf("web")).filter(({ spec }) => spec.nodeName === "two").length;
    expect(onTwo).toBe(2);

    aheadMs += 35_000;
    await beat("one");
    await runToRest(loops);
    expect(await readyOf("two")).toBe("True");

    aheadMs += 10_000;
    await beat("one");
    await runToRest(loops);
    expect(await readyOf("one")).toBe("True");
    expect(await readyOf("two")).toBe("Unknown");
    expect(await taintsOf("two")).toEqual([
      "node.kubernetes.io/unreachable:NoExecute",
      "node.kubernetes.io/unreachable:NoSchedule",
    ]);
    // Nobody is sent there any more, though the pods stay for as long as they tolerate it.
    expect(await readyAddresses("web")).toHaveLength(2);

    aheadMs += 301_000;
    await beat("one");
    await runToRest(loops);
    const now4 = (await podsOf("web")).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    expect(now4.map(({ spec }) => spec.nodeName)).toEqual(["one", "one", "one", "one"]);
    expect(await readyAddresses("web")).toHaveLength(4);

    await beat("two");
    const condition = { type: "Ready", status: "True", reason: "KubeletReady", message: "back" };
    await client.patch(nodes, { name: "two" }, "strategic", { status: { conditions: [condition] } }, "status");
    await runToRest(loops);
    expect(await taintsOf("two")).toEqual([]);

    await client.delete(nodes, { name: "two" });
    await runToRest(loops);
    expect(await podsOf("web")).toHaveLength(4);
  });

  test("after a start no node is called lost for one grace period, and then it is", async () => {
    await kubelets.addNode("one");
    await runToRest(newLoops());
    aheadMs += 3_600_000;
    const loops = newLoops();
    let due = (await runToRest(loops)).nextDueMs;
    expect(await readyOf("one")).toBe("True");
    for (let round = 0; round < 12 && (await readyOf("one")) === "True"; round++) {
      expect(due).toBeDefined();
      // What sleeps for ten seconds may lose its memory on Workers, and with it the count of the grace period.
      expect((due ?? 0) - now()).toBeLessThan(6_000);
      aheadMs += Math.max(0, (due ?? 0) - now()) + 1;
      due = (await runToRest(loops)).nextDueMs;
    }
    expect(await readyOf("one")).toBe("Unknown");
  });

  test("each node has a pod network of its own", async () => {
    for (const name of ["a", "b", "c"]) await kubelets.addNode(name);
    await runToRest(newLoops());
    const { items } = await client.list<Node>(nodes);
    expect(items.map(({ spec }) => spec.podCIDR ?? "").toSorted()).toEqual([
      "10.244.0.0/24",
      "10.244.1.0/24",
      "10.244.2.0/24",
    ]);
  });
});

async function beat(name: string): Promise<void> {
  const renewTime = new Date(now()).toISOString().replace("Z", "000Z");
  await client.patch(leases, { namespace: "kube-node-lease", name }, "merge", { spec: { renewTime } });
}

async function readyOf(name: string): Promise<string | undefined> {
  const { status } = await client.get<Node>(nodes, { name });
  return status?.conditions?.find(({ type }) => type === "Ready")?.status;
}

async function taintsOf(name: string): Promise<string[]> {
  const { spec } = await client.get<Node>(nodes, { name });
  return (spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).toSorted();
}
/** Looks again and again; answers the lowest number of what it saw. */
function watchLowest(look: () => Promise<unknown[]>): () => Promise<number> {
  const stop = watchAll(async () => (await look()).length);
  return async () => Math.min(...(await stop()));
}

function watchAll(look: () => Promise<number>): () => Promise<number[]> {
  const seen: number[] = [];
  const stopped = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      seen.push(await look());
      await new Promise((wake) => setTimeout(wake, 5));
    }
  };
  const running = run();
  return async () => {
    stopped.abort();
    await running;
    return seen;
  };
}

const ownedBy = ({ metadata }: ConfigMap) => ({
  metadata: {
    ownerReferences: [
      { apiVersion: "v1", kind: "ConfigMap", name: metadata.name, uid: metadata.uid, blockOwnerDeletion: true },
    ],
  },
});

describe("cluster roles that are made of others", () => {
  test("follow these, their labels, and what they themselves select, without rest for nothing", async () => {
    const loops = newLoops();
    await runToRest(loops);
    const before = await cluster.storage.revision();
    await runToRest(loops);
    expect(await cluster.storage.revision(), "a fresh cluster has its rules").toBe(before);
    const labels = { "rbac.authorization.k8s.io/aggregate-to-view": "true" };
    const rules = [{ verbs: ["get"], apiGroups: ["x.io"], resources: ["things"] }];
    await client.create(clusterRoles, { metadata: { name: "things", labels }, rules });
    await runToRest(loops);
    const rulesOf = async (name: string) => (await client.get<ClusterRole>(clusterRoles, { name })).rules;
    for (const name of ["view", "edit", "admin"]) expect(await rulesOf(name), name).toContainEqual(rules[0]);
    await client.patch(clusterRoles, { name: "things" }, "merge", { metadata: { labels: null } });
    await runToRest(loops);
    for (const name of ["view", "edit", "admin"]) expect(await rulesOf(name), name).not.toContainEqual(rules[0]);
  });
});
