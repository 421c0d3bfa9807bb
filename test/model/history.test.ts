/**
 * Several clients write at once and others look on, while the database fails and the server is restarted; then the whole history is
 * checked against the log: linearizable writes, complete and ordered watches, lists that are true.
 */
import { describe, expect, it } from "vitest";
import { createSqlLog } from "../../src/storage/sql-log.ts";
import type { StorageWriter } from "../../src/storage/storage.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { createFaultyDatabase, type FaultyDatabase } from "../harness/faulty-database.ts";
import { withSeed, type Dice } from "../harness/seeded.ts";
import { silentLog } from "../harness/silent-log.ts";
import { testRuntime } from "../harness/test-runtime.ts";
import { realClock, realTimers } from "../harness/timers.ts";
import { checkEvents, checkList, checkOperations, isOutcomeUnknown } from "./history-checks.ts";
import { readHistory } from "./history-log.ts";
import {
  createWatching,
  list,
  randomView,
  type ObserverDeps,
  type SeenList,
  type Watching,
} from "./history-observers.ts";
import { createOperator, NAMESPACES, RESOURCES, type Call, type Operation } from "./history-operations.ts";

const OPERATORS = 5;
const WATCHERS = 8;
const STEPS = 60;
const FAULT_PROBABILITY = 0.04;
/** Delays between retries are shorter here: they are about time, and this is about order. */
const SHORT_DELAY_MS_MAX = 2_000;
const DELAY_DIVISOR = 100;

const hastyTimers: typeof realTimers = {
  ...realTimers,
  after: (delayMs, run) => realTimers.after(delayMs <= SHORT_DELAY_MS_MAX ? delayMs / DELAY_DIVISOR : delayMs, run),
};

interface Setting {
  dice: Dice;
  database: FaultyDatabase;
  truth: StorageWriter;
  /** Servers over one database; a request goes to any of them. */
  servers: TestCluster[];
  /** Whether the database fails at times. A server that starts needs one that answers. */
  stormy: boolean;
  starting: number;
}

describe.skipIf(testRuntime.missing !== undefined)(
  `a history of many clients (${testRuntime.missing ?? "real"})`,
  () => {
    it("of one server that is restarted", async () => {
      await withSeed((dice) => play(dice, { servers: 1 }));
    }, 60_000);

    it("of two servers over one database", async () => {
      await withSeed((dice) => play(dice, { servers: 2 }));
    }, 60_000);
  },
);

async function play(dice: Dice, { servers: count }: { servers: number }): Promise<void> {
  const opened = await testRuntime.openDatabase();
  const setting: Setting = {
    dice,
    database: createFaultyDatabase(opened.database),
    truth: createSqlLog({ database: opened.database, clock: realClock, log: silentLog }),
    servers: [],
    stormy: false,
    starting: 0,
  };
  setting.database.fault = () =>
    setting.stormy && setting.starting === 0 && dice.chance(FAULT_PROBABILITY)
      ? dice.pick(["answer-lost", "request-lost", "refused"] as const)
      : undefined;
  try {
    for (let i = 0; i < count; i++) setting.servers.push(await startServer(setting, count));
    await checkPlay(setting);
  } finally {
    setting.stormy = false;
    for (const server of setting.servers) await server.stop();
    await opened.close();
  }
}

function startServer({ database }: Setting, count: number): Promise<TestCluster> {
  return createTestCluster({
    database,
    // Only where one server is alone may it answer from memory.
    ...(count > 1 ? { cachesReads: false } : {}),
    platform: { timers: hastyTimers },
    hubLimits: { windowBytesMax: 20_000, queueBytesMax: 30_000 },
  });
}

