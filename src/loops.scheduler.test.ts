/** The scheduler over the real API, hub and log: preemption, gates, and that two copies never fill a node twice. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../test/harness/cluster.ts";
import { eventually } from "../test/harness/eventually.ts";
import { createLoops, type Loops } from "./loops.ts";
import type { Pod } from "./kinds/core/pods/types.ts";

let cluster: TestCluster;
let loops: Loops[] = [];

beforeEach(async () => {
  cluster = await createTestCluster({ config: { nodeMonitorGraceMs: 3_600_000 } });
  await post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});
afterEach(async () => {
  await Promise.all(loops.map((one) => one.stop()));
  loops = [];
  await cluster.stop();
});

function start(): void {
  const made = createLoops({ cluster: cluster.cluster, app: cluster.app });
  loops.push(made);
  made.start();
}

const PODS = "/api/v1/namespaces/default/pods";
const post = async (path: string, body: object) => await cluster.call(path, { method: "POST", body });
async function addNode(name: string, cpu: string): Promise<void> {
  const conditions = [{ type: "Ready", status: "True", reason: "KubeletReady", message: "" }];
  const status = { allocatable: { cpu, memory: "8Gi", pods: "110" }, conditions };
  await post("/api/v1/nodes", { metadata: { name }, status });
}
const pod = (name: string, cpu: string, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: "c", image: "c:1", resources: { requests: { cpu } } }], ...spec },
});
const podOf = async (name: string) => (await cluster.call(`${PODS}/${name}`)).body as Pod;
const allPods = async () => ((await cluster.call(PODS)).body as unknown as { items: Pod[] }).items;

test("two copies at once never fill a node twice", { timeout: 60_000 }, async () => {
  for (let at = 0; at < 4; at++) await addNode(`n${at}`, "10");
  start();
  start();
  await Promise.all(Array.from({ length: 50 }, async (_, at) => await post(PODS, pod(`p${at}`, "1"))));
  await eventually(
    async () => {
      expect((await allPods()).filter(({ spec }) => spec.nodeName).length).toBe(40);
    },
    { withinMs: 45_000 },
  );
  const perNode = new Map<string, number>();
  for (const { spec } of await allPods()) {
    if (spec.nodeName) perNode.set(spec.nodeName, (perNode.get(spec.nodeName) ?? 0) + 1);
  }
  expect([...perNode.values()]).toEqual([10, 10, 10, 10]);
});

test("a binding of a copy that was replaced is refused, and its fence is not left on the pod", async () => {
  await addNode("n", "10");
  const lease = await post("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", {
    metadata: { name: "kube-scheduler" },
  });
  const revision = lease.body.metadata.resourceVersion ?? "";
  const binding = (name: string, fence: string) =>
    post(`${PODS}/${name}/binding`, {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, annotations: { "scheduling.gantry.dev/lease": fence } },
      target: { kind: "Node", name: "n" },
    });
  await post(PODS, pod("a", "1"));
  await post(PODS, pod("b", "1"));
  const at = "kube-system/kube-scheduler";
  expect((await binding("a", `${at}/${revision}`)).status).toBe(201);
  expect((await podOf("a")).metadata.annotations ?? {}).toEqual({});
  const spec = { holderIdentity: "another" };
  await cluster.call("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler", {
    method: "PUT",
    body: { ...lease.body, spec },
  });
  expect((await binding("b", `${at}/${revision}`)).status).toBe(409);
  expect((await binding("b", "nonsense")).status).toBe(422);
  expect((await podOf("b")).spec.nodeName).toBeUndefined();
});

test("a more important pod makes a less important one go, which says why", { timeout: 30_000 }, async () => {
  const priority = (name: string, value: number) =>
    post("/apis/scheduling.k8s.io/v1/priorityclasses", { metadata: { name }, value });
  await priority("low", 1);
  await priority("high", 1_000);
  await addNode("n", "2");
  start();
  await post(PODS, pod("victim", "2", { priorityClassName: "low" }));
  await eventually(async () => expect((await podOf("victim")).spec.nodeName).toBe("n"));
  await post(PODS, pod("vip", "2", { priorityClassName: "high" }));
  await eventually(async () => {
    const victim = await podOf("victim");
    const said = victim.status?.conditions?.find(({ type }) => type === "DisruptionTarget");
    expect(said).toMatchObject({ status: "True", reason: "PreemptionByScheduler" });
    expect(victim.metadata.deletionTimestamp).toBeDefined();
    expect((await podOf("vip")).status?.nominatedNodeName).toBe("n");
  });
  await cluster.call(`${PODS}/victim?gracePeriodSeconds=0`, { method: "DELETE" });
  await eventually(async () => expect((await podOf("vip")).spec.nodeName).toBe("n"), { withinMs: 20_000 });
  expect((await podOf("vip")).status?.nominatedNodeName).toBeUndefined();
});

test("gates hold a pod back until the last of them is gone", { timeout: 30_000 }, async () => {
  await addNode("n", "2");
  start();
  await post(PODS, pod("gated", "1", { schedulingGates: [{ name: "example.com/wait" }] }));
  await post(PODS, pod("free", "1"));
  await eventually(async () => expect((await podOf("free")).spec.nodeName).toBe("n"));
  const gated = await podOf("gated");
  expect(gated.spec.nodeName).toBeUndefined();
  const { schedulingGates: _gates, ...spec } = gated.spec;
  const changed = await cluster.call(`${PODS}/gated`, { method: "PUT", body: { ...gated, spec } });
  expect(changed.status, changed.text).toBe(200);
  await eventually(async () => expect((await podOf("gated")).spec.nodeName).toBe("n"));
});
