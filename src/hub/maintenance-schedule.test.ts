import { expect, test } from "vitest";
import { silentLog } from "../../test/harness/silent-log.ts";
import { createMaintenanceSchedule } from "./maintenance-schedule.ts";

function setUp() {
  const state = { nowMs: 0, alarms: [] as number[], next: [] as (number | undefined | Error)[] };
  const schedule = createMaintenanceSchedule({
    clock: { now: () => state.nowMs },
    log: silentLog,
    setAlarm: (atMs) => state.alarms.push(atMs),
    run: async () => {
      const nextMs = state.next.shift();
      if (nextMs instanceof Error) throw nextMs;
      return { removed: 0, expired: 0, nextMs };
    },
  });
  return { state, schedule };
}

test("one run follows many commits, and none follows it where nothing is left to do", async () => {
  const { state, schedule } = setUp();
  for (state.nowMs = 0; state.nowMs < 50_000; state.nowMs += 10_000) schedule.committed();
  expect(state.alarms).toEqual([60_000]);
  state.nowMs = 60_000;
  await schedule.alarm();
  expect(state.alarms).toEqual([60_000]);
});

test("what will be due later has its time, but a commit comes first, and none sooner than a minute after the other", async () => {
  const { state, schedule } = setUp();
  state.next = [500_000, 1];
  await schedule.alarm();
  expect(state.alarms).toEqual([500_000]);
  state.nowMs = 100_000;
  schedule.committed();
  expect(state.alarms).toEqual([500_000, 160_000]);
  state.nowMs = 160_000;
  await schedule.alarm();
  expect(state.alarms.at(-1)).toBe(220_000);
});

test("a run that fails is tried again, and a commit during a run is not forgotten", async () => {
  const { state, schedule } = setUp();
  state.next = [new Error("no database"), undefined];
  await schedule.alarm();
  expect(state.alarms).toEqual([60_000]);
  state.nowMs = 60_000;
  const running = schedule.alarm();
  schedule.committed();
  await running;
  expect(state.alarms).toEqual([60_000, 120_000]);
});
