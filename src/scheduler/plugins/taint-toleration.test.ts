import { describe, expect, test } from "vitest";
import { node } from "../../controller-runtime/views.fixture.ts";
import type { Taint, Toleration } from "../../kinds/core/pods/types.ts";
import { refusals, scores } from "./plugins.fixture.ts";
import { taintToleration } from "./taint-toleration.ts";

const UNTOLERATED = "node(s) had untolerated taint(s)";
const gpu: Taint = { key: "gpu", value: "yes", effect: "NoSchedule" };
const tainted = (name: string, ...taints: Taint[]) => node(name, { spec: { taints } });

const soft = (key: string): Taint => ({ key, effect: "PreferNoSchedule" });

describe("a node is refused", () => {
  test.each<[string, Taint[], Toleration[], string]>([
    ["without toleration", [gpu], [], UNTOLERATED],
    ["with an equal value", [gpu], [{ key: "gpu", value: "yes", effect: "NoSchedule" }], ""],
    ["with another value", [gpu], [{ key: "gpu", value: "no" }], UNTOLERATED],
    ["with any value", [gpu], [{ key: "gpu", operator: "Exists" }], ""],
    ["with every effect", [{ key: "gpu", effect: "NoExecute" }], [{ key: "gpu" }], ""],
    ["with one of two", [gpu, { key: "old", effect: "NoExecute" }], [{ key: "gpu", operator: "Exists" }], UNTOLERATED],
    ["by a preference", [{ key: "gpu", effect: "PreferNoSchedule" }], [], ""],
  ])("%s", (_, taints, tolerations, expected) => {
    expect(refusals(taintToleration, { nodes: [tainted("a", ...taints)], pod: { tolerations } })).toEqual({
      a: expected,
    });
  });
});

test("the fewer taints it would rather not have, the better", () => {
  const nodes = [tainted("none"), tainted("one", soft("x")), tainted("two", soft("x"), soft("y"))];
  expect(scores(taintToleration, { nodes })).toEqual({ none: 100, one: 50, two: 0 });
  const tolerations: Toleration[] = [{ key: "x", operator: "Exists" }];
  expect(scores(taintToleration, { nodes, pod: { tolerations } })).toEqual({ none: 100, one: 100, two: 0 });
});
