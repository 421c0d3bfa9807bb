import { describe, expect, test } from "vitest";
import { NOW_MS, pod, replicaSet, type PodParts } from "../../controller-runtime/views.fixture.ts";
import { planScaling, planStatus, podsToDelete } from "./plan.ts";

const deleted = { meta: { deletionTimestamp: "2026-01-01T12:00:00Z" } };

test.each<[string, number, PodParts[], { create: number; remove: number }]>([
  ["too few", 3, [{}], { create: 2, remove: 0 }],
  ["enough", 1, [{}], { create: 0, remove: 0 }],
  ["too many", 1, [{}, {}, {}], { create: 0, remove: 2 }],
  ["finished ones do not count", 2, [{ phase: "Failed" }, { phase: "Succeeded" }, {}], { create: 1, remove: 0 }],
  ["those that are going do not count", 1, [deleted], { create: 1, remove: 0 }],
  ["never more than 500 in one go", 2_000, [], { create: 500, remove: 0 }],
  ["none at all", 0, [{}, { phase: "Pending" }], { create: 0, remove: 2 }],
])("%s", (_name, replicas, parts, expected) => {
  const pods = parts.map((one, index) => pod(`p${index}`, one));
  const plan = planScaling({ replicaSet: replicaSet("rs", { replicas }), pods, related: pods, nowMs: NOW_MS });
  expect({ create: plan.create, remove: plan.remove.length }).toEqual(expected);
});

test("a ReplicaSet that is being deleted makes and deletes nothing", () => {
  const going = replicaSet("rs", { meta: { deletionTimestamp: "2026-01-01T12:00:00Z" } });
  const plan = planScaling({ replicaSet: going, pods: [], related: [], nowMs: NOW_MS });
  expect(plan).toEqual({ create: 0, remove: [] });
});

const cost = (value: string): PodParts => ({
  node: "a",
  meta: { annotations: { "controller.kubernetes.io/pod-deletion-cost": value } },
});

describe("who goes first", () => {
  const base: PodParts = { node: "a" };
  test.each<[string, PodParts, PodParts]>([
    ["not on a node before on a node", { phase: "Pending", ready: false }, { ...base, phase: "Pending", ready: false }],
    ["pending before running", { ...base, phase: "Pending", ready: false }, { ...base, ready: false }],
    ["unknown before running", { ...base, phase: "Unknown" }, base],
    ["not ready before ready", { ...base, ready: false }, base],
    ["cheap before dear", cost("-5"), cost("10")],
    [
      "ready for seconds before ready for an hour",
      { ...base, ready: NOW_MS - 5_000 },
      { ...base, ready: NOW_MS - 3_600_000 },
    ],
    ["often restarted before never", { ...base, restarts: 4 }, base],
    ["young before old", { ...base, meta: { creationTimestamp: "2026-01-01T11:59:00Z" } }, base],
  ])("%s", (_name, first, second) => {
    const [a, b] = [pod("first", first), pod("second", second)];
    for (const pods of [
      [a, b],
      [b, a],
    ]) {
      const order = podsToDelete(pods, { related: [a, b], nowMs: NOW_MS });
      expect(order.map(({ metadata }) => metadata.name)).toEqual(["first", "second"]);
    }
  });

  test("from the crowded node, counting the pods of sibling ReplicaSets", () => {
    const [crowded, lonely] = [pod("crowded", { node: "a" }), pod("lonely", { node: "b" })];
    const related = [crowded, lonely, pod("sibling", { node: "a" })];
    const [first] = podsToDelete([lonely, crowded], { related, nowMs: NOW_MS });
    expect(first?.metadata.name).toBe("crowded");
  });
});

const status = (
  parts: PodParts[],
  more: Parameters<typeof replicaSet>[1] = {},
  failure?: { reason: "FailedCreate"; message: string },
) =>
  planStatus({
    replicaSet: replicaSet("rs", more),
    pods: parts.map((one, index) => pod(`p${index}`, one)),
    failure,
    nowMs: NOW_MS,
  });

test("counts what is ready, available, fully labelled and terminating", () => {
  const labelled = { meta: { labels: { app: "web" } } };
  const plan = status([labelled, { ready: false }, { ready: NOW_MS - 3_000, ...labelled }, deleted], {
    minReadySeconds: 10,
  });
  expect(plan.status).toEqual({
    replicas: 3,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 1,
    observedGeneration: 1,
  });
  // The third becomes available without any event.
  expect(plan.againAfterMs).toBe(7_000);
});

describe("status", () => {
  test("the same status is not written again, whatever the server leaves out", () => {
    const plan = status([], { replicas: 0, status: { replicas: 0, observedGeneration: 1 } });
    expect(plan.changed).toBe(false);
  });

  test("a failure is a condition, which stays while its reason does and goes with it", () => {
    const failed = status([], {}, { reason: "FailedCreate", message: "quota" });
    expect(failed.status.conditions).toEqual([
      {
        type: "ReplicaFailure",
        status: "True",
        reason: "FailedCreate",
        message: "quota",
        lastTransitionTime: "2026-01-01T12:00:00Z",
      },
    ]);
    expect(status([], { status: failed.status }, { reason: "FailedCreate", message: "quota again" }).changed).toBe(
      false,
    );
    const healed = status([], { status: failed.status });
    expect([healed.changed, healed.status.conditions]).toEqual([true, undefined]);
  });
});
