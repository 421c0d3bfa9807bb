import { describe, expect, test } from "vitest";
import { withSeed, type Dice } from "../../../test/harness/seeded.ts";
import type { DeploymentView, ReplicaSetView } from "../../controller-runtime/views/workload-views.ts";
import { deployment, replicaSet, rolled } from "../../controller-runtime/views.fixture.ts";
import {
  DESIRED_REPLICAS,
  findNew,
  MAX_REPLICAS,
  newReplicas,
  planProportional,
  planRecreate,
  planRolling,
  rollingBounds,
  sizeAnnotations,
} from "./plan.ts";

const sizes = (scales: readonly { replicaSet: ReplicaSetView; replicas: number }[] | undefined) =>
  scales && Object.fromEntries(scales.map(({ replicaSet: { metadata }, replicas }) => [metadata.name, replicas]));
const rolling = (maxSurge: string | number, maxUnavailable: string | number): DeploymentView["strategy"] => ({
  type: "RollingUpdate",
  rollingUpdate: { maxSurge, maxUnavailable },
});

test.each<[number, string | number, string | number, { maxSurge: number; maxUnavailable: number }]>([
  [10, "25%", "25%", { maxSurge: 3, maxUnavailable: 2 }],
  [3, "25%", "25%", { maxSurge: 1, maxUnavailable: 0 }],
  [1, 0, 0, { maxSurge: 0, maxUnavailable: 1 }],
  [2, "10%", "10%", { maxSurge: 1, maxUnavailable: 0 }],
  [2, 0, "10%", { maxSurge: 0, maxUnavailable: 1 }],
  [3, 5, 7, { maxSurge: 5, maxUnavailable: 3 }],
  [0, 1, 1, { maxSurge: 0, maxUnavailable: 0 }],
])("%i replicas, surge %s, unavailable %s", (replicas, surge, unavailable, expected) => {
  expect(rollingBounds(deployment({ replicas, strategy: rolling(surge, unavailable) }))).toEqual(expected);
});

test("the new ReplicaSet is the oldest of the current template", () => {
  const young = replicaSet("b", { templateIdentity: "new", meta: { creationTimestamp: "2026-01-01T11:30:00Z" } });
  const old = replicaSet("a", { templateIdentity: "new", meta: { creationTimestamp: "2026-01-01T10:30:00Z" } });
  expect(findNew(deployment(), [young, replicaSet("x"), old])).toBe(old);
  expect(findNew(deployment(), [replicaSet("x")])).toBeUndefined();
});

test.each<[string, Partial<DeploymentView>, ReplicaSetView[], number]>([
  ["the first one gets everything", {}, [], 3],
  ["beside an old one only the surge", {}, [rolled("old", 3, 3)], 1],
  ["no room", {}, [rolled("old", 4, 4)], 0],
  ["recreate takes all", { strategy: { type: "Recreate" } }, [rolled("old", 0, 0)], 3],
])("size of a new ReplicaSet: %s", (_name, more, old, expected) => {
  expect(newReplicas(deployment(more), old, undefined)).toBe(expected);
});

describe("a rolling update, step by step (10 replicas, 25 % each: at most 13, at least 8)", () => {
  const ten = deployment({ replicas: 10 });
  test.each<[string, [number, number], [number, number], Record<string, number>]>([
    ["grows first", [0, 0], [10, 10], { new: 3 }],
    ["then shrinks by what may be missing", [3, 0], [10, 10], { old: 8 }],
    ["grows into the room", [3, 0], [8, 8], { new: 5 }],
    ["waits for the new ones to be available", [5, 0], [8, 8], {}],
    ["shrinks by what became available", [5, 2], [8, 8], { old: 6 }],
    ["takes broken old ones whatever is available", [3, 0], [10, 7], { old: 8 }],
    ["the last old ones go", [10, 10], [2, 2], { old: 0 }],
    ["is done", [10, 10], [0, 0], {}],
    ["a new one too large shrinks", [12, 12], [0, 0], { new: 10 }],
  ])("%s", (_name, [now, ready], [then, still], expected) => {
    const scales = planRolling(ten, { current: rolled("new", now, ready), old: [rolled("old", then, still)] });
    expect(sizes(scales)).toEqual(expected);
  });
});

