import { describe, expect, test } from "vitest";
import type { NodeAffinity, NodeSelectorTerm, PodSpec } from "../../kinds/core/pods/types.ts";
import { createNodeAffinity } from "./node-affinity.ts";
import { labelled, refusals, scores } from "./plugins.fixture.ts";

const plugin = createNodeAffinity();
const NO = "node(s) didn't match Pod's node affinity/selector";
const nodes = [labelled("a", { zone: "x", disk: "ssd" }), labelled("b", { zone: "y" })];
const requiring = (...nodeSelectorTerms: NodeSelectorTerm[]): Partial<PodSpec> => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});
const zone = (...values: string[]): NodeSelectorTerm => ({
  matchExpressions: [{ key: "zone", operator: "In", values }],
});
const named = (...values: string[]): NodeSelectorTerm => ({
  matchFields: [{ key: "metadata.name", operator: "In", values }],
});

describe("a pod may run", () => {
  test.each<[string, Partial<PodSpec>, ReturnType<typeof refusals>]>([
    ["anywhere", {}, { a: "", b: "" }],
    ["where its selector matches", { nodeSelector: { disk: "ssd" } }, { a: "", b: NO }],
    ["where one of its terms matches", requiring(zone("x"), zone("y")), { a: "", b: "" }],
    ["where selector and terms match", { ...requiring(zone("y")), nodeSelector: { disk: "ssd" } }, { a: NO, b: NO }],
    ["nowhere, by an empty term", requiring({}), { a: NO, b: NO }],
    [
      "on the node that it names",
      requiring(named("b")),
      { a: "node(s) didn't satisfy plugin(s) [NodeAffinity]", b: "" },
    ],
    [
      "nowhere, where the node is gone",
      requiring(named("gone")),
      {
        a: "node(s) didn't satisfy plugin(s) [NodeAffinity]",
        b: "node(s) didn't satisfy plugin(s) [NodeAffinity]",
      },
    ],
    [
      "nowhere, by names that contradict each other",
      requiring({ matchFields: [...(named("a").matchFields ?? []), ...(named("b").matchFields ?? [])] }),
      "pod affinity terms conflict",
    ],
    ["nowhere, by a selector of a property of all objects", { nodeSelector: { constructor: "x" } }, { a: NO, b: NO }],
  ])("%s", (_, pod, expected) => {
    expect(refusals(plugin, { nodes, pod })).toEqual(expected);
  });
});

const preferring = (weight: number, preference: NodeSelectorTerm): NodeAffinity => ({
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight, preference }],
});

test("weights of what it prefers add up, and the best is 100", () => {
  const preferred = [
    ...(preferring(60, zone("x")).preferredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(preferring(20, zone("y")).preferredDuringSchedulingIgnoredDuringExecution ?? []),
  ];
  const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } };
  expect(scores(plugin, { nodes, pod: { affinity } })).toEqual({ a: 100, b: 33 });
});

test("what the profile adds holds for every pod", () => {
  const added = createNodeAffinity({
    addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [zone("x")] } },
  });
  expect(refusals(added, { nodes })).toEqual({ a: "", b: "node(s) didn't match scheduler-enforced node affinity" });
});
