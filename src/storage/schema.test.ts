/** The schema as it stands in a database: what drizzle says of it, and how the statements of the log use it. */
import { getTableConfig } from "drizzle-orm/sqlite-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { preparedWrite } from "../../test/harness/writes.ts";
import { silentLog } from "../../test/harness/silent-log.ts";
import { openDatabase } from "../platform/node/libsql-database.ts";
import type { Database, Statement } from "./database.ts";
import { compareUtf8 } from "./list-sql.ts";
import { migrate } from "./migrate.ts";
import { createSqlLog } from "./sql-log.ts";
import type { StorageWriter } from "./storage.ts";
import { logTable, lookupTable, settingsTable, stateTable } from "./tables.ts";

let database: Database;
let recorded: Statement[];
let log: StorageWriter;
beforeEach(async () => {
  database = await openDatabase({ path: ":memory:" });
  await migrate(database);
  recorded = [];
  const recording: Database = {
    batch(statements, mode) {
      recorded.push(...statements);
      return database.batch(statements, mode);
    },
    close: () => database.close(),
  };
  log = createSqlLog({ database: recording, clock: { now: () => 1_000 }, log: silentLog });
});
afterEach(() => database.close());

async function query(sql: string, args: Statement["args"] = []) {
  const [result] = await database.batch([{ sql, args }], "read");
  return result?.rows ?? [];
}

describe("tables.ts describes what the migrations make", () => {
  test.each([logTable, lookupTable, stateTable, settingsTable])("table %#", async (table) => {
    const { name, columns, indexes, primaryKeys } = getTableConfig(table);
    const key = primaryKeys[0]?.columns.map((column) => column.name) ?? [];
    const keyPosition = (column: (typeof columns)[number]) => (column.primary ? 1 : key.indexOf(column.name) + 1);
    const found = await query(`SELECT name, lower(type), "notnull", pk FROM pragma_table_info(?)`, [name]);
    expect(found).toEqual(
      columns.map((column) => [column.name, column.getSQLType(), column.notNull ? 1 : 0, keyPosition(column)]),
    );
    const partial = await query("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql <> ''", [
      name,
    ]);
    expect(new Set(partial.flat())).toEqual(new Set(indexes.map(({ config }) => config.name)));
  });

  test("value is the last column", () => {
    expect(getTableConfig(logTable).columns.at(-1)?.name).toBe("value");
  });
});

describe("no statement of the log reads more than it has to", () => {
  const key = { resource: "pods", namespace: "default", name: "a" };
  const plain = { labels: [], fields: [] };
  const conditions = [
    { kind: "namespace-active" as const, name: "default" },
    { kind: "field-unique" as const, resource: "services", field: "spec.clusterIP", value: "10.0.0.1" },
  ];
  test.each<[string, () => Promise<unknown>]>([
    ["get", () => log.get(key)],
    ["list", () => log.list({ resource: "pods" })],
    ["a page of one namespace", () => log.list({ ...key, limit: 5, after: key, selector: plain })],
    ["a page of all namespaces", () => log.list({ resource: "pods", limit: 5, after: key })],
    ["a list at a revision", () => log.list({ resource: "pods", revision: 1, limit: 5 })],
    ["create", () => log.commit([preparedWrite({ op: "create", name: "a", conditions })], { since: 1, limit: 10 })],
    ["update", () => log.commit([preparedWrite({ op: "update", name: "a", expected: 1 })], { since: 1, limit: 10 })],
    ["changes", () => log.changes({ since: 1, limit: 10 })],
    ["changes of a resource", () => log.changes({ since: 1, limit: 10, resource: "pods" })],
    ["compaction", () => log.compact({ floor: 1, limit: 10 })],
    ["the next expiry", () => log.nextExpiry()],
    ["expiry", () => log.expired({ nowMs: 1, limit: 10 })],
    ["the revision at a time", () => log.revisionAt(1, { since: 1 })],
  ])("%s", async (_, operate) => {
    await operate();
    expect(recorded.length).toBeGreaterThan(0);
    for (const { sql, args } of recorded) {
      const plan = (await query(`EXPLAIN QUERY PLAN ${sql}`, args)).map((row) => String(row[3]));
      // A partial index may be scanned whole where it holds nothing but what is wanted: the tombstones, at compaction.
      const scans = plan.filter((step) => /^SCAN (log|l|p|h|n|u|s)\b/.test(step));
      expect(scans, `${sql}\n${plan.join("\n")}`).toEqual([]);
    }
  });

  test("what is looked up is found by its value", async () => {
    const selector = { labels: [], fields: [{ field: "spec.nodeName", operator: "=" as const, value: "n1" }] };
    await log.list({ resource: "pods", selector });
    await log.list({ resource: "pods", selector, namespace: "default", after: key, limit: 5 });
    await log.commit([preparedWrite({ op: "create", resource: "services", name: "a", conditions })], {
      since: 1,
      limit: 10,
    });
    const plans = await Promise.all(
      recorded
        .filter(({ sql }) => sql.includes("lookup"))
        .map(async ({ sql, args }) => (await query(`EXPLAIN QUERY PLAN ${sql}`, args)).map((row) => String(row[3]))),
    );
    expect(plans.map((plan) => plan.filter((step) => /lookup|\bu\b/.test(step)))).toEqual([
      ["SEARCH lookup USING PRIMARY KEY (resource=? AND field=? AND value=?)"],
      ["SEARCH lookup USING PRIMARY KEY (resource=? AND field=? AND value=? AND namespace=? AND name>?)"],
      ["SEARCH u USING PRIMARY KEY (resource=? AND field=? AND value=?)"],
      ["SEARCH u USING PRIMARY KEY (resource=? AND field=? AND value=?)"],
    ]);
    expect(plans.flat().filter((step) => step.includes("TEMP B-TREE"))).toEqual([]);
  });

  test("lists come in order from the index, without sorting", async () => {
    await log.list({ resource: "pods" });
    await log.list({ resource: "pods", namespace: "default", limit: 5, after: key });
    for (const { sql, args } of recorded) {
      const plan = (await query(`EXPLAIN QUERY PLAN ${sql}`, args)).map((row) => String(row[3]));
      expect(plan.filter((step) => step.includes("TEMP B-TREE"))).toEqual([]);
    }
  });
});

test("keys compare as SQL compares them: by code points", async () => {
  const keys = ["", "a", "a-b", "a.b", "ab", "é", "\uE000", "\uFFFD", "😀", "a😀", "a\uFFFD"];
  const rows = await query("SELECT value FROM json_each(?) ORDER BY value", [JSON.stringify(keys)]);
  expect(keys.toReversed().toSorted(compareUtf8)).toEqual(rows.flat());
});
