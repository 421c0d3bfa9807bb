import { expect, it } from "vitest";
import { flowSchemaView } from "../../controller-runtime/views/other-views.ts";
import type { FlowSchema } from "../../kinds/flowcontrol/types.ts";
import { planDangling } from "./plan.ts";

const condition = (status: string, reason: string, what: string) => ({
  type: "Dangling",
  status,
  reason,
  message: `This FlowSchema references the PriorityLevelConfiguration object named "low" ${what}`,
});
const FOUND = condition("False", "Found", "and it exists");
const DANGLING = condition("True", "NotFound", "but there is no such object");

it.each([
  ["a new one, its level is there", undefined, true, FOUND],
  ["a new one, its level is missing", undefined, false, DANGLING],
  ["known to be fine", FOUND, true, undefined],
  ["known to dangle", DANGLING, false, undefined],
  ["the level has come", DANGLING, true, FOUND],
  ["the level has gone", FOUND, false, DANGLING],
  ["of another level", { ...FOUND, message: "" }, true, FOUND],
])("%s", (_, known, exists, expected) => {
  const schema: FlowSchema = {
    metadata: { name: "mine" },
    spec: { priorityLevelConfiguration: { name: "low" } },
    status: { conditions: known ? [{ type: "Other", status: "True" }, known] : [] },
  };
  expect(planDangling(flowSchemaView(schema), exists)).toEqual(expected);
});
