/**
 * When maintenance is due: a minute after a commit, and again when the run says that something is left that will be old enough by then.
 * In a cluster where nothing is written it comes to rest, and nothing is asked of SQL.
 */
import type { Clock, Log } from "../platform/platform.ts";
import type { MaintenanceReport } from "./maintenance.ts";

/** Also the shortest time between two runs. */
const DELAY_MS = 60_000;

export interface MaintenanceScheduleDeps {
  clock: Clock;
  log: Log;
  /** Calls `alarm` at this time (Unix ms) instead of at any that was set before. */
  setAlarm: (atMs: number) => void;
  run: () => Promise<MaintenanceReport>;
}

export interface MaintenanceSchedule {
  /** Something was written, or may have been before this instance. */
  committed(): void;
  /** Never throws: a failed run is tried again. */
  alarm(): Promise<void>;
}

export function createMaintenanceSchedule({ clock, log, setAlarm, run }: MaintenanceScheduleDeps): MaintenanceSchedule {
  let dueMs: number | undefined;

  function schedule(atMs: number): void {
    if (dueMs !== undefined && dueMs <= atMs) return;
    dueMs = atMs;
    setAlarm(atMs);
  }

  return {
    committed: () => schedule(clock.now() + DELAY_MS),
    async alarm() {
      dueMs = undefined;
      try {
        const { nextMs } = await run();
        if (nextMs !== undefined) schedule(Math.max(nextMs, clock.now() + DELAY_MS));
      } catch (error) {
        log.warn("maintenance failed; it is tried again", { error });
        schedule(clock.now() + DELAY_MS);
      }
    },
  };
}
