/** Back in time, as far as the log reaches: over the database of either runtime. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { restoreLog } from "../../src/storage/restore.ts";
import { createSqlLog } from "../../src/storage/sql-log.ts";
import { silentLog as log } from "../harness/silent-log.ts";
import { testRuntime } from "../harness/test-runtime.ts";
import { preparedWrite, type WriteInput } from "../harness/writes.ts";

describe.skipIf(testRuntime.missing !== undefined)("a log taken back", () => {
  let opened: { database: Database; close(): Promise<void> };
  let nowMs = 0;
  const clock = { now: () => nowMs };
  const storage = (database = opened.database) => createSqlLog({ database, clock, log });
  const restore = (toMs: number, database = opened.database) => restoreLog({ database, clock, log }, toMs);

  async function write(input: WriteInput): Promise<number> {
    const { outcomes } = await storage().commit([preparedWrite(input)], { since: 0, limit: 1 });
    const [outcome] = outcomes;
    if (!outcome?.ok) throw new Error(`not written: ${JSON.stringify(outcome)}`);
    return outcome.revision;
  }

  async function state(): Promise<Record<string, unknown>> {
    const { objects } = await storage().list({ resource: "pods", limit: 100 });
    return Object.fromEntries(
      objects.map(({ name, value }) => [name, (JSON.parse(value) as { spec: { content: unknown } }).spec.content]),
    );
  }

  /** The revisions of 100, 200 and 300 ms. */
  let history: number[];
  beforeEach(async () => {
    opened = await testRuntime.openDatabase();
    await migrate(opened.database);
    nowMs = 100;
    const fields = { "spec.nodeName": "n1" };
    const a1 = await write({ op: "create", name: "a", content: 1, fields });
    const b = await write({ op: "create", name: "b", content: 1 });
    nowMs = 200;
    const a2 = await write({ op: "update", name: "a", content: 2, expected: a1, fields: { "spec.nodeName": "n2" } });
    nowMs = 300;
    await write({ op: "delete", name: "b", expected: b });
    await write({ op: "create", name: "c", content: 3, fields });
    history = [b, a2, await write({ op: "update", name: "a", content: 3, expected: a2, fields })];
    nowMs = 1_000;
  });
  afterEach(() => opened.close());

  test.each([
    [100, { a: 1, b: 1 }, "n1"],
    [199, { a: 1, b: 1 }, "n1"],
    [200, { a: 2, b: 1 }, "n2"],
    [300, { a: 3, c: 3 }, "n1"],
    [999, { a: 3, c: 3 }, "n1"],
  ])("to %i ms is what was then, whatever came later", async (toMs, expected, node) => {
    const [, , newest = 0] = history;
    const { revision } = await restore(toMs);
    expect(revision).toBeGreaterThanOrEqual(2 ** 32);
    expect(await state()).toEqual(expected);
    const sql = "SELECT value FROM lookup WHERE resource = 'pods' AND name = 'a' AND field = 'spec.nodeName'";
    const [lookups] = await opened.database.batch([{ sql }], "read");
    expect(lookups?.rows).toEqual([[node]]);
    // Whoever has seen anything of before is told that it is too old, and nothing is given out twice.
    await expect(storage().changes({ since: newest, limit: 10 })).rejects.toMatchObject({ code: "compacted" });
    const next = await write({ op: "create", name: "d", content: 4 });
    expect(next).toBeGreaterThan(revision);
    expect(await state()).toEqual({ ...expected, d: 4 });
  });

  test.each([0, 99])("to %i ms, before there was anything, is refused", async (toMs) => {
    await expect(restore(toMs)).rejects.toMatchObject({ code: "compacted" });
    expect(await state()).toEqual({ a: 3, c: 3 });
  });

  test("beyond the window is refused, and changes nothing; the window itself is whole", async () => {
    const [, floor = 0] = history;
    await storage().compact({ floor, limit: 100 });
    await expect(restore(100)).rejects.toMatchObject({
      name: "StorageError",
      code: "compacted",
      message: "the log does not reach back so far",
    });
    expect(await state()).toEqual({ a: 3, c: 3 });
    await restore(200);
    expect(await state()).toEqual({ a: 2, b: 1 });
  });

  test("while the log is compacted past it is refused, and changes nothing", async () => {
    const { database } = opened;
    const [, floor = 0] = history;
    const late: Database = {
      async batch(statements, mode) {
        if (mode === "write") await storage().compact({ floor, limit: 100 });
        return await database.batch(statements, mode);
      },
      close: () => database.close(),
    };
    await expect(restore(100, late)).rejects.toMatchObject({ code: "compacted" });
    expect(await state()).toEqual({ a: 3, c: 3 });
  });
});
