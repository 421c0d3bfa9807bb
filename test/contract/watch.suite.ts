/** The hub over every Database, on every runtime: writes in groups, watches that lose nothing. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createHub, type ClusterHub, type HubLimits } from "../../src/hub/cluster-hub.ts";
import type { WatchQuery } from "../../src/hub/hub.ts";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { createSqlLog } from "../../src/storage/sql-log.ts";
import type { LogEntry, StorageWriter } from "../../src/storage/storage.ts";
import { headOf } from "../../src/storage/stored-value.ts";
import { createFaultyDatabase, type FaultyDatabase } from "../harness/faulty-database.ts";
import { silentLog } from "../harness/silent-log.ts";
import { createManualTime, type ManualTime } from "../harness/timers.ts";
import { readWatch } from "../harness/watch-client.ts";
import { preparedWrite, type WriteInput } from "../harness/writes.ts";
import { randomWatches } from "../model/watch-model.ts";
import type { StorageFixture } from "./storage.suite.ts";

const POD_HEAD = headOf("v1", "Pod");

export function watchSuite(
  driver: string,
  open: () => Promise<StorageFixture>,
  { skip }: { skip?: string | undefined } = {},
): void {
  describe.skipIf(skip !== undefined)(`hub over ${driver}${skip === undefined ? "" : ` (${skip})`}`, () => {
    let fixture: StorageFixture;
    let database: FaultyDatabase;
    let storage: StorageWriter;
    let time: ManualTime;
    let hub: ClusterHub;

    beforeEach(async () => {
      fixture = await open();
      await migrate(fixture.database);
      database = createFaultyDatabase(fixture.database);
      time = createManualTime();
      storage = createSqlLog({ database, clock: time, log: silentLog });
      hub = newHub();
    });
    afterEach(async () => {
      await hub.stop();
      await fixture.close();
    });

    function newHub(limits: Partial<HubLimits> = {}): ClusterHub {
      return createHub({ storage, clock: time, timers: time, log: silentLog, limits });
    }
    async function written(input: WriteInput): Promise<number> {
      const outcome = await hub.write(preparedWrite(input));
      if (!outcome.ok) throw new Error(`write of ${input.name} lost: ${outcome.reason}`);
      return outcome.revision;
    }
    function watch(query: Partial<WatchQuery> & { since: number }) {
      const selector = { labels: [], fields: [] };
      return hub.watch({
        resource: "pods",
        selector,
        head: POD_HEAD,
        bookmarks: false,
        timeoutMs: 3_600_000,
        ...query,
      });
    }
    const position = () => storage.revision();
    /** Writes past the hub. */
    function foreign(name: string) {
      return storage.commit([preparedWrite({ op: "create", name })], { since: 0, limit: 1 });
    }

    describe("writes", () => {
      test("what arrives together is committed together", async () => {
        await hub.start();
        database.batches.length = 0;
        const names = Array.from({ length: 130 }, (_, at) => `p${at}`);
        const revisions = await Promise.all(names.map((name) => written({ op: "create", name })));
        expect(new Set(revisions).size).toBe(130);
        // Two statements of each batch are the tail and the position.
        expect(database.batches.map(({ statements }) => statements - 2)).toEqual([64, 64, 2]);
      });

      test("a group is not larger than a megabyte", async () => {
        await hub.start();
        database.batches.length = 0;
        const content = "x".repeat(400_000);
        await Promise.all(["a", "b", "c", "d", "e"].map((name) => written({ op: "create", name, content })));
        expect(database.batches.map(({ statements }) => statements - 2)).toEqual([2, 2, 1]);
      });

      test("each write has its own outcome", async () => {
        const outcomes = await Promise.all(
          [1, 2, 3].map((content) => hub.write(preparedWrite({ op: "create", name: "a", content }))),
        );
        expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, false]);
        expect(outcomes[1]).toEqual({ ok: false, reason: "exists" });
      });

      test("a lost answer is looked up, and nothing is written twice", async () => {
        await hub.start();
        let faults = 1;
        database.fault = (_, mode) => (mode === "write" && faults-- > 0 ? "answer-lost" : undefined);
        const since = await position();
        const client = readWatch(await watch({ since }));
        const revisions = await Promise.all(["a", "b"].map((name) => written({ op: "create", name })));
        const { entries } = await storage.changes({ since, limit: 10 });
        expect(entries.map(({ name, revision }) => [name, revision])).toEqual([
          ["a", revisions[0]],
          ["b", revisions[1]],
        ]);
        expect((await client.take(2)).map(({ name }) => name)).toEqual(["a", "b"]);
      });

      test("a lost request is sent again", async () => {
        await hub.start();
        let faults = 1;
        database.fault = (_, mode) => (mode === "write" && faults-- > 0 ? "request-lost" : undefined);
        const since = await position();
        await Promise.all(["a", "b"].map((name) => written({ op: "create", name })));
        expect((await storage.changes({ since, limit: 10 })).entries.map(({ name }) => name)).toEqual(["a", "b"]);
      });

      test("a write that the database refuses does not fail the others of its group", async () => {
        await hub.start();
        database.fault = (statements) =>
          statements.some(({ args }) => args?.includes("poison")) ? "refused" : undefined;
        const names = ["a", "poison", "b"];
        const results = await Promise.allSettled(names.map((name) => written({ op: "create", name })));
        expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
        expect(results[1]).toMatchObject({ reason: { name: "StorageError", code: "unavailable" } });
      });

      test("while the database is gone writes fail as unavailable; afterwards they work", async () => {
        await hub.start();
        database.fault = () => "refused";
        const gone = await Promise.allSettled(["a", "b", "c", "d", "e"].map((name) => written({ op: "create", name })));
        expect(gone.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => "rejected"));
        database.fault = () => undefined;
        await written({ op: "create", name: "a" });
      });

      test("a hub that could not start tries again", async () => {
        database.fault = () => "refused";
        await expect(written({ op: "create", name: "a" })).rejects.toMatchObject({ code: "unavailable" });
        database.fault = () => undefined;
        await written({ op: "create", name: "a" });
      });

      test("listeners hear of every commit, foreign ones included, until they leave", async () => {
        await hub.start();
        const heard: LogEntry[] = [];
        const leave = hub.onCommit((entries) => heard.push(...entries));
        await written({ op: "create", name: "a" });
        await foreign("foreign");
        await hub.poll();
        leave();
        await written({ op: "create", name: "b" });
        expect(heard.map(({ name }) => name)).toEqual(["a", "foreign"]);
      });
    });

    describe("watches", () => {
      test("a watcher sees what happens after its revision, in order, and nothing else", async () => {
        const first = await written({ op: "create", name: "a", content: 1 });
        const second = await written({ op: "update", name: "a", expected: first, content: 2 });
        const client = readWatch(await watch({ since: first }));
        await written({ op: "create", name: "s", resource: "secrets" });
        const third = await written({ op: "delete", name: "a", expected: second, content: 3 });
        const events = await client.take(2);
        expect(events.map(({ type, name, revision }) => [type, name, revision])).toEqual([
          ["MODIFIED", "a", second],
          ["DELETED", "a", third],
        ]);
        expect(events[0]?.object).toEqual({
          kind: "Pod",
          apiVersion: "v1",
          metadata: { resourceVersion: String(second), name: "a", namespace: "default", uid: "uid-a", labels: {} },
          spec: { content: 2 },
        });
      });

      test("of one namespace", async () => {
        const client = readWatch(await watch({ since: await position(), namespace: "team" }));
        await written({ op: "create", name: "a" });
        await written({ op: "create", name: "b", namespace: "team" });
        expect((await client.take(1)).map(({ name }) => name)).toEqual(["b"]);
      });

      test("an object that begins to match is added, one that stops matching is deleted in its last matching state", async () => {
        const since = await position();
        const selector = { labels: [{ key: "app", operator: "In" as const, values: ["web"] }], fields: [] };
        const client = readWatch(await watch({ since, selector }));
        const steps: [string, string][] = [
          ["db", "one"],
          ["web", "two"],
          ["web", "three"],
          ["db", "four"],
          ["web", "five"],
        ];
        let expected = await written({ op: "create", name: "a", labels: { app: "db" }, content: "zero" });
        const revisions: number[] = [];
        for (const [app, content] of steps) {
          expected = await written({ op: "update", name: "a", expected, labels: { app }, content });
          revisions.push(expected);
        }
        revisions.push(
          await written({ op: "delete", name: "a", expected, labels: { app: "web" }, content: "six" }),
          await written({ op: "create", name: "a", labels: { app: "db" } }),
        );
        await written({ op: "create", name: "end", labels: { app: "web" } });
        const events = (await client.take(6)).map(({ type, revision, object }) => [
          type,
          revision,
          object.spec?.content,
        ]);
        expect(events).toEqual([
          ["ADDED", revisions[1], "two"],
          ["MODIFIED", revisions[2], "three"],
          ["DELETED", revisions[3], "three"],
          ["ADDED", revisions[4], "five"],
          ["DELETED", revisions[5], "six"],
          ["ADDED", expect.any(Number), null],
        ]);
      });

      test("fields select as labels do", async () => {
        const selector = { labels: [], fields: [{ field: "spec.nodeName", operator: "=" as const, value: "n1" }] };
        const client = readWatch(await watch({ since: await position(), selector }));
        const first = await written({ op: "create", name: "a" });
        const bound = await written({ op: "update", name: "a", expected: first, fields: { "spec.nodeName": "n1" } });
        await written({ op: "delete", name: "a", expected: bound, fields: { "spec.nodeName": "n1" } });
        expect((await client.take(2)).map(({ type }) => type)).toEqual(["ADDED", "DELETED"]);
      });

      test("a later hub goes on where an earlier one ended", async () => {
        const since = await position();
        await written({ op: "create", name: "a" });
        await hub.stop();
        hub = newHub();
        const client = readWatch(await watch({ since }));
        await written({ op: "create", name: "b" });
        expect((await client.take(2)).map(({ name }) => name)).toEqual(["a", "b"]);
      });

      test("a history larger than memory comes from storage, at the pace of its reader", async () => {
        const since = await position();
        const content = "x".repeat(20_000);
        const names = Array.from({ length: 100 }, (_, at) => `p${at}`);
        hub = newHub({ windowBytesMax: 200_000, queueBytesMax: 100_000 });
        await Promise.all(names.slice(0, 60).map((name) => written({ op: "create", name, content })));
        const client = readWatch(await watch({ since }));
        const events = await client.take(10);
        await Promise.all(names.slice(60).map((name) => written({ op: "create", name, content })));
        events.push(...(await client.take(90)));
        expect(events.map(({ name }) => name)).toEqual(names);
        expect(hub.stats().windowBytes).toBeLessThanOrEqual(200_000);
      });

      test("a single object larger than a queue reaches watchers that catch up and live ones", async () => {
        hub = newHub({ windowBytesMax: 10_000, queueBytesMax: 50_000 });
        const since = await position();
        await written({ op: "create", name: "small" });
        await written({ op: "create", name: "large", content: "x".repeat(200_000) });
        const late = readWatch(await watch({ since }));
        expect((await late.take(2)).map(({ name }) => name)).toEqual(["small", "large"]);
        const live = readWatch(await watch({ since: await position() }));
        await written({ op: "create", name: "larger", content: "x".repeat(300_000) });
        expect((await live.take(1)).map(({ name }) => name)).toEqual(["larger"]);
      });

      test("a revision older than the floor is refused as compacted", async () => {
        const first = await written({ op: "create", name: "a" });
        const second = await written({ op: "update", name: "a", expected: first });
        await storage.compact({ floor: second, limit: 100 });
        await hub.stop();
        hub = newHub();
        await expect(watch({ since: first })).rejects.toMatchObject({ name: "StorageError", code: "compacted" });
        await watch({ since: second });
      });

      test("a revision of the future waits for what comes after it", async () => {
        const now = await position();
        const client = readWatch(await watch({ since: now + 1 }));
        await written({ op: "create", name: "a" });
        await written({ op: "create", name: "b" });
        expect((await client.take(1)).map(({ name }) => name)).toEqual(["b"]);
      });

      test("a reader that falls behind is closed between events; the others are not", async () => {
        hub = newHub({ queueBytesMax: 50_000 });
        const since = await position();
        const stalled = readWatch(await watch({ since }));
        const reading = readWatch(await watch({ since }));
        const names = Array.from({ length: 20 }, (_, at) => `p${at}`);
        const seen: string[] = [];
        for (const name of names) {
          await written({ op: "create", name, content: "x".repeat(5_000) });
          seen.push(...(await reading.take(1)).map((event) => event.name));
        }
        expect(seen).toEqual(names);
        expect(hub.stats().watchers).toBe(1);
        const got = (await stalled.rest()).map(({ name }) => name);
        expect(got).toEqual(names.slice(0, got.length));
        expect(got.length).toBeLessThan(names.length);
        const resumed = readWatch(await watch({ since: since + got.length }));
        expect((await resumed.take(names.length - got.length)).map(({ name }) => name)).toEqual(
          names.slice(got.length),
        );
      });

      test("bookmarks come every minute to those who asked, and before the end", async () => {
        const since = await position();
        const asked = readWatch(await watch({ since, bookmarks: true, timeoutMs: 150_000 }));
        const silent = readWatch(await watch({ since, timeoutMs: 150_000 }));
        const other = await written({ op: "create", name: "s", resource: "secrets" });
        time.advance(60_000);
        const [bookmark] = await asked.take(1);
        expect(bookmark).toEqual({
          type: "BOOKMARK",
          name: "",
          revision: other,
          object: {
            kind: "Pod",
            apiVersion: "v1",
            metadata: { resourceVersion: String(other) },
          },
        });
        time.advance(60_000);
        const last = await written({ op: "create", name: "a" });
        expect((await asked.take(2)).map(({ type }) => type)).toEqual(["BOOKMARK", "ADDED"]);
        time.advance(60_000);
        expect((await asked.rest()).map(({ type, revision }) => [type, revision])).toEqual([["BOOKMARK", last]]);
        expect((await silent.rest()).map(({ type }) => type)).toEqual(["ADDED"]);
      });

      test("a hub that stops ends its watches cleanly, and leaves no timer", async () => {
        const client = readWatch(await watch({ since: await position(), bookmarks: true }));
        const revision = await written({ op: "create", name: "a" });
        expect((await client.take(1)).map(({ name }) => name)).toEqual(["a"]);
        await hub.stop();
        expect((await client.rest()).map(({ type, revision: at }) => [type, at])).toEqual([["BOOKMARK", revision]]);
        expect(time.pending).toBe(0);
        await expect(watch({ since: revision })).rejects.toMatchObject({ code: "unavailable" });
        await expect(written({ op: "create", name: "b" })).rejects.toMatchObject({ code: "unavailable" });
      });

      test("a hub that stops while a watch reads its past from storage leaves no watch behind", async () => {
        const since = await position();
        for (const name of ["a", "b"]) await foreign(name);
        let held = Promise.resolve();
        const slow: Database = {
          batch: async (statements, mode) => {
            await held;
            return await database.batch(statements, mode);
          },
          close: async () => {},
        };
        storage = createSqlLog({ database: slow, clock: time, log: silentLog });
        hub = newHub({ windowBytesMax: 1 });
        await hub.start();
        const read = Promise.withResolvers<void>();
        held = read.promise;
        const opening = watch({ since });
        await hub.stop();
        read.resolve();
        await expect(opening).rejects.toMatchObject({ code: "unavailable" });
        expect(hub.stats().watchers).toBe(0);
        expect(time.pending).toBe(0);
      });

      test("cancelling unsubscribes and leaves no timer", async () => {
        const client = readWatch(await watch({ since: await position(), bookmarks: true }));
        expect(hub.stats().watchers).toBe(1);
        await client.cancel();
        expect(hub.stats().watchers).toBe(0);
        expect(time.pending).toBe(0);
        await written({ op: "create", name: "a" });
      });

      test("foreign writes arrive with the next commit, or by asking", async () => {
        const client = readWatch(await watch({ since: await position() }));
        await foreign("a");
        await written({ op: "create", name: "b" });
        await foreign("c");
        await hub.poll();
        expect((await client.take(3)).map(({ name }) => name)).toEqual(["a", "b", "c"]);
      });

      test("more foreign writes than an answer carries arrive too", async () => {
        const client = readWatch(await watch({ since: await position() }));
        const names = Array.from({ length: 700 }, (_, at) => `p${at}`);
        for (let at = 0; at < names.length; at += 100) {
          const group = names.slice(at, at + 100).map((name) => preparedWrite({ op: "create", name }));
          await storage.commit(group, { since: 0, limit: 1 });
        }
        await written({ op: "create", name: "last" });
        expect((await client.take(701)).map(({ name }) => name)).toEqual([...names, "last"]);
      });

      test("when history is compacted past a hub, its watches end and can start anew", async () => {
        const client = readWatch(await watch({ since: await position() }));
        const first = await written({ op: "create", name: "a" });
        await client.take(1);
        const update = preparedWrite({ op: "update", name: "a", expected: first });
        await storage.commit([update], { since: 0, limit: 1 });
        await foreign("b");
        await storage.compact({ floor: await position(), limit: 100 });
        await hub.poll();
        expect(await client.rest()).toEqual([]);
        await expect(watch({ since: first })).rejects.toMatchObject({ code: "compacted" });
        const again = readWatch(await watch({ since: await position() }));
        await written({ op: "create", name: "c" });
        expect((await again.take(1)).map(({ name }) => name)).toEqual(["c"]);
      });

      test("a thousand watchers all get every event", async () => {
        const since = await position();
        const clients = [];
        for (let at = 0; at < 1_000; at++) clients.push(readWatch(await watch({ since })));
        const names = ["a", "b", "c"];
        await Promise.all(names.map((name) => written({ op: "create", name })));
        const seen = await Promise.all(clients.map(async (client) => (await client.take(3)).map(({ name }) => name)));
        expect(seen).toEqual(clients.map(() => names));
        await Promise.all(clients.map((client) => client.cancel()));
      });
    });

    describe("maintenance", () => {
      test("what has expired is deleted, and watchers hear of it", async () => {
        const client = readWatch(await watch({ since: await position(), resource: "events" }));
        const nowMs = time.now();
        await written({ op: "create", name: "old", resource: "events", expiresMs: nowMs + 1_000 });
        await written({ op: "create", name: "new", resource: "events", expiresMs: nowMs + 9_000 });
        expect(await hub.maintain({ nowMs })).toEqual({ expired: 0, removed: 0, nextMs: nowMs + 1_000 });
        const second = await hub.maintain({ nowMs: nowMs + 1_000 });
        expect(second).toEqual({ expired: 1, removed: 0, nextMs: nowMs + 9_000 });
        expect((await client.take(3)).map(({ type, name }) => `${type} ${name}`)).toEqual([
          "ADDED old",
          "ADDED new",
          "DELETED old",
        ]);
        expect((await storage.list({ resource: "events" })).objects.map(({ name }) => name)).toEqual(["new"]);
      });

      test("history is kept for the retention time and forgotten afterwards", async () => {
        hub = newHub({ retentionMs: 60_000 });
        const first = await written({ op: "create", name: "a" });
        time.advance(10_000);
        const second = await written({ op: "update", name: "a", expected: first });
        time.advance(50_000);
        const nextMs = time.now() + 60_000;
        expect(await hub.maintain({ nowMs: time.now() })).toEqual({ expired: 0, removed: 0, nextMs });
        expect((await storage.list({ resource: "pods", revision: first })).objects.length).toBe(1);
        time.advance(10_000);
        expect(await hub.maintain({ nowMs: time.now() })).toEqual({ expired: 0, removed: 1, nextMs: undefined });
        await expect(storage.list({ resource: "pods", revision: first })).rejects.toMatchObject({ code: "compacted" });
        expect((await storage.list({ resource: "pods", revision: second })).objects.length).toBe(1);
      });

      test("a later hub forgets what an earlier one has kept", async () => {
        const first = await written({ op: "create", name: "a" });
        await written({ op: "update", name: "a", expected: first });
        await hub.stop();
        time.advance(3_600_000);
        hub = newHub();
        expect(await hub.maintain({ nowMs: time.now() })).toEqual({ expired: 0, removed: 1, nextMs: undefined });
      });

      test("where nothing happens nothing is written, for an hour", async () => {
        const first = await written({ op: "create", name: "a" });
        await written({ op: "update", name: "a", expected: first });
        await watch({ since: await position(), bookmarks: true });
        time.advance(600_000);
        await hub.maintain({ nowMs: time.now() });
        database.batches.length = 0;
        for (let seconds = 0; seconds < 3_600; seconds += 60) {
          time.advance(60_000);
          await hub.maintain({ nowMs: time.now() });
        }
        expect(database.batches.filter(({ mode }) => mode === "write")).toEqual([]);
      });
    });

    test("through random writes, restarts and second hubs no event is lost, doubled or out of order", async () => {
      await randomWatches({ storage, time, rounds: 60 });
    });
  });
}
