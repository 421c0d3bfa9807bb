import { expect, test } from "vitest";
import { eventually } from "../../test/harness/eventually.ts";
import { silentLog } from "../../test/harness/silent-log.ts";
import { realClock, realTimers } from "../../test/harness/timers.ts";
import { configMaps } from "../kinds/core/configmaps/types.ts";
import type { Platform } from "../platform/platform.ts";
import type { Change, Informer } from "./informer.ts";
import { createManager, watching, type Controller } from "./manager.ts";
import type { ReconcileResult } from "./reconciler.ts";
import { metadataOnly, type View } from "./views/view.ts";

const platform: Platform = {
  clock: realClock,
  timers: realTimers,
  log: silentLog,
  random: { uuid: () => "", fraction: () => 0.5, bytes: () => new Uint8Array() },
};
const soon = (attempt: () => void) => eventually(attempt, { withinMs: 5_000, everyMs: 2 });

function fakeInformer() {
  const handlers = new Set<(change: Change<View>) => void>();
  let open = 0;
  let looks = 0;
  /** It says nothing before the end of its watch. */
  let isSlow = false;
  let revision = 0;
  let synced = false;
  const waiting: (() => void)[] = [];
  const informer = {
    ref: configMaps,
    get synced() {
      return synced;
    },
    onChange(handler: (change: Change<View>) => void) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    get revision() {
      return revision;
    },
    run: (signal: AbortSignal) => {
      open += 1;
      return new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => {
          open -= 1;
          resolve();
        });
      });
    },
    catchUp: async (signal: AbortSignal, caughtUp: () => void) => {
      open += 1;
      looks += 1;
      if (!isSlow) caughtUp();
      await new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve());
        setTimeout(resolve, 20);
      });
      open -= 1;
      revision = 7;
      return synced;
    },
    whenSynced: (signal: AbortSignal) =>
      synced
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            waiting.push(resolve);
            signal.addEventListener("abort", () => resolve());
          }),
  } as unknown as Informer;
  return {
    informer,
    slowDown: () => (isSlow = true),
    open: () => open,
    looks: () => looks,
    sync: (): void => {
      synced = true;
      for (const wake of waiting) wake();
    },
    change: (name: string): void => {
      const after = metadataOnly({ metadata: { name } });
      for (const handler of handlers) handler({ key: name, before: undefined, after });
    },
  };
}

function setUp(
  reconcile: (key: string) => Promise<ReconcileResult>,
  more: Partial<Controller> & { flush?: () => Promise<void>; currentRevision?: () => Promise<number> } = {},
) {
  const source = fakeInformer();
  const { flush, currentRevision, ...controller } = more;
  const manager = createManager({
    name: "test",
    platform,
    informers: [source.informer],
    ...(currentRevision ? { currentRevision } : {}),
    ...(flush ? { flush } : {}),
    controllers: [
      {
        name: "c",
        concurrency: 2,
        watches: [watching(source.informer, ({ metadata }) => [metadata.name])],
        reconcile,
        ...controller,
      },
    ],
  });
  return { manager, ...source };
}

const done: ReconcileResult = { done: true };

test("nothing is reconciled before everything is listed", async () => {
  const keys: string[] = [];
  const { manager, sync, change } = setUp(async (key) => {
    keys.push(key);
    return done;
  });
  manager.start();
  change("a");
  await new Promise((wake) => setTimeout(wake, 20));
  expect(keys).toEqual([]);
  sync();
  await soon(() => expect(keys).toEqual(["a"]));
  await manager.stop();
});

test("a key is never worked on twice at a time, and its concurrency is the controller's", async () => {
  const working = new Map<string, number>();
  let most = 0;
  const { manager, sync, change } = setUp(async (key) => {
    working.set(key, (working.get(key) ?? 0) + 1);
    expect(working.get(key)).toBe(1);
    most = Math.max(
      most,
      [...working.values()].reduce((sum, count) => sum + count, 0),
    );
    await new Promise((wake) => setTimeout(wake, 5));
    working.set(key, 0);
    return done;
  });
  sync();
  manager.start();
  for (let round = 0; round < 10; round++) {
    for (const name of ["a", "b", "c"]) change(name);
    await new Promise((wake) => setTimeout(wake, 2));
  }
  await manager.stop();
  expect(most).toBe(2);
});

test("a failure is tried again, later and later; `againAfterMs` is kept", async () => {
  const attempts: string[] = [];
  const { manager, sync, change } = setUp(async (key) => {
    attempts.push(key);
    if (key === "bad" && attempts.filter((one) => one === "bad").length < 4) throw new Error("not yet");
    return key === "later" && attempts.filter((one) => one === "later").length < 2 ? { againAfterMs: 10 } : done;
  });
  sync();
  manager.start();
  change("bad");
  change("later");
  await soon(() => {
    expect(attempts.filter((one) => one === "bad")).toHaveLength(4);
    expect(attempts.filter((one) => one === "later")).toHaveLength(2);
  });
  await manager.stop();
});

