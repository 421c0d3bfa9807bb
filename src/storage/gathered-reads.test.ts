import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../platform/node/libsql-database.ts";
import type { Database } from "./database.ts";
import { gatherReads } from "./gathered-reads.ts";

let database: Database;
let gathered: Database;
/** Statements of each batch that reached the database. */
let batches: { mode: "read" | "write"; statements: number }[];

beforeEach(async () => {
  database = await openDatabase({ path: ":memory:" });
  await database.batch([{ sql: "CREATE TABLE t (n integer)" }], "write");
  batches = [];
  gathered = gatherReads({
    async batch(statements, mode) {
      batches.push({ mode, statements: statements.length });
      // As over a network: whoever asks meanwhile has to wait.
      await new Promise((resolve) => setImmediate(resolve));
      return await database.batch(statements, mode);
    },
    close: () => database.close(),
  });
});
afterEach(() => gathered.close());

const ask = async (...numbers: number[]) => {
  const results = await gathered.batch(
    numbers.map((number) => ({ sql: "SELECT ?", args: [number] })),
    "read",
  );
  return results.map(({ rows }) => rows[0]?.[0]);
};

test("sixty that ask at once take eight round trips, and each gets its own answer", async () => {
  const asked = Array.from({ length: 60 }, (_, at) => [at, ...(at % 3 === 0 ? [at + 1_000] : [])]);
  expect(await Promise.all(asked.map((numbers) => ask(...numbers)))).toEqual(asked);
  expect(batches).toHaveLength(8);
});

test("who asks alone waits for nobody", async () => {
  expect([await ask(1), await ask(2)]).toEqual([[1], [2]]);
  expect(batches).toEqual([
    { mode: "read", statements: 1 },
    { mode: "read", statements: 1 },
  ]);
});

test("nobody gets the error of another", async () => {
  const bad = gathered.batch([{ sql: "SELECT nothing FROM nowhere" }], "read");
  const answers = Promise.all(Array.from({ length: 8 }, (_, at) => ask(at)));
  const worse = gathered.batch([{ sql: "SELECT nothing FROM nowhere" }], "read");
  const ends = await Promise.allSettled([bad, answers, worse]);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected"]);
  expect(await answers).toEqual(Array.from({ length: 8 }, (_, at) => [at]));
});

test("writes go at once, each as it is, and who reads afterwards sees them", async () => {
  const reads = Array.from({ length: 8 }, (_, at) => ask(at));
  await Promise.all([1, 2].map((n) => gathered.batch([{ sql: "INSERT INTO t VALUES (?)", args: [n] }], "write")));
  expect(batches.filter(({ mode }) => mode === "write")).toHaveLength(2);
  const [count] = await gathered.batch([{ sql: "SELECT count(*) FROM t" }], "read");
  expect(count?.rows).toEqual([[2]]);
  await Promise.all(reads);
});
