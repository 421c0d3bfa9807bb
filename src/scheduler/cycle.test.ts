import { describe, expect, test } from "vitest";
import { node, pod, type PodParts } from "../controller-runtime/views.fixture.ts";
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { Affinity, NodeSelectorTerm, Taint } from "../kinds/core/pods/types.ts";
import { feasibleMax, schedulePod } from "./cycle.ts";
import { createDiagnosis } from "./diagnosis.ts";
import { createProfile } from "./plugins/index.ts";
import { matchesTerm } from "./plugins/node-affinity.ts";
import { createSnapshot } from "./snapshot.ts";

function snapshotOf(nodes: readonly NodeView[], pods: readonly PodView[] = []) {
  const snapshot = createSnapshot();
  for (const one of nodes) snapshot.setNode(one);
  for (const one of pods) snapshot.setPod(one);
  return snapshot;
}

function decideOn(nodes: readonly NodeView[], parts: PodParts = {}, pods: readonly PodView[] = []) {
  const waiting = pod("waiting", { phase: "Pending", ready: false, ...parts });
  return schedulePod(snapshotOf(nodes, pods), waiting, createProfile(), { fraction: () => 0 });
}

const asking = (cpu: string, memory = "1Mi"): PodParts => ({
  spec: { containers: [{ name: "c", resources: { requests: { cpu, memory } } }] },
});
const sized = (name: string, cpu: string, memory = "8Gi", pods = "110") =>
  node(name, { status: { allocatable: { cpu, memory, pods } } });
const tainted = (name: string, ...taints: Taint[]) => node(name, { spec: { taints } });
const gpu: Taint = { key: "gpu", value: "yes", effect: "NoSchedule" };
const port = (hostPort: number, hostIP?: string): PodParts => ({
  spec: { containers: [{ name: "c", ports: [{ containerPort: 1, hostPort, ...(hostIP ? { hostIP } : {}) }] }] },
});

describe("why not, in Kubernetes' words", () => {
  test.each<[string, NodeView[], PodParts, PodView[], string]>([
    ["no nodes", [], {}, [], "no nodes available to schedule pods"],
    [
      "too small",
      [sized("a", "1"), sized("b", "2", "1Ki")],
      asking("3", "1Mi"),
      [],
      "0/2 nodes are available: 1 Insufficient memory, 2 Insufficient cpu.",
    ],
    [
      "full of pods",
      [sized("a", "4", "8Gi", "1")],
      {},
      [pod("x", { node: "a" })],
      "0/1 nodes are available: 1 Too many pods.",
    ],
    [
      "taken",
      [sized("a", "2")],
      asking("1500m"),
      [pod("x", { node: "a", ...asking("600m") })],
      "0/1 nodes are available: 1 Insufficient cpu.",
    ],
    [
      "something rare",
      [sized("a", "2")],
      { spec: { containers: [{ name: "c", resources: { requests: { "example.com/gpu": "1" } } }] } },
      [],
      "0/1 nodes are available: 1 Insufficient example.com/gpu.",
    ],
    [
      "tainted",
      [tainted("a", gpu), tainted("b", gpu), tainted("c", { key: "x", effect: "NoExecute" })],
      {},
      [],
      "0/3 nodes are available: 3 node(s) had untolerated taint(s).",
    ],
    [
      "cordoned",
      [node("a", { spec: { unschedulable: true } })],
      {},
      [],
      "0/1 nodes are available: 1 node(s) were unschedulable.",
    ],
    [
      "another node is selected",
      [node("a")],
      { spec: { containers: [], nodeSelector: { disk: "ssd" } } },
      [],
      "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    ],
    [
      "its port is taken",
      [node("a")],
      port(80),
      [pod("x", { node: "a", ...port(80, "10.0.0.1") })],
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    ],
  ])("%s", (_name, nodes, parts, pods, message) => {
    expect(decideOn(nodes, parts, pods)).toMatchObject({ node: undefined, message });
  });
});

const preferring = (weight: number, key: string): Affinity => ({
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      { weight, preference: { matchExpressions: [{ key, operator: "Exists" }] } },
    ],
  },
});

const zone = (...values: string[]): NodeSelectorTerm => ({
  matchExpressions: [{ key: "zone", operator: "In", values }],
});

