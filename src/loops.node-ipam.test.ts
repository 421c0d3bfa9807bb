/** Networks of nodes over the real API and log: who gets one, who waits, and what two copies of the loops do to each other. */
import { afterEach, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../test/harness/cluster.ts";
import { eventually } from "../test/harness/eventually.ts";
import type { Client } from "./client/client.ts";
import type { ClusterConfig } from "./cluster.ts";
import { events, type CoreEvent } from "./kinds/core/events/types.ts";
import { nodes, type Node } from "./kinds/core/nodes/types.ts";
import { createLoops } from "./loops.ts";

let cluster: TestCluster;
let client: Client;
const undo: (() => Promise<void>)[] = [];
const soon = <T>(attempt: () => Promise<T>) => eventually(attempt, { withinMs: 10_000, everyMs: 20 });

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function start(config: Partial<ClusterConfig>): Promise<void> {
  cluster = await createTestCluster({ config });
  undo.push(() => cluster.stop());
  client = cluster.app.clientFor({ name: "admin", groups: ["system:masters"] });
}

function startLoops(): void {
  const loops = createLoops({ cluster: cluster.cluster, app: cluster.app });
  loops.start();
  undo.push(() => loops.stop());
}

const addNode = (name: string, podCIDR?: string) =>
  client.create<Node>(nodes, {
    metadata: { name },
    spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
  });

async function networks(): Promise<Record<string, string>> {
  const { items } = await client.list<Node>(nodes);
  return Object.fromEntries(items.map(({ metadata, spec }) => [metadata.name ?? "", spec.podCIDR ?? ""]));
}

const TWO = { podCidr: "10.244.0.0/23", nodePodCidrBits: 24 };

test("when none is left the node is told and goes on without, until one is given back", async () => {
  await start(TWO);
  await addNode("a", "10.244.1.0/24");
  startLoops();
  await addNode("b");
  await soon(async () => expect(await networks()).toMatchObject({ b: "10.244.0.0/24" }));
  await addNode("c");
  const told = await soon(async () => {
    const { items } = await client.list<CoreEvent>(events, { namespace: "default" });
    const found = items.filter(({ reason }) => reason === "CIDRNotAvailable");
    expect(found).toHaveLength(1);
    return found[0];
  });
  expect(told).toMatchObject({
    involvedObject: { kind: "Node", name: "c" },
    type: "Normal",
    message: "Node c status is now: CIDRNotAvailable",
    source: { component: "cidrAllocator" },
  });
  // What else is done for a node does not wait for its network.
  await soon(async () => {
    const { spec } = await client.get<Node>(nodes, { name: "c" });
    expect(spec.taints?.map(({ key }) => key)).toEqual(["node.kubernetes.io/not-ready"]);
  });
  expect(await networks()).toEqual({ a: "10.244.1.0/24", b: "10.244.0.0/24", c: "" });
  await client.delete(nodes, { name: "a" });
  await soon(async () => expect(await networks()).toEqual({ b: "10.244.0.0/24", c: "10.244.1.0/24" }));
});

test("two copies of the loops never give one network to two nodes", async () => {
  await start({ podCidr: "10.244.0.0/18", nodePodCidrBits: 24 });
  startLoops();
  startLoops();
  const names = Array.from({ length: 60 }, (_, at) => `n${at}`);
  await Promise.all(names.map((name) => addNode(name)));
  await soon(async () => expect(Object.values(await networks())).not.toContain(""));
  expect(new Set(Object.values(await networks())).size).toBe(60);
});

test("of twenty that are given one network at once by as many writers one gets it", async () => {
  await start(TWO);
  const names = Array.from({ length: 20 }, (_, at) => `n${at}`);
  await Promise.all(names.map((name) => addNode(name)));
  const spec = { podCIDR: "10.244.0.0/24", podCIDRs: ["10.244.0.0/24"] };
  const ends = await Promise.allSettled(names.map((name) => client.patch(nodes, { name }, "merge", { spec })));
  expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(Object.values(await networks()).filter((podCIDR) => podCIDR !== "")).toEqual(["10.244.0.0/24"]);
});

test("the store refuses what another node has, and lets be what nodes came with", async () => {
  await start(TWO);
  await addNode("a", "10.244.0.0/24");
  await addNode("b", "10.244.0.0/24");
  await addNode("c");
  const give = (podCIDR: string) =>
    client.patch(nodes, { name: "c" }, "merge", { spec: { podCIDR, podCIDRs: [podCIDR] } });
  await expect(give("10.244.0.0/24")).rejects.toMatchObject({
    reason: "Conflict",
    message: `Operation cannot be fulfilled on nodes "c": 10.244.0.0/24 is another node's`,
  });
  await client.delete(nodes, { name: "a" });
  await expect(give("10.244.0.0/24")).rejects.toMatchObject({ reason: "Conflict" });
  await client.delete(nodes, { name: "b" });
  await give("10.244.0.0/24");
  // Written again with the network that it has, it is compared with nobody.
  await client.patch(nodes, { name: "c" }, "merge", { metadata: { labels: { zone: "x" } } });
  expect(await networks()).toEqual({ c: "10.244.0.0/24" });
});
