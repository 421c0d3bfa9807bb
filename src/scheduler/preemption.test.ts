import { describe, expect, test } from "vitest";
import { metaOf, node, pod } from "../controller-runtime/views.fixture.ts";
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { BudgetView } from "../controller-runtime/views/budget-view.ts";
import type { PodSpec } from "../kinds/core/pods/types.ts";
import { schedulePod } from "./cycle.ts";
import { createProfile } from "./plugins/index.ts";
import { planPreemption } from "./preemption.ts";
import { createSnapshot } from "./snapshot.ts";

const profile = createProfile();
const fraction = () => 0;
const cpu = (amount: string) => ({ containers: [{ name: "c", resources: { requests: { cpu: amount } } }] });

/** Running since so many seconds before noon. */
function running(
  name: string,
  on: string,
  priority: number,
  more: { cpu?: string; seconds?: number; app?: string } = {},
): PodView {
  const view = pod(name, {
    node: on,
    meta: { labels: { app: more.app ?? "any" } },
    spec: { ...cpu(more.cpu ?? "2"), priority },
  });
  view.startMs = 1e12 - (more.seconds ?? 0) * 1_000;
  return view;
}

const waiting = (priority: number, amount = "3", spec: Partial<PodSpec> = {}) =>
  pod("waiting", { phase: "Pending", ready: false, spec: { ...cpu(amount), priority, ...spec } });

function snapshotOf(pods: readonly PodView[], nodes = ["a", "b"]) {
  const snapshot = createSnapshot();
  for (const name of nodes) snapshot.setNode(node(name));
  for (const one of pods) snapshot.setPod(one);
  return snapshot;
}

const budget = (app: string, disruptionsAllowed: number): BudgetView => ({
  metadata: metaOf(app),
  selector: { matchLabels: { app } },
  status: { disruptionsAllowed },
});

describe("who goes", () => {
  test.each<[string, PodView[], BudgetView[], string, string[]]>([
    [
      "nobody that a budget protects",
      [running("x", "a", 1, { app: "kept" }), running("y", "b", 5)],
      [budget("kept", 0)],
      "b",
      ["y"],
    ],
    ["the less important", [running("x", "a", 5), running("y", "b", 1)], [], "b", ["y"]],
    [
      "the smaller sum",
      [
        running("x", "a", 5),
        running("x2", "a", 4, { cpu: "2" }),
        running("y", "b", 5),
        running("y2", "b", 1, { cpu: "2" }),
      ],
      [],
      "b",
      ["y", "y2"],
    ],
    [
      "fewer",
      [running("x", "a", 0), running("x2", "a", 0, { cpu: "2" }), running("y", "b", 0, { cpu: "4" })],
      [],
      "b",
      ["y"],
    ],
    ["who started last", [running("x", "a", 1, { seconds: 60 }), running("y", "b", 1, { seconds: 5 })], [], "b", ["y"]],
    [
      "no more than have to",
      [running("x", "a", 1, { cpu: "1" }), running("y", "a", 2, { cpu: "3" }), running("z", "b", 9, { cpu: "4" })],
      [],
      "a",
      ["y"],
    ],
  ])("%s", (_, pods, budgets, expectedNode, names) => {
    const snapshot = snapshotOf(pods);
    for (const one of budgets) snapshot.tables.budgets.set(one);
    const plan = planPreemption(snapshot, waiting(8), profile, { fraction });
    expect(plan.node).toBe(expectedNode);
    expect("victims" in plan && plan.victims.map(({ metadata }) => metadata.name)).toEqual(names);
  });
});

describe("why nobody goes", () => {
  test.each<[string, PodView[], PodView, string]>([
    [
      "nobody is less important",
      [running("x", "a", 8), running("y", "b", 9)],
      waiting(8),
      "preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
    ],
    [
      "the nodes are too small",
      [],
      waiting(8, "100"),
      "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    ],
    [
      "it would not be enough",
      [running("x", "a", 1, { cpu: "1" }), running("z", "a", 9, { cpu: "3" }), running("y", "b", 9)],
      waiting(8),
      "preemption: 0/2 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod.",
    ],
    [
      "it never makes others go",
      [running("x", "a", 1)],
      waiting(8, "3", { preemptionPolicy: "Never" }),
      "preemption: not eligible due to preemptionPolicy=Never.",
    ],
  ])("%s", (_, pods, one, message) => {
    expect(planPreemption(snapshotOf(pods), one, profile, { fraction })).toMatchObject({ node: undefined, message });
  });

  test("while its victims are on their way out", () => {
    const going = running("x", "a", 1);
    going.metadata = { ...going.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
    going.condemnedMs = 1;
    const snapshot = snapshotOf([going], ["a"]);
    snapshot.nominate(waiting(8), "a");
    const plan = planPreemption(snapshot, waiting(8), profile, { fraction });
    expect(plan).toMatchObject({ message: "preemption: not eligible due to a terminating pod on the nominated node." });
  });
});

describe("room that is kept", () => {
  const kept = pod("kept", { phase: "Pending", spec: { ...cpu("3"), priority: 5 } });

  test("is not given to who is no more important, and is to who is", () => {
    const snapshot = snapshotOf([], ["a"]);
    snapshot.nominate(kept, "a");
    expect(schedulePod(snapshot, waiting(5), profile, { fraction }).node).toBeUndefined();
    expect(schedulePod(snapshot, waiting(6), profile, { fraction }).node).toBe("a");
    expect(schedulePod(snapshot, kept, profile, { fraction }).node).toBe("a");
  });

  test("ends for the less important, where a more important pod makes others go", () => {
    const snapshot = snapshotOf([running("x", "a", 1)], ["a"]);
    snapshot.nominate(kept, "a");
    const plan = planPreemption(snapshot, waiting(8), profile, { fraction });
    expect("displaced" in plan && plan.displaced.map(({ metadata }) => metadata.name)).toEqual(["kept"]);
  });

  test("on a node that is gone binds nobody", () => {
    const snapshot = snapshotOf([], ["a", "b"]);
    snapshot.nominate(kept, "a");
    snapshot.removeNode("a");
    expect(schedulePod(snapshot, kept, profile, { fraction }).node).toBe("b");
  });
});
