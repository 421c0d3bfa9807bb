/** Against a scripted API: what the real one does only rarely (lag, cut watches, compaction) happens here on purpose. */
import { describe, expect, test } from "vitest";
import { silentLog } from "../../test/harness/silent-log.ts";
import { createManualTime } from "../../test/harness/timers.ts";
import type { Client } from "../client/client.ts";
import { configMaps } from "../kinds/core/configmaps/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { WatchEvent } from "../machinery/watch-event.ts";
import { createInformer } from "./informer.ts";
import { metadataOnly } from "./views/view.ts";

const object = (name: string, revision: number, more: Partial<KubeObject["metadata"]> = {}): KubeObject => ({
  metadata: { name, namespace: "n", uid: `uid-${name}`, resourceVersion: String(revision), ...more },
});

interface OpenWatch {
  since: string;
  timeoutSeconds: number | undefined;
  send(event: WatchEvent): void;
  end(error?: Error): void;
}

/** Lists and watches are answered by the test. */
function scriptedApi() {
  const lists: { items: KubeObject[]; revision: number; continue?: string }[] = [];
  const listed: (string | undefined)[] = [];
  const watches: OpenWatch[] = [];
  let listCount = 0;
  async function* watch(
    _ref: unknown,
    options: { resourceVersion: string; timeoutSeconds?: number; signal: AbortSignal },
  ) {
    const queue: (WatchEvent | "end" | Error)[] = [];
    let wake: (() => void) | undefined;
    const push = (one: WatchEvent | "end" | Error): void => {
      queue.push(one);
      wake?.();
    };
    watches.push({
      since: options.resourceVersion,
      timeoutSeconds: options.timeoutSeconds,
      send: push,
      end: (error) => push(error ?? "end"),
    });
    options.signal.addEventListener("abort", () => push("end"));
    for (;;) {
      const next = queue.shift();
      if (next === "end") return;
      if (next instanceof Error) throw next;
      if (next) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const client = {
    list: async (_ref: unknown, options: { limit?: number; continue?: string }) => {
      listCount += 1;
      expect(options.limit).toBe(500);
      listed.push(options.continue);
      const list = lists.shift();
      if (!list) throw new StatusError("ServiceUnavailable", "not now");
      const { items, revision, continue: token } = list;
      return { metadata: { resourceVersion: String(revision), ...(token ? { continue: token } : {}) }, items };
    },
    watch,
  } as unknown as Client;
  return { client, lists, listed, watches, listCount: () => listCount };
}

function setUp() {
  const api = scriptedApi();
  const time = createManualTime();
  const platform = {
    clock: time,
    timers: time,
    log: silentLog,
    random: { uuid: () => "", fraction: () => 0.5, bytes: () => new Uint8Array() },
  };
  const informer = createInformer({ ref: configMaps, project: metadataOnly, client: api.client, platform });
  const changes: string[] = [];
  informer.onChange(({ key, before, after }) => {
    changes.push(`${key} ${before?.metadata.resourceVersion ?? "-"}→${after?.metadata.resourceVersion ?? "-"}`);
  });
  const stop = new AbortController();
  return { ...api, time, informer, changes, stop };
}

const turns = async (): Promise<void> => {
  for (let count = 0; count < 20; count++) await Promise.resolve();
};

async function running() {
  const all = setUp();
  all.lists.push({ items: [object("a", 3), object("b", 4)], revision: 5 });
  const run = all.informer.run(all.stop.signal);
  await all.informer.whenSynced(all.stop.signal);
  await turns();
  const [watch] = all.watches;
  if (!watch) throw new Error("no watch was opened");
  return { ...all, run, watch };
}

test("lists, watches from the list's revision, and tells keys with what was and what is", async () => {
  const { informer, watch, changes } = await running();
  expect(watch.since).toBe("5");
  watch.send({ type: "MODIFIED", object: object("a", 6) });
  watch.send({ type: "DELETED", object: object("b", 7) });
  await turns();
  expect(changes).toEqual(["n/a -→3", "n/b -→4", "n/a 3→6", "n/b 4→-"]);
  expect([...informer.all()].map(({ metadata }) => metadata.name)).toEqual(["a"]);
});

test("a list is taken page by page; what it does not name goes only at its end, and it counts as known only then", async () => {
  const { watch, lists, listed, changes, watches, informer } = await running();
  changes.length = 0;
  lists.push({ items: [object("c", 40)], revision: 50, continue: "t1" }, { items: [object("d", 41)], revision: 50 });
  watch.end(new StatusError("Expired", "too old"));
  await turns();
  expect(listed).toEqual([undefined, undefined, "t1"]);
  expect(changes).toEqual(["n/c -→40", "n/d -→41", "n/a 3→-", "n/b 4→-"]);
  expect([informer.revision, watches.at(-1)?.since]).toEqual([50, "50"]);
});

test("a watch that ends is resumed after the last revision, bookmarks included, without another list", async () => {
  const { watch, watches, listCount, time } = await running();
  watch.send({ type: "MODIFIED", object: object("a", 6) });
  watch.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "90" } } });
  await turns();
  time.advance(2_000);
  watch.end();
  await turns();
  expect(watches.map(({ since }) => since)).toEqual(["5", "90"]);
  expect(listCount()).toBe(1);
});

