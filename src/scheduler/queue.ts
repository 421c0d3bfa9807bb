/** Pods that wait for a node: ready ones by priority, failed ones until their back-off is over or something changes. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { Clock } from "../platform/platform.ts";
import type { ClusterEvent, Plugin } from "./framework.ts";

export interface SchedulingQueue {
  /** A pod that is new, or that has changed in a way that may matter. */
  add(pod: PodView): void;
  remove(uid: string): void;
  /** The next pod, which is out of the queue then. */
  pop(): PodView | undefined;
  /**
   * No node would have it: it waits for an event that one of these plugins waits for; where there was no node to ask, for a node. To be
   * called in the same turn as `pop`, so that no event falls in between.
   */
  unschedulable(pod: PodView, refusedBy: ReadonlySet<Plugin>): void;
  /** Something went wrong that time may heal. */
  retry(pod: PodView): void;
  /** Lets those go ahead whom this may help. */
  happened(event: ClusterEvent): void;
  /** Is there something to pop, now or after a back-off? */
  readonly isEmpty: boolean;
  /** Unix ms at which there is something to pop; undefined when only an event can bring it. */
  nextDueMs(): number | undefined;
}

const BACK_OFF_MS_MIN = 1_000;
const BACK_OFF_MS_MAX = 10_000;

interface Waiting {
  pod: PodView;
  /** When its back-off ends. */
  readyMs: number;
  /** Undefined: only time. */
  refusedBy: ReadonlySet<Plugin> | undefined;
}

export function createSchedulingQueue(deps: { clock: Clock }): SchedulingQueue {
  const { clock } = deps;
  const active = new Map<string, PodView>();
  /** Waits for its back-off only. */
  const backingOff = new Map<string, Waiting>();
  /** Waits for an event. */
  const parked = new Map<string, Waiting>();
  const attempts = new Map<string, number>();

  const failed = (pod: PodView, refusedBy: ReadonlySet<Plugin> | undefined): Waiting => {
    const { uid } = pod.metadata;
    const count = (attempts.get(uid) ?? 0) + 1;
    attempts.set(uid, count);
    const delayMs = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** Math.min(count - 1, 10));
    return { pod, readyMs: clock.now() + delayMs, refusedBy };
  };
  const release = (): void => {
    const now = clock.now();
    for (const [uid, { pod, readyMs }] of backingOff) {
      if (readyMs > now) continue;
      backingOff.delete(uid);
      active.set(uid, pod);
    }
  };

  return {
    add(pod) {
      const { uid } = pod.metadata;
      parked.delete(uid);
      const waits = backingOff.get(uid);
      // A change does not shorten the back-off, so that a pod that changes all the time does not take the turns of others.
      if (waits) backingOff.set(uid, { ...waits, pod });
      else active.set(uid, pod);
    },
    remove(uid) {
      for (const map of [active, backingOff, parked, attempts]) map.delete(uid);
    },
    pop() {
      release();
      let best: PodView | undefined;
      // The first of the highest priority: a map keeps the order of arrival.
      for (const pod of active.values()) if (best === undefined || pod.priority > best.priority) best = pod;
      if (best === undefined) return undefined;
      active.delete(best.metadata.uid);
      return best;
    },
    unschedulable: (pod, refusedBy) => void parked.set(pod.metadata.uid, failed(pod, refusedBy)),
    retry: (pod) => void backingOff.set(pod.metadata.uid, failed(pod, undefined)),
    happened(event) {
      for (const [uid, waiting] of parked) {
        if (!concerns(waiting, event)) continue;
        parked.delete(uid);
        backingOff.set(uid, waiting);
      }
    },
    get isEmpty() {
      return active.size === 0 && backingOff.size === 0;
    },
    nextDueMs() {
      if (active.size > 0) return clock.now();
      if (backingOff.size === 0) return undefined;
      let earliestMs = Number.POSITIVE_INFINITY;
      for (const { readyMs } of backingOff.values()) earliestMs = Math.min(earliestMs, readyMs);
      return Math.max(clock.now(), earliestMs);
    },
  };
}

/** Where there was no node to ask, nobody refused: then only a node helps. */
function concerns({ refusedBy }: Waiting, event: ClusterEvent): boolean {
  if (refusedBy === undefined || refusedBy.size === 0) return event === "node-added";
  return [...refusedBy].some(({ requeueOn }) => requeueOn.includes(event));
}
