/** Clocks and timers for tests, in every runtime. */
import type { Clock, Timers } from "../../src/platform/platform.ts";

export const realTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  soon(run) {
    setTimeout(run, 0);
  },
};

export const realClock: Clock = { now: () => Date.now() };

export interface ManualTime extends Clock, Timers {
  /** Moves time and runs what is due, in order. */
  advance(byMs: number): void;
  /** How many timers are set. */
  readonly pending: number;
}

/** Time that stands still until a test moves it. `soon` is real: it is about turns, not about time. */
export function createManualTime(startMs = 1_000_000): ManualTime {
  let nowMs = startMs;
  const timers = new Set<{ dueMs: number; run: () => void }>();
  return {
    now: () => nowMs,
    get pending() {
      return timers.size;
    },
    after(delayMs, run) {
      const timer = { dueMs: nowMs + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    soon: (run) => void setTimeout(run, 0),
    advance(byMs) {
      const untilMs = nowMs + byMs;
      for (;;) {
        const [next] = [...timers].filter(({ dueMs }) => dueMs <= untilMs).toSorted((a, b) => a.dueMs - b.dueMs);
        if (next === undefined) break;
        timers.delete(next);
        nowMs = Math.max(nowMs, next.dueMs);
        next.run();
      }
      nowMs = untilMs;
    },
  };
}
