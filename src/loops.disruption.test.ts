/** Disruption budgets over the real API, hub and log: what the controller counts, evictions go by. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../test/harness/cluster.ts";
import { createFakeKubelets, type FakeKubelets } from "../test/harness/fake-kubelets.ts";
import type { Client } from "./client/client.ts";
import { deployments, type Deployment } from "./kinds/apps/deployments/types.ts";
import { events, type CoreEvent } from "./kinds/core/events/types.ts";
import { pods, type Pod } from "./kinds/core/pods/types.ts";
import {
  flowSchemas,
  priorityLevelConfigurations,
  type FlowSchema,
  type PriorityLevelConfiguration,
} from "./kinds/flowcontrol/types.ts";
import { podDisruptionBudgets, type PodDisruptionBudget } from "./kinds/policy/poddisruptionbudgets/types.ts";
import { createLoops, type Loops } from "./loops.ts";
import { isStatusError } from "./machinery/status-error.ts";

let cluster: TestCluster;
let client: Client;
let kubelets: FakeKubelets;
let loops: Loops;
let aheadMs = 0;
const now = (): number => Date.now() + aheadMs;
const at = (name: string) => ({ namespace: "default", name });

beforeEach(async () => {
  aheadMs = 0;
  // Fake kubelets renew no leases; nothing here is about lost nodes.
  cluster = await createTestCluster({ platform: { clock: { now } }, config: { nodeMonitorGraceMs: 3_600_000 } });
  client = cluster.app.clientFor({ name: "admin", groups: ["system:masters"] });
  kubelets = createFakeKubelets({ client, now });
  await kubelets.addNode("n1", { pods: "200" });
  loops = createLoops({ cluster: cluster.cluster, app: cluster.app });
});
afterEach(async () => {
  await loops.stop();
  await cluster.stop();
});

/** As on Workers: until nothing is written any more. */
async function rest(): Promise<void> {
  for (let round = 0; round < 60; round++) {
    const before = await cluster.storage.revision();
    await loops.runOnce({ deadline: now() + 20_000 });
    const steps = await kubelets.step();
    if (steps === 0 && (await cluster.storage.revision()) === before) return;
  }
  throw new Error("the loops never come to rest");
}

async function deploy(replicas: number): Promise<void> {
  await client.create<Deployment>(deployments, {
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "web:1" }] } },
    },
  });
}

async function protect(spec: PodDisruptionBudget["spec"]): Promise<void> {
  const metadata = { name: "web", namespace: "default" };
  const selector = { matchLabels: { app: "web" } };
  await client.create<PodDisruptionBudget>(podDisruptionBudgets, { metadata, spec: { selector, ...spec } });
}

const budget = async () => await client.get<PodDisruptionBudget>(podDisruptionBudgets, at("web"));
const podNames = async () =>
  (await client.list<Pod>(pods, { namespace: "default" })).items.map(({ metadata }) => metadata.name ?? "");

/** "evicted", or the reason of the refusal. */
async function evict(name: string): Promise<string> {
  const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: "default" } };
  try {
    await client.createSubresource(pods, at(name), "eviction", body);
    return "evicted";
  } catch (error) {
    if (isStatusError(error, "TooManyRequests")) return error.reason;
    throw error;
  }
}

test("a budget follows its pods, and one eviction waits for the other", { timeout: 30_000 }, async () => {
  await deploy(3);
  await protect({ maxUnavailable: 1 });
  await rest();
  const { status, metadata } = await budget();
  expect(status).toMatchObject({
    observedGeneration: metadata.generation,
    expectedPods: 3,
    desiredHealthy: 2,
    currentHealthy: 3,
    disruptionsAllowed: 1,
    conditions: [{ type: "DisruptionAllowed", status: "True", reason: "SufficientPods" }],
  });
  const [first = "", second = ""] = await podNames();
  expect(await evict(first)).toBe("evicted");
  expect((await client.get<Pod>(pods, at(first))).status?.conditions).toContainEqual(
    expect.objectContaining({ type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" }),
  );
  expect(await evict(second)).toBe("TooManyRequests");
  await rest();
  const later = await budget();
  expect(later.status).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 1 });
  expect(later.status?.disruptedPods ?? {}).toEqual({});
  expect(await evict(second)).toBe("evicted");
});

