import { expect, test } from "vitest";
import { planConditions } from "./plan.ts";

const NOW_MS = Date.parse("2026-01-01T12:00:00Z");
const left = (resource: string, count: number, finalizers: Record<string, number> = {}) => ({
  resource,
  count,
  finalizers: new Map(Object.entries(finalizers)),
});
const summary = (conditions: readonly { type: string; status: string; reason?: string; message?: string }[]) =>
  Object.fromEntries(conditions.map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]));

test("what remains, in Kubernetes' words", () => {
  const { conditions, changed } = planConditions(
    [],
    [left("pods", 2), left("configmaps", 1, { "x/y": 1 }), left("secrets", 0)],
    NOW_MS,
  );
  expect(changed).toBe(true);
  expect(summary(conditions)).toEqual({
    NamespaceDeletionDiscoveryFailure: "False ResourcesDiscovered: All resources successfully discovered",
    NamespaceDeletionGroupVersionParsingFailure: "False ParsedGroupVersions: All legacy kube types successfully parsed",
    NamespaceDeletionContentFailure:
      "False ContentDeleted: All content successfully deleted, may be waiting on finalization",
    NamespaceContentRemaining:
      "True SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource instances, pods. has 2 resource instances",
    NamespaceFinalizersRemaining:
      "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: x/y in 1 resource instances",
  });
});

test("unchanged conditions keep their times and are no write; a change of status moves only its own", () => {
  const first = planConditions([], [left("pods", 1)], NOW_MS).conditions;
  expect(planConditions(first, [left("pods", 1)], NOW_MS + 60_000)).toEqual({ conditions: first, changed: false });
  const { conditions, changed } = planConditions(first, [], NOW_MS + 60_000);
  expect(changed).toBe(true);
  const moved = conditions.filter(({ lastTransitionTime }) => lastTransitionTime === "2026-01-01T12:01:00Z");
  expect(moved.map(({ type }) => type)).toEqual(["NamespaceContentRemaining"]);
});
