import { expect, test } from "vitest";
import { silentLog } from "../../test/harness/silent-log.ts";
import type { Timers } from "../platform/platform.ts";
import { repeatSweeps } from "./sweeps.ts";

/** Timers that are due when the test says so. */
function createTimers() {
  const waiting = new Map<() => void, number>();
  const timers: Timers = {
    after(delayMs, run) {
      waiting.set(run, delayMs);
      return () => waiting.delete(run);
    },
  };
  const fire = async (): Promise<void> => {
    for (const run of waiting.keys()) {
      waiting.delete(run);
      run();
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { timers, waiting, fire };
}

test("swept every ten minutes, also after one that failed, and not at once", async () => {
  const { timers, waiting, fire } = createTimers();
  let swept = 0;
  const sweep = async () => {
    swept += 1;
    if (swept === 1) throw new Error("the database is away");
  };
  const stop = repeatSweeps({ sweep, timers, log: silentLog });
  expect([swept, [...waiting.values()]]).toEqual([0, [600_000]]);
  await fire();
  await fire();
  expect([swept, [...waiting.values()]]).toEqual([2, [600_000]]);
  await stop();
  expect(waiting.size).toBe(0);
});

test("the next one waits for a slow one, and so does who stops them", async () => {
  const { timers, waiting, fire } = createTimers();
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = repeatSweeps({ sweep: () => promise, timers, log: silentLog });
  await fire();
  expect(waiting.size).toBe(0);
  let stopped = false;
  const stopping = stop().then(() => (stopped = true));
  await fire();
  expect(stopped).toBe(false);
  resolve();
  await stopping;
  expect(waiting.size).toBe(0);
});
