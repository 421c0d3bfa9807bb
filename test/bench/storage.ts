/**
 * The log, the hub and the fan-out, without HTTP. The raw driver does the same statements in the same run, so that each number
 * carries its own limit.
 */
import { createHub, type ClusterHub } from "../../src/hub/cluster-hub.ts";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { createSqlLog } from "../../src/storage/sql-log.ts";
import type { PreparedWrite, StorageWriter } from "../../src/storage/storage.ts";
import { headOf } from "../../src/storage/stored-value.ts";
import { writeStatement } from "../../src/storage/write-sql.ts";
import { silentLog } from "../harness/silent-log.ts";
import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { realClock, realTimers } from "../harness/timers.ts";
import { preparedWrite, type WriteInput } from "../harness/writes.ts";
import type { Report } from "./report.ts";

const GROUP = 64;
const GROUPS = 100;
const CONTENT = "x".repeat(2_000);

interface Bench {
  report: Report;
  database: Database;
  storage: StorageWriter;
}

export async function run(report: Report): Promise<void> {
  await withLog(report, benchWrites);
  await withLog(report, benchReads);
  await withLog(report, benchHub);
  for (const watchers of [1, 100, 1_000]) await withLog(report, (bench) => benchFanOut(bench, watchers));
}

async function withLog(report: Report, bench: (bench: Bench) => Promise<void>): Promise<void> {
  const fixture = await openTemporaryDatabase();
  const { database } = fixture;
  try {
    await migrate(database);
    await bench({ report, database, storage: createSqlLog({ database, clock: realClock, log: silentLog }) });
  } finally {
    await fixture.close();
  }
}

function pod(input: Pick<WriteInput, "op" | "name"> & Partial<WriteInput>): PreparedWrite {
  return preparedWrite({
    content: CONTENT,
    labels: { app: "web", "pod-template-hash": "5d9c7b8f6d" },
    fields: { "spec.nodeName": "node-1", "status.phase": "Running" },
    ...input,
  });
}

function groupsOf<T>(make: (name: string, at: number) => T): T[][] {
  return Array.from({ length: GROUPS }, (_, group) =>
    Array.from({ length: GROUP }, (__, at) => make(`p${group * GROUP + at}`, group * GROUP + at)),
  );
}

/** Operations a second. */
async function rate(operations: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (operations / (performance.now() - start)) * 1_000;
}

async function benchWrites({ report, database, storage }: Bench): Promise<void> {
  const operations = GROUP * GROUPS;
  const row = (name: string, metric: string, value: number, unit: string) =>
    report({ bench: `storage/${name}`, case: `groups of ${GROUP}, 2 KB values`, metric, value, unit });

  // Warm: prepared statements and the compiler.
  await storage.commit(
    Array.from({ length: GROUP }, (_, at) => pod({ op: "create", name: `warm${at}` })),
    { since: 0, limit: 1 },
  );
  // By turns, so that both meet the same disk and the same neighbours.
  const raw = groupsOf((name) => writeStatement(pod({ op: "create", name: `raw-${name}` }), Date.now()));
  const creates = groupsOf((name) => pod({ op: "create", name }));
  const revisions: number[] = [];
  let since = await storage.revision();
  let rawMs = 0;
  let logMs = 0;
  for (const [at, group] of creates.entries()) {
    const startRaw = performance.now();
    await database.batch(raw[at] ?? [], "write");
    const startLog = performance.now();
    since += GROUP;
    const { outcomes, tail } = await storage.commit(group, { since, limit: GROUP });
    logMs += performance.now() - startLog;
    rawMs += startLog - startRaw;
    since = tail.revision;
    for (const outcome of outcomes) revisions.push(outcome.ok ? outcome.revision : 0);
  }
  const createRate = (operations / logMs) * 1_000;
  const rawRate = (operations / rawMs) * 1_000;
  row("create", "log", createRate, "writes/s");
  row("create", "raw driver", rawRate, "writes/s");
  row("create", "log / raw driver", createRate / rawRate, "ratio");

  const updates = groupsOf((name, at) => pod({ op: "update", name, expected: revisions[at] ?? 0 }));
  const updateRate = await rate(operations, async () => {
    for (const group of updates) since = (await storage.commit(group, { since, limit: GROUP })).tail.revision;
  });
  row("update", "log", updateRate, "writes/s");

  let removed = 0;
  const start = performance.now();
  for (let done = false; !done;) {
    const slice = await storage.compact({ floor: since, limit: 500 });
    removed += slice.removed;
    done = slice.done;
  }
  report({
    bench: "storage/compact",
    case: "slices of 500",
    metric: "log",
    value: (removed / (performance.now() - start)) * 1_000,
    unit: "rows/s",
  });
}

function key(at: number) {
  return { resource: "pods", namespace: "default", name: `p${at % (GROUP * GROUPS)}` };
}

