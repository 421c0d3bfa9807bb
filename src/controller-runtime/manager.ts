/**
 * Runs controllers over shared informers. On Node it stays up (`start`): watches are open and work is done as events come. On Workers
 * the platform calls `runOnce`: watches resume where they were, everything that is due is done, and the next time is named.
 */
import type { Platform } from "../platform/platform.ts";
import type { Change, Informer } from "./informer.ts";
import type { Key, Loop, Reconciler } from "./reconciler.ts";
import type { View } from "./views/view.ts";
import { createWorkQueue, type WorkQueue } from "./work-queue.ts";

export interface Watch {
  informer: Informer;
  /** Keys that a change concerns; asked for the state before and for the state after. */
  keys(view: View, change: Change<View>): readonly Key[];
}

/** Keeps the view's type for the mapping. */
export function watching<T extends View>(
  informer: Informer<T>,
  keys: (view: T, change: Change<T>) => readonly Key[],
): Watch {
  return { informer, keys };
}

export interface Controller extends Reconciler {
  name: string;
  watches: readonly Watch[];
  /** Reconciles under way at once. */
  concurrency: number;
  /** Keys to begin with, before any event. */
  initialKeys?: readonly Key[];
  /** Called once with the means to add keys from elsewhere. */
  connect?(enqueue: (key: Key) => void): void;
}

export interface Manager extends Loop {
  /** Watches stay open and work is done as it comes, until `stop`. */
  start(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

export interface ManagerOptions {
  name: string;
  platform: Platform;
  informers: readonly Informer[];
  controllers: readonly Controller[];
  /** Waited for at the end of a run: events under way. */
  flush?(): Promise<void>;
  /** The cluster's revision now. Where nothing was written since the last run, a run opens no watches. */
  currentRevision?(): Promise<number>;
}

/** What a run waits for after its work: events under way. */
const FLUSH_MS_MAX = 2_000;
/** Before a run looks again at what it could not reach. */
const RETRY_MS = 500;
/** A run that could not list everything comes again after this. */
const UNFINISHED_MS = 1_000;

interface Worker {
  controller: Controller;
  queue: WorkQueue;
  running: number;
}

export function createManager(options: ManagerOptions): Manager {
  const { platform, informers } = options;
  const { clock, timers } = platform;
  const workers = options.controllers.map((controller): Worker => {
    const worker = { controller, queue: createWorkQueue({ clock }), running: 0 };
    connect(worker, () => pump());
    return worker;
  });
  let session: Session | undefined;
  /** Set while keys may be worked on. */
  let active = false;
  let cancelTimer: (() => void) | undefined;
  const idleWaiters = new Set<() => void>();

  const busy = (): boolean => workers.some(({ running }) => running > 0);

  function pump(): void {
    if (!active) return;
    for (const worker of workers) {
      while (worker.running < worker.controller.concurrency) {
        const key = worker.queue.take();
        if (key === undefined) break;
        void work(worker, key);
      }
    }
    schedule();
  }

  /** Comes back when a delayed key is due. */
  function schedule(): void {
    cancelTimer?.();
    const dueMs = nextDueMs(workers.filter(({ running, controller }) => running < controller.concurrency));
    if (dueMs === undefined) return;
    cancelTimer = timers.after(Math.max(0, dueMs - clock.now()), pump);
  }

  async function work(worker: Worker, key: Key): Promise<void> {
    const { controller, queue } = worker;
    worker.running += 1;
    try {
      const result = await controller.reconcile(key);
      queue.forget(key);
      if ("againAfterMs" in result) queue.addAfter(key, result.againAfterMs);
    } catch (error) {
      const delayMs = queue.retry(key);
      const level = delayMs > 1_000 ? "warn" : "debug";
      platform.log[level]("a reconcile failed; it is tried again", {
        controller: controller.name,
        key,
        delayMs,
        error,
      });
    } finally {
      worker.running -= 1;
      queue.done(key);
      pump();
      if (!busy()) for (const wake of idleWaiters) wake();
    }
  }

  const idle = async (): Promise<void> => {
    while (busy()) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          idleWaiters.delete(wake);
          resolve();
        };
        idleWaiters.add(wake);
      });
    }
  };

  async function close(): Promise<void> {
    session?.abort();
    active = false;
    cancelTimer?.();
    await Promise.all([session?.closed, idle()]);
    session = undefined;
    const enough = new AbortController();
    await Promise.race([options.flush?.(), after(timers, FLUSH_MS_MAX, enough.signal)]);
    enough.abort();
  }

  /** Runs come one after the other: two at once would share watches and keys. */
  let turns: Promise<unknown> = Promise.resolve();

  /** Is everything known that was ever written? Then what is due can be done as it is. */
  async function isCurrent(): Promise<boolean> {
    if (!options.currentRevision || !informers.every(({ synced }) => synced)) return false;
    const revision = await options.currentRevision().catch(() => undefined);
    return informers.every((informer) => informer.revision === revision);
  }

  /** One look at everything; keys are worked on meanwhile. Answers whether nothing was missed. */
  async function look(signal: AbortSignal): Promise<boolean> {
    const caughtUp = informers.map(() => Promise.withResolvers<void>());
    const looks = Promise.all(informers.map((informer, at) => informer.catchUp(signal, () => caughtUp[at]?.resolve())));
    // All of them: a pod is not to be given a node by what was known of nodes before the pod was there.
    await Promise.race([looks, Promise.all(caughtUp.map(({ promise }) => promise))]);
    if (!signal.aborted && informers.every(({ synced }) => synced)) begin();
    const complete = await looks;
    return complete.every((one) => one);
  }

  function begin(): void {
    active = true;
    pump();
  }

  async function run(deadline: number): Promise<{ nextDueMs: number | undefined }> {
    const stop = new AbortController();
    const { signal } = stop;
    const cancelDeadline = timers.after(Math.max(0, deadline - clock.now()), () => stop.abort());
    let current = await isCurrent();
    if (current) begin();
    while (!signal.aborted) {
      current ||= await look(signal);
      await Promise.race([idle(), aborted(signal)]);
      if (current && !isReady(workers, clock.now())) break;
      if (!current) await after(timers, RETRY_MS, signal);
      current = current && busy();
    }
    cancelDeadline();
    await close();
    const dueMs = nextDueMs(workers);
    if (informers.every(({ synced }) => synced)) return { nextDueMs: dueMs };
    return { nextDueMs: Math.min(dueMs ?? Number.POSITIVE_INFINITY, clock.now() + UNFINISHED_MS) };
  }

  return {
    name: options.name,
    async runOnce({ deadline }) {
      if (session) throw new Error("runOnce is for loops that are not started");
      const turn = turns.then(() => run(deadline));
      turns = turn.catch(() => {});
      return await turn;
    },
    start() {
      if (session) return;
      session = openSession(informers);
      const { signal, synced } = session;
      void synced.then(() => (signal.aborted ? undefined : begin()));
    },
    stop: close,
  };
}