test("64 evictions at once never exceed the budget", { timeout: 60_000 }, async () => {
  await deploy(64);
  await protect({ minAvailable: "50%" });
  await rest();
  const names = await podNames();
  expect(names).toHaveLength(64);
  const said = await Promise.all(names.map(evict));
  expect(said.filter((one) => one === "evicted")).toHaveLength(32);
  const { status } = await budget();
  expect(status?.disruptionsAllowed).toBe(0);
  expect(Object.keys(status?.disruptedPods ?? {})).toHaveLength(32);
  expect(status?.conditions).toMatchObject([{ status: "False", reason: "InsufficientPods" }]);
});

test("a pod that was let go and stays counts again, and is no target any more", { timeout: 30_000 }, async () => {
  await deploy(2);
  await protect({ maxUnavailable: 1 });
  await rest();
  const [name = ""] = await podNames();
  const nowText = new Date(now()).toISOString().replace(/\.\d+Z/, "Z");
  const target = {
    type: "DisruptionTarget",
    status: "True",
    reason: "EvictionByEvictionAPI",
    lastTransitionTime: nowText,
  };
  await client.patch(pods, at(name), "strategic", { status: { conditions: [target] } }, "status");
  const disrupted = { disruptionsAllowed: 0, disruptedPods: { [name]: nowText } };
  await client.patch(podDisruptionBudgets, at("web"), "merge", { status: disrupted }, "status");
  await rest();
  expect((await budget()).status).toMatchObject({ currentHealthy: 1, ...disrupted });
  aheadMs = 121_000;
  await rest();
  const { status } = await budget();
  expect(status).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 1 });
  expect(status?.disruptedPods).toBeUndefined();
  const conditions = (await client.get<Pod>(pods, at(name))).status?.conditions ?? [];
  const [pardoned] = conditions.filter(({ type }) => type === "DisruptionTarget");
  expect(pardoned).toMatchObject({ status: "False" });
  expect(pardoned).not.toHaveProperty("reason");
});

function bare(name: string, ownerReferences: NonNullable<Pod["metadata"]["ownerReferences"]>): Pod {
  return {
    metadata: { name, namespace: "default", labels: { app: "web" }, ownerReferences },
    spec: { containers: [{ name: "c", image: "i" }] },
  };
}

test("pods whose manager has no scale, and pods without one", { timeout: 30_000 }, async () => {
  const owner = { apiVersion: "batch/v1", kind: "Job", name: "j", uid: "u", controller: true };
  await protect({ maxUnavailable: 1 });
  await rest();
  expect((await budget()).status).toMatchObject({ expectedPods: 0, disruptionsAllowed: 0 });
  await client.create(pods, bare("alone", []));
  await rest();
  expect((await budget()).status).toMatchObject({ expectedPods: 0, currentHealthy: 1, disruptionsAllowed: 0 });
  // The garbage collector would remove it: the Job is made up. So it is looked at before that.
  await client.create(pods, bare("of-a-job", [owner]));
  await loops.runOnce({ deadline: now() + 20_000 });
  const { items } = await client.list<CoreEvent>(events, { namespace: "default" });
  expect(
    items.filter(({ involvedObject: { kind } }) => kind === "PodDisruptionBudget").map(({ reason }) => reason),
  ).toEqual(expect.arrayContaining(["NoPods", "CalculateExpectedPodCountFailed"]));
});

const LOW: PriorityLevelConfiguration = {
  metadata: { name: "low" },
  spec: { type: "Limited", limited: { limitResponse: { type: "Reject" } } },
};

test("a flow schema says whether its level exists", { timeout: 30_000 }, async () => {
  const dangling = async (name: string) =>
    (await client.get<FlowSchema>(flowSchemas, { name })).status?.conditions?.map(
      ({ status, reason }) => `${status} ${reason}`,
    );
  await client.create<FlowSchema>(flowSchemas, {
    metadata: { name: "mine" },
    spec: { priorityLevelConfiguration: { name: "low" }, matchingPrecedence: 500, rules: [] },
  });
  await rest();
  expect(await dangling("mine")).toEqual(["True NotFound"]);
  expect(await dangling("global-default")).toEqual(["False Found"]);
  await client.create(priorityLevelConfigurations, LOW);
  await rest();
  expect(await dangling("mine")).toEqual(["False Found"]);
  await client.delete(priorityLevelConfigurations, { name: "low" });
  await rest();
  expect(await dangling("mine")).toEqual(["True NotFound"]);
});
