import { expect, test } from "vitest";
import { createNodeResourcesBalancedAllocation } from "./node-resources-balanced-allocation.ts";
import { asking, placed, scores, sized } from "./plugins.fixture.ts";

const plugin = createNodeResourcesBalancedAllocation();
const nodes = [sized("a", { cpu: "4", memory: "4Gi" })];

test.each<[string, Record<string, string> | undefined, Record<string, string>, number]>([
  ["as even as before", undefined, { cpu: "1", memory: "1Gi" }, 75],
  ["less even", undefined, { cpu: "4", memory: "0" }, 50],
  ["more even", { cpu: "4", memory: "0" }, { cpu: "0", memory: "4Gi" }, 100],
  ["nothing to say of pods that ask for nothing", undefined, {}, 0],
])("%s", (_, there, requests, expected) => {
  const pods = there ? [placed("x", "a", {}, asking(there))] : [];
  expect(scores(plugin, { nodes, pods, pod: asking(requests) })).toEqual({ a: expected });
});
