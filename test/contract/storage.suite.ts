/** What every Database under the log must give, on every runtime. Each test starts with an empty log. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LabelRequirement } from "../../src/machinery/selectors.ts";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { migrations } from "../../src/storage/migrations/index.ts";
import { createSettings } from "../../src/storage/settings.ts";
import { createSqlLog, createSqlReader } from "../../src/storage/sql-log.ts";
import type { ValueCipher } from "../../src/storage/value-cipher.ts";
import type {
  ListQuery,
  LogEntry,
  ObjectKey,
  PolicyReader,
  Selector,
  SnapshotReader,
  StorageWriter,
  StoredObject,
  WriteOutcome,
} from "../../src/storage/storage.ts";
import { preparedWrite, type WriteInput } from "../harness/writes.ts";
import { silentLog } from "../harness/silent-log.ts";
import { randomOperations } from "../model/storage-model.ts";

const only = (...uids: string[]) => [{ kind: "only" as const, resource: "resourcequotas", namespace: "default", uids }];
export interface StorageFixture {
  database: Database;
  /** With it the log encrypts what it covers. */
  cipher?: ValueCipher;
  close(): Promise<void>;
}

export function storageSuite(
  driver: string,
  open: () => Promise<StorageFixture>,
  { skip }: { skip?: string | undefined } = {},
): void {
  describe.skipIf(skip !== undefined)(`storage over ${driver}${skip === undefined ? "" : ` (${skip})`}`, () => {
    let fixture: StorageFixture;
    let log: StorageWriter & PolicyReader & SnapshotReader;
    let nowMs: number;

    beforeEach(async () => {
      fixture = await open();
      await migrate(fixture.database);
      nowMs = 1_000_000;
      const { database, cipher } = fixture;
      log = createSqlLog({ database, clock: { now: () => nowMs }, log: silentLog, cipher });
    });
    afterEach(async () => {
      await fixture.close();
    });

    async function write(...inputs: WriteInput[]): Promise<WriteOutcome[]> {
      const since = await log.revision();
      return (await log.commit(inputs.map(preparedWrite), { since, limit: 1_000 })).outcomes;
    }
    async function written(input: WriteInput): Promise<number> {
      const [outcome] = await write(input);
      if (!outcome?.ok) throw new Error(`write of ${input.name} lost: ${JSON.stringify(outcome)}`);
      return outcome.revision;
    }
    async function namesOn(nodeName: string, query: Partial<ListQuery> = {}): Promise<string[]> {
      return names((await log.list({ ...podsOn(nodeName), ...query })).objects);
    }
    async function lookups(): Promise<unknown> {
      const sql = "SELECT resource, field, value, name FROM lookup";
      return (await fixture.database.batch([{ sql }], "read"))[0]?.rows;
    }
    async function heldAddress(): Promise<StoredObject | undefined> {
      return (await log.get(ADDRESS)).object;
    }
    async function entries(since: number, resource?: string): Promise<LogEntry[]> {
      const query = { since, limit: 1_000 };
      return (await log.changes(resource === undefined ? query : { ...query, resource })).entries;
    }

    describe("writes", () => {
      test("a created object is read back with its revision", async () => {
        const input: WriteInput = { op: "create", name: "a", labels: { app: "x" }, fields: { "spec.nodeName": "n1" } };
        const revision = await written({ ...input, content: { text: 'π "quoted"\n', zero: 0 } });
        const found = await log.get({ resource: "pods", namespace: "default", name: "a" });
        expect(found.revision).toBe(revision);
        expect(found.object).toEqual({
          resource: "pods",
          namespace: "default",
          name: "a",
          uid: "uid-a",
          revision,
          form: "v1/1",
          labels: { app: "x" },
          fields: { "spec.nodeName": "n1" },
          value: preparedWrite({ ...input, content: { text: 'π "quoted"\n', zero: 0 } }).value,
        });
      });

      test("a missing object is undefined, with the current revision", async () => {
        const revision = await written({ op: "create", name: "a" });
        expect(await log.get({ resource: "pods", namespace: "default", name: "b" })).toEqual({
          object: undefined,
          revision,
        });
      });

      test("those of many keys that live are read at once", async () => {
        const revision = await written({ op: "create", name: "gone" });
        await write({ op: "create", name: "a" }, { op: "create", name: "b", resource: "nodes", namespace: "" });
        await write({ op: "delete", name: "gone", expected: revision });
        const found = await log.getMany([
          keyOf("b", "nodes", ""),
          keyOf("gone"),
          keyOf("a"),
          keyOf("a", "pods", "other"),
          keyOf('"], ["'),
        ]);
        expect(found.map(({ resource, name }) => `${resource} ${name}`).toSorted()).toEqual(["nodes b", "pods a"]);
        expect(found).toContainEqual((await log.get(keyOf("a"))).object);
        const many = Array.from({ length: 300 }, (_, index) => keyOf(`missing-${index}`));
        expect(await log.getMany([...many, keyOf("a")])).toHaveLength(1);
        expect(await log.getMany([])).toEqual([]);
      });

      test("what lives in a namespace is read along with them", async () => {
        const revision = await written({ op: "create", name: "gone" });
        await write(
          { op: "create", name: "a" },
          { op: "create", name: "b" },
          { op: "create", name: "c", namespace: "x" },
        );
        await write({ op: "create", name: "n", resource: "nodes", namespace: "" });
        await write({ op: "delete", name: "gone", expected: revision });
        const found = await log.getMany(
          [keyOf("n", "nodes", "")],
          [
            { resource: "pods", namespace: "default" },
            { resource: "secrets", namespace: "default" },
          ],
        );
        expect(found.map(({ resource, name }) => `${resource} ${name}`).toSorted()).toEqual([
          "nodes n",
          "pods a",
          "pods b",
        ]);
      });

      test("an empty log has a revision that is not 0", async () => {
        expect(await log.revision()).toBeGreaterThan(0);
        expect((await log.list({ resource: "pods" })).revision).toBe(await log.revision());
      });

      test("losers get their reason and consume no revision", async () => {
        const first = await written({ op: "create", name: "a" });
        const second = await written({ op: "update", name: "a", expected: first });
        expect(
          await write(
            { op: "create", name: "a" },
            { op: "update", name: "a", expected: first },
            { op: "delete", name: "a", expected: first },
            { op: "update", name: "missing", expected: first },
          ),
        ).toEqual([
          { ok: false, reason: "exists" },
          { ok: false, reason: "conflict" },
          { ok: false, reason: "conflict" },
          { ok: false, reason: "missing" },
        ]);
        expect(await log.revision()).toBe(second);
        expect(await written({ op: "create", name: "b" })).toBe(second + 1);
      });

      test("a name is free again after deletion, and the chain of revisions goes on", async () => {
        const created = await written({ op: "create", name: "a" });
        const deleted = await written({ op: "delete", name: "a", expected: created });
        expect(await write({ op: "update", name: "a", expected: created })).toEqual([{ ok: false, reason: "missing" }]);
        expect(await write({ op: "update", name: "a", expected: deleted })).toEqual([{ ok: false, reason: "missing" }]);
        const again = await written({ op: "create", name: "a", uid: "another" });
        expect(await write({ op: "update", name: "a", expected: created })).toEqual([
          { ok: false, reason: "conflict" },
        ]);
        expect((await entries(0)).map(({ type, revision, uid }) => [type, revision, uid])).toEqual([
          ["ADDED", created, "uid-a"],
          ["DELETED", deleted, "uid-a"],
          ["ADDED", again, "another"],
        ]);
      });

      test("conflicts inside a group are decided in its order", async () => {
        const outcomes = await write(
          { op: "create", name: "a", content: 1 },
          { op: "create", name: "a", content: 2 },
          { op: "create", name: "b" },
        );
        expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, false, true]);
        const first = outcomes[0]?.ok ? outcomes[0].revision : 0;
        const updates = await write(
          { op: "update", name: "a", expected: first, content: 3 },
          { op: "update", name: "a", expected: first, content: 4 },
          { op: "delete", name: "a", expected: first },
        );
        expect(updates.map((outcome) => outcome.ok)).toEqual([true, false, false]);
        const { object } = await log.get({ resource: "pods", namespace: "default", name: "a" });
        expect(JSON.parse(object?.value ?? "").spec.content).toBe(3);
      });

      test("64 writers to one key: one wins each revision, and the chain is linear", async () => {
        await written({ op: "create", name: "a", content: 0 });
        const key = { resource: "pods", namespace: "default", name: "a" };
        const wins: number[] = [];
        const writer = async (id: number) => {
          for (let round = 0; round < 4; round++) {
            const expected = (await log.get(key)).object?.revision ?? 0;
            const [outcome] = await write({ op: "update", name: "a", expected, content: `${id}.${round}` });
            if (outcome?.ok) wins.push(outcome.revision);
            else expect(outcome?.reason).toBe("conflict");
          }
        };
        await Promise.all(Array.from({ length: 64 }, (_, id) => writer(id)));
        const chain = await entries(0);
        expect(new Set(wins).size).toBe(wins.length);
        expect(wins.length).toBeGreaterThan(0);
        expect(chain.map(({ revision }) => revision).slice(1)).toEqual(wins.toSorted((a, b) => a - b));
      });

      test("stale writers lose after compaction as well", async () => {
        const first = await written({ op: "create", name: "a" });
        const second = await written({ op: "update", name: "a", expected: first });
        await log.compact({ floor: second, limit: 500 });
        expect(await write({ op: "update", name: "a", expected: first }, { op: "create", name: "a" })).toEqual([
          { ok: false, reason: "conflict" },
          { ok: false, reason: "exists" },
        ]);
        const gone = await written({ op: "delete", name: "a", expected: second });
        await log.compact({ floor: gone, limit: 500 });
        expect(await write({ op: "update", name: "a", expected: second })).toEqual([{ ok: false, reason: "missing" }]);
        expect(await written({ op: "create", name: "a" })).toBe(gone + 1);
      });

      test("a write can require an active namespace", async () => {
        const inside: WriteInput = {
          op: "create",
          name: "a",
          namespace: "team",
          conditions: [{ kind: "namespace-active", name: "team" }],
        };
        expect(await write(inside)).toEqual([{ ok: false, reason: "namespace-missing" }]);
        const namespace: WriteInput = { op: "create", resource: "namespaces", namespace: "", name: "team" };
        const created = await written({ ...namespace, fields: { "status.phase": "Active" } });
        await written(inside);
        const terminating = { ...namespace, op: "update" as const, expected: created };
        await written({ ...terminating, fields: { "status.phase": "Terminating" } });
        expect(await write({ ...inside, name: "b" })).toEqual([{ ok: false, reason: "namespace-terminating" }]);
        expect(await write(inside)).toEqual([{ ok: false, reason: "exists" }]);
      });

      test("a namespace created earlier in the group counts", async () => {
        const outcomes = await write(
          { op: "create", resource: "namespaces", namespace: "", name: "team", fields: { "status.phase": "Active" } },
          { op: "create", name: "a", namespace: "team", conditions: [{ kind: "namespace-active", name: "team" }] },
        );
        expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
      });

      test("a write can require that no other object has a field's value", async () => {
        const outcomes = await write(service("a", "10.96.0.2"), service("b", "10.96.0.2"), service("c", "10.96.0.3"));
        expect(outcomes).toEqual([
          { ok: true, revision: expect.any(Number) },
          { ok: false, reason: "taken" },
          { ok: true, revision: expect.any(Number) },
        ]);
        const expected = outcomes[0]?.ok ? outcomes[0].revision : 0;
        await written({ ...service("a", "10.96.0.2"), op: "update", expected });
        expect(await write({ ...service("b", "10.96.0.3"), op: "create" })).toEqual([{ ok: false, reason: "taken" }]);
      });

      test("a write can require that another object is absent", async () => {
        const wanting: WriteInput = { op: "create", name: "a", conditions: [{ kind: "absent", ...ADDRESS }] };
        const made = await written({ op: "create", ...ADDRESS });
        expect(await write(wanting)).toEqual([{ ok: false, reason: "taken" }]);
        await written({ op: "delete", ...ADDRESS, expected: made });
        await written(wanting);
      });

      test("a write goes on top of the head that it was made for, and each of a group on top of the one before", async () => {
        const start = await written({ op: "create", name: "counter", uid: "uid-of-counter", labels: { kept: "yes" } });
        const counter = keyOf("counter");
        const counted = (name: string, on: { revision: number } | { writeId: string }, count: number): WriteInput => ({
          op: "create",
          name,
          conditions: [{ kind: "head", ...counter, ...on }],
          companions: [{ op: "update", ...counter, value: `{"metadata":{"name":"counter"},"count":${count}}` }],
        });
        const a = preparedWrite(counted("a", { revision: start }, 1));
        const b = preparedWrite(counted("b", { writeId: `${a.writeId}/0` }, 2));
        const late = preparedWrite(counted("c", { revision: start }, 1));
        const { outcomes, tail } = await log.commit([a, b, late], { since: start, limit: 10 });
        expect(outcomes).toEqual([
          { ok: true, revision: start + 1 },
          { ok: true, revision: start + 3 },
          { ok: false, reason: "moved" },
        ]);
        expect(tail.entries.map(({ name, type }) => `${type} ${name}`)).toEqual([
          "ADDED a",
          "MODIFIED counter",
          "ADDED b",
          "MODIFIED counter",
        ]);
        const { object } = await log.get(counter);
        expect(object).toMatchObject({ uid: "uid-of-counter", revision: start + 4, labels: { kept: "yes" } });
        expect(object?.value).toBe('{"metadata":{"name":"counter"},"count":2}');
        // Where the one before is not stored, neither is what counts on it.
        const again = preparedWrite(counted("a", { revision: start + 4 }, 3));
        const after = preparedWrite(counted("d", { writeId: `${again.writeId}/0` }, 4));
        expect((await log.commit([again, after], { since: start, limit: 10 })).outcomes).toEqual([
          { ok: false, reason: "exists" },
          { ok: false, reason: "moved" },
        ]);
        expect((await log.get(counter)).object?.revision).toBe(start + 4);
      });

      test("a write sees to it that nothing lives that was not known of", async () => {
        expect(await write({ op: "create", name: "a", conditions: only() })).toMatchObject([{ ok: true }]);
        const quota: WriteInput = { op: "create", resource: "resourcequotas", name: "q", uid: "uid-of-q" };
        const revision = await written(quota);
        await written({ ...quota, namespace: "other", uid: "uid-of-other" });
        expect(await write({ op: "create", name: "b", conditions: only() })).toEqual([
          { ok: false, reason: "unexpected" },
        ]);
        expect(await write({ op: "create", name: "b", conditions: only("uid-of-other") })).toEqual([
          { ok: false, reason: "unexpected" },
        ]);
        expect(await write({ op: "create", name: "b", conditions: only("uid-of-x", "uid-of-q") })).toMatchObject([
          { ok: true },
        ]);
        await write({ ...quota, op: "delete", expected: revision });
        expect(await write({ op: "create", name: "c", conditions: only() })).toMatchObject([{ ok: true }]);
      });

      test("companions come and go with their write, in one transaction, and only with it", async () => {
        const start = await log.revision();
        const first = preparedWrite({ op: "create", name: "a", companions: [CREATE_ADDRESS] });
        const { outcomes, tail } = await log.commit([first], { since: start, limit: 10 });
        expect(outcomes).toEqual([{ ok: true, revision: start + 1 }]);
        expect(tail.entries.map(({ name, value }) => [name, value])).toEqual([
          ["a", first.value],
          [ADDRESS.name, CREATE_ADDRESS.value],
        ]);
        expect(await heldAddress()).toMatchObject({ revision: start + 2, uid: "uid-ip", labels: { family: "IPv4" } });

        const lost: WriteInput = { op: "update", name: "a", expected: start, companions: [REMOVE_ADDRESS] };
        expect(await write(lost, { op: "create", name: "a", companions: [REMOVE_ADDRESS] })).toEqual([
          { ok: false, reason: "conflict" },
          { ok: false, reason: "exists" },
        ]);
        expect(await heldAddress()).toBeDefined();

        const gone: WriteInput = { op: "delete", name: "a", expected: start + 1, companions: [REMOVE_ADDRESS] };
        const next = await written(gone);
        expect(await heldAddress()).toBeUndefined();
        expect((await entries(next)).map(({ type, value }) => [type, value])).toEqual([
          ["DELETED", CREATE_ADDRESS.value],
        ]);
      });

      test("an update takes and gives back, a group's writes each their own; what is there already stays", async () => {
        const first = await written({ op: "create", name: "a" });
        const second = await written({ op: "update", name: "a", expected: first, companions: [CREATE_ADDRESS] });
        expect((await heldAddress())?.uid).toBe("uid-ip");
        const outcomes = await write(
          { op: "update", name: "a", expected: second, companions: [REMOVE_ADDRESS] },
          { op: "create", name: "b", companions: [{ ...CREATE_ADDRESS, uid: "uid-of-b" }] },
          { op: "create", name: "c", companions: [{ ...CREATE_ADDRESS, uid: "uid-of-c" }] },
        );
        expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, true]);
        expect((await heldAddress())?.uid).toBe("uid-of-b");
      });

      test("the policy has a revision of its own, which reads bring along and writes hold on to", async () => {
        const told: number[] = [];
        const reader = createSqlReader({
          cipher: fixture.cipher,
          database: fixture.database,
          watchPolicy: () => (revision) => void told.push(revision),
        });
        const start = await log.policyRevision();
        await written({ op: "create", name: "a" });
        expect(await log.policyRevision()).toBe(start);
        const ROLES = "roles.rbac.authorization.k8s.io";
        const first = await written({ op: "create", name: "r", resource: ROLES });
        const held = { kind: "policy", revision: first } as const;
        const update: WriteInput = { op: "update", name: "r", resource: ROLES, expected: first, conditions: [held] };
        expect(
          await write(
            { op: "create", name: "b", conditions: [{ kind: "policy", revision: start }] },
            { op: "create", name: "a", conditions: [{ kind: "policy", revision: start }] },
            { op: "create", name: "c", conditions: [held] },
            update,
            { op: "create", name: "d", conditions: [held] },
          ),
        ).toEqual([
          { ok: false, reason: "policy" },
          { ok: false, reason: "exists" },
          { ok: true, revision: first + 1 },
          { ok: true, revision: first + 2 },
          { ok: false, reason: "policy" },
        ]);
        const { revision, objects } = await log.policy();
        expect([revision, objects.map(({ name }) => name)]).toEqual([first + 2, ["r"]]);
        expect(await log.policy({ since: first + 2 })).toEqual({ revision: first + 2, objects: [], removed: [] });
        expect((await log.policy({ since: first })).objects.map(({ name }) => name)).toEqual(["r"]);
        await reader.get(keyOf("a"));
        await reader.list({ resource: "pods" });
        await reader.policyRevision();
        const gone = await written({ op: "delete", name: "r", resource: ROLES, expected: first + 2 });
        await reader.get(keyOf("none"));
        expect(told).toEqual([first + 2, first + 2, first + 2, gone]);
        expect((await reader.policy()).objects).toEqual([]);
        const removed = [{ resource: ROLES, namespace: "default", name: "r" }];
        expect(await log.policy({ since: first })).toEqual({ revision: gone, objects: [], removed });
        await written({ op: "create", name: "r", resource: ROLES });
        expect(await log.policy({ since: first })).toMatchObject({ objects: [{ name: "r" }], removed: [] });
        // What is older than the log knows all.
        await log.compact({ floor: await log.revision(), limit: 100 });
        expect(await log.policy({ since: first })).not.toHaveProperty("removed");
      });

      test("commit answers with the log since a revision, whoever wrote it", async () => {
        const start = await log.revision();
        await written({ op: "create", name: "foreign", content: "theirs" });
        const own = [
          preparedWrite({ op: "create", name: "a", content: "mine" }),
          preparedWrite({ op: "create", name: "a" }),
        ];
        const { outcomes, tail } = await log.commit(own, { since: start, limit: 100 });
        expect(outcomes.map(({ ok }) => ok)).toEqual([true, false]);
        expect(tail.entries.map(({ name, value }) => [name, JSON.parse(value).spec.content])).toEqual([
          ["foreign", "theirs"],
          ["a", "mine"],
        ]);
        expect([tail.revision, tail.more]).toEqual([tail.entries.at(-1)?.revision, false]);
        const { tail: cut } = await log.commit([], { since: start, limit: 1 });
        expect([names(cut.entries), cut.revision, cut.more]).toEqual([["default/foreign"], start + 1, true]);
      });

      test("lookup tells which attempts were stored", async () => {
        const start = await log.revision();
        const revision = await written({ op: "create", name: "a", writeId: "w1" });
        await write({ op: "create", name: "a", writeId: "w2" });
        expect(await log.lookup(["w1", "w2", "w3"])).toEqual(new Map([["w1", revision]]));
        expect(await log.lookup(["w1"], { since: start })).toEqual(new Map([["w1", revision]]));
        expect(await log.lookup(["w1"], { since: revision })).toEqual(new Map());
      });
    });

    describe("lists", () => {
      test("objects come in (namespace, name) byte order, of one namespace or of all", async () => {
        for (const name of ["b", "a-b", "a", "ab", "a.b"]) await written({ op: "create", name });
        await written({ op: "create", name: "z", namespace: "abc" });
        await written({ op: "create", name: "a", resource: "pods2" });
        const all = await log.list({ resource: "pods" });
        expect(names(all.objects)).toEqual([
          "abc/z",
          "default/a",
          "default/a-b",
          "default/a.b",
          "default/ab",
          "default/b",
        ]);
        expect(all.more).toBe(false);
        expect(all.revision).toBe(await log.revision());
        expect(names((await log.list({ resource: "pods", namespace: "abc" })).objects)).toEqual(["abc/z"]);
        expect((await log.list({ resource: "none" })).objects).toEqual([]);
      });

      test("pages follow each other at one exact revision while writes go on", async () => {
        const revisions = new Map<string, number>();
        for (let i = 0; i < 25; i++) {
          const name = `p${String(i).padStart(2, "0")}`;
          revisions.set(name, await written({ op: "create", name, namespace: i % 2 === 0 ? "even" : "odd" }));
        }
        const expected = names((await log.list({ resource: "pods" })).objects);
        const first = await log.list({ resource: "pods", limit: 10 });
        expect([first.objects.length, first.more, first.remaining]).toEqual([10, true, 15]);
        await written({ op: "delete", name: "p20", namespace: "even", expected: revisions.get("p20") ?? 0 });
        await written({ op: "update", name: "p03", namespace: "odd", expected: revisions.get("p03") ?? 0 });
        await written({ op: "create", name: "p99", namespace: "odd" });
        await written({ op: "create", name: "p20", namespace: "even" });
        const found = [...first.objects];
        const left: (number | undefined)[] = [];
        let more = true;
        while (more) {
          const last = found.at(-1);
          if (last === undefined) throw new Error("empty page");
          const query = { resource: "pods", limit: 10, revision: first.revision, after: last };
          const page = await log.list(query);
          expect(page.revision).toBe(first.revision);
          // What the page before said need not be counted again.
          const following = left.at(-1) ?? first.remaining ?? 0;
          expect(await log.list({ ...query, following })).toEqual(page);
          found.push(...page.objects);
          left.push(page.remaining);
          more = page.more;
        }
        expect(names(found)).toEqual(expected);
        expect(found.map(({ name, revision }) => [name, revision] as const)).toEqual(
          expect.arrayContaining([...revisions]),
        );
        expect(found.length).toBe(revisions.size);
        expect(left).toEqual([5, undefined]);
      });

      test("a page with a selector does not say how many remain", async () => {
        for (const name of ["a", "b", "c"]) await written({ op: "create", name, labels: { app: "x" } });
        const selector = { labels: [{ key: "app", operator: "Exists" as const }], fields: [] };
        const page = await log.list({ resource: "pods", limit: 2, selector });
        expect([names(page.objects), page.more, page.remaining]).toEqual([["default/a", "default/b"], true, undefined]);
      });

      test("a page in one namespace starts after a key", async () => {
        for (const name of ["a", "b", "c"]) await written({ op: "create", name });
        const after = { namespace: "default", name: "a" };
        const page = await log.list({ resource: "pods", namespace: "default", after, limit: 1 });
        expect([names(page.objects), page.more, page.remaining]).toEqual([["default/b"], true, 1]);
      });

      test("a revision that is not written yet is refused with the current one", async () => {
        const revision = await written({ op: "create", name: "a" });
        await expect(log.list({ resource: "pods", revision: revision + 1 })).rejects.toMatchObject({
          code: "future",
          current: revision,
        });
      });
    });

    describe("selectors", () => {
      const rows: WriteInput[] = [
        { op: "create", name: "a", labels: { app: "web", "example.com/tier.x": "1", n: "7" } },
        { op: "create", name: "b", labels: { app: "db", n: "12" }, fields: { "spec.nodeName": "n1" } },
        { op: "create", name: "c", labels: { n: "x1" }, fields: { "spec.nodeName": "n2" } },
        { op: "create", name: "d", namespace: "other", labels: { app: "" } },
      ];
      test.for<[string, Selector, string]>([
        ["in", label({ key: "app", operator: "In", values: ["db", "web"] }), "ab"],
        ["in, of an empty value", label({ key: "app", operator: "In", values: [""] }), "d"],
        ["not in, also without the label", label({ key: "app", operator: "NotIn", values: ["web"] }), "bcd"],
        ["exists", label({ key: "app", operator: "Exists" }), "abd"],
        ["does not exist", label({ key: "app", operator: "DoesNotExist" }), "c"],
        ["greater", label({ key: "n", operator: "Gt", value: 7 }), "b"],
        ["less", label({ key: "n", operator: "Lt", value: 12 }), "a"],
        ["a key with dots and a slash", label({ key: "example.com/tier.x", operator: "In", values: ["1"] }), "a"],
        ["a key with a quote", label({ key: 'a"b', operator: "Exists" }), ""],
        ["a key that looks like SQL", label({ key: "a' OR 1=1 --", operator: "Exists" }), ""],
        ["name", field("metadata.name", "=", "b"), "b"],
        ["not name", field("metadata.name", "!=", "b"), "acd"],
        ["namespace", field("metadata.namespace", "=", "other"), "d"],
        ["field", field("spec.nodeName", "=", "n2"), "c"],
        ["field that is not set", field("spec.nodeName", "=", ""), "ad"],
        ["not field", field("spec.nodeName", "!=", "n1"), "acd"],
        [
          "more requirements than a statement has parameters",
          {
            labels: Array.from({ length: 120 }, () => ({ key: "app", operator: "In" as const, values: ["db"] })),
            fields: [],
          },
          "b",
        ],
      ])("%s", async ([, selector, expected]) => {
        await write(...rows);
        const page = await log.list({ resource: "pods", selector });
        expect(page.objects.map(({ name }) => name).join("")).toBe(expected);
        const exact = await log.list({ resource: "pods", selector, revision: page.revision });
        expect(exact.objects).toEqual(page.objects);
      });
    });

    describe("values that are looked up", () => {
      test("follow the object through its life", async () => {
        const created = await written(boundPod({ op: "create", name: "a" }, ""));
        expect(await namesOn("n1")).toEqual([]);
        const bound = await written(boundPod({ op: "update", name: "a", expected: created }, "n1"));
        const moved = await written(boundPod({ op: "update", name: "a", expected: bound }, "n2"));
        expect([await namesOn("n1"), await namesOn("n2")]).toEqual([[], ["default/a"]]);
        expect(await namesOn("n1", { revision: bound })).toEqual(["default/a"]);
        await written(boundPod({ op: "delete", name: "a", expected: moved }, "n2"));
        expect(await namesOn("n2")).toEqual([]);
        await written(boundPod({ op: "create", name: "a" }, "n2"));
        expect(await namesOn("n2")).toEqual(["default/a"]);
      });

      test("come in pages, by namespace, and with what else is selected", async () => {
        for (const namespace of ["x", "y"]) {
          for (const name of ["c", "a", "b"]) {
            await written(
              boundPod({ op: "create", name, namespace, labels: { app: name } }, name === "b" ? "n2" : "n1"),
            );
          }
        }
        const first = await log.list({ ...podsOn("n1"), limit: 3 });
        expect([names(first.objects), first.more]).toEqual([["x/a", "x/c", "y/a"], true]);
        expect(await namesOn("n1", { after: { namespace: "y", name: "a" } })).toEqual(["y/c"]);
        expect(await namesOn("n1", { namespace: "y", after: { namespace: "y", name: "a" } })).toEqual(["y/c"]);
        expect(await namesOn("n1", { namespace: "x" })).toEqual(["x/a", "x/c"]);
        const { fields } = field("spec.nodeName", "=", "n1");
        const { labels } = label({ key: "app", operator: "In", values: ["c"] });
        expect(await namesOn("n1", { selector: { labels, fields } })).toEqual(["x/c", "y/c"]);
      });

      test("cost a row when they appear, and none while they stay", async () => {
        const created = await written(boundPod({ op: "create", name: "a" }, "n1"));
        const row = ["pods", "spec.nodeName", "n1", "a"];
        expect(await lookups()).toEqual([row]);
        const updated = await written(boundPod({ op: "update", name: "a", expected: created }, "n1"));
        expect(await lookups()).toEqual([row]);
        await written(boundPod({ op: "delete", name: "a", expected: updated }, "n1"));
        expect(await lookups()).toEqual([]);
        const fields = { "spec.clusterIP": "10.0.0.1", "spec.nodePort.30000": "true", "spec.type": "NodePort" };
        await written({ op: "create", resource: "services", name: "s", fields });
        await written({ op: "create", resource: "configmaps", name: "c", fields });
        expect(await lookups()).toEqual([
          ["services", "spec.clusterIP", "10.0.0.1", "s"],
          ["services", "spec.nodePort.30000", "true", "s"],
        ]);
      });

      test("are filled in for what an older schema has stored", async () => {
        const other = await open();
        try {
          await migrate(other.database, { migrations: migrations.slice(0, 1) });
          const older = createSqlLog({ database: other.database, clock: { now: () => 1 }, log: silentLog });
          const writes = ["n1", "", "n2"].map((nodeName, at) =>
            preparedWrite({ op: "create", name: `p${at}`, fields: { "spec.nodeName": nodeName } }),
          );
          await older.commit(writes, { since: 0, limit: 1 });
          await migrate(other.database);
          expect(names((await older.list(podsOn("n2"))).objects)).toEqual(["default/p2"]);
        } finally {
          await other.close();
        }
      });
    });

    describe("the log", () => {
      test("entries say what was before, with the value only where labels or fields changed", async () => {
        const first = await written({ op: "create", name: "a", labels: { app: "x" }, content: 1 });
        const second = await written({ op: "update", name: "a", expected: first, labels: { app: "x" }, content: 2 });
        const third = await written({ op: "update", name: "a", expected: second, labels: { app: "y" }, content: 3 });
        await written({ op: "delete", name: "a", expected: third, labels: { app: "y" }, content: 4 });
        const found = await entries(0);
        expect(found.map(({ type }) => type)).toEqual(["ADDED", "MODIFIED", "MODIFIED", "DELETED"]);
        expect(found.map(({ before }) => before)).toEqual([
          undefined,
          { labels: { app: "x" }, fields: {} },
          { labels: { app: "x" }, fields: {}, value: found[1]?.value },
          { labels: { app: "y" }, fields: {} },
        ]);
        expect(JSON.parse(found[3]?.value ?? "").spec.content).toBe(4);
      });

      test("a mark is a revision of its own, in which nothing changed", async () => {
        const before = await written({ op: "create", name: "a" });
        expect(await log.mark()).toBe(before + 1);
        expect(await log.revision()).toBe(before + 1);
        expect(await log.changes({ since: before, limit: 10 })).toMatchObject({ entries: [], revision: before + 1 });
        expect((await log.list({ resource: "pods", revision: before + 1 })).objects.length).toBe(1);
        expect(await written({ op: "create", name: "b" })).toBe(before + 2);
      });

      test("changes are a range of revisions, of all resources or of one", async () => {
        const start = await log.revision();
        await written({ op: "create", name: "a" });
        await written({ op: "create", name: "b", resource: "secrets" });
        const last = await written({ op: "create", name: "c" });
        expect(names(await entries(start, "pods"))).toEqual(["default/a", "default/c"]);
        expect(names(await entries(last - 1))).toEqual(["default/c"]);
        const cut = await log.changes({ since: start, limit: 2 });
        expect([names(cut.entries), cut.revision, cut.more]).toEqual([["default/a", "default/b"], last - 1, true]);
        const rest = await log.changes({ since: cut.revision, limit: 2 });
        expect([names(rest.entries), rest.revision, rest.more]).toEqual([["default/c"], last, false]);
        expect((await log.changes({ since: last + 10, limit: 2 })).entries).toEqual([]);
      });

      test("a snapshot reads objects, lists and changes of one state, in one batch", async () => {
        const first = await written({ op: "create", name: "a", fields: { "spec.nodeName": "n1" } });
        await written({ op: "create", name: "b", resource: "secrets" });
        await written({ op: "create", name: "b", fields: { "spec.nodeName": "n2" } });
        const last = await written({ op: "delete", name: "b", resource: "secrets", expected: first + 1 });
        const keys = ["pods/b", "pods/none", "secrets/b", "pods/a"].map((key): ObjectKey => {
          const [resource = "", name = ""] = key.split("/");
          return { resource, namespace: "default", name };
        });
        const selector = { labels: [], fields: [{ field: "spec.nodeName", operator: "=" as const, value: "n1" }] };
        const found = await log.snapshot({
          keys,
          lists: [{ resource: "pods", selector }, { resource: "secrets" }, { resource: "pods" }],
          changes: { since: first, limit: 2, bytesMax: 100_000 },
        });
        expect(found.revision).toBe(last);
        expect(names(found.objects)).toEqual(["default/b", "default/a"]);
        expect(found.lists.map(names)).toEqual([["default/a"], [], ["default/a", "default/b"]]);
        expect(found.changes).toEqual(await log.changes({ since: first, limit: 2, bytesMax: 100_000 }));
        expect(await log.snapshot({ lists: [] })).toEqual({ revision: last, objects: [], lists: [] });
        await log.compact({ floor: last, limit: 500 });
        const old = { lists: [], changes: { since: first, limit: 2, bytesMax: 100_000 } };
        expect((await log.snapshot(old)).changes).toBeUndefined();
      });

      test("changes stop where their values get too large, but never give nothing", async () => {
        const start = await log.revision();
        for (const name of ["a", "b", "c"]) await written({ op: "create", name, content: "x".repeat(1_000) });
        const sizes = async (bytesMax: number) => {
          const page = await log.changes({ since: start, limit: 10, bytesMax });
          return [page.entries.length, page.more, page.revision - start];
        };
        expect(await sizes(1)).toEqual([1, true, 1]);
        // A ciphertext is a third longer, and it is what is stored that counts.
        expect(await sizes(fixture.cipher ? 2_000 : 1_500)).toEqual([2, true, 2]);
        expect(await sizes(100_000)).toEqual([3, false, 3]);
      });
    });

    describe("compaction", () => {
      test("removes what was superseded by the floor and old tombstones, and keeps the state at the floor", async () => {
        const a1 = await written({ op: "create", name: "a" });
        const b1 = await written({ op: "create", name: "b", resource: "secrets" });
        const a2 = await written({ op: "update", name: "a", expected: a1 });
        await written({ op: "delete", name: "b", resource: "secrets", expected: b1 });
        const c1 = await written({ op: "create", name: "c" });
        const atFloor = await log.list({ resource: "pods" });
        await written({ op: "update", name: "a", expected: a2 });
        await written({ op: "delete", name: "c", expected: c1 });
        expect(await log.compact({ floor: c1, limit: 500 })).toEqual({ removed: 3, done: true });
        expect(await log.floor()).toBe(c1);
        expect(await log.list({ resource: "pods", revision: c1 })).toEqual(atFloor);
        expect((await entries(c1)).map(({ type, name }) => `${type} ${name}`)).toEqual(["MODIFIED a", "DELETED c"]);
      });

      test("what is older than the floor is refused, never answered in part", async () => {
        const first = await written({ op: "create", name: "a" });
        const second = await written({ op: "update", name: "a", expected: first });
        await log.compact({ floor: second, limit: 500 });
        await expect(log.list({ resource: "pods", revision: first })).rejects.toMatchObject({ code: "compacted" });
        await expect(log.changes({ since: first, limit: 10 })).rejects.toMatchObject({ code: "compacted" });
        expect((await log.changes({ since: second, limit: 10 })).entries).toEqual([]);
      });

      test("goes in slices, and the floor stands from the first one", async () => {
        let expected = await written({ op: "create", name: "a" });
        for (let i = 0; i < 9; i++) expected = await written({ op: "update", name: "a", expected });
        expect(await log.compact({ floor: expected, limit: 4 })).toEqual({ removed: 4, done: false });
        await expect(log.changes({ since: expected - 1, limit: 10 })).rejects.toMatchObject({ code: "compacted" });
        expect(await log.compact({ floor: expected, limit: 4 })).toEqual({ removed: 4, done: false });
        expect(await log.compact({ floor: expected, limit: 4 })).toEqual({ removed: 1, done: true });
        expect(await log.list({ resource: "pods", revision: expected })).toMatchObject({ revision: expected });
      });

      test("with nothing to remove the floor stays, and it never goes back", async () => {
        const first = await written({ op: "create", name: "a" });
        expect(await log.compact({ floor: first, limit: 10 })).toEqual({ removed: 0, done: true });
        expect(await log.floor()).toBe(0);
        const second = await written({ op: "update", name: "a", expected: first });
        await log.compact({ floor: second, limit: 10 });
        const third = await written({ op: "update", name: "a", expected: second });
        await log.compact({ floor: second - 1, limit: 10 });
        expect([await log.floor(), third]).toEqual([second, second + 1]);
      });

      test("says which revision was the newest at a time", async () => {
        const start = await log.revision();
        nowMs = 2_000;
        const first = await written({ op: "create", name: "a" });
        nowMs = 3_000;
        const second = await written({ op: "create", name: "b" });
        expect(await log.revisionAt(1_999)).toBe(0);
        expect(await log.revisionAt(2_000)).toBe(first);
        expect(await log.revisionAt(9_000)).toBe(second);
        expect(await log.revisionAt(1_999, { since: start })).toBe(start);
        expect(await log.revisionAt(2_000, { since: start })).toBe(first);
        expect(await log.revisionAt(9_000, { since: first })).toBe(second);
      });

      test("expired objects are found, oldest first, while they live", async () => {
        const a = await written({ op: "create", name: "a", expiresMs: 200 });
        await written({ op: "create", name: "b", expiresMs: 100 });
        await written({ op: "create", name: "c", expiresMs: 999 });
        await written({ op: "create", name: "d" });
        expect(names(await log.expired({ nowMs: 200, limit: 10 }))).toEqual(["default/b", "default/a"]);
        expect(await log.nextExpiry()).toBe(100);
        expect(names(await log.expired({ nowMs: 200, limit: 1 }))).toEqual(["default/b"]);
        await written({ op: "delete", name: "a", expected: a });
        expect(names(await log.expired({ nowMs: 200, limit: 10 }))).toEqual(["default/b"]);
      });

      test("where nothing expires there is no next time", async () => {
        expect(await log.nextExpiry()).toBeUndefined();
        await written({ op: "create", name: "a" });
        expect(await log.nextExpiry()).toBeUndefined();
      });
    });

    describe("the database", () => {
      test("migrations applied twice, and by two at once, leave one schema", async () => {
        const other = await open();
        try {
          const results = await Promise.all([
            migrate(other.database),
            migrate(other.database),
            migrate(other.database),
          ]);
          expect(new Set(results.map(({ version }) => version)).size).toBe(1);
          const [versions] = await other.database.batch([{ sql: "SELECT version FROM schema_version" }], "read");
          expect(versions?.rows).toEqual(migrations.map(({ version }) => [version]));
        } finally {
          await other.close();
        }
      });

      test("one release ahead is accepted, two are not", async () => {
        const { version } = await migrate(fixture.database);
        const ahead = (by: number) => ({
          sql: "INSERT INTO schema_version (version, name) VALUES (?, 'later')",
          args: [version + by],
        });
        await fixture.database.batch([ahead(1)], "write");
        expect(await migrate(fixture.database)).toEqual({ version: version + 1 });
        await fixture.database.batch([ahead(2)], "write");
        await expect(migrate(fixture.database)).rejects.toMatchObject({ code: "unavailable" });
      });

      test("a batch with a failing statement stores nothing and leaves the connection usable", async () => {
        const insert = { sql: "INSERT INTO settings (key, value) VALUES ('k', 'v')" };
        await expect(fixture.database.batch([insert, insert], "write")).rejects.toMatchObject({
          name: "DatabaseError",
          outcomeUnknown: false,
        });
        await expect(fixture.database.batch([{ sql: "SELECT nonsense" }], "read")).rejects.toMatchObject({
          name: "DatabaseError",
        });
        const [, count] = await fixture.database.batch(
          [insert, { sql: "SELECT count(*), ?, ?, ? FROM settings", args: [null, 1.5, "ü"] }],
          "write",
        );
        expect(count?.rows).toEqual([[1, null, 1.5, "ü"]]);
      });

      test("a setting is stored once; the second start gets the first one's value", async () => {
        const settings = createSettings({ database: fixture.database });
        expect(await settings.get("keys")).toBeUndefined();
        const [first, second] = await Promise.all([
          settings.putIfAbsent("keys", "one"),
          settings.putIfAbsent("keys", "two"),
        ]);
        // Over a network either may come first; both must learn who did.
        expect(["one", "two"]).toContain(first);
        expect(second).toBe(first);
        expect(await settings.get("keys")).toBe(first);
        expect(await settings.putIfAbsent("keys", "three")).toBe(first);
      });

      test("an update costs five rows: table and indexes", async () => {
        const [indexes] = await fixture.database.batch(
          [{ sql: "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'log' ORDER BY name" }],
          "read",
        );
        // The new row and the old one; out of log_live and into it; into log_superseded. The other two hold neither.
        expect(indexes?.rows.flat()).toEqual(["log_expires", "log_live", "log_superseded", "log_tombstones"]);
      });
    });

    test("random operations give what a model in memory gives", async () => {
      await randomOperations({ log, operations: 400 });
    });
  });
}