test("recreate: old ones down, then wait for their pods, then the new one up", () => {
  const recreate = deployment({ strategy: { type: "Recreate" } });
  const current = rolled("new", 0, 0);
  expect(sizes(planRecreate(recreate, { current, old: [rolled("old", 3, 3)], oldPodsGone: false }))).toEqual({
    old: 0,
  });
  expect(sizes(planRecreate(recreate, { current, old: [rolled("old", 0, 0)], oldPodsGone: false }))).toEqual({});
  expect(sizes(planRecreate(recreate, { current, old: [rolled("old", 0, 0)], oldPodsGone: true }))).toEqual({ new: 3 });
});

const sized = (name: string, replicas: number, was: DeploymentView) =>
  rolled(name, replicas, replicas, { meta: { annotations: sizeAnnotations(was) } });

describe("scaling while a rollout is under way", () => {
  const ten = deployment({ replicas: 10, strategy: rolling(3, 2) });
  const twenty = deployment({ replicas: 20, strategy: rolling(3, 2) });
  const five = deployment({ replicas: 5, strategy: rolling(3, 2) });

  test.each<[string, DeploymentView, ReplicaSetView[], Record<string, number> | undefined]>([
    ["no scaling at all", ten, [sized("old", 8, ten), sized("new", 5, ten)], undefined],
    ["up is shared by size", twenty, [sized("old", 8, ten), sized("new", 5, ten)], { old: 14, new: 9 }],
    ["down is shared by size", five, [sized("old", 8, ten), sized("new", 5, ten)], { old: 5, new: 3 }],
    ["one alone takes it all", twenty, [sized("new", 10, ten)], { new: 20 }],
    ["to zero", deployment({ replicas: 0 }), [sized("old", 8, ten), sized("new", 5, ten)], { old: 0, new: 0 }],
    ["paused, nothing to do", deployment({ paused: true }), [sized("new", 3, deployment())], {}],
    ["paused, scaled", deployment({ paused: true, replicas: 6 }), [sized("new", 3, deployment())], { new: 6 }],
  ])("%s", (_name, wanted, all, expected) => {
    expect(sizes(planProportional(wanted, all))).toEqual(expected);
  });
});

/** Whatever happens to pods: never too many, never too few available because of us, and the rollout ends. */
test("a random rollout keeps its bounds and ends", async () => {
  await withSeed(async (dice) => {
    for (let run = 0; run < 300; run++) simulate(dice, `run ${run}`);
  });
});

function simulate(dice: Dice, name: string): void {
  const replicas = 1 + dice.roll(12);
  const amount = () => (dice.chance(0.5) ? dice.roll(4) : `${dice.roll(60)}%`);
  const wanted = deployment({ replicas, strategy: rolling(amount(), amount()) });
  const { maxSurge, maxUnavailable } = rollingBounds(wanted);
  const sets = new Map([
    ["new", { replicas: 0, available: 0 }],
    ["old", { replicas, available: replicas }],
  ]);
  const view = (set: string) => {
    const { replicas: size = 0, available = 0 } = sets.get(set) ?? {};
    return rolled(set, size, available, { templateIdentity: set });
  };
  const total = (of: "replicas" | "available") => [...sets.values()].reduce((sum, set) => sum + set[of], 0);
  for (let step = 0; step < 500; step++) {
    const [now, then] = [sets.get("new"), sets.get("old")];
    if (!now || !then) throw new Error("no sets");
    if (now.available === replicas && then.replicas === 0) return;
    const before = total("available");
    for (const scale of planRolling(wanted, { current: view("new"), old: [view("old")] })) {
      const set = sets.get(scale.replicaSet.metadata.name);
      if (!set) throw new Error("unknown set");
      set.replicas = scale.replicas;
      // The ReplicaSet deletes what is not ready first.
      set.available = Math.min(set.available, scale.replicas);
    }
    const text = `${name}, step ${step}, ${JSON.stringify([...sets])}`;
    if (total("replicas") > replicas + maxSurge) throw new Error(`too many: ${text}`);
    if (total("available") < before && total("available") < replicas - maxUnavailable)
      throw new Error(`too few: ${text}`);
    // Some of the new pods get ready; now and then one fails.
    if (dice.chance(0.8)) now.available = Math.min(now.replicas, now.available + dice.roll(3));
    else if (step < 200 && dice.chance(0.3)) {
      const victim = dice.chance(0.5) ? now : then;
      victim.available = Math.max(0, victim.available - 1);
    }
  }
  throw new Error(`never ends: ${name}`);
}

test("sizes that ReplicaSets remember", () => {
  expect(sizeAnnotations(deployment({ replicas: 10 }))).toEqual({ [DESIRED_REPLICAS]: "10", [MAX_REPLICAS]: "13" });
});
