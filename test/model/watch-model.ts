/** Clients that watch while hubs come and go, checked against the log itself. */
import { expect } from "vitest";
import { createHub, type ClusterHub } from "../../src/hub/cluster-hub.ts";
import type { LogEntry, Selector, StorageWriter, StoredObject } from "../../src/storage/storage.ts";
import { headOf } from "../../src/storage/stored-value.ts";
import { withSeed, type Dice } from "../harness/seeded.ts";
import { silentLog } from "../harness/silent-log.ts";
import type { ManualTime } from "../harness/timers.ts";
import { readWatch, type WatchClient } from "../harness/watch-client.ts";
import { createStorageModel, matches, randomSelector, randomWrite } from "./storage-model.ts";

interface Seen {
  type: string;
  key: string;
  revision: number;
}

interface Client {
  query: { resource: string; namespace?: string; selector: Selector };
  since: number;
  /** Where the first watch began. */
  start: number;
  seen: Seen[];
  watch: WatchClient | undefined;
  /** Reads until the stream ends. */
  reading: Promise<void> | undefined;
}

/** Writes go through one of two hubs or past them; hubs stop, die and start; clients resume where they were. */
export async function randomWatches(run: {
  storage: StorageWriter;
  time: ManualTime;
  rounds: number;
  seed?: number;
}): Promise<void> {
  const { storage, time } = run;
  await withSeed(async (dice) => {
    const limits = { windowBytesMax: 4_000, queueBytesMax: 3_000 };
    const newHub = () => createHub({ storage, clock: time, timers: time, log: silentLog, limits });
    const model = createStorageModel({ revision: await storage.revision() });
    const hubs: [ClusterHub, ClusterHub] = [newHub(), newHub()];
    const clients: Client[] = [];
    for (let round = 0; round < run.rounds; round++) {
      if (clients.length < 12) clients.push(newClient(dice, model.revision));
      for (const client of clients) {
        if (client.reading === undefined && dice.chance(0.7)) await openWatch(client, dice.pick(hubs));
      }
      const writes = Array.from({ length: 1 + dice.roll(12) }, () => randomWrite(dice, model));
      if (dice.chance(0.2)) {
        await storage.commit(writes, { since: 0, limit: 1 });
      } else {
        const outcomes = await Promise.all(writes.map((write) => dice.pick(hubs).write(write)));
        expect(outcomes.length).toBe(writes.length);
      }
      await follow(storage, model);
      const at = dice.roll(2) as 0 | 1;
      if (dice.chance(0.15)) {
        if (dice.chance(0.5)) await hubs[at].stop();
        else await Promise.all(clients.map(cancel));
        hubs[at] = newHub();
      }
      if (dice.chance(0.3)) await hubs[at].poll();
    }
    await finish({ storage, clients, hubs, newHub });
    const { entries } = await storage.changes({ since: 0, limit: 100_000 });
    for (const client of clients) expect(client.seen, JSON.stringify(client.query)).toEqual(expected(client, entries));
  }, run.seed);
}

function newClient(dice: Dice, revision: number): Client {
  const start = Math.max(1, revision - dice.roll(30));
  const query = {
    resource: dice.pick(["pods", "secrets", "deployments.apps"]),
    ...(dice.chance(0.4) ? { namespace: dice.pick(["alpha", "beta"]) } : {}),
    selector: dice.chance(0.6) ? randomSelector(dice) : { labels: [], fields: [] },
  };
  return { query, start, since: start, seen: [], watch: undefined, reading: undefined };
}

async function openWatch(client: Client, hub: ClusterHub): Promise<void> {
  const stream = await hub.watch({
    ...client.query,
    since: client.since,
    head: headOf("v1", "Thing"),
    bookmarks: true,
    timeoutMs: 3_600_000,
  });
  const watch = readWatch(stream);
  client.watch = watch;
  client.reading = (async () => {
    for (let event = await watch.next(); event !== undefined; event = await watch.next()) {
      client.since = event.revision;
      if (event.type === "BOOKMARK") continue;
      const { namespace } = event.object.metadata;
      client.seen.push({ type: event.type, key: `${String(namespace)}/${event.name}`, revision: event.revision });
    }
    client.reading = undefined;
    client.watch = undefined;
  })();
}

async function ended(client: Client): Promise<void> {
  await client.reading;
}

async function cancel(client: Client): Promise<void> {
  await client.watch?.cancel();
  await client.reading;
}

/** Brings the model to where the log is: random writes must mostly be ones that can win. */
async function follow(storage: StorageWriter, model: ReturnType<typeof createStorageModel>): Promise<void> {
  const { entries } = await storage.changes({ since: model.revision, limit: 10_000 });
  for (const entry of entries) {
    const head = model.head(entry);
    const op = entry.type === "ADDED" ? "create" : entry.type === "DELETED" ? "delete" : "update";
    model.apply({ ...entry, op, expected: head?.revision ?? 0, writeId: "" });
  }
}

/** Hubs come until every client knows that it has seen the last revision: a stopping hub's bookmark says so. */
async function finish(at: {
  storage: StorageWriter;
  clients: Client[];
  hubs: ClusterHub[];
  newHub: () => ClusterHub;
}): Promise<void> {
  for (const hub of at.hubs) await hub.stop();
  await Promise.all(at.clients.map(cancel));
  const last = await at.storage.revision();
  while (at.clients.some(({ since }) => since < last)) {
    const hub = at.newHub();
    const behind = at.clients.filter(({ since }) => since < last);
    for (const client of behind) await openWatch(client, hub);
    await hub.stop();
    await Promise.all(behind.map(ended));
  }
}

/** What the client must have seen, from the log alone: the object's state before and after each entry. */
function expected({ query, start }: Client, entries: readonly LogEntry[]): Seen[] {
  const heads = new Map<string, StoredObject>();
  const seen: Seen[] = [];
  for (const entry of entries) {
    const key = `${entry.namespace}/${entry.name}`;
    const id = `${entry.resource} ${key}`;
    const before = heads.get(id);
    if (entry.type === "DELETED") heads.delete(id);
    else heads.set(id, entry);
    if (entry.revision <= start || entry.resource !== query.resource) continue;
    if (query.namespace !== undefined && entry.namespace !== query.namespace) continue;
    const matched = before !== undefined && matches(query.selector, before);
    const matchesNow = entry.type !== "DELETED" && matches(query.selector, entry);
    if (!matched && !matchesNow) continue;
    const type = !matched ? "ADDED" : matchesNow ? "MODIFIED" : "DELETED";
    seen.push({ type, key, revision: entry.revision });
  }
  return seen;
}
