/**
 * Pods that wait for a node: ready ones by priority, then by age; failed ones until their back-off is over and something happened that
 * may help them, or five minutes have passed (pkg/scheduler/backend/queue).
 */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { Clock } from "../platform/platform.ts";
import type { ClusterEvent, Plugin } from "./framework.ts";
import { createHeap, type Heap } from "./heap.ts";

export interface SchedulingQueue {
  /** A pod that is new, or that has changed in a way that may matter. */
  add(pod: PodView): void;
  remove(uid: string): void;
  /** The next pod, which is out of the queue then. */
  pop(): PodView | undefined;
  /**
   * No node would have it: it waits for an event that may help against one of these plugins (by name); where there was no node to ask,
   * for a node. To be called in the same turn as `pop`, so that no event falls in between.
   */
  unschedulable(pod: PodView, refusedBy: ReadonlySet<string>): void;
  /** Something went wrong that time may heal. */
  retry(pod: PodView): void;
  /** Lets those go ahead whom this may help. */
  happened(event: ClusterEvent): void;
  /** Is there something to pop now? */
  readonly isReady: boolean;
  /** Unix ms at which there is something to pop; undefined when only an event can bring it. */
  nextDueMs(): number | undefined;
}

const BACK_OFF_MS_MIN = 1_000;
const BACK_OFF_MS_MAX = 10_000;
/** What no event helped is tried again after this: an event may have been judged wrongly. */
const PARKED_MS_MAX = 5 * 60_000;

interface Entry {
  pod: PodView;
  /** When it came to the ready ones; the order of equals. */
  order: number;
  attempts: number;
  state: "active" | "backing-off" | "parked" | "out";
  /** When its back-off ends, and when it is tried whatever happens. */
  readyMs: number;
  parkedUntilMs: number;
  reasons: Parked | undefined;
}

/** All that wait for the same plugins. */
interface Parked {
  plugins: readonly Plugin[];
  entries: Set<Entry>;
}

export function createSchedulingQueue(deps: { clock: Clock; plugins: readonly Plugin[] }): SchedulingQueue {
  const { clock } = deps;
  const plugins = new Map(deps.plugins.map((plugin) => [plugin.name, plugin]));
  const entries = new Map<string, Entry>();
  const active = createHeap<Entry>(
    (a, b) => a.pod.priority > b.pod.priority || (a.pod.priority === b.pod.priority && a.order < b.order),
  );
  const backingOff = createHeap<Entry>((a, b) => a.readyMs < b.readyMs);
  /** In the order in which they were parked, which is that of their times. */
  const parkedTimes = new Set<Entry>();
  const parked = new Map<string, Parked>();
  let order = 0;

  const activate = (entry: Entry): void => {
    entry.state = "active";
    entry.order = order++;
    active.push(entry);
  };
  const backOff = (entry: Entry): void => {
    if (entry.readyMs <= clock.now()) return activate(entry);
    entry.state = "backing-off";
    backingOff.push(entry);
  };
  const unpark = (entry: Entry): void => {
    parkedTimes.delete(entry);
    entry.reasons?.entries.delete(entry);
    entry.reasons = undefined;
  };
  const failed = (pod: PodView): Entry => {
    const known = entries.get(pod.metadata.uid);
    const entry = known ?? newEntry(pod);
    // A new object for the heaps, which may still hold the old one.
    const attempts = entry.attempts + 1;
    const delayMs = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** Math.min(attempts - 1, 10));
    entry.state = "out";
    const made: Entry = { ...entry, pod, attempts, readyMs: clock.now() + delayMs };
    entries.set(pod.metadata.uid, made);
    return made;
  };
  const park = (entry: Entry, refusedBy: ReadonlySet<string>): void => {
    const key = [...refusedBy].toSorted().join();
    let group = parked.get(key);
    if (group === undefined) {
      group = { plugins: [...refusedBy].flatMap((name) => plugins.get(name) ?? []), entries: new Set() };
      parked.set(key, group);
    }
    entry.state = "parked";
    entry.parkedUntilMs = clock.now() + PARKED_MS_MAX;
    entry.reasons = group;
    group.entries.add(entry);
    parkedTimes.add(entry);
  };
  const release = (): void => {
    const now = clock.now();
    for (
      let top = topOf(backingOff, "backing-off");
      top && top.readyMs <= now;
      top = topOf(backingOff, "backing-off")
    ) {
      backingOff.pop();
      activate(top);
    }
    for (const entry of parkedTimes) {
      if (entry.parkedUntilMs > now) break;
      unpark(entry);
      activate(entry);
    }
  };

  return {
    add(pod) {
      const known = entries.get(pod.metadata.uid);
      if (known === undefined) {
        const entry = newEntry(pod);
        entries.set(pod.metadata.uid, entry);
        return activate(entry);
      }
      // A change does not shorten the back-off, so that a pod that changes all the time does not take the turns of others.
      const entry = { ...known, pod };
      unpark(known);
      known.state = "out";
      entries.set(pod.metadata.uid, entry);
      backOff(entry);
    },
    remove(uid) {
      const entry = entries.get(uid);
      if (entry === undefined) return;
      unpark(entry);
      entry.state = "out";
      entries.delete(uid);
    },
    pop() {
      release();
      const entry = topOf(active, "active");
      if (entry === undefined) return undefined;
      active.pop();
      entry.state = "out";
      return entry.pod;
    },
    unschedulable: (pod, refusedBy) => park(failed(pod), refusedBy),
    retry: (pod) => backOff(failed(pod)),
    happened(event) {
      for (const [key, group] of parked) {
        if (group.entries.size === 0) parked.delete(key);
        if (!mayConcern(group, event)) continue;
        for (const entry of group.entries) {
          if (!concerns(group, event, entry.pod)) continue;
          unpark(entry);
          backOff(entry);
        }
      }
    },
    get isReady() {
      release();
      return topOf(active, "active") !== undefined;
    },
    nextDueMs() {
      if (topOf(active, "active")) return clock.now();
      const [parkedFirst] = parkedTimes;
      const times = [topOf(backingOff, "backing-off")?.readyMs, parkedFirst?.parkedUntilMs];
      const known = times.filter((time) => time !== undefined);
      return known.length === 0 ? undefined : Math.max(clock.now(), Math.min(...known));
    },
  };
}

function newEntry(pod: PodView): Entry {
  return { pod, order: 0, attempts: 0, state: "out", readyMs: 0, parkedUntilMs: 0, reasons: undefined };
}

/** The first that is still in this state: what has moved on is dropped when it comes up. */
function topOf(heap: Heap<Entry>, state: Entry["state"]): Entry | undefined {
  for (;;) {
    const top = heap.peek();
    if (top === undefined || top.state === state) return top;
    heap.pop();
  }
}

/** Where there was no node to ask, nobody refused: then only a node helps. */
function mayConcern({ plugins }: Parked, event: ClusterEvent): boolean {
  if (plugins.length === 0) return event.kind === "node" && event.before === undefined;
  return plugins.some(({ awaits }) => awaits.includes(event.kind));
}

function concerns({ plugins }: Parked, event: ClusterEvent, pod: PodView): boolean {
  return plugins.length === 0 || plugins.some(({ awaits, helps }) => awaits.includes(event.kind) && helps(event, pod));
}
