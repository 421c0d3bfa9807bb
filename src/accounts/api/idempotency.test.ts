/** Who is slow and who is dead, with a clock and timers of the test's own. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../../test/harness/silent-log.ts";
import { openDatabase } from "../../platform/node/libsql-database.ts";
import type { Timers } from "../../platform/platform.ts";
import type { Database } from "../../storage/database.ts";
import { migrate } from "../../storage/migrate.ts";
import { accountsMigrations } from "../migrations/index.ts";
import { createIdempotency } from "./idempotency.ts";

let database: Database;
let nowMs: number;
const due = new Map<() => void, number>();
beforeEach(async () => {
  nowMs = 1_000_000;
  due.clear();
  database = await openDatabase({ path: ":memory:" });
  await migrate(database, { migrations: accountsMigrations });
});
afterEach(() => database.close());

const timers: Timers = {
  after(delayMs, run) {
    due.set(run, nowMs + delayMs);
    return () => due.delete(run);
  },
};
/** `timers`: none fire in a process that has died. */
const createProcess = (own: Timers = timers) =>
  createIdempotency({ database, clock: { now: () => nowMs }, timers: own, log: silentLog });
const DEAD: Timers = { after: () => () => {} };
const CALL = { caller: "ada", key: "k", request: "POST /v1/organisations" };
const made = (name: string) => () => Promise.resolve(new Response(JSON.stringify({ name }), { status: 201 }));

/** Resolves once the answer is being made; `finish` makes it. */
async function start(process: ReturnType<typeof createProcess>) {
  const answer = Promise.withResolvers<Response>();
  const begun = Promise.withResolvers<void>();
  const response = process.once(CALL, () => {
    begun.resolve();
    return answer.promise;
  });
  await begun.promise;
  return { response, finish: async () => answer.resolve(await made("first")()) };
}

async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    nowMs += 1_000;
    for (const [run, atMs] of due) {
      if (atMs > nowMs) continue;
      due.delete(run);
      run();
    }
    await database.batch([{ sql: "SELECT 1" }], "read");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("who is slow is waited for, however long, and says so every few seconds", async () => {
  const first = await start(createProcess());
  await pass(120);
  await expect(createProcess().once(CALL, made("second"))).rejects.toMatchObject({ code: "conflict" });
  await first.finish();
  expect(await (await first.response).json()).toEqual({ name: "first" });
  expect(await (await createProcess().once(CALL, made("second"))).json()).toEqual({ name: "first" });
  // Nothing is renewed any more.
  expect(due.size).toBe(0);
});

test("who has died is taken for dead after fifteen seconds, and what it would say then counts no more", async () => {
  const first = await start(createProcess(DEAD));
  await pass(14);
  await expect(createProcess().once(CALL, made("second"))).rejects.toMatchObject({ code: "conflict" });
  await pass(1);
  expect(await (await createProcess().once(CALL, made("second"))).json()).toEqual({ name: "second" });
  await first.finish();
  await first.response;
  expect(await (await createProcess().once(CALL, made("third"))).json()).toEqual({ name: "second" });
});