function names(objects: readonly { namespace: string; name: string }[]): string[] {
  return objects.map((object) => `${object.namespace}/${object.name}`);
}

const ADDRESS = { resource: "ipaddresses.networking.k8s.io", namespace: "", name: "10.96.0.7" };
const REMOVE_ADDRESS = { op: "remove", ...ADDRESS } as const;
const CREATE_ADDRESS = {
  op: "create",
  ...ADDRESS,
  uid: "uid-ip",
  form: "v1/1",
  labels: { family: "IPv4" },
  fields: {},
  value: '{"metadata":{"name":"10.96.0.7","uid":"uid-ip"}}',
} as const;

function service(name: string, address: string): WriteInput {
  return {
    op: "create",
    resource: "services",
    name,
    fields: { "spec.clusterIP": address },
    conditions: [{ kind: "field-unique", resource: "services", field: "spec.clusterIP", value: address }],
  };
}

function podsOn(nodeName: string): ListQuery {
  return { resource: "pods", selector: field("spec.nodeName", "=", nodeName) };
}

function boundPod(input: Pick<WriteInput, "op" | "name"> & Partial<WriteInput>, nodeName: string): WriteInput {
  return { ...input, fields: { "spec.nodeName": nodeName, "status.phase": input.op } };
}

function label(requirement: LabelRequirement): Selector {
  return { labels: [requirement], fields: [] };
}

function field(name: string, operator: "=" | "!=", value: string): Selector {
  return { labels: [], fields: [{ field: name, operator, value }] };
}

function keyOf(name: string, resource = "pods", namespace = "default"): ObjectKey {
  return { resource, namespace, name };
}
