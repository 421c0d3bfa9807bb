/** A thread is kept loaded for the next database, and is in nobody's way. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createWritingThreads } from "./writing-threads.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "gantry-threads-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const fileOf = (name: string) => ({ path: join(folder, name), durability: "normal", access: "writes" }) as const;

test("each database has one of its own, whoever waited", async () => {
  const threads = createWritingThreads();
  const opened = [];
  for (const name of ["a", "b", "c"]) {
    const thread = await threads.open(fileOf(name));
    await thread.batch([{ sql: `CREATE TABLE ${name} (v)` }]);
    opened.push(thread);
  }
  await threads.close();
  for (const [at, name] of ["a", "b", "c"].entries()) {
    const [tables] = (await opened[at]?.batch([{ sql: "SELECT name FROM sqlite_master" }])) ?? [];
    expect(tables?.rows).toEqual([[name]]);
    await opened[at]?.close();
  }
  // Whoever comes later waits for a thread, and that is all.
  const late = await threads.open(fileOf("a"));
  await late.close();
});

test("a file that cannot be opened costs its thread, and not the next one", async () => {
  const threads = createWritingThreads();
  await expect(threads.open(fileOf("missing/a"))).rejects.toMatchObject({ name: "DatabaseError", code: "failed" });
  const thread = await threads.open(fileOf("a"));
  await thread.close();
  await threads.close();
});

const MODULE = new URL("./database-files.ts", import.meta.url).href;
const IN_PROCESS = `
  import { readdirSync } from "node:fs";
  const { createDatabaseFiles } = await import(${JSON.stringify(MODULE)});
  const threads = () => readdirSync("/proc/self/task").length;
  const files = createDatabaseFiles(process.argv[1], { writesInThread: true });
  await files.create("a");
  await (await files.open("a")).close();
  const kept = threads();
  if (process.argv[2] === "close") await files.close();
  console.log(kept - threads());
`;

test.each([
  ["close", "1\n"],
  ["leave", "0\n"],
])("the one that waits ends when it is told, and keeps no process alive: %s", async (how, ended) => {
  const args = ["--input-type=module", "--eval", IN_PROCESS, folder, how];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 });
  expect(stdout).toBe(ended);
});