test("stopped and run again, as on Workers, it goes on where it was", async () => {
  const { watch, watches, run, stop, informer, listCount } = await running();
  watch.send({ type: "MODIFIED", object: object("a", 8) });
  await turns();
  stop.abort();
  await run;
  const again = new AbortController();
  const second = informer.run(again.signal);
  await turns();
  expect(watches.map(({ since }) => since)).toEqual(["5", "8"]);
  expect(listCount()).toBe(1);
  again.abort();
  await second;
});

test("past compaction it lists again and tells only what differs", async () => {
  const { watch, lists, changes, watches } = await running();
  changes.length = 0;
  lists.push({ items: [object("a", 3), object("c", 40)], revision: 50 });
  watch.end(new StatusError("Expired", "too old resource version"));
  await turns();
  expect(changes).toEqual(["n/c -→40", "n/b 4→-"]);
  expect(watches.at(-1)?.since).toBe("50");
});

test("a server that fails, or ends each watch at once, is asked ever more rarely", async () => {
  const { watch, watches, time } = await running();
  watch.end(new StatusError("ServiceUnavailable", "gone"));
  await turns();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    const count = watches.length;
    let waited = 0;
    while (watches.length === count) {
      time.advance(5);
      waited += 5;
      await turns();
    }
    delays.push(waited);
    watches.at(-1)?.end();
    await turns();
  }
  expect(delays).toEqual([75, 150, 300, 600, 1200]);
});

async function started() {
  const all = setUp();
  all.lists.push({ items: [object("a", 3)], revision: 5 });
  let told = 0;
  const result = all.informer.catchUp(all.stop.signal, () => (told += 1));
  await turns();
  return { ...all, result, told: () => told };
}

describe("catching up, for runs that end", () => {
  test("asks for the shortest watch; its marked end proves that nothing is missing, up to the mark's revision", async () => {
    const { informer, watches, result } = await started();
    watches[0]?.send({ type: "ADDED", object: object("b", 6) });
    watches[0]?.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "90" } } });
    watches[0]?.end();
    expect([await result, informer.revision, informer.size, watches[0]?.timeoutSeconds]).toEqual([true, 90, 2, 1]);
  });

  test("it tells when it has caught up: by its list, and where that is long ago by the first mark of its watch", async () => {
    const { informer, watches, result, told, stop } = await started();
    expect(told()).toBe(1);
    watches[0]?.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "90" } } });
    watches[0]?.end();
    await result;
    let again = 0;
    const next = informer.catchUp(stop.signal, () => (again += 1));
    await turns();
    watches[1]?.send({ type: "ADDED", object: object("b", 91) });
    await turns();
    expect(again).toBe(0);
    watches[1]?.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "92" } } });
    await turns();
    expect(again).toBe(1);
    watches[1]?.end();
    expect(await next).toBe(true);
  });

  test("a watch that was cut proves nothing", async () => {
    const { watches, result } = await started();
    watches[0]?.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "90" } } });
    watches[0]?.send({ type: "ADDED", object: object("b", 91) });
    watches[0]?.end();
    expect(await result).toBe(false);
  });

  test("neither does a failure, nor a signal", async () => {
    const failed = await started();
    failed.watches[0]?.end(new StatusError("ServiceUnavailable", "gone"));
    expect(await failed.result).toBe(false);
    const stopped = await started();
    stopped.stop.abort();
    expect(await stopped.result).toBe(false);
  });

  test("past compaction it lists again and goes on", async () => {
    const { informer, lists, watches, result } = await started();
    lists.push({ items: [object("c", 40)], revision: 50 });
    watches[0]?.end(new StatusError("Expired", "too old"));
    await turns();
    watches[1]?.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "60" } } });
    watches[1]?.end();
    expect([await result, informer.revision, [...informer.all()].map(({ metadata }) => metadata.name)]).toEqual([
      true,
      60,
      ["c"],
    ]);
  });
});

