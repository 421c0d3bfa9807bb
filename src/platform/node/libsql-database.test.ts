import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase as open, type OpenDatabaseOptions } from "./libsql-database.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-libsql-"));
  path = join(folder, "cluster.db");
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function insert(a: number) {
  return { sql: "INSERT INTO t VALUES (?, ?)", args: [a, `row ${a}`] };
}

describe.each([{ writesInThread: false }, { writesInThread: true }])("with %o", ({ writesInThread }) => {
  const openDatabase = (options: OpenDatabaseOptions) => open({ ...options, writesInThread });

  /** Another process that opens the file, writes a row, and keeps it open. */
  async function otherProcess(): Promise<ChildProcess> {
    const script = `
    const { openDatabase } = await import(${JSON.stringify(new URL("./libsql-database.ts", import.meta.url).href)});
    const database = await openDatabase({ path: ${JSON.stringify(path)}, writesInThread: ${writesInThread} });
    await database.batch([{ sql: "CREATE TABLE IF NOT EXISTS t (a)" }, { sql: "INSERT INTO t VALUES ('theirs')" }], "write");
    process.stdout.write("open");
    setInterval(() => database, 1_000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await Promise.race([
      once(child.stdout, "data"),
      once(child, "exit").then(() => Promise.reject(new Error("it did not open"))),
    ]);
    return child;
  }

  describe("a database file", () => {
    test("in use by another process is refused at once, and free again when that one is killed", async () => {
      const child = await otherProcess();
      try {
        await expect(openDatabase({ path })).rejects.toMatchObject({
          name: "DatabaseError",
          code: "in-use",
          message: `${path} is in use by another process`,
        });
      } finally {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      const database = await openDatabase({ path });
      const [rows] = await database.batch([{ sql: "SELECT a FROM t" }], "read");
      expect(rows?.rows).toEqual([["theirs"]]);
      await database.close();
    });

    test("opened twice in one process is refused, and free again when closed", async () => {
      const first = await openDatabase({ path });
      await expect(openDatabase({ path })).rejects.toMatchObject({ code: "in-use" });
      await first.close();
      await (await openDatabase({ path })).close();
    });

    test("in a folder that does not exist is refused with its path", async () => {
      const missing = join(folder, "missing", "cluster.db");
      await expect(openDatabase({ path: missing })).rejects.toMatchObject({
        name: "DatabaseError",
        code: "failed",
        message: expect.stringContaining(missing),
      });
    });

    test("that is none is refused", async () => {
      const { writeFile } = await import("node:fs/promises");
      await writeFile(path, "not a database, but long enough to be taken for a header of one".repeat(100));
      await expect(openDatabase({ path })).rejects.toMatchObject({ name: "DatabaseError", code: "failed" });
    });
  });

  describe("a batch", () => {
    test("that fails keeps nothing, and the connection goes on", async () => {
      const database = await openDatabase({ path });
      await database.batch([{ sql: "CREATE TABLE t (a INTEGER PRIMARY KEY, b)" }], "write");
      await expect(database.batch([insert(1), insert(1)], "write")).rejects.toMatchObject({ name: "DatabaseError" });
      const [one, none, all] = await database.batch(
        [
          { ...insert(2), sql: `${insert(2).sql} RETURNING a, b` },
          { sql: "UPDATE t SET b = b WHERE a = 9" },
          { sql: "SELECT * FROM t" },
        ],
        "write",
      );
      expect(one).toEqual({ rows: [[2, "row 2"]], rowsAffected: 1 });
      expect(none).toEqual({ rows: [], rowsAffected: 0 });
      expect(all).toEqual({ rows: [[2, "row 2"]], rowsAffected: 0 });
      await database.close();
      await expect(database.batch([insert(3)], "write")).rejects.toMatchObject({ message: "the database is closed" });
    });

    test("keeps the kinds of values", async () => {
      const database = await openDatabase({ path });
      const values = [null, "text 𝄞", 7, -1.5, Number.MAX_SAFE_INTEGER, new Uint8Array([0, 255])];
      const [result] = await database.batch([{ sql: "SELECT ?, ?, ?, ?, ?, ?", args: values }], "read");
      expect(result?.rows[0]?.slice(0, 5)).toEqual(values.slice(0, 5));
      expect(Array.from((result?.rows[0]?.[5] ?? []) as Uint8Array)).toEqual([0, 255]);
      const [types] = await database.batch([{ sql: "SELECT typeof(?), typeof(?)", args: [7, 1.5] }], "read");
      expect(types?.rows[0]?.[1]).toBe("real");
      await database.close();
    });

    test("of more texts than are kept prepared still works", async () => {
      const database = await openDatabase({ path });
      for (let at = 0; at < 1_200; at++) {
        const [result] = await database.batch([{ sql: `SELECT ${at}` }], "read");
        expect(result?.rows).toEqual([[at]]);
      }
      await database.close();
    });
  });
});

describe("a thread that writes", () => {
  test("commits in order, and what it has answered is read at once", async () => {
    const database = await open({ path, writesInThread: true });
    await database.batch([{ sql: "CREATE TABLE t (a INTEGER PRIMARY KEY, b)" }], "write");
    const answers = Array.from({ length: 50 }, async (_, at) => {
      await database.batch([{ sql: "INSERT INTO t VALUES (?, ?)", args: [at, `row ${at}`] }], "write");
      const [count] = await database.batch([{ sql: "SELECT count(*), max(a) FROM t" }], "read");
      return count?.rows[0];
    });
    for (const [at, row] of (await Promise.all(answers)).entries()) {
      expect(row?.[0]).toBe((row?.[1] as number) + 1);
      expect(row?.[0]).toBeGreaterThan(at);
    }
    await database.close();
  });

  test("shows a batch of reads one state, whatever is committed meanwhile", async () => {
    const database = await open({ path, writesInThread: true });
    await database.batch([{ sql: "CREATE TABLE t (a)" }, { sql: "INSERT INTO t VALUES (0)" }], "write");
    const counts = Array.from({ length: 200 }, () => ({ sql: "SELECT a FROM t", single: true }));
    const running = { writing: true };
    const writes = (async () => {
      for (let at = 1; at <= 200; at++) await database.batch([{ sql: "UPDATE t SET a = ?", args: [at] }], "write");
      running.writing = false;
    })();
    const seen = new Set<unknown>();
    while (running.writing) {
      const states = new Set((await database.batch(counts, "read")).map(({ rows }) => rows[0]?.[0]));
      expect(states.size).toBe(1);
      for (const state of states) seen.add(state);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writes;
    expect(seen.size).toBeGreaterThan(1);
    await database.close();
  });

  test("ends what is under way before it closes", async () => {
    const database = await open({ path, writesInThread: true });
    const created = database.batch([{ sql: "CREATE TABLE t (a)" }], "write");
    await database.close();
    await created;
    await expect(database.batch([{ sql: "INSERT INTO t VALUES (1)" }], "write")).rejects.toMatchObject({
      message: "the database is closed",
    });
    await database.close();
    const again = await open({ path, writesInThread: true });
    const [tables] = await again.batch([{ sql: "SELECT name FROM sqlite_master" }], "read");
    expect(tables?.rows).toEqual([["t"]]);
    await again.close();
  });

  test("cannot be bypassed", async () => {
    const database = await open({ path, writesInThread: true });
    await database.batch([{ sql: "CREATE TABLE t (a)" }], "write");
    await expect(database.batch([{ sql: "INSERT INTO t VALUES (1)" }], "read")).rejects.toThrow(/readonly/);
    await database.close();
  });
});
