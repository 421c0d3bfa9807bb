import { describe, expect, test } from "vitest";
import { metaOf, NOW_MS, pod } from "../../controller-runtime/views.fixture.ts";
import type { BudgetView } from "../../controller-runtime/views/budget-view.ts";
import { formatTime } from "../../machinery/meta.ts";
import { asksForScale, isGuarded, planBudget, planFailure, statusPatch, type BudgetStatus } from "./plan.ts";

const APP = { matchLabels: { app: "web" } };
const ago = (seconds: number) => formatTime(NOW_MS - seconds * 1_000);

function budget(spec: Partial<BudgetView>, status: BudgetStatus = {}): BudgetView {
  return { metadata: metaOf("b", { generation: 3 }), selector: APP, status, ...spec };
}
const ready = (count: number) => Array.from({ length: count }, (_, index) => pod(`p-${index}`));
const counts = ({ disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods }: BudgetStatus = {}) =>
  [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed].join(" ");

describe("expected, desired, healthy, allowed", () => {
  test.each<[string, Partial<BudgetView>, number, number | undefined, string]>([
    ["a number that must stay counts the pods there are", { minAvailable: 2 }, 3, undefined, "3 2 3 1"],
    ["more must stay than there are", { minAvailable: 5 }, 3, undefined, "3 5 3 0"],
    ["a share that must stay is of what is wanted, rounded up", { minAvailable: "50%" }, 4, 5, "5 3 4 1"],
    ["a number that may go", { maxUnavailable: 1 }, 3, 3, "3 2 3 1"],
    ["a number that may go, one is missing already", { maxUnavailable: 1 }, 2, 3, "3 2 2 0"],
    ["a share that may go, rounded up", { maxUnavailable: "30%" }, 5, 5, "5 3 5 2"],
    ["all may go", { maxUnavailable: "100%" }, 3, 3, "3 0 3 3"],
    ["more may go than there are", { maxUnavailable: 9 }, 3, 3, "3 0 3 3"],
    ["no pods: nobody may go, for those who come first", { maxUnavailable: 1 }, 0, 0, "0 0 0 0"],
    ["no pods and none must stay", { minAvailable: 0 }, 0, undefined, "0 0 0 0"],
    ["neither is said", {}, 2, undefined, "0 0 2 0"],
  ])("%s", (_, spec, podCount, scale, expected) => {
    expect(asksForScale(budget(spec))).toBe(scale !== undefined);
    expect(counts(planBudget(budget(spec), { pods: ready(podCount), scale, nowMs: NOW_MS }).status)).toBe(expected);
  });

  test("only pods that are ready and stay are healthy", () => {
    const going = pod("going", { meta: { deletionTimestamp: ago(1) } });
    const pods = [pod("a"), pod("b"), pod("unready", { ready: false }), going];
    expect(counts(planBudget(budget({ minAvailable: 1 }), { pods, scale: undefined, nowMs: NOW_MS }).status)).toBe(
      "4 1 2 1",
    );
  });
});

test.each([
  ["its labels", { matchLabels: { app: "web" } }, true],
  ["others", { matchLabels: { app: "db" } }, false],
  ["an empty selector is everybody", {}, true],
  ["none is nobody", undefined, false],
])("guards by selector: %s", (_, selector, expected) => {
  const view = pod("p", { meta: { labels: { app: "web" } } });
  expect(isGuarded(selector === undefined ? {} : { selector }, view)).toBe(expected);
});

function plan(known: BudgetStatus, pods = ready(2)) {
  return planBudget(budget({ minAvailable: 1 }, known), { pods, scale: undefined, nowMs: NOW_MS });
}

describe("the status", () => {
  const settled = plan({}).status ?? {};

  test("is complete, and what is said is not said again", () => {
    expect(settled).toEqual({
      observedGeneration: 3,
      expectedPods: 2,
      desiredHealthy: 1,
      currentHealthy: 2,
      disruptionsAllowed: 1,
      disruptedPods: {},
      conditions: [
        {
          type: "DisruptionAllowed",
          status: "True",
          observedGeneration: 3,
          lastTransitionTime: formatTime(NOW_MS),
          reason: "SufficientPods",
          message: "",
        },
      ],
    });
    const { disruptedPods: _none, ...stored } = settled;
    expect(plan(stored).status).toBeUndefined();
  });

  test.each<[string, BudgetStatus]>([
    ["of an older generation", { ...settled, observedGeneration: 2 }],
    ["without its condition", { ...settled, conditions: [] }],
    [
      "after a failure",
      { ...settled, conditions: [{ type: "DisruptionAllowed", status: "False", reason: "SyncFailed" }] },
    ],
    ["with other counts", { ...settled, disruptionsAllowed: 0 }],
  ])("%s is written anew", (_, known) => {
    expect(counts(plan(known).status)).toBe(counts(settled));
  });

  test("the time of its condition stays while it holds", () => {
    const since = ago(900);
    const [condition] = settled.conditions ?? [];
    const known = {
      ...settled,
      conditions: [{ ...condition, type: "DisruptionAllowed", status: "True", lastTransitionTime: since }],
    };
    expect(plan(known, ready(3)).status?.conditions?.[0]).toMatchObject({ status: "True", lastTransitionTime: since });
    expect(plan(known, ready(1)).status?.conditions?.[0]).toMatchObject({
      status: "False",
      reason: "InsufficientPods",
      lastTransitionTime: formatTime(NOW_MS),
    });
  });
});

describe("pods that were let go", () => {
  const pods = [...ready(3), pod("going", { meta: { deletionTimestamp: ago(1) } })];
  const disruptedPods = { "p-0": ago(10), "p-1": ago(121), going: ago(10), gone: ago(10) };
  const view = budget({ minAvailable: 1 }, { disruptedPods });
  const { status = {}, notDeleted, againMs } = planBudget(view, { pods, scale: undefined, nowMs: NOW_MS });

  test("are remembered until they go, and do not count", () => {
    expect(status.disruptedPods).toEqual({ "p-0": ago(10) });
    expect(counts(status)).toBe("4 1 2 1");
    expect(againMs).toBe(NOW_MS + 110_001);
  });
  test("those who did not go within two minutes count again", () => {
    expect(notDeleted.map(({ metadata }) => metadata.name)).toEqual(["p-1"]);
  });
  test("a patch names those to forget, and the revision that was counted", () => {
    expect(statusPatch(view, status)).toMatchObject({
      metadata: { resourceVersion: "1" },
      status: { disruptedPods: { "p-0": ago(10), "p-1": null, going: null, gone: null } },
    });
  });
});

test("where pods cannot be counted nobody may go, which is said once", () => {
  const view = budget({ maxUnavailable: 1 }, { disruptionsAllowed: 2, observedGeneration: 3, expectedPods: 5 });
  const status = planFailure(view, 'found no controllers for pod "p"', NOW_MS);
  expect(status).toMatchObject({ disruptionsAllowed: 0, observedGeneration: 3, expectedPods: 5 });
  expect(status?.conditions).toMatchObject([
    { type: "DisruptionAllowed", status: "False", reason: "SyncFailed", message: 'found no controllers for pod "p"' },
  ]);
  expect(planFailure({ ...view, status: status ?? {} }, 'found no controllers for pod "p"', NOW_MS)).toBeUndefined();
});
