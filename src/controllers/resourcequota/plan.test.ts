import { describe, expect, it } from "vitest";
import { pods, type Pod } from "../../kinds/core/pods/types.ts";
import type { ResourceQuota } from "../../kinds/core/resourcequotas/types.ts";
import { isOutside, kindsToCount, measure, planStatus, type Tally } from "./plan.ts";

const RESOURCES = [
  pods,
  { group: "", version: "v1", resource: "secrets", namespaced: true },
  { group: "apps", version: "v1", resource: "deployments", namespaced: true },
  { group: "", version: "v1", resource: "nodes", namespaced: false },
];

function quotaOf(
  hard: Record<string, string>,
  rest: Partial<ResourceQuota> & { scopes?: string[] } = {},
): ResourceQuota {
  const { scopes, ...parts } = rest;
  return { metadata: { name: "q", namespace: "ns" }, spec: { hard, ...(scopes ? { scopes } : {}) }, ...parts };
}

const pod = (name: string, parts: Partial<Pod> = {}): Pod => ({
  metadata: { name },
  spec: { containers: [{ name: "c", resources: { requests: { cpu: "100m" } } }] },
  ...parts,
});

const going = (deletionTimestamp: string) =>
  pod("a", { metadata: { name: "a", deletionTimestamp, deletionGracePeriodSeconds: 30 } });
function counted(
  quota: ResourceQuota,
  objects: Pod[],
): { used: Record<string, string> | undefined; againMs: number | undefined } {
  const kinds = kindsToCount(quota, RESOURCES);
  const tally: Tally = { used: new Map() };
  for (const kind of kinds) if (kind.measured) measure(tally, { quota, kind, objects, nowMs: 60_000 });
  return { used: planStatus(quota, { kinds, tally })?.used, againMs: tally.againMs };
}

describe("counting", () => {
  it("looks at the kinds that use what is limited", () => {
    const hard = {
      pods: "1",
      "requests.cpu": "1",
      "count/deployments.apps": "1",
      secrets: "1",
      "count/nodes": "1",
      other: "1",
    };
    expect(
      kindsToCount(quotaOf(hard), RESOURCES).map(({ groupResource, measured, names }) => [
        groupResource,
        measured,
        names,
      ]),
    ).toEqual([
      ["pods", true, ["pods", "requests.cpu"]],
      ["secrets", false, ["secrets"]],
      ["deployments.apps", false, ["count/deployments.apps"]],
    ]);
    const scoped = quotaOf({ pods: "1", secrets: "1" }, { scopes: ["BestEffort"] });
    expect(kindsToCount(scoped, RESOURCES).map((kind) => isOutside(scoped, kind))).toEqual([false, true]);
  });

  it("adds up what is in scope, and nothing is zero", () => {
    const objects = [pod("a"), pod("b"), pod("ended", { status: { phase: "Failed" } })];
    expect(
      counted(quotaOf({ pods: "9", "requests.cpu": "1", "count/pods": "9", "limits.cpu": "1" }), objects).used,
    ).toEqual({
      pods: "2",
      "requests.cpu": "200m",
      "count/pods": "3",
      "limits.cpu": "0",
    });
    expect(counted(quotaOf({ pods: "9" }, { scopes: ["Terminating"] }), objects).used).toEqual({ pods: "0" });
  });

  it("says nothing where the status says so already", () => {
    const quota = quotaOf({ pods: "1" }, { status: { hard: { pods: "1" }, used: { pods: "2" } } });
    expect(counted(quota, [pod("a"), pod("b")]).used).toBeUndefined();
    expect(counted(quota, [pod("a")]).used).toEqual({ pods: "1" });
    expect(counted({ ...quota, spec: { hard: { pods: "3" } } }, [pod("a"), pod("b")]).used).toEqual({ pods: "2" });
  });

  it("comes back when a pod that is to go should be gone", () => {
    expect(counted(quotaOf({ pods: "1" }), [going("1970-01-01T00:00:40Z")])).toEqual({
      used: { pods: "1" },
      againMs: 70_001,
    });
    expect(counted(quotaOf({ pods: "1" }), [going("1970-01-01T00:00:20Z")])).toEqual({
      used: { pods: "0" },
      againMs: undefined,
    });
  });
});