test("what we wrote is there at once; older news do not undo it, newer do", async () => {
  const { informer, watch } = await running();
  informer.observe(object("a", 9));
  watch.send({ type: "MODIFIED", object: object("a", 6) });
  await turns();
  expect(informer.get("n/a")?.metadata.resourceVersion).toBe("9");
  watch.send({ type: "MODIFIED", object: object("a", 9) });
  watch.send({ type: "MODIFIED", object: object("a", 11) });
  await turns();
  expect(informer.get("n/a")?.metadata.resourceVersion).toBe("11");
});

test("an answer to a write that arrives after the object is gone does not bring it back", async () => {
  const { informer, watch } = await running();
  watch.send({ type: "ADDED", object: object("new", 8) });
  watch.send({ type: "DELETED", object: object("new", 9) });
  await turns();
  informer.observe(object("new", 8));
  expect(informer.get("n/new")).toBeUndefined();
});

test("what we wrote survives a list that is older", async () => {
  const { informer, watch, lists } = await running();
  informer.observe(object("mine", 70));
  lists.push({ items: [object("a", 3)], revision: 60 });
  watch.end(new StatusError("Expired", "too old"));
  await turns();
  expect([...informer.all()].map(({ metadata }) => metadata.name).toSorted()).toEqual(["a", "mine"]);
});

test("what we deleted counts as going until the API says so, whatever older news say", async () => {
  const { informer, watch } = await running();
  const view = informer.get("n/a");
  if (!view) throw new Error("no a");
  informer.expectDeletion(view);
  expect(informer.get("n/a")?.metadata.deletionTimestamp).toBeDefined();
  // Written before our delete, seen after it.
  watch.send({ type: "MODIFIED", object: object("a", 6) });
  await turns();
  expect(informer.get("n/a")?.metadata.deletionTimestamp).toBeDefined();
  watch.send({ type: "DELETED", object: object("a", 7) });
  watch.send({ type: "ADDED", object: object("a", 8, { uid: "another" }) });
  await turns();
  expect(informer.get("n/a")?.metadata).toMatchObject({ uid: "another" });
  expect(informer.get("n/a")?.metadata.deletionTimestamp).toBeUndefined();
});

test("indices follow what changes", async () => {
  const { informer, watch } = await running();
  const owned = { ownerReferences: [{ apiVersion: "v1", kind: "X", name: "x", uid: "owner" }] };
  watch.send({ type: "MODIFIED", object: object("a", 6, owned) });
  await turns();
  expect(informer.by("owner", "owner").map(({ metadata }) => metadata.name)).toEqual(["a"]);
  expect(informer.by("namespace", "n")).toHaveLength(2);
  watch.send({ type: "MODIFIED", object: object("a", 7) });
  watch.send({ type: "DELETED", object: object("b", 8) });
  await turns();
  expect(informer.by("owner", "owner")).toEqual([]);
  expect(informer.by("namespace", "n")).toHaveLength(1);
  expect(() => informer.by("no-such", "x")).toThrow('no index "no-such"');
});
