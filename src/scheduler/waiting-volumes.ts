/** Pods that have their node and wait until their claims are bound: only then may they be bound themselves. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { Clock } from "../platform/platform.ts";
import type { Tables } from "./framework.ts";
import { claimKeys } from "./plugins/claims.ts";
import { shapeLike } from "./plugins/volume-restrictions.ts";

export interface WaitingVolumes {
  add(decided: Omit<Waiting, "untilMs">): void;
  remove(uid: string): void;
  /** Those that may be bound now, and those for whom it took too long or whose volumes cannot be made; they wait no longer. */
  take(): { ready: Waiting[]; failed: Waiting[] };
  nextDueMs(): number | undefined;
}

export interface Waiting {
  pod: PodView;
  node: string;
  /** Under which the node was chosen. */
  fence: string | undefined;
  untilMs: number;
}

/** kube-scheduler's BindTimeoutSeconds. */
const WAIT_MS_MAX = 600_000;

export function createWaitingVolumes({ clock, tables }: { clock: Clock; tables: Tables }): WaitingVolumes {
  const waiting = new Map<string, Waiting>();
  return {
    add: (one) => void waiting.set(one.pod.metadata.uid, { ...one, untilMs: clock.now() + WAIT_MS_MAX }),
    remove: (uid) => void waiting.delete(uid),
    take() {
      const ready: Waiting[] = [];
      const failed: Waiting[] = [];
      for (const [uid, one] of waiting) {
        const claims = claimKeys(shapeLike(one.pod)).map((key) => tables.claims.get(key));
        if (claims.every((claim) => claim?.bound === true)) ready.push(one);
        else if (one.untilMs <= clock.now() || claims.includes(undefined)) failed.push(one);
        else continue;
        waiting.delete(uid);
      }
      return { ready, failed };
    },
    nextDueMs() {
      let due: number | undefined;
      for (const { untilMs } of waiting.values()) due = Math.min(due ?? untilMs, untilMs);
      return due;
    },
  };
}
