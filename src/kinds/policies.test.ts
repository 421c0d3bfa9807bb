import { describe, expect, it } from "vitest";
import { runtimeClassKind } from "./node/runtimeclasses/kind.ts";
import { podDisruptionBudgetKind } from "./policy/poddisruptionbudgets/kind.ts";
import { priorityClassKind } from "./scheduling/priorityclasses/kind.ts";
import { SYSTEM_CLASSES } from "./scheduling/priorityclasses/types.ts";
import { cellsOf, faultsOf, prepared, updateFaults, type Loose } from "./testing/prepare.ts";

describe("disruption budgets", () => {
  it.each<[Loose, string[]]>([
    [{ minAvailable: 1, selector: { matchLabels: { a: "b" } } }, []],
    [{ maxUnavailable: "30%" }, []],
    [
      { minAvailable: 1, maxUnavailable: 1 },
      [
        'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
      ],
    ],
    [{ minAvailable: "150%" }, ['spec.minAvailable: Invalid value: "150%": must not be greater than 100%']],
    [{ maxUnavailable: -1 }, ["spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0"]],
    [
      { unhealthyPodEvictionPolicy: "Never" },
      [
        'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
      ],
    ],
  ])("%j", (spec, faults) => expect(faultsOf(podDisruptionBudgetKind, { spec })).toEqual(faults));
  it("count upwards", () => {
    const now = { spec: {}, status: { currentHealthy: -1 } };
    expect(updateFaults(podDisruptionBudgetKind, { now, old: {}, subresource: "status" })).toEqual([
      "status.currentHealthy: Invalid value: -1: must be greater than or equal to 0",
    ]);
  });
  it("are shown as by kubectl", () => {
    const budget = { spec: { maxUnavailable: "30%" }, status: { disruptionsAllowed: 2 } };
    expect(cellsOf(podDisruptionBudgetKind, budget)).toMatchObject({
      "Min Available": "N/A",
      "Max Unavailable": "30%",
      "Allowed Disruptions": 2,
    });
  });
});

describe("priority classes", () => {
  it("of the system are as on every cluster, and stay", () => {
    for (const known of SYSTEM_CLASSES) {
      expect(faultsOf(priorityClassKind, known)).toEqual([]);
      expect(priorityClassKind.strategy.forbidsDelete?.(known)).toBe(
        "this is a system priority class and cannot be deleted",
      );
    }
    expect(priorityClassKind.strategy.forbidsDelete?.({ metadata: { name: "high" }, value: 1 })).toBeUndefined();
  });
  it.each<[Loose, string[]]>([
    [{ metadata: { name: "high" }, value: 1_000_000_000 }, []],
    [
      { metadata: { name: "high" }, value: 1_000_000_001, preemptionPolicy: "Always" },
      [
        "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
        'preemptionPolicy: Unsupported value: "Always": supported values: "Never", "PreemptLowerPriority"',
      ],
    ],
    [
      { metadata: { name: "system-mine" }, value: 1 },
      [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
      ],
    ],
    [
      { metadata: { name: "system-node-critical" }, value: 1 },
      [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: value of system-node-critical PriorityClass must be 2000001000",
      ],
    ],
  ])("%j", (object, faults) => expect(faultsOf(priorityClassKind, object)).toEqual(faults));
  it("keep their value", () => {
    expect(prepared(priorityClassKind, { value: 1 }).preemptionPolicy).toBe("PreemptLowerPriority");
    const now = { value: 2, preemptionPolicy: "Never", description: "new" };
    expect(updateFaults(priorityClassKind, { now, old: { value: 1 } })).toEqual([
      "value: Forbidden: may not be changed in an update.",
      'preemptionPolicy: Invalid value: "Never": field is immutable',
    ]);
  });
  it("are shown as by kubectl", () => {
    expect(cellsOf(priorityClassKind, { value: 7, globalDefault: true })).toMatchObject({
      Value: 7,
      "Global-Default": true,
      PreemptionPolicy: "PreemptLowerPriority",
    });
  });
});

describe("runtime classes", () => {
  const toleration = { key: "a", operator: "Exists" };
  const evicted = (tolerationSeconds: number) => ({ ...toleration, effect: "NoExecute", tolerationSeconds });
  it.each<[Loose, string[]]>([
    [{ handler: "kata", overhead: { podFixed: { memory: "120Mi" } }, scheduling: { nodeSelector: { a: "b" } } }, []],
    [
      { handler: "Kata", scheduling: { tolerations: [toleration, toleration] } },
      [
        expect.stringMatching(/^handler: Invalid value: "Kata": a lowercase RFC 1123 label must consist/),
        'scheduling.tolerations[1]: Duplicate value: {"Key":"a","Operator":"Exists","Value":"","Effect":"","TolerationSeconds":null}',
      ],
    ],
    [{ handler: "" }, ["handler: Required value"]],
    [
      { handler: "kata", scheduling: { tolerations: [evicted(1), evicted(2)] } },
      [
        'scheduling.tolerations[1]: Duplicate value: {"Key":"a","Operator":"Exists","Value":"","Effect":"NoExecute","TolerationSeconds":2}',
      ],
    ],
  ])("%j", (object, faults) => expect(faultsOf(runtimeClassKind, object)).toEqual(faults));
  it("keep their handler", () => {
    expect(updateFaults(runtimeClassKind, { now: { handler: "b" }, old: { handler: "a" } })).toEqual([
      'handler: Invalid value: "b": field is immutable',
    ]);
  });
});