async function benchReads({ report, database, storage }: Bench): Promise<void> {
  for (const group of groupsOf((name) => pod({ op: "create", name }))) {
    await storage.commit(group, { since: 0, limit: 1 });
  }
  const gets = 20_000;
  const getAll = async () => {
    for (let at = 0; at < gets; at++) await storage.get(key(at));
  };
  await getAll();
  const getRate = await rate(gets, getAll);
  const rawGet = `SELECT value FROM log INDEXED BY log_live
    WHERE resource = ? AND namespace = ? AND name = ? AND superseded IS NULL AND deleted = 0`;
  const rawRate = await rate(gets, async () => {
    for (let at = 0; at < gets; at++) {
      const { resource, namespace, name } = key(at);
      await database.batch([{ sql: rawGet, args: [resource, namespace, name], single: true }], "read");
    }
  });
  const get = { bench: "storage/get", case: "one at a time" };
  report({ ...get, metric: "log", value: getRate, unit: "reads/s" });
  report({ ...get, metric: "raw driver", value: rawRate, unit: "reads/s" });
  report({ ...get, metric: "log / raw driver", value: getRate / rawRate, unit: "ratio" });

  const lists = 50;
  const selector = { labels: [{ key: "app", operator: "In" as const, values: ["web"] }], fields: [] };
  for (const [name, query] of [
    ["pages of 500", {}],
    ["pages of 500, by label", { selector }],
    ["pages of 500, at a revision", { revision: await storage.revision() }],
  ] as const) {
    const listRate = await rate(lists * 500, async () => {
      for (let at = 0; at < lists; at++) await storage.list({ resource: "pods", limit: 500, ...query });
    });
    report({ bench: "storage/list", case: name, metric: "log", value: listRate, unit: "objects/s" });
  }
}

/** Through the hub, as callers meet it: each write a promise of its own. */
async function benchHub({ report, storage }: Bench): Promise<void> {
  const hub = await startHub(storage);
  const one = { bench: "storage/hub-create", metric: "hub", unit: "writes/s" };
  const single = 500;
  const singleRate = await rate(single, async () => {
    for (let at = 0; at < single; at++) await hub.write(pod({ op: "create", name: `single${at}` }));
  });
  report({ ...one, case: "one at a time", value: singleRate });
  const callers = 64;
  const each = 100;
  const writes = Array.from({ length: callers }, (_, caller) =>
    Array.from({ length: each }, (__, at) => pod({ op: "create", name: `c${caller}-${at}` })),
  );
  const concurrentRate = await rate(callers * each, async () => {
    await Promise.all(
      writes.map(async (own) => {
        for (const write of own) await hub.write(write);
      }),
    );
  });
  report({ ...one, case: `${callers} callers`, value: concurrentRate });
  await hub.stop();
}

/** From the call of `write` until the line is read. */
async function benchFanOut({ report, storage }: Bench, watchers: number): Promise<void> {
  const hub = await startHub(storage);
  const writes = watchers === 1_000 ? 100 : 200;
  const latenciesMs: number[] = [];
  let startMs = 0;
  let left = 0;
  let allRead: (() => void) | undefined;
  const query = {
    resource: "pods",
    selector: { labels: [], fields: [] },
    since: await storage.revision(),
    head: headOf("v1", "Pod"),
    bookmarks: false,
    timeoutMs: 600_000,
  };
  const reading: Promise<void>[] = [];
  for (let at = 0; at < watchers; at++) {
    const reader = (await hub.watch(query)).getReader();
    reading.push(
      (async () => {
        while (!(await reader.read()).done) {
          latenciesMs.push(performance.now() - startMs);
          if (--left === 0) allRead?.();
        }
      })(),
    );
  }
  const start = performance.now();
  for (let at = 0; at < writes; at++) {
    left = watchers;
    const done = new Promise<void>((resolve) => {
      allRead = resolve;
    });
    startMs = performance.now();
    await hub.write(pod({ op: "create", name: `w${at}` }));
    await done;
  }
  const elapsedMs = performance.now() - start;
  await hub.stop();
  await Promise.all(reading);
  latenciesMs.sort((a, b) => a - b);
  const row = { bench: "storage/watch-fanout", case: `${watchers} watchers` };
  const percentile = (share: number) => latenciesMs[Math.floor((latenciesMs.length - 1) * share)] ?? 0;
  report({ ...row, metric: "write to read, p50", value: percentile(0.5), unit: "ms" });
  report({ ...row, metric: "write to read, p99", value: percentile(0.99), unit: "ms" });
  report({ ...row, metric: "events", value: (latenciesMs.length / elapsedMs) * 1_000, unit: "events/s" });
}

async function startHub(storage: StorageWriter): Promise<ClusterHub> {
  const timers = { ...realTimers, soon: (work: () => void) => void setImmediate(work) };
  const hub = createHub({ storage, clock: realClock, timers, log: silentLog });
  await hub.start();
  return hub;
}