test("runOnce opens watches, works what is due, closes them and names the next time", async () => {
  const keys: string[] = [];
  let flushed = 0;
  const { manager, sync, change, open } = setUp(
    async (key) => {
      keys.push(key);
      expect(open()).toBe(1);
      return key === "later" ? { againAfterMs: 60_000 } : done;
    },
    { initialKeys: ["first"], flush: async () => void (flushed += 1) },
  );
  sync();
  const before = Date.now();
  change("later");
  const { nextDueMs = 0 } = await manager.runOnce({ deadline: before + 5_000 });
  expect(keys.toSorted()).toEqual(["first", "later"]);
  expect(open()).toBe(0);
  expect(flushed).toBe(1);
  expect(nextDueMs - before).toBeGreaterThanOrEqual(60_000);
  // Between runs keys wait.
  change("between");
  expect(keys).not.toContain("between");
  await manager.runOnce({ deadline: Date.now() + 5_000 });
  expect(keys).toContain("between");
});

test("runOnce that cannot list in time gives up at its deadline and comes again soon", async () => {
  const { manager, open } = setUp(async () => done);
  const { nextDueMs } = await manager.runOnce({ deadline: Date.now() + 30 });
  expect(nextDueMs).toBeDefined();
  expect(open()).toBe(0);
});

test("what is left at the deadline is due at once", async () => {
  const { manager, sync, change } = setUp(
    async () => {
      await new Promise((wake) => setTimeout(wake, 20));
      return done;
    },
    { concurrency: 1 },
  );
  sync();
  for (let index = 0; index < 50; index++) change(`key-${index}`);
  const { nextDueMs = Number.POSITIVE_INFINITY } = await manager.runOnce({ deadline: Date.now() + 50 });
  expect(nextDueMs).toBeLessThanOrEqual(Date.now());
});

test("a run begins when all it watches have caught up, also where everything was listed long ago", async () => {
  const sources = [fakeInformer(), fakeInformer()] as const;
  const keys: string[] = [];
  const reconcile = async (key: string) => {
    keys.push(`${key} at ${sources.map(({ informer }) => informer.revision).join()}`);
    return done;
  };
  const watches = [watching(sources[0].informer, ({ metadata }) => [metadata.name])];
  const manager = createManager({
    name: "test",
    platform,
    informers: sources.map(({ informer }) => informer),
    controllers: [{ name: "c", concurrency: 1, watches, reconcile }],
  });
  for (const source of sources) source.sync();
  sources[1].slowDown();
  sources[0].change("a");
  await manager.runOnce({ deadline: Date.now() + 5_000 });
  expect(keys).toEqual(["a at 7,7"]);
});

test("where nothing was written since, a run opens no watches, but does what is due", async () => {
  const keys: string[] = [];
  let written = 7;
  const { manager, sync, looks } = setUp(
    async (key) => {
      keys.push(key);
      // Once more, and not within any of these runs, however slow the machine.
      return { againAfterMs: keys.length === 1 ? 500 : 600_000 };
    },
    { initialKeys: ["beat"], currentRevision: async () => written },
  );
  sync();
  await manager.runOnce({ deadline: Date.now() + 5_000 });
  expect([keys.length, looks()]).toEqual([1, 1]);
  await new Promise((wake) => setTimeout(wake, 510));
  await manager.runOnce({ deadline: Date.now() + 5_000 });
  expect([keys.length, looks()]).toEqual([2, 1]);
  written = 8;
  await manager.runOnce({ deadline: Date.now() + 5_000 });
  expect(looks()).toBe(2);
});

test("two calls at once run one after the other", async () => {
  let most = 0;
  const source = setUp(async () => {
    most = Math.max(most, source.open());
    return done;
  });
  source.sync();
  source.change("a");
  const first = source.manager.runOnce({ deadline: Date.now() + 5_000 });
  const second = source.manager.runOnce({ deadline: Date.now() + 5_000 });
  await Promise.all([first, second]);
  expect(most).toBe(1);
  expect(source.open()).toBe(0);
});

test("loops that are started refuse runOnce; stopped before they were listed, they never begin", async () => {
  const keys: string[] = [];
  const { manager, sync, change } = setUp(async (key) => {
    keys.push(key);
    return done;
  });
  manager.start();
  await expect(manager.runOnce({ deadline: Date.now() + 10 })).rejects.toThrow("not started");
  await manager.stop();
  sync();
  change("a");
  await new Promise((wake) => setTimeout(wake, 20));
  expect(keys).toEqual([]);
});