async function checkPlay(setting: Setting): Promise<void> {
  const { dice, truth } = setting;
  const call: Call = (path, init) => dice.pick(setting.servers).call(path, init);
  for (const name of NAMESPACES) await call("/api/v1/namespaces", { method: "POST", body: { metadata: { name } } });
  const since = await truth.revision();
  const operations: Operation[] = [];
  const lists: SeenList[] = [];
  const watchings: Watching[] = [];
  const observer: ObserverDeps = {
    dice,
    call,
    fetch: (path, init) => dice.pick(setting.servers).fetch(path, init),
    revision: () => truth.revision(),
  };
  const running = { operators: true };
  let ids = 0;
  const operators = Array.from({ length: OPERATORS }, () =>
    createOperator({ ...observer, nextId: () => ++ids, record: (operation) => operations.push(operation) }),
  );
  setting.stormy = true;

  const writing = operators.map(async (operator) => {
    for (let step = 0; step < STEPS; step++) {
      // As a client that waits a little before it tries again.
      while (!(await operator.step())) await pause(1 + dice.roll(10));
    }
  });
  const listing = repeat(running, async () => {
    const view = randomView(dice);
    const now = await truth.revision();
    const past = dice.chance(0.4) ? since + dice.roll(now - since + 1) : undefined;
    const seen = await list(observer, view, past);
    if (seen !== undefined) lists.push(seen);
  });
  const watching = Array.from({ length: WATCHERS }, async () => {
    const start = since + dice.roll((await truth.revision()) - since + 1);
    const one = createWatching(observer, randomView(dice), start);
    watchings.push(one);
    await repeat(running, () => one.run());
  });
  const disturbing = repeat(running, () => disturb(setting, watchings));

  const ending = async (): Promise<void> => {
    await Promise.all(writing);
    setting.stormy = false;
    running.operators = false;
    await finish(setting, watchings);
  };
  try {
    await Promise.all([ending(), listing, disturbing, ...watching]);
  } finally {
    running.operators = false;
  }

  const history = await readHistory(truth, { since, resources: RESOURCES });
  // Otherwise nothing was proven.
  expect(history.changes.length).toBeGreaterThan(STEPS / 2);
  expect(operations.filter((operation) => isOutcomeUnknown(operation)).length).toBeLessThan(operations.length / 2);
  checkOperations(history, operations);
  for (const seen of lists) checkList(history, seen);
  const last = history.changes.at(-1)?.revision ?? 0;
  for (const seen of watchings) {
    expect(seen.position).toBeGreaterThanOrEqual(last);
    checkEvents(history, seen);
  }
}

async function repeat(running: { operators: boolean }, step: () => Promise<void>): Promise<void> {
  while (running.operators) {
    await step();
    await pause(1);
  }
}

/** A watcher lets go, a server hears of the others' writes, or one is replaced while requests come in. */
async function disturb(setting: Setting, watchings: readonly Watching[]): Promise<void> {
  const { dice, servers } = setting;
  await pause(5 + dice.roll(20));
  const at = dice.roll(servers.length);
  const roll = dice.roll(10);
  if (roll < 4 && watchings.length > 0) dice.pick(watchings).drop();
  else if (roll < 8) await servers[at]?.hub.poll().catch(() => {});
  else await restart(setting, at);
}

async function restart(setting: Setting, at: number): Promise<void> {
  const { servers } = setting;
  // Requests of meanwhile meet the one that has stopped.
  await servers[at]?.hub.stop();
  setting.starting++;
  try {
    servers[at] = await startServer(setting, servers.length);
  } finally {
    setting.starting--;
  }
}

/** Servers come and go until every watcher knows that it has seen the last revision: a stopping hub's bookmark says so. */
async function finish(setting: Setting, watchings: readonly Watching[]): Promise<void> {
  for (const watching of watchings) watching.drop();
  const last = await setting.truth.revision();
  while (watchings.some(({ position }) => position < last)) {
    const at = setting.dice.roll(setting.servers.length);
    const behind = watchings.filter(({ position }) => position < last).map((watching) => watching.run());
    await pause(20);
    await setting.servers[at]?.hub.poll();
    await restart(setting, at);
    for (const watching of watchings) watching.drop();
    await Promise.all(behind);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
