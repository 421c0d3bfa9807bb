/** Wakes the control loops after commits: one call under way at a time, and one more when something came meanwhile. */
import type { Log, Timers } from "../platform.ts";

export interface Waker {
  wake(): void;
}

/** A loops object that cannot be reached is tried again; commits need not wait for it. */
const RETRY_DELAY_MS = 2_000;

export function createWaker(deps: { wake: () => Promise<void>; timers: Timers; log: Log }): Waker {
  const { timers, log } = deps;
  let underWay = false;
  let again = false;

  function run(): void {
    underWay = true;
    again = false;
    deps.wake().then(
      () => {
        underWay = false;
        if (again) run();
        return undefined;
      },
      (error: unknown) => {
        log.warn("the control loops could not be woken; trying again", { error });
        timers.after(RETRY_DELAY_MS, run);
      },
    );
  }

  return {
    wake() {
      again = true;
      if (!underWay) run();
    },
  };
}
