import { expect, test } from "vitest";
import type { Taint, Toleration } from "../../kinds/core/pods/types.ts";
import { tolerates } from "./tolerations.ts";

const taint: Taint = { key: "k", value: "5", effect: "NoSchedule" };

test.each<[string, Toleration, boolean]>([
  ["the same key and value", { key: "k", value: "5" }, true],
  ["another value", { key: "k", value: "6" }, false],
  ["another key", { key: "x", value: "5" }, false],
  ["the key, whatever its value", { key: "k", operator: "Exists" }, true],
  ["everything", { operator: "Exists" }, true],
  ["nothing named, Equal", {}, false],
  ["the same effect", { key: "k", operator: "Exists", effect: "NoSchedule" }, true],
  ["another effect", { key: "k", operator: "Exists", effect: "NoExecute" }, false],
  ["less than", { key: "k", operator: "Lt", value: "10" }, true],
  ["not less than", { key: "k", operator: "Lt", value: "5" }, false],
  ["greater than", { key: "k", operator: "Gt", value: "-3" }, true],
  ["no number", { key: "k", operator: "Gt", value: "a" }, false],
])("%s", (_name, toleration, expected) => {
  expect(tolerates([toleration], taint)).toBe(expected);
});
