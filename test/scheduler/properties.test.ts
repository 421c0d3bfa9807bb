/**
 * The scheduler against the reference: over random clusters and every change to them both must say the same of every node: the same
 * refusals, the same scores. A run prints its seed; SCHEDULER_SEED=n repeats it.
 */
import { expect, test } from "vitest";
import type { Pod } from "../../src/kinds/core/pods/types.ts";
import { createProfile, evaluate, planPreemption, schedulePod, type Profile } from "../../src/scheduler/index.ts";
import { createNodeResourcesFit } from "../../src/scheduler/plugins/node-resources-fit.ts";
import type { ScoringStrategy } from "../../src/scheduler/plugins/resource-scores.ts";
import { createDice, withSeed, type Dice } from "../harness/seeded.ts";
import { createFeeder, feedAll, type Feeder } from "./feeding.ts";
import { randomChange } from "./random-change.ts";
import { randomCluster, type MutableCluster } from "./random-cluster.ts";
import { randomPod } from "./random-pod.ts";
import { nameOf, type Refusal } from "./reference/cluster.ts";
import { evaluateReference, explain, isRefusal } from "./reference/evaluate.ts";
import { bestCandidates, candidates, mayPreempt } from "./reference/preemption.ts";
import { DEFAULT_FIT, type FitStrategy } from "./reference/plugins/node-resources.ts";

const CLUSTERS = 70;
const CHANGES = 14;
const given = process.env["SCHEDULER_SEED"];
const seeded = (run: (dice: Dice, seed: number) => Promise<void>) =>
  given === undefined ? withSeed(run) : withSeed(run, Number(given));

const profile = createProfile();

/** What is said, in one form for both: plugin and reasons, or the weighted scores that are not 0. */
type Said = Record<string, unknown>;

const refusal = ({ plugin, reasons, unresolvable }: Omit<Refusal, "reasons"> & { reasons: readonly string[] }) =>
  `${plugin}${unresolvable ? "!" : ""}: ${[...reasons].toSorted().join(", ")}`;

function reference(cluster: MutableCluster, pod: Pod, fit: FitStrategy): Said {
  const { refused, nodes } = evaluateReference(cluster, pod, fit);
  if (refused) return { refused: refusal(refused) };
  return Object.fromEntries(
    [...nodes].map(([name, said]) => [name, isRefusal(said) ? refusal(said) : scored(said.byPlugin, said.total)]),
  );
}

function real({ snapshot, podView }: Feeder, pod: Pod, using: Profile): Said {
  const { refused, nodes } = evaluate(snapshot, podView(pod), using);
  if (refused) return { refused: refusal(refused) };
  return Object.fromEntries(
    [...nodes].map(([name, said]) => [name, said.refused ? refusal(said.refused) : scored(said.scores, said.total)]),
  );
}

function scored(byPlugin: Readonly<Record<string, number>>, total: number): object {
  return { ...Object.fromEntries(Object.entries(byPlugin).filter(([, score]) => score !== 0)), total };
}

/** Of all that differs: one node, and what is needed to see why. */
function expectSame(
  at: { cluster: MutableCluster; feeder: Feeder; pod: Pod; history: readonly string[] },
  using = profile,
  fit = DEFAULT_FIT,
): void {
  const { cluster, feeder, pod, history } = at;
  const [wanted, got] = [reference(cluster, pod, fit), real(feeder, pod, using)];
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(got)])];
  const different = names.find((name) => JSON.stringify(sorted(wanted[name])) !== JSON.stringify(sorted(got[name])));
  if (different === undefined) return;
  const fresh = createFeeder();
  feedAll(fresh, cluster);
  const fromScratch = JSON.stringify(sorted(real(fresh, pod, using)[different]));
  throw new Error(
    [
      `of ${different} the reference says ${JSON.stringify(wanted[different])}, the scheduler ${JSON.stringify(got[different])}`,
      `from scratch it says ${fromScratch}; last changes: ${history.slice(-4).join(", ") || "none"}`,
      `pod: ${JSON.stringify({ ...pod.metadata, spec: pod.spec })}`,
      `node: ${JSON.stringify(cluster.nodes.find((node) => nameOf(node) === different))}`,
      `pods there: ${JSON.stringify(cluster.pods.filter(({ spec }) => spec.nodeName === different))}`,
    ].join("\n"),
  );
}

