/**
 * A projection of one resource that follows the API: list, then watch from there, resumed by revision. It knows at once what this
 * process itself wrote (`observe`, `expectDeletion`), so that no loop acts twice on a store that lags behind its own writes.
 */
import type { Client } from "../client/client.ts";
import type { ResourceRef } from "../machinery/gvk.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { isStatusError } from "../machinery/status-error.ts";
import type { Platform } from "../platform/platform.ts";
import { createIndexedStore, type Indices } from "./indexed-store.ts";
import { asDeleted, keyOf, type View } from "./views/view.ts";

/** What handlers get: enough to find the keys that are concerned. */
export interface Change<T extends View> {
  key: string;
  before: T | undefined;
  after: T | undefined;
}

export interface Informer<T extends View = View> {
  readonly ref: ResourceRef;
  /** True once everything that was there at some moment is here. */
  readonly synced: boolean;
  /** What happened up to here is known; 0 before the first list. */
  readonly revision: number;
  readonly size: number;
  get(key: string): T | undefined;
  all(): IterableIterator<T>;
  /** Those whose index of this name has this value. */
  by(index: string, value: string): T[];
  /** Called after the store has changed. Returns the undo. */
  onChange(handler: (change: Change<T>) => void): () => void;
  /** What a write of ours returned. Older news than the store's are ignored. */
  observe(object: KubeObject): void;
  /** A delete of ours succeeded: until the watch says more, the object counts as on its way out. */
  expectDeletion(view: View): void;
  /** Follows the API until the signal fires. Never throws; failures are retried. Resolves when the last connection is closed. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * For runs that end: lists where needed and watches for a second. True when everything committed before the call is known now;
   * false when that could not be made sure of. `caughtUp` is called as soon as it is known, where the server says so before the end.
   * Never throws.
   */
  catchUp(signal: AbortSignal, caughtUp: () => void): Promise<boolean>;
  /** Resolves when `synced`, or when the signal fires. */
  whenSynced(signal: AbortSignal): Promise<void>;
}

export interface InformerOptions<T extends View> {
  ref: ResourceRef;
  project: (object: KubeObject) => T;
  /** Beside "namespace" and "owner" (uids of owners), which every informer has. */
  indices?: Indices<T>;
  client: Client;
  platform: Platform;
  labelSelector?: string;
  fieldSelector?: string;
}

/** Objects of a list in one request. */
const PAGE = 500;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 30_000;
/** The shortest watch there is. Its server ends it with a bookmark, which is the proof that nothing is missing. */
const CATCH_UP_SECONDS = 1;
/** A watch that ends sooner than this counts as a failure, so that a server that closes at once is not asked in a busy loop. */
const WATCH_MS_MIN = 1_000;

