import { describe, expect, it } from "vitest";
import type { PodSpec } from "../kinds/core/pods/types.ts";
import { isStatusError } from "../machinery/status-error.ts";
import { createPriority } from "./priority.ts";
import { attributesOf, podWith } from "./testing/attributes.ts";

function created(spec: Partial<PodSpec>): PodSpec {
  const object = podWith(spec);
  void createPriority().mutate?.(attributesOf({ object }));
  return object.spec;
}

describe("Priority", () => {
  it.each<[Partial<PodSpec>, number]>([
    [{}, 0],
    [{ priorityClassName: "" }, 0],
    [{ priority: 0, preemptionPolicy: "PreemptLowerPriority" }, 0],
    [{ priorityClassName: "system-cluster-critical" }, 2_000_000_000],
    [{ priorityClassName: "system-node-critical" }, 2_000_001_000],
    [{ priorityClassName: "system-node-critical", priority: 2_000_001_000 }, 2_000_001_000],
  ])("resolves %j to %d", (spec, priority) => {
    expect(created(spec)).toMatchObject({ ...spec, priority, preemptionPolicy: "PreemptLowerPriority" });
  });

  it.each<[Partial<PodSpec>, string]>([
    [{ priorityClassName: "gold" }, "no PriorityClass with name gold was found"],
    [
      { priority: 7 },
      "the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name",
    ],
    [
      { preemptionPolicy: "Never" },
      "the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
    ],
  ])("refuses %j", (spec, why) => {
    let refusal: unknown;
    try {
      created(spec);
    } catch (error) {
      refusal = error;
    }
    expect(isStatusError(refusal, "Forbidden") && refusal.message).toBe(`pods "p" is forbidden: ${why}`);
  });

  it("names a pod without a name by its prefix", () => {
    const object = podWith({ priorityClassName: "gold" });
    object.metadata = { generateName: "web-" };
    expect(() => createPriority().mutate?.(attributesOf({ object }))).toThrow(/^pods "web-" is forbidden: /);
  });

  it("keeps what an update leaves out, and lets validation judge what it changes", () => {
    const oldObject = podWith({ priority: 2_000_000_000, preemptionPolicy: "PreemptLowerPriority" });
    const silent = podWith();
    void createPriority().mutate?.(attributesOf({ operation: "UPDATE", object: silent, oldObject }));
    expect(silent.spec).toMatchObject({ priority: 2_000_000_000, preemptionPolicy: "PreemptLowerPriority" });
    const changed = podWith({ priority: 1 });
    void createPriority().mutate?.(attributesOf({ operation: "UPDATE", object: changed, oldObject }));
    expect(changed.spec.priority).toBe(1);
  });
});
