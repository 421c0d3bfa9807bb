/** When the volumes of a running pod are to be written again: their sources changed, or a token wants to be renewed. */
import type { Clock } from "../../src/platform/platform.ts";

const RETRY_MS = 60_000;
/** Changes that follow each other become one refresh. */
const PAUSE_MS = 1_000;

export interface VolumeKeeper {
  ready(): boolean;
  /** For a pod that is being started. @throws VolumeError */
  setUp(): Promise<void>;
  /** The pod runs already, from an agent before this one: its volumes stand, but may be out of date. */
  takeOver(): void;
  /** Something the volumes are made of has changed. */
  soil(): void;
  /** Unix ms; undefined while there is nothing to do. */
  dueAtMs(): number | undefined;
  /** Never rejects. */
  refresh(): Promise<void>;
}

export function createVolumeKeeper(deps: {
  clock: Clock;
  setUp(): Promise<void>;
  renewAtMs(): number | undefined;
  onError(message: string): void;
}): VolumeKeeper {
  let ready = false;
  let dirty = false;
  let notBeforeMs = 0;
  let failed = false;
  return {
    ready: () => ready,
    async setUp() {
      dirty = false;
      await deps.setUp();
      ready = true;
    },
    takeOver() {
      if (ready) return;
      ready = true;
      dirty = true;
    },
    soil() {
      dirty = true;
      if (failed) notBeforeMs = 0;
    },
    dueAtMs() {
      if (!ready) return undefined;
      if (dirty) return notBeforeMs;
      const renewAtMs = deps.renewAtMs();
      return renewAtMs === undefined ? undefined : Math.max(renewAtMs, notBeforeMs);
    },
    async refresh() {
      const nowMs = deps.clock.now();
      dirty = false;
      failed = false;
      try {
        await deps.setUp();
        const renewAtMs = deps.renewAtMs();
        // A token that could not be renewed is tried again, but not at once.
        const late = renewAtMs !== undefined && renewAtMs <= nowMs;
        notBeforeMs = nowMs + (late ? RETRY_MS : PAUSE_MS);
      } catch (error) {
        dirty = true;
        failed = true;
        notBeforeMs = nowMs + RETRY_MS;
        deps.onError(error instanceof Error ? error.message : String(error));
      }
    },
  };
}