export function createInformer<T extends View>(options: InformerOptions<T>): Informer<T> {
  const { ref, project, platform, client } = options;
  const { clock, log } = platform;
  const store = createIndexedStore<T>({
    namespace: (view) => [view.metadata.namespace],
    owner: (view) => view.metadata.ownerReferences.map(({ uid }) => uid),
    ...options.indices,
  });
  const handlers = new Set<(change: Change<T>) => void>();
  /** uids that this process deleted and the watch has not yet shown so. */
  const expected = new Map<string, string>();
  const waiting = new Set<() => void>();
  let revision: number | undefined;
  let synced = false;

  const put = (key: string, after: T | undefined): void => {
    const before = store.get(key);
    if (after === undefined) store.delete(key);
    else store.set(key, after);
    for (const handler of handlers) handler({ key, before, after });
  };

  /** Marks what we deleted as long as the API's news are older than our delete. */
  const withExpectation = (key: string, view: T): T => {
    const uid = expected.get(key);
    if (uid === undefined) return view;
    if (uid === view.metadata.uid && view.metadata.deletionTimestamp === undefined) return asDeleted(view, clock.now());
    expected.delete(key);
    return view;
  };

  const upsert = (object: KubeObject): void => {
    const key = keyOf(object.metadata);
    const known = store.get(key);
    if (known && revisionOf(known.metadata) >= revisionOf(object.metadata)) return;
    put(key, withExpectation(key, project(object)));
  };

  const remove = (object: KubeObject): void => {
    const key = keyOf(object.metadata);
    const known = store.get(key);
    if (known === undefined || revisionOf(known.metadata) > revisionOf(object.metadata)) return;
    expected.delete(key);
    put(key, undefined);
  };

  const selection = {
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
    ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
  };

  /**
   * The whole truth as of one revision; what we wrote after it stays. Page by page, so that of fifty thousand objects never more than a
   * page is held whole. False when the signal fired.
   */
  async function list(signal: AbortSignal): Promise<boolean> {
    const listed = new Set<string>();
    let at = 0;
    let token: string | undefined;
    do {
      const page = await client.list<KubeObject>(ref, {
        ...selection,
        limit: PAGE,
        ...(token === undefined ? {} : { continue: token }),
      });
      if (signal.aborted) return false;
      // All pages are of the first one's revision.
      if (token === undefined) at = Number(page.metadata.resourceVersion ?? 0);
      for (const item of page.items) {
        listed.add(keyOf(item.metadata));
        upsert(item);
      }
      token = page.metadata.continue || undefined;
    } while (token !== undefined);
    for (const view of store.all()) {
      const key = keyOf(view.metadata);
      if (listed.has(key) || revisionOf(view.metadata) > at) continue;
      expected.delete(key);
      put(key, undefined);
    }
    revision = at;
    synced = true;
    for (const wake of waiting) wake();
    waiting.clear();
    return true;
  }

  /** One list where needed, then one watch to its end. True when that end was the server's and is marked. */
  async function follow(
    signal: AbortSignal,
    limits: { timeoutSeconds?: number } = {},
    caughtUp: () => void = () => undefined,
  ): Promise<boolean> {
    if (revision === undefined) {
      if (!(await list(signal))) return false;
      caughtUp();
    }
    const watch = client.watch<KubeObject>(ref, {
      ...selection,
      ...limits,
      resourceVersion: String(revision),
      allowWatchBookmarks: true,
      signal,
    });
    let marked = false;
    for await (const event of watch) {
      if (event.type === "ERROR") return false;
      marked = event.type === "BOOKMARK";
      // The first comes when the watch has shown what was there before it (watch/watcher.ts).
      if (marked) caughtUp();
      if (event.type === "DELETED") remove(event.object);
      else if (event.type !== "BOOKMARK") upsert(event.object);
      revision = Math.max(revision ?? 0, revisionOf(event.object.metadata));
    }
    return marked && !signal.aborted;
  }

  return {
    ref,
    get synced() {
      return synced;
    },
    get revision() {
      return revision ?? 0;
    },
    get size() {
      return store.size;
    },
    get: (key) => store.get(key),
    all: () => store.all(),
    by: (index, value) => store.by(index, value),
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    observe(object) {
      // What the watch has passed already is known, or gone again.
      if (revisionOf(object.metadata) > (revision ?? 0)) upsert(object);
    },
    expectDeletion({ metadata }) {
      const key = keyOf(metadata);
      const known = store.get(key);
      if (known?.metadata.uid !== metadata.uid || known.metadata.deletionTimestamp !== undefined) return;
      expected.set(key, metadata.uid);
      put(key, asDeleted(known, clock.now()));
    },
    async run(signal) {
      let failures = 0;
      while (!signal.aborted) {
        const startedMs = clock.now();
        try {
          await follow(signal);
          failures = clock.now() - startedMs >= WATCH_MS_MIN ? 0 : failures + 1;
        } catch (error) {
          if (signal.aborted) return;
          if (isStatusError(error, "Expired") || isStatusError(error, "Gone")) {
            revision = undefined;
            failures += 1;
            // Listed again at once; only a server that says so over and over is given time.
            if (failures === 1) continue;
          } else {
            failures += 1;
            log.warn("a watch failed; it is tried again", { resource: ref.resource, failures, error });
          }
        }
        if (failures > 0) await pause({ failures, signal, platform });
      }
    },
    async catchUp(signal, caughtUp) {
      for (let attempt = 1; !signal.aborted; attempt++) {
        try {
          return await follow(signal, { timeoutSeconds: CATCH_UP_SECONDS }, caughtUp);
        } catch (error) {
          const expired = isStatusError(error, "Expired") || isStatusError(error, "Gone");
          if (expired) revision = undefined;
          if (!signal.aborted && !expired) log.warn("catching up failed", { resource: ref.resource, error });
          if (!expired || attempt > 1) return false;
        }
      }
      return false;
    },
    whenSynced(signal) {
      if (synced || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.add(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
  };
}

/** Jittered, so that many informers do not come back together. */
function pause(options: { failures: number; signal: AbortSignal; platform: Platform }): Promise<void> {
  const { failures, signal, platform } = options;
  const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures - 1, 20));
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = platform.timers.after(delayMs * (0.5 + platform.random.fraction() / 2), () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** Revisions of one cluster are positions in one log, so they compare. */
function revisionOf(meta: { resourceVersion?: string }): number {
  return Number(meta.resourceVersion ?? 0);
}
