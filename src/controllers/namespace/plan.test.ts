import { expect, test } from "vitest";
import { lookAgainMs, planConditions, unexpectedItems, type Remaining } from "./plan.ts";

const NOW_MS = Date.parse("2026-01-01T12:00:00Z");
const left = (
  resource: string,
  count: number,
  finalizers: Record<string, number> = {},
  failure?: string,
): Remaining => {
  const [name = "", group = ""] = resource.split("/").toReversed();
  const one = { ref: { group, version: "v1", resource: name }, count, finalizers: new Map(Object.entries(finalizers)) };
  return failure === undefined ? one : { ...one, failure };
};
const summary = (conditions: readonly { type: string; status: string; reason?: string; message?: string }[]) =>
  Object.fromEntries(conditions.map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]));

test("what remains, in Kubernetes' words", () => {
  const { conditions, changed } = planConditions(
    [],
    { remaining: [left("pods", 2), left("apps/deployments", 1, { "x/y": 1 }), left("secrets", 0)] },
    NOW_MS,
  );
  expect(changed).toBe(true);
  expect(summary(conditions)).toEqual({
    NamespaceDeletionDiscoveryFailure: "False ResourcesDiscovered: All resources successfully discovered",
    NamespaceDeletionGroupVersionParsingFailure: "False ParsedGroupVersions: All legacy kube types successfully parsed",
    NamespaceDeletionContentFailure:
      "False ContentDeleted: All content successfully deleted, may be waiting on finalization",
    NamespaceContentRemaining:
      "True SomeResourcesRemain: Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances",
    NamespaceFinalizersRemaining:
      "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: x/y in 1 resource instances",
  });
});

test("unchanged conditions keep their times and are no write; a change of status moves only its own", () => {
  const first = planConditions([], { remaining: [left("pods", 1)] }, NOW_MS).conditions;
  expect(planConditions(first, { remaining: [left("pods", 1)] }, NOW_MS + 60_000)).toEqual({
    conditions: first,
    changed: false,
  });
  const { conditions, changed } = planConditions(first, { remaining: [] }, NOW_MS + 60_000);
  expect(changed).toBe(true);
  const moved = conditions.filter(({ lastTransitionTime }) => lastTransitionTime === "2026-01-01T12:01:00Z");
  expect(moved.map(({ type }) => type)).toEqual(["NamespaceContentRemaining"]);
});

test("what went wrong, in Kubernetes' words; conditions of others stay", () => {
  const mine = { type: "example.dev/Audited", status: "True" } as const;
  const { conditions } = planConditions(
    [mine],
    {
      remaining: [
        left("pods", 1, {}, unexpectedItems("team", { group: "", version: "v1", resource: "pods" })),
        left("secrets", 0, {}, "no deletes today"),
      ],
      failures: { discovery: "Discovery failed for some groups, 1 failing: …", parsing: "unexpected GroupVersion" },
    },
    NOW_MS,
  );
  expect(conditions[0]).toEqual(mine);
  expect(summary(conditions)).toMatchObject({
    NamespaceDeletionDiscoveryFailure: "True DiscoveryFailed: Discovery failed for some groups, 1 failing: …",
    NamespaceDeletionGroupVersionParsingFailure: "True GroupVersionParsingFailed: unexpected GroupVersion",
    NamespaceDeletionContentFailure:
      "True ContentDeletionFailed: Failed to delete all resource types, 2 remaining: no deletes today, unexpected items still remain in namespace: team for gvr: /v1, Resource=pods",
    NamespaceContentRemaining: "True SomeResourcesRemain: Some resources are remaining: pods. has 1 resource instances",
    NamespaceFinalizersRemaining: "False ContentHasNoFinalizers: All content-preserving finalizers finished",
  });
});

test("the longer nothing changes, the rarer it is looked at", () => {
  const { conditions } = planConditions([], { remaining: [left("pods", 1)] }, NOW_MS);
  const delays = [0, 60_000, 86_400_000].map((ageMs) => lookAgainMs(conditions, NOW_MS + ageMs));
  expect(delays).toEqual([5_000, 30_000, 300_000]);
});
