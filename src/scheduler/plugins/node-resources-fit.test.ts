import { describe, expect, test } from "vitest";
import { createNodeResourcesFit } from "./node-resources-fit.ts";
import { asking, evaluateWith, placed, refusals, scores, sized } from "./plugins.fixture.ts";

const plugin = createNodeResourcesFit();
const GPU = "example.com/gpu";

describe("what is missing", () => {
  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    ["nothing", { cpu: "1", memory: "1Gi" }, { cpu: "1", memory: "1Gi" }, ""],
    ["CPU", { cpu: "1", memory: "1Gi" }, { cpu: "1001m" }, "Insufficient cpu"],
    ["two things", { cpu: "1", memory: "1Gi" }, { cpu: "2", memory: "2Gi" }, "Insufficient cpu, Insufficient memory"],
    ["local storage", { "ephemeral-storage": "1Gi" }, { "ephemeral-storage": "2Gi" }, "Insufficient ephemeral-storage"],
    ["something rare", { cpu: "1" }, { [GPU]: "1" }, `Insufficient ${GPU}`],
    ["a place for the pod", { cpu: "1", pods: "0" }, {}, "Too many pods"],
    ["nothing, where zero is asked for", { cpu: "1" }, { cpu: "0", [GPU]: "0" }, ""],
    ["what nobody has so much of", { cpu: "1", memory: "8E" }, { memory: "100E" }, "Insufficient memory"],
  ])("%s", (_, allocatable, requests, expected) => {
    expect(refusals(plugin, { nodes: [sized("a", allocatable)], pod: asking(requests) })).toEqual({ a: expected });
  });

  test("preemption may help only where the node is large enough", () => {
    const nodes = [sized("small", { cpu: "1" }), sized("full", { cpu: "4" })];
    const pods = [placed("x", "full", {}, asking({ cpu: "3" }))];
    const said = evaluateWith(plugin, { nodes, pods, pod: asking({ cpu: "2" }) }).nodes;
    expect([said.get("small")?.refused?.unresolvable, said.get("full")?.refused?.unresolvable]).toEqual([true, false]);
  });

  test("more rare resources than there are bits for", () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`example.com/r${at}`, "1"]));
    expect(refusals(plugin, { nodes: [sized("a", { cpu: "1" })], pod: asking(many) })).not.toEqual({ a: "" });
    expect(refusals(plugin, { nodes: [sized("a", { cpu: "1", ...many })], pod: asking(many) })).toEqual({ a: "" });
  });
});

describe("which is better", () => {
  const nodes = [sized("empty", { cpu: "4", memory: "4Gi" }), sized("half", { cpu: "4", memory: "4Gi" })];
  const pods = [placed("x", "half", {}, asking({ cpu: "2", memory: "2Gi" }))];
  const pod = asking({ cpu: "1", memory: "1Gi" });
  const resources = [
    { name: "cpu", weight: 1 },
    { name: "memory", weight: 1 },
  ];

  test.each<[string, Parameters<typeof createNodeResourcesFit>[0], Record<string, number>]>([
    ["the emptier", {}, { empty: 75, half: 25 }],
    ["the fuller", { strategy: { type: "MostAllocated", resources } }, { empty: 25, half: 75 }],
    [
      "by a line",
      {
        strategy: {
          type: "RequestedToCapacityRatio",
          resources,
          shape: [
            { utilization: 0, score: 0 },
            { utilization: 50, score: 10 },
            { utilization: 100, score: 2 },
          ],
        },
      },
      { empty: 50, half: 60 },
    ],
  ])("%s", (_, options, expected) => {
    expect(scores(createNodeResourcesFit(options), { nodes, pods, pod })).toEqual(expected);
  });

  test("a pod that asks for nothing counts as asking for a little", () => {
    expect(scores(plugin, { nodes: [sized("a", { cpu: "1", memory: "400Mi" })] })).toEqual({ a: 70 });
  });
});