function sorted(said: unknown): unknown {
  if (typeof said !== "object" || said === null) return said;
  return Object.fromEntries(Object.entries(said).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

test("every node: the same refusals and scores, in a new snapshot and after every change", async () => {
  await seeded(async (dice) => {
    for (let round = 0; round < CLUSTERS; round++) {
      const cluster = randomCluster(dice, { nodes: 1 + dice.roll(9), pods: dice.roll(18) });
      const feeder = createFeeder();
      feedAll(feeder, cluster);
      // Pods that are asked about again and again: what is remembered of them must follow the changes.
      const pods = Array.from({ length: 4 }, (_, at) => randomPod(dice, `waiting-${at}`));
      const history: string[] = [];
      for (const pod of pods) expectSame({ cluster, feeder, pod, history });
      for (let change = 0; change < CHANGES; change++) {
        history.push(randomChange(dice, cluster, feeder, change));
        expectSame({ cluster, feeder, pod: dice.pick(pods), history });
        if (dice.chance(0.3)) expectSame({ cluster, feeder, pod: randomPod(dice, `late-${change}`), history });
      }
    }
  });
});

test("assumed pods count as if they were there, and forgotten ones leave nothing behind", async () => {
  await seeded(async (dice) => {
    for (let round = 0; round < 40; round++) {
      const cluster = randomCluster(dice, { nodes: 4, pods: 6 });
      const feeder = createFeeder();
      feedAll(feeder, cluster);
      const asking = randomPod(dice, "asking");
      const assumed = Array.from({ length: 3 }, (_, at) => {
        const { nodeName: _demanded, ...spec } = randomPod(dice, `assumed-${at}`).spec;
        return { ...randomPod(dice, `assumed-${at}`), spec };
      });
      for (const pod of assumed) {
        const name = nameOf(dice.pick(cluster.nodes));
        feeder.snapshot.assume(feeder.podView(pod), name);
        cluster.pods.push({ ...pod, spec: { ...pod.spec, nodeName: name } });
        expectSame({ cluster, feeder, pod: asking, history: ["assumed"] });
      }
      for (const pod of assumed) {
        if (dice.chance(0.5)) {
          feeder.snapshot.forget(pod.metadata.uid ?? "");
          cluster.pods = cluster.pods.filter(({ metadata }) => metadata.uid !== pod.metadata.uid);
        } else {
          const there = cluster.pods.find(({ metadata }) => metadata.uid === pod.metadata.uid);
          if (there) feeder.set("pods", there);
          feeder.snapshot.forget(pod.metadata.uid ?? "");
        }
        expectSame({ cluster, feeder, pod: asking, history: ["assumed", "forgotten"] });
      }
    }
  });
});

test("a decision takes a node of the highest total, or says why there is none", async () => {
  await seeded(async (dice) => {
    let [chosen, refused] = [0, 0];
    for (let round = 0; round < 200; round++) {
      const cluster = randomCluster(dice, { nodes: dice.roll(7), pods: dice.roll(14) });
      const feeder = createFeeder();
      feedAll(feeder, cluster);
      const pod = randomPod(dice, "waiting");
      const said = evaluateReference(cluster, pod);
      const feasible = [...said.nodes].flatMap(([name, one]) => (isRefusal(one) ? [] : [[name, one.total] as const]));
      const options = { fraction: () => dice.roll(1_000) / 1_000, startAt: dice.roll(100) };
      const decision = schedulePod(feeder.snapshot, feeder.podView(pod), profile, options);
      if (feasible.length === 0) {
        refused += 1;
        expect(decision).toMatchObject({ node: undefined, message: explain(cluster, said) });
        continue;
      }
      chosen += 1;
      const highest = Math.max(...feasible.map(([, total]) => total));
      const best = feasible.filter(([, total]) => total === highest).map(([name]) => name);
      expect(best).toContain(decision.node);
    }
    expect(Math.min(chosen, refused)).toBeGreaterThan(20);
  });
});

test("preemption: the same victims, on one of the best nodes", async () => {
  await seeded(async (dice) => {
    let [planned, hopeless] = [0, 0];
    for (let round = 0; round < 150; round++) {
      const cluster = randomCluster(dice, { nodes: 1 + dice.roll(5), pods: 6 + dice.roll(20) });
      // Kubernetes takes pods on their way out off counts that they are not in: what it makes of that is left out.
      for (const pod of cluster.pods) delete pod.metadata.deletionTimestamp;
      const feeder = createFeeder();
      feedAll(feeder, cluster);
      const pod = randomPod(dice, "waiting");
      pod.spec.priority = dice.pick([0, 50, 500, 5_000]);
      const before = JSON.stringify(real(feeder, pod, profile));
      const said = evaluateReference(cluster, pod);
      const isPlaced = [...said.nodes.values()].some((one) => !isRefusal(one));
      if (isPlaced) continue;
      const plan = planPreemption(feeder.snapshot, feeder.podView(pod), profile, {
        fraction: () => dice.roll(100) / 100,
      });
      expect(JSON.stringify(real(feeder, pod, profile))).toBe(before);
      const best = mayPreempt(cluster, pod) ? bestCandidates(candidates(cluster, pod)) : [];
      if (best.length === 0) {
        hopeless += 1;
        expect(plan.node).toBeUndefined();
        continue;
      }
      planned += 1;
      const wanted = best.map(({ node, victims, violations }) => ({ node, victims: victims.map(nameOf), violations }));
      if (plan.node === undefined) throw new Error(`${plan.message}, but ${JSON.stringify(wanted)}`);
      const { node, victims, violations } = plan;
      expect(wanted).toContainEqual({ node, victims: victims.map(({ metadata }) => metadata.name), violations });
    }
    expect(planned).toBeGreaterThan(8);
    expect(hopeless).toBeGreaterThan(8);
  });
});

test.each<ScoringStrategy & FitStrategy>([
  {
    type: "MostAllocated",
    resources: [
      { name: "cpu", weight: 2 },
      { name: "memory", weight: 1 },
      { name: "example.com/gpu", weight: 5 },
    ],
  },
  {
    type: "LeastAllocated",
    resources: [
      { name: "ephemeral-storage", weight: 3 },
      { name: "hugepages-2Mi", weight: 1 },
    ],
  },
  {
    type: "RequestedToCapacityRatio",
    resources: [
      { name: "cpu", weight: 1 },
      { name: "example.com/gpu", weight: 3 },
    ],
    shape: [
      { utilization: 0, score: 0 },
      { utilization: 60, score: 10 },
      { utilization: 100, score: 3 },
    ],
  },
])("NodeResourcesFit, $type", (strategy) => {
  const using = createProfile({ replace: [createNodeResourcesFit({ strategy })] });
  for (let seed = 0; seed < 30; seed++) {
    const dice = createDice(seed);
    const cluster = randomCluster(dice, { nodes: 6, pods: 10 });
    const feeder = createFeeder();
    feedAll(feeder, cluster);
    for (let at = 0; at < 2; at++) {
      expectSame(
        { cluster, feeder, pod: randomPod(dice, `waiting-${at}`), history: [`seed ${seed}`] },
        using,
        strategy,
      );
    }
  }
});
