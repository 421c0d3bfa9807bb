/**
 * Nodes that refused a pod, and trials of preemption, are remembered for the next pod of the kind. Whatever happens to the nodes, a
 * snapshot that remembers must decide as one that has just been made. A run prints its seed.
 */
import { expect, test } from "vitest";
import type { NodeView } from "../../src/controller-runtime/views/node-view.ts";
import type { PodView } from "../../src/controller-runtime/views/pod-view.ts";
import { metaOf, node, pod } from "../../src/controller-runtime/views.fixture.ts";
import {
  createProfile,
  createSnapshot,
  planPreemption,
  schedulePod,
  type Snapshot,
} from "../../src/scheduler/index.ts";
import { withSeed, type Dice } from "../harness/seeded.ts";

const ROUNDS = 60;
const CHANGES = 40;
const profile = createProfile();
const requests = (cpu: number) => ({ containers: [{ name: "c", resources: { requests: { cpu: String(cpu) } } }] });

/** What there is, so that another snapshot can be made of it. */
interface World {
  snapshot: Snapshot;
  nodes: Map<string, NodeView>;
  pods: Map<string, PodView>;
  budget: { allowed: number } | undefined;
}

function randomNode(dice: Dice, name: string): NodeView {
  const spec = dice.chance(0.1) ? { unschedulable: true } : {};
  const allocatable = { cpu: String(2 + dice.roll(5)), memory: "8Gi", pods: String(2 + dice.roll(6)) };
  return node(name, { spec, status: { allocatable, conditions: [{ type: "Ready", status: "True" }] } });
}

function randomPod(dice: Dice, name: string, on: string): PodView {
  return pod(name, {
    node: on,
    meta: { labels: { app: dice.pick(["web", "db"]) } },
    spec: { ...requests(1 + dice.roll(3)), priority: dice.roll(3) },
  });
}

function change(dice: Dice, world: World, serial: number): void {
  const { snapshot, nodes, pods } = world;
  const name = `node-${dice.roll(6)}`;
  const set = (view: PodView): void => {
    pods.set(view.metadata.uid, view);
    snapshot.setPod(view);
  };
  const some = pods.size === 0 ? undefined : dice.pick([...pods.values()]);
  const drop = (): void => {
    if (!some) return;
    pods.delete(some.metadata.uid);
    snapshot.removePod(some.metadata.uid);
  };
  const kinds: (() => void)[] = [
    () => set(randomPod(dice, `placed-${serial}`, name)),
    () => set(randomPod(dice, `placed-${serial}`, name)),
    drop,
    drop,
    () => {
      const view = randomNode(dice, name);
      nodes.set(name, view);
      snapshot.setNode(view);
    },
    () => {
      nodes.delete(name);
      snapshot.removeNode(name);
    },
    // Waits for room there.
    () => set({ ...randomPod(dice, `nominated-${serial}`, ""), nominatedNodeName: name, priority: dice.roll(8) }),
    // More or less important than before, and nothing else.
    () => some && set({ ...some, priority: dice.roll(4) }),
    () => {
      world.budget = dice.chance(0.5) ? { allowed: dice.roll(2) } : undefined;
      setBudget(snapshot, world.budget);
    },
  ];
  dice.pick(kinds)();
}

function setBudget({ tables }: Snapshot, budget: World["budget"]): void {
  const metadata = metaOf("budget");
  if (!budget) return tables.budgets.remove(`${metadata.namespace}/${metadata.name}`);
  tables.budgets.set({
    metadata,
    selector: { matchLabels: { app: "web" } },
    status: { disruptionsAllowed: budget.allowed },
  });
}

function fresh({ nodes, pods, budget }: World): Snapshot {
  const made = createSnapshot();
  for (const view of nodes.values()) made.setNode(view);
  for (const view of pods.values()) made.setPod(view);
  setBudget(made, budget);
  return made;
}

/** Which node and which of equals is chosen depends on the order in which things came; how much harm it does, and every word, does not. */
function decided(snapshot: Snapshot, view: PodView): object {
  const decision = schedulePod(snapshot, view, profile, { fraction: () => 0 });
  if (decision.node !== undefined) return { placed: true };
  const { message, potential } = decision;
  const plan = planPreemption(snapshot, view, profile, { fraction: () => 0, potential });
  if (plan.node === undefined) return { message, told: plan.message };
  const victims = plan.victims.map(({ priority }) => priority);
  return { message, victims, violations: plan.violations };
}

test("what is remembered of nodes follows whatever happens to them", async () => {
  let preempting = 0;
  await withSeed(async (dice) => {
    for (let round = 0; round < ROUNDS; round++) {
      const world: World = { snapshot: createSnapshot(), nodes: new Map(), pods: new Map(), budget: undefined };
      const waiting = [3, 5].map((priority, at) =>
        pod(`waiting-${at}`, { phase: "Pending", ready: false, spec: { ...requests(2 + at), priority } }),
      );
      for (let serial = 0; serial < CHANGES; serial++) {
        change(dice, world, serial);
        const view = dice.pick(waiting);
        const wanted = decided(fresh(world), view);
        expect(decided(world.snapshot, view)).toEqual(wanted);
        // And again, by what has just been remembered.
        expect(decided(world.snapshot, view)).toEqual(wanted);
        if ("victims" in wanted) preempting += 1;
      }
    }
  });
  expect(preempting).toBeGreaterThan(50);
});
