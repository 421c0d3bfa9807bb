/**
 * The scheduler over the real API while nodes and pods come and go, on a clock that a test moves. Each run prints its seed;
 * SCHEDULER_SEED=n repeats it.
 */
import { expect, test } from "vitest";
import { withSeed, type Dice } from "../harness/seeded.ts";
import { hasEnded, nameOf } from "./reference/cluster.ts";
import { evaluateReference, isRefusal } from "./reference/evaluate.ts";
import { candidates, mayPreempt } from "./reference/preemption.ts";
import { createWorld, type World } from "./simulated-world.ts";

const STEPS = 60;
/** How often the world is left alone until nothing moves any more. */
const SETTLE_EVERY = 10;

const given = process.env["SCHEDULER_SEED"];
const simulated = (run: (world: World, dice: Dice) => Promise<void>) =>
  withSeed(
    async (dice) => {
      const world = await createWorld(dice);
      try {
        for (let at = 0; at < 4; at++) await world.addNode(`node-${at}`);
        await run(world, dice);
      } finally {
        await world.stop();
      }
    },
    ...(given === undefined ? [] : [Number(given)]),
  );

/** Pods that wait although there is a node for them, or, where `displacing`, somebody less important in their way. */
function forgotten({ audit: { cluster } }: World, { displacing = false } = {}): string[] {
  const waiting = cluster.pods.filter(
    ({ metadata, spec, ...pod }) =>
      !spec.nodeName &&
      (spec.schedulingGates ?? []).length === 0 &&
      metadata.deletionTimestamp === undefined &&
      !hasEnded({ metadata, spec, ...pod }),
  );
  return waiting.flatMap((pod) => {
    const evaluation = evaluateReference(cluster, pod);
    const free = [...evaluation.nodes].filter(([, said]) => !isRefusal(said)).map(([name]) => name);
    const told = pod.status?.conditions?.find(({ type }) => type === "PodScheduled")?.message;
    if (free.length > 0) return [`${nameOf(pod)} waits, though it may run on ${free.join(", ")}; it was told: ${told}`];
    if (!displacing) return [];
    const [first] = mayPreempt(cluster, pod) ? candidates(cluster, pod) : [];
    return first
      ? [
          `${nameOf(pod)} waits, though ${first.victims.map(nameOf).join(", ")} on ${first.node} could go; it was told: ${told}`,
        ]
      : [];
  });
}

/** What no event helped is tried again after this, as in Kubernetes. */
const PARKED_MS_MAX = 5 * 60_000;

/**
 * Nobody waits for whom there is a node. Who would have to displace others may have to wait: what others do changes whom it could
 * displace, and only what keeps it from nodes as they are wakes it.
 */
async function expectSettled(world: World): Promise<void> {
  expect(await world.settle()).toEqual([]);
  expect(forgotten(world)).toEqual([]);
  if (forgotten(world, { displacing: true }).length === 0) return;
  world.advance(PARKED_MS_MAX);
  expect(await world.settle()).toEqual([]);
  expect(forgotten(world, { displacing: true })).toEqual([]);
}

/** Time passes, kubelets do their work or not, and after every few steps everything comes to rest. */
async function goOn(world: World, dice: Dice, step: number): Promise<void> {
  if (dice.chance(0.5)) await world.clean();
  world.advance(dice.roll(4_000));
  if (step % SETTLE_EVERY === 0) await expectSettled(world);
}

test("one scheduler: every binding holds, and nothing that could run waits when it is quiet", async () => {
  await simulated(async (world, dice) => {
    world.startScheduler();
    for (let step = 1; step <= STEPS; step++) {
      await world.act(1 + dice.roll(6), { podsAlone: dice.chance(0.4) });
      await world.rest();
      expect(await world.audit.look()).toEqual([]);
      await goOn(world, dice, step);
    }
    expect(world.audit.bindings).toBeGreaterThan(20);
  });
}, 60_000);

test("two schedulers at once: no node is overcommitted", async () => {
  await simulated(async (world, dice) => {
    world.startScheduler();
    world.startScheduler();
    for (let step = 1; step <= STEPS; step++) {
      await world.act(2 + dice.roll(10));
      await world.rest();
      expect(await world.audit.look({ ordered: false })).toEqual([]);
      await goOn(world, dice, step);
    }
    expect(world.audit.bindings).toBeGreaterThan(20);
  });
}, 60_000);

test("writes that fail, answers that are lost, schedulers that die in between: nothing breaks, and all is made good", async () => {
  await simulated(async (world, dice) => {
    let scheduler = world.startScheduler();
    let deaths = 0;
    const replaceDead = (): void => {
      if (!scheduler.faults.isDead) return;
      deaths += 1;
      scheduler = world.startScheduler();
    };
    for (let step = 1; step <= STEPS; step++) {
      await world.act(1 + dice.roll(6));
      scheduler.faults.failing = 0.15;
      if (dice.chance(0.25)) scheduler.faults.dieAfterWrites = dice.roll(5);
      await world.rest();
      expect(await world.audit.look({ ordered: false })).toEqual([]);
      replaceDead();
      if (dice.chance(0.5)) await world.clean();
      world.advance(dice.roll(4_000));
      if (step % SETTLE_EVERY > 0) continue;
      scheduler.faults.failing = 0;
      scheduler.faults.dieAfterWrites = Number.POSITIVE_INFINITY;
      // It may have died of what came with time.
      replaceDead();
      await expectSettled(world);
    }
    expect(deaths).toBeGreaterThan(0);
    expect(world.audit.bindings).toBeGreaterThan(20);
  });
}, 60_000);
