/** The reference itself: do random clusters reach every rule of it, and does it say what Kubernetes' documentation says? */
import { describe, expect, test } from "vitest";
import type { Node } from "../../src/kinds/core/nodes/types.ts";
import type { Pod, PodSpec } from "../../src/kinds/core/pods/types.ts";
import { createDice } from "../harness/seeded.ts";
import { randomCluster } from "./random-cluster.ts";
import { randomPod } from "./random-pod.ts";
import { EMPTY_CLUSTER, type ReferenceCluster } from "./reference/cluster.ts";
import { evaluateReference, explain, isRefusal } from "./reference/evaluate.ts";
import { bestCandidates, candidates } from "./reference/preemption.ts";

const SEEDS = 250;

test("random clusters reach every reason and every score", () => {
  const reasons = new Set<string>();
  const scored = new Map<string, Set<number>>();
  let preempting = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const dice = createDice(seed);
    const cluster = randomCluster(dice, { nodes: 8, pods: 14 });
    for (let at = 0; at < 4; at++) {
      const pod = randomPod(dice, `waiting-${at}`);
      const { refused, nodes } = evaluateReference(cluster, pod);
      for (const reason of refused?.reasons ?? []) reasons.add(reason.replaceAll(/"[^"]*"/g, "…"));
      for (const said of nodes.values()) {
        if (isRefusal(said)) for (const reason of said.reasons) reasons.add(reason);
        else for (const [plugin, score] of Object.entries(said.byPlugin)) scoresOf(scored, plugin).add(score);
      }
      if (candidates(cluster, pod).length > 0) preempting += 1;
    }
  }
  expect([...reasons].toSorted()).toEqual(expect.arrayContaining(REASONS));
  expect([...scored].filter(([, values]) => values.size < 3).map(([plugin]) => plugin)).toEqual([]);
  expect(preempting).toBeGreaterThan(20);
});

function scoresOf(scored: Map<string, Set<number>>, plugin: string): Set<number> {
  const known = scored.get(plugin) ?? new Set();
  scored.set(plugin, known);
  return known;
}

const REASONS = [
  "Insufficient cpu",
  "Insufficient ephemeral-storage",
  "Insufficient example.com/gpu",
  "Insufficient hugepages-2Mi",
  "Insufficient memory",
  "Too many pods",
  "node(s) did not have enough free storage",
  "node(s) didn't find available persistent volumes to bind",
  "node(s) didn't have free ports for the requested pod ports",
  "node(s) didn't match PersistentVolume's node affinity",
  "node(s) didn't match Pod's node affinity/selector",
  "node(s) didn't match pod affinity rules",
  "node(s) didn't match pod anti-affinity rules",
  "node(s) didn't match pod topology spread constraints",
  "node(s) didn't match pod topology spread constraints (missing required label)",
  "node(s) didn't match the requested node name",
  "node(s) didn't satisfy existing pods anti-affinity rules",
  "node(s) didn't satisfy plugin(s) [NodeAffinity]",
  "node(s) exceed max volume count",
  "node(s) had no available disk",
  "node(s) had no available volume zone",
  "node(s) had untolerated taint(s)",
  "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
  "node(s) were unschedulable",
  "persistentvolume … not found",
  "persistentvolumeclaim … bound to non-existent persistentvolume …",
  "persistentvolumeclaim … is being deleted",
  "persistentvolumeclaim … not found",
  "pod has unbound immediate PersistentVolumeClaims",
  "waiting for ephemeral volume controller to create the persistentvolumeclaim …",
];

const node = (name: string, zone: string, more: Partial<Node> = {}): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "kubernetes.io/hostname": name, zone } },
  spec: {},
  status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110" } },
  ...more,
});
const pod = (name: string, spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", uid: name, labels: { foo: "bar" } },
  spec: { containers: [{ name: "c" }], ...spec },
});
const clusterOf = (nodes: Node[], pods: Pod[] = []): ReferenceCluster => ({ ...EMPTY_CLUSTER, nodes, pods });
const fitting = (cluster: ReferenceCluster, waiting: Pod): string[] =>
  [...evaluateReference(cluster, waiting).nodes].filter(([, said]) => !isRefusal(said)).map(([name]) => name);

const spread = (topologyKey: string, more: object = {}): Partial<PodSpec> => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: { foo: "bar" } },
      ...more,
    },
  ],
});

/** The examples of kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints. */
describe("spreading, as the documentation draws it", () => {
  const nodes = [node("node1", "A"), node("node2", "A"), node("node3", "B"), node("node4", "B")];
  const three = [pod("p1", { nodeName: "node1" }), pod("p2", { nodeName: "node2" }), pod("p3", { nodeName: "node3" })];

  test("one constraint: only the zone with fewer", () => {
    expect(fitting(clusterOf(nodes, three), pod("p", spread("zone")))).toEqual(["node3", "node4"]);
  });
  test("maxSkew 2: both zones", () => {
    expect(fitting(clusterOf(nodes, three), pod("p", spread("zone", { maxSkew: 2 })))).toHaveLength(4);
  });
  test("two constraints: only the node that meets both", () => {
    const both = [spread("zone"), spread("kubernetes.io/hostname")].flatMap(
      ({ topologySpreadConstraints = [] }) => topologySpreadConstraints,
    );
    expect(fitting(clusterOf(nodes, three), pod("p", { topologySpreadConstraints: both }))).toEqual(["node4"]);
  });
  test("minDomains above the number of domains: at most maxSkew in each", () => {
    expect(fitting(clusterOf(nodes, three), pod("p", spread("zone", { minDomains: 3 })))).toEqual([]);
  });
});

test("a pod of a group that wants to be together starts it, and the next ones follow", () => {
  const together: Partial<PodSpec> = {
    affinity: {
      podAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: "zone", labelSelector: { matchLabels: { foo: "bar" } } },
        ],
      },
    },
  };
  const nodes = [node("node1", "A"), node("node2", "B")];
  expect(fitting(clusterOf(nodes), pod("first", together))).toEqual(["node1", "node2"]);
  const after = clusterOf(nodes, [pod("first", { ...together, nodeName: "node2" })]);
  expect(fitting(after, pod("second", together))).toEqual(["node2"]);
});

test("the message counts reasons", () => {
  const big = pod("big", { containers: [{ name: "c", resources: { requests: { cpu: "5" } } }] });
  const taints = [{ key: "a", effect: "NoSchedule" as const }];
  const cluster = clusterOf([node("node1", "A"), node("node2", "A", { spec: { taints } })]);
  expect(explain(cluster, evaluateReference(cluster, big))).toBe(
    "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).",
  );
});

test("preemption takes the fewest and least important, and spares what a budget keeps", () => {
  const sized = (name: string, nodeName: string, priority: number, cpu: string) =>
    pod(name, { nodeName, priority, containers: [{ name: "c", resources: { requests: { cpu } } }] });
  const pods = [sized("a", "node1", 5, "3"), sized("b", "node2", 1, "2"), sized("c", "node2", 1, "2")];
  const cluster = clusterOf([node("node1", "A"), node("node2", "A")], pods);
  const wanting = pod("w", { priority: 10, containers: [{ name: "c", resources: { requests: { cpu: "2" } } }] });
  const found = candidates(cluster, wanting);
  expect(found.map(({ node: name, victims }) => [name, victims.length])).toEqual([
    ["node1", 1],
    ["node2", 1],
  ]);
  expect(bestCandidates(found).map(({ node: name }) => name)).toEqual(["node2"]);
});
