import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../platform/node/libsql-database.ts";
import type { Database } from "./database.ts";
import { migrate, schemaVersion } from "./migrate.ts";
import { migrations } from "./migrations/index.ts";

let database: Database;
beforeEach(async () => {
  database = await openDatabase({ path: ":memory:" });
});
afterEach(() => database.close());

/** `afterFirst`: what happens once the first question has its answer. */
function counting(afterFirst: () => Promise<unknown> = () => Promise.resolve()) {
  const counted = { batches: 0 };
  const over: Database = {
    async batch(statements, mode) {
      counted.batches += 1;
      const isFirst = counted.batches === 1;
      try {
        return await database.batch(statements, mode);
      } finally {
        if (isFirst) await afterFirst();
      }
    },
    close: () => Promise.resolve(),
  };
  return { over, counted };
}

test("the version of a database that is in use is one question", async () => {
  await migrate(database);
  const { over, counted } = counting();
  expect([await schemaVersion(over), counted.batches]).toEqual([migrations.length, 1]);
});

test("a new one has version 0, and that of another start where that was quicker to ask", async () => {
  expect(await schemaVersion(database)).toBe(0);
  const { over } = counting(() => migrate(database));
  expect(await schemaVersion(over)).toBe(migrations.length);
});

test("what else is wrong is told", async () => {
  await database.batch([{ sql: "CREATE TABLE schema_version (other integer)" }], "write");
  await expect(schemaVersion(database)).rejects.toThrow("version");
});
