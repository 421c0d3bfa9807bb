/** What is taken up again on a schedule where no cron does it (Node): clusters half made or half removed, revocations untold. */
import type { Log, Timers } from "../platform/platform.ts";

/** As often as the cron of the edge (wrangler.toml). */
const EVERY_MS = 600_000;

/** Sweeps again and again, never twice at a time. Returns the undo, which resolves when none is under way any more. */
export function repeatSweeps(deps: { sweep: () => Promise<void>; timers: Timers; log: Log }): () => Promise<void> {
  const { sweep, timers, log } = deps;
  let running = Promise.resolve();
  let stopped = false;
  let cancel: (() => void) | undefined;

  async function run(): Promise<void> {
    try {
      await sweep();
    } catch (error) {
      log.warn("a sweep of the accounts failed; it is tried again", { error });
    }
    schedule();
  }

  function schedule(): void {
    if (stopped) return;
    cancel = timers.after(EVERY_MS, () => void (running = run()));
  }

  schedule();
  return async () => {
    stopped = true;
    cancel?.();
    await running;
  };
}
