/**
 * One who asks for more than there is waits for himself: users of a cluster, and tenants beside each other. Told by who was served and
 * who was turned away, never by how long that took.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { as, createGatedCluster, MAPS, SERVED_MAX, type GatedCluster } from "../harness/narrow-level.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const NOISY = ["noisy-1", "noisy-2"];
const QUIET = ["ann", "bob", "cem", "dan", "eve", "fay"];
const FLOOD = 60;
const FEW = 3;

const ask = async ({ cluster }: GatedCluster, name: string) => await cluster.call(`${MAPS}/a`, { headers: as(name) });

/** How often each answer was given. */
function tally(statuses: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

async function statusesOf(asked: readonly ReturnType<typeof ask>[]): Promise<Record<number, number>> {
  return tally((await Promise.all(asked)).map(({ status }) => status));
}

describe.skipIf(testRuntime.missing !== undefined)("whoever asks for too much", () => {
  let tenants: [GatedCluster, GatedCluster];
  beforeEach(async () => {
    const viewers = [...QUIET, ...NOISY];
    tenants = [await createGatedCluster({ viewers }), await createGatedCluster({ viewers })];
    for (const tenant of tenants) await tenant.narrow();
  });
  afterEach(async () => {
    for (const tenant of tenants) await tenant.stop();
  });

  test("leaves every other user of the cluster what is his, and is told when to come again", async () => {
    const [one] = tenants;
    one.close();
    const floods = NOISY.map((name) => Array.from({ length: FLOOD }, () => ask(one, name)));
    const refused = await Promise.race(floods.flat());
    expect(refused).toMatchObject({ status: 429, body: { reason: "TooManyRequests", code: 429 } });
    expect(refused.headers.get("retry-after")).toBe("1");
    const few = QUIET.map((name) => Array.from({ length: FEW }, () => ask(one, name)));
    one.open();
    for (const [at, asked] of few.entries()) expect(await statusesOf(asked), QUIET[at]).toEqual({ 200: FEW });
    for (const [at, flood] of floods.entries()) {
      const { 200: served = 0, 429: turnedAway = 0 } = await statusesOf(flood);
      expect(served + turnedAway, NOISY[at]).toBe(FLOOD);
      expect(served, NOISY[at]).toBeGreaterThan(0);
      expect(served, NOISY[at]).toBeLessThanOrEqual(SERVED_MAX);
    }
    // Nothing is left behind.
    expect(await statusesOf(Array.from({ length: FEW }, () => ask(one, "noisy-1")))).toEqual({ 200: FEW });
  });

  test("takes nothing of other tenants', though the users have the same names; what is exempt goes on in his own", async () => {
    const [one, other] = tenants;
    one.close();
    const flood = Array.from({ length: FLOOD }, () => ask(one, "noisy-1"));
    expect((await Promise.race(flood)).status).toBe(429);
    for (const name of ["noisy-1", "ann"]) {
      const answers = [];
      for (let at = 0; at < FLOOD; at++) answers.push((await ask(other, name)).status);
      expect(tally(answers), name).toEqual({ 200: FLOOD });
    }
    expect((await one.cluster.call("/api/v1/namespaces/default")).status).toBe(200);
    expect((await one.cluster.call("/readyz", { token: null })).status).toBe(200);
    one.open();
    expect(await statusesOf(flood)).toEqual({ 200: SERVED_MAX, 429: FLOOD - SERVED_MAX });
  });
});