function connect({ controller, queue }: Worker, pump: () => void): void {
  let scheduled = false;
  const add = (key: Key): void => {
    queue.add(key);
    // One event often adds many keys: the pump looks once at all of them.
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      pump();
    });
  };
  for (const watch of controller.watches) {
    watch.informer.onChange((change) => {
      if (change.before) for (const key of watch.keys(change.before, change)) add(key);
      if (change.after) for (const key of watch.keys(change.after, change)) add(key);
    });
  }
  for (const key of controller.initialKeys ?? []) queue.add(key);
  controller.connect?.(add);
}

function nextDueMs(workers: readonly Worker[]): number | undefined {
  let next: number | undefined;
  for (const { queue } of workers) {
    const dueMs = queue.nextDueMs();
    if (dueMs !== undefined && (next === undefined || dueMs < next)) next = dueMs;
  }
  return next;
}

function isReady(workers: readonly Worker[], nowMs: number): boolean {
  const dueMs = nextDueMs(workers);
  return dueMs !== undefined && dueMs <= nowMs;
}

/** The time in which watches stay open. */
interface Session {
  signal: AbortSignal;
  synced: Promise<unknown>;
  closed: Promise<unknown>;
  abort: () => void;
}

function openSession(informers: readonly Informer[]): Session {
  const controller = new AbortController();
  const { signal } = controller;
  return {
    signal,
    closed: Promise.all(informers.map((informer) => informer.run(signal))),
    synced: Promise.all(informers.map((informer) => informer.whenSynced(signal))),
    abort: () => controller.abort(),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function after(timers: Platform["timers"], delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = timers.after(delayMs, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
