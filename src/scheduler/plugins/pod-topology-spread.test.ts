import { describe, expect, test } from "vitest";
import { metaOf, node } from "../../controller-runtime/views.fixture.ts";
import type { TopologySpreadConstraint } from "../../kinds/core/pods/types.ts";
import { labelled, placed, refusals, scores, type Scene } from "./plugins.fixture.ts";
import { createPodTopologySpread } from "./pod-topology-spread.ts";

const plugin = createPodTopologySpread();
const SKEW = "node(s) didn't match pod topology spread constraints";
const ZONE = "topology.kubernetes.io/zone";
const web = { app: "web" };
const nodes = [
  labelled("a1", { [ZONE]: "a" }),
  labelled("a2", { [ZONE]: "a" }),
  labelled("b1", { [ZONE]: "b" }),
  labelled("none"),
];
const hard = (more: Partial<TopologySpreadConstraint> = {}): TopologySpreadConstraint => ({
  maxSkew: 1,
  topologyKey: ZONE,
  whenUnsatisfiable: "DoNotSchedule",
  labelSelector: { matchLabels: web },
  ...more,
});
const inA = (count: number) => Array.from({ length: count }, (_, at) => placed(`a-${at}`, "a1", web));
const NO_ZONE = `${SKEW} (missing required label)`;

describe("where it must not run", () => {
  test.each<[string, Partial<TopologySpreadConstraint>, Omit<Scene, "nodes">, string, string]>([
    ["nowhere, with no pods", {}, {}, "", ""],
    ["where its own coming skews", {}, { pods: inA(1) }, SKEW, ""],
    ["a skew that is allowed", { maxSkew: 2 }, { pods: inA(1) }, "", ""],
    ["pods that the selector does not match", {}, { pods: [placed("x", "a1", { app: "db" })] }, "", ""],
    ["fewer domains than wanted", { minDomains: 3 }, { pods: [...inA(1), placed("b", "b1", web)] }, SKEW, SKEW],
    ["as many domains as wanted", { minDomains: 2 }, { pods: [...inA(1), placed("b", "b1", web)] }, "", ""],
    [
      "nodes that the pod does not want do not count",
      {},
      { pods: inA(1), pod: { nodeSelector: { [ZONE]: "a" } } },
      "",
      "",
    ],
    [
      "or do, where the policy says so",
      { nodeAffinityPolicy: "Ignore" },
      { pods: inA(1), pod: { nodeSelector: { [ZONE]: "a" } } },
      SKEW,
      "",
    ],
    ["pods with other values of labels that must match", { matchLabelKeys: ["version"] }, { pods: inA(3) }, "", ""],
    ["a selector without requirements counts nothing", { labelSelector: {} }, { pods: inA(3) }, "", ""],
  ])("%s", (_, constraint, scene, a, b) => {
    const pod = { ...scene.pod, topologySpreadConstraints: [hard(constraint)] };
    const meta = { labels: { ...web, version: "2" } };
    expect(refusals(plugin, { ...scene, nodes, pod, meta })).toEqual({ a1: a, a2: a, b1: b, none: NO_ZONE });
  });

  test("pods on their way out do not count, tainted nodes do unless the policy says otherwise", () => {
    const meta = { labels: web };
    const going = { ...placed("x", "a1", web) };
    going.metadata = { ...going.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
    const pod = { topologySpreadConstraints: [hard()] };
    expect(refusals(plugin, { nodes: nodes.slice(0, 3), pods: [going], pod, meta })).toMatchObject({ a1: "", b1: "" });
    const tainted = node("c", {
      meta: { labels: { [ZONE]: "c" } },
      spec: { taints: [{ key: "x", effect: "NoSchedule" }] },
    });
    const full = { nodes: [...nodes.slice(0, 3), tainted], pods: [...inA(1), placed("b", "b1", web)], meta };
    expect(refusals(plugin, { ...full, pod })).toMatchObject({ a1: SKEW, b1: SKEW, c: "" });
    const honoring = { topologySpreadConstraints: [hard({ nodeTaintsPolicy: "Honor" })] };
    expect(refusals(plugin, { ...full, pod: honoring })).toMatchObject({ a1: "", b1: "" });
  });
});

describe("where it had better run", () => {
  const soft = hard({ whenUnsatisfiable: "ScheduleAnyway" });

  test("where fewer of its kind are; nodes without the key come last", () => {
    const scene = { nodes, pods: inA(2), pod: { topologySpreadConstraints: [soft] }, meta: { labels: web } };
    expect(scores(plugin, scene)).toEqual({ a1: 0, a2: 0, b1: 100, none: 0 });
  });

  test("what a Service selects is spread by default, over hosts and zones", () => {
    const scene: Scene = {
      nodes,
      pods: inA(1),
      meta: { labels: web },
      tables: (tables) => tables.services.set({ metadata: metaOf("s"), selector: { matchLabels: web } }),
    };
    const said = scores(plugin, scene);
    expect(said["a1"]).toBeLessThan(said["a2"] ?? 0);
    expect(said["a2"]).toBeLessThan(said["b1"] ?? 0);
    const { tables: _, ...unselected } = scene;
    expect(scores(plugin, unselected)).toEqual({ a1: 0, a2: 0, b1: 0, none: 0 });
    expect(scores(createPodTopologySpread({ defaults: [] }), scene)).toEqual({ a1: 0, a2: 0, b1: 0, none: 0 });
  });
});
