/** Keys that wait for their reconciler: each at most once, never two at a time for the same key, failures ever later. */
import type { Clock } from "../platform/platform.ts";
import type { Key } from "./reconciler.ts";

export interface WorkQueue {
  /** Ready now. A key that is being worked on becomes ready again when it is done. */
  add(key: Key): void;
  /** Ready after a while. Of two such wishes the earlier counts. */
  addAfter(key: Key, delayMs: number): void;
  /** Ready after this key's back-off, which doubles each time until `forget`. Returns the delay. */
  retry(key: Key): number;
  forget(key: Key): void;
  /** The next key, which the caller works on until `done`. */
  take(): Key | undefined;
  done(key: Key): void;
  /** Unix ms at which there is something to take, now or later; undefined when nothing waits. */
  nextDueMs(): number | undefined;
}

export interface BackOff {
  minMs: number;
  maxMs: number;
}

const DEFAULT_BACK_OFF: BackOff = { minMs: 5, maxMs: 1_000_000 };

export function createWorkQueue(deps: { clock: Clock; backOff?: BackOff }): WorkQueue {
  const { minMs, maxMs } = deps.backOff ?? DEFAULT_BACK_OFF;
  /** In the order of arrival. */
  const ready = new Set<Key>();
  const working = new Set<Key>();
  const again = new Set<Key>();
  const failures = new Map<Key, number>();
  const delayed = createDelays();

  const add = (key: Key): void => {
    if (working.has(key)) again.add(key);
    else ready.add(key);
  };
  const addAfter = (key: Key, delayMs: number): void => {
    if (delayMs <= 0) add(key);
    else delayed.set(key, deps.clock.now() + delayMs);
  };
  const release = (): void => {
    const now = deps.clock.now();
    for (let key = delayed.takeDue(now); key !== undefined; key = delayed.takeDue(now)) add(key);
  };

  return {
    add,
    addAfter,
    retry(key) {
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      const delayMs = Math.min(minMs * 2 ** Math.min(count, 40), maxMs);
      addAfter(key, delayMs);
      return delayMs;
    },
    forget: (key) => void failures.delete(key),
    take() {
      release();
      const [key] = ready;
      if (key === undefined) return undefined;
      ready.delete(key);
      working.add(key);
      return key;
    },
    done(key) {
      working.delete(key);
      if (again.delete(key)) ready.add(key);
    },
    nextDueMs: () => (ready.size > 0 ? deps.clock.now() : delayed.nextMs()),
  };
}

interface Delays {
  /** Keeps the earlier time of a key that waits already. */
  set(key: Key, dueMs: number): void;
  takeDue(nowMs: number): Key | undefined;
  nextMs(): number | undefined;
}

/** A binary heap whose outdated entries are skipped when they come up. */
function createDelays(): Delays {
  const due = new Map<Key, number>();
  const heap: { key: Key; dueMs: number }[] = [];
  const at = (index: number): number => heap[index]?.dueMs ?? Number.POSITIVE_INFINITY;
  const swap = (a: number, b: number): void => {
    const [first, second] = [heap[a], heap[b]];
    if (first === undefined || second === undefined) return;
    heap[a] = second;
    heap[b] = first;
  };
  const push = (entry: { key: Key; dueMs: number }): void => {
    let index = heap.push(entry) - 1;
    while (index > 0 && at((index - 1) >> 1) > at(index)) {
      swap(index, (index - 1) >> 1);
      index = (index - 1) >> 1;
    }
  };
  const pop = (): void => {
    swap(0, heap.length - 1);
    heap.pop();
    for (let index = 0; ;) {
      const left = 2 * index + 1;
      const smaller = at(left + 1) < at(left) ? left + 1 : left;
      if (at(smaller) >= at(index)) return;
      swap(index, smaller);
      index = smaller;
    }
  };
  const dropOutdated = (): void => {
    for (let top = heap[0]; top !== undefined && due.get(top.key) !== top.dueMs; top = heap[0]) pop();
  };
  return {
    set(key, dueMs) {
      if ((due.get(key) ?? Number.POSITIVE_INFINITY) <= dueMs) return;
      due.set(key, dueMs);
      push({ key, dueMs });
    },
    takeDue(nowMs) {
      dropOutdated();
      const top = heap[0];
      if (top === undefined || top.dueMs > nowMs) return undefined;
      pop();
      due.delete(top.key);
      return top.key;
    },
    nextMs() {
      dropOutdated();
      return heap[0]?.dueMs;
    },
  };
}
