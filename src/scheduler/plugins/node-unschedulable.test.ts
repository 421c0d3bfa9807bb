import { expect, test } from "vitest";
import { node } from "../../controller-runtime/views.fixture.ts";
import type { Toleration } from "../../kinds/core/pods/types.ts";
import { nodeUnschedulable } from "./node-unschedulable.ts";
import { refusals } from "./plugins.fixture.ts";

const CORDONED = "node(s) were unschedulable";

test.each<[string, Toleration[], string]>([
  ["no toleration", [], CORDONED],
  ["of its taint", [{ key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" }], ""],
  ["of everything", [{ operator: "Exists" }], ""],
  [
    "of another effect",
    [{ key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoExecute" }],
    CORDONED,
  ],
])("a cordoned node and %s", (_, tolerations, expected) => {
  const nodes = [node("cordoned", { spec: { unschedulable: true } }), node("free")];
  expect(refusals(nodeUnschedulable, { nodes, pod: { tolerations } })).toEqual({ cordoned: expected, free: "" });
});
