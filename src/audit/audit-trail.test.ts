import { expect, test } from "vitest";
import { silentLog } from "../../test/harness/silent-log.ts";
import { createManualTime } from "../../test/harness/timers.ts";
import type { AuditRow } from "./audit-store.ts";
import { createAuditTrail } from "./audit-trail.ts";

const row = (id: number | string): AuditRow => ({
  atMs: 1,
  id: String(id),
  user: "ann",
  verb: "get",
  resource: "pods",
  namespace: "",
  event: "{}",
});

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function setUp() {
  const time = createManualTime();
  const batches: string[][] = [];
  const errors: unknown[] = [];
  const state = { failures: 0 };
  const store = {
    async append(rows: readonly AuditRow[]) {
      if (state.failures > 0) {
        state.failures--;
        throw new Error("the database does not answer");
      }
      batches.push(rows.map(({ id }) => id));
    },
    read: async () => ({ events: [] }),
  };
  const kept: Promise<void>[] = [];
  const log = { ...silentLog, error: (_: string, fields?: object) => void errors.push(fields) };
  const keepAlive = (work: Promise<void>) => void kept.push(work);
  const trail = createAuditTrail({ store, clock: time, timers: time, log, keepAlive });
  return { time, batches, errors, state, kept, trail };
}

test("what comes within a second is one batch, and nothing is written while nothing comes", async () => {
  const { time, batches, kept, trail } = setUp();
  expect(time.pending).toBe(0);
  for (let at = 0; at < 3; at++) trail.record(row(at), { untrusted: false });
  time.advance(999);
  await turns();
  expect(batches).toEqual([]);
  time.advance(1);
  await kept[0];
  expect(batches).toEqual([["0", "1", "2"]]);
  expect([time.pending, kept.length]).toEqual([0, 1]);
  trail.record(row(3), { untrusted: false });
  await trail.flush();
  expect(batches[1]).toEqual(["3"]);
});

test("a batch that was not stored is tried again, with what has come meanwhile after it", async () => {
  const { time, batches, errors, state, kept, trail } = setUp();
  state.failures = 2;
  trail.record(row("a"), { untrusted: false });
  time.advance(1_000);
  await turns();
  trail.record(row("b"), { untrusted: false });
  for (let wait = 0; wait < 2; wait++) {
    time.advance(2_000);
    await turns();
  }
  await kept[0];
  expect(batches).toEqual([["a"], ["b"]]);
  expect(errors).toEqual([]);
});

test("beyond its bounds events are lost, and that is told", async () => {
  const { batches, errors, trail } = setUp();
  for (let at = 0; at < 2_100; at++) trail.record(row(at), { untrusted: false });
  await trail.flush();
  expect(batches.map(({ length }) => length)).toEqual(Array.from({ length: 10 }, () => 200));
  expect(errors).toEqual([{ count: 100 }]);
});

test("nobody in particular gets sixty events a minute, and takes none from the others", async () => {
  const { time, batches, trail } = setUp();
  for (let at = 0; at < 100; at++) trail.record(row(`x${at}`), { untrusted: true });
  trail.record(row("ann"), { untrusted: false });
  await trail.flush();
  expect(batches.flat()).toHaveLength(61);
  expect(batches.flat()).toContain("ann");
  time.advance(60_000);
  trail.record(row("later"), { untrusted: true });
  await trail.flush();
  expect(batches.flat()).toContain("later");
});

test("where the runtime ended the one who was to write, the next one does", async () => {
  const { time, batches, kept, trail } = setUp();
  trail.record(row("a"), { untrusted: false });
  // Its timer never fires: the clock moves past it, not the timers.
  const startMs = time.now();
  time.now = () => startMs + 31_000;
  trail.record(row("b"), { untrusted: false });
  expect(kept).toHaveLength(2);
  time.advance(1_000);
  await turns();
  await kept[1];
  expect(batches.flat().toSorted()).toEqual(["a", "b"]);
});