describe("where", () => {
  test.each<[string, NodeView[], PodParts, PodView[], string]>([
    ["the only one that fits", [sized("a", "1"), sized("b", "4")], asking("2"), [], "b"],
    [
      "the emptier one",
      [sized("a", "4"), sized("b", "4")],
      asking("1"),
      [pod("x", { node: "a", ...asking("2") })],
      "b",
    ],
    ["pods that ask for nothing count too", [sized("a", "4"), sized("b", "4")], {}, [pod("x", { node: "a" })], "b"],
    [
      "finished pods do not",
      [sized("a", "1"), tainted("b", gpu)],
      asking("1"),
      [pod("x", { node: "a", phase: "Succeeded", ...asking("1") })],
      "a",
    ],
    [
      "the balanced one of equals",
      [sized("a", "4", "8Gi"), sized("b", "8", "16Gi")],
      asking("2", "4Gi"),
      [pod("x", { node: "b", ...asking("6", "0") })],
      "a",
    ],
    [
      "a tolerated taint",
      [tainted("a", gpu)],
      { spec: { containers: [], tolerations: [{ key: "gpu", operator: "Exists" }] } },
      [],
      "a",
    ],
    ["rather without PreferNoSchedule", [tainted("a", { ...gpu, effect: "PreferNoSchedule" }), node("b")], {}, [], "b"],
    [
      "a preferred label",
      [node("a"), node("b", { meta: { labels: { fast: "" } } })],
      { spec: { containers: [], affinity: preferring(10, "fast") } },
      [],
      "b",
    ],
    [
      "another address' port is free",
      [node("a")],
      port(80, "10.0.0.2"),
      [pod("x", { node: "a", ...port(80, "10.0.0.1") })],
      "a",
    ],
    [
      "a cordoned one for who tolerates it",
      [node("a", { spec: { unschedulable: true } })],
      { spec: { containers: [], tolerations: [{ operator: "Exists" }] } },
      [],
      "a",
    ],
  ])("%s", (_name, nodes, parts, pods, expected) => {
    expect(decideOn(nodes, parts, pods)).toMatchObject({ node: expected });
  });

  test("required terms are ORed, and with the node selector ANDed", () => {
    const affinity: Affinity = {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [zone("x"), zone("y")] } },
    };
    const nodes = [
      node("a", { meta: { labels: { zone: "x" } } }),
      node("b", { meta: { labels: { zone: "y", disk: "ssd" } } }),
      node("c", { meta: { labels: { zone: "z", disk: "ssd" } } }),
    ];
    const spec = { containers: [], affinity, nodeSelector: { disk: "ssd" } };
    expect(decideOn(nodes, { spec })).toMatchObject({ node: "b" });
  });
});

test.each<[string, NodeSelectorTerm, boolean]>([
  ["an empty term matches nothing", {}, false],
  ["In", { matchExpressions: [{ key: "zone", operator: "In", values: ["x", "y"] }] }, true],
  ["NotIn of a label that is absent", { matchExpressions: [{ key: "no", operator: "NotIn", values: ["x"] }] }, true],
  ["DoesNotExist", { matchExpressions: [{ key: "zone", operator: "DoesNotExist" }] }, false],
  ["Gt", { matchExpressions: [{ key: "cores", operator: "Gt", values: ["7"] }] }, true],
  ["Lt", { matchExpressions: [{ key: "cores", operator: "Lt", values: ["8"] }] }, false],
  ["Gt of no number", { matchExpressions: [{ key: "zone", operator: "Gt", values: ["1"] }] }, false],
  ["by name", { matchFields: [{ key: "metadata.name", operator: "In", values: ["a"] }] }, true],
  [
    "both must hold",
    {
      matchExpressions: [{ key: "zone", operator: "Exists" }],
      matchFields: [{ key: "metadata.name", operator: "In", values: ["b"] }],
    },
    false,
  ],
])("node selector term: %s", (_name, term, expected) => {
  expect(matchesTerm(term, node("a", { meta: { labels: { zone: "x", cores: "8" } } }))).toBe(expected);
});

test("in large clusters not all nodes are looked at", () => {
  expect([1, 99, 100, 1_000, 5_000].map((count) => feasibleMax(count))).toEqual([1, 99, 100, 420, 500]);
});

test("reasons are sorted as text", () => {
  const diagnosis = createDiagnosis();
  diagnosis.add(["Too many pods"], 10);
  diagnosis.add(["Insufficient cpu"], 2);
  expect(diagnosis.message(12)).toBe("0/12 nodes are available: 10 Too many pods, 2 Insufficient cpu.");
});

const taken = (snapshot: ReturnType<typeof createSnapshot>) =>
  [...snapshot.cluster.nodes.slotOf].map(([name, slot]) => {
    const { podCount, requestedCpu } = snapshot.cluster.nodes;
    return [name, podCount[slot], requestedCpu[slot]];
  });

describe("the snapshot", () => {
  const waiting = pod("p", { phase: "Pending", ...asking("1") });

  test("an assumed pod counts until the API shows where it is, and its old state does not undo it", () => {
    const snapshot = snapshotOf([node("a"), node("b")]);
    snapshot.assume(waiting, "a");
    snapshot.setPod(waiting);
    expect(taken(snapshot)).toEqual([
      ["a", 1, 1000],
      ["b", 0, 0],
    ]);
    snapshot.setPod(pod("p", { node: "b", ...asking("1") }));
    expect(taken(snapshot)).toEqual([
      ["a", 0, 0],
      ["b", 1, 1000],
    ]);
    expect(snapshot.isAssumed(waiting.metadata.uid)).toBe(false);
  });

  test("a binding that failed gives back what it took; one that the API has shown since is not forgotten", () => {
    const snapshot = snapshotOf([node("a")]);
    snapshot.assume(waiting, "a");
    snapshot.forget(waiting.metadata.uid);
    expect(taken(snapshot)).toEqual([["a", 0, 0]]);
    snapshot.assume(waiting, "a");
    snapshot.setPod(pod("p", { node: "a", ...asking("1") }));
    snapshot.forget(waiting.metadata.uid);
    expect(taken(snapshot)).toEqual([["a", 1, 1000]]);
  });

  test("pods of a node that is not known yet count once it is; a node that goes takes them along and brings them back", () => {
    const snapshot = snapshotOf([], [pod("x", { node: "a", ...asking("2") })]);
    expect(taken(snapshot)).toEqual([]);
    snapshot.setNode(node("a"));
    expect(taken(snapshot)).toEqual([["a", 1, 2000]]);
    snapshot.removeNode("a");
    expect(taken(snapshot)).toEqual([]);
    snapshot.setNode(node("a"));
    snapshot.removePod("uid-x");
    expect(taken(snapshot)).toEqual([["a", 0, 0]]);
  });
});
