/**
 * Several clients watch over HTTP, each with selectors of its own, while objects are written and the hub is replaced at random. Each
 * resumes from its last event or bookmark. What they have seen is compared with the log: nothing lost, doubled or out of order.
 */
import { expect, it } from "vitest";
import { createHub } from "../../src/hub/cluster-hub.ts";
import { parseFieldSelector, parseLabelSelector } from "../../src/machinery/selector-text.ts";
import type { LogEntry, Selector, StoredObject } from "../../src/storage/storage.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { createRestartableHub, type RestartableHub } from "../harness/restartable-hub.ts";
import { withSeed, type Dice } from "../harness/seeded.ts";
import { readWatch, type WatchClient } from "../harness/watch-client.ts";
import { matches } from "../model/storage-model.ts";

const ROUNDS = 120;
const NAMESPACES = ["red", "blue"];
const NAMES = ["a", "b", "c", "d"];
const PHASES = ["Pending", "Running", "Succeeded"];
const TEAMS = ["one", "two", null];

interface Seen {
  type: string;
  key: string;
  revision: number;
}

interface Client {
  /** "" for all. */
  namespace: string;
  labels: string;
  fields: string;
  accept: string;
  /** Where its first watch began. */
  start: number;
  /** Of its last event or bookmark. */
  since: number;
  seen: Seen[];
  watch: WatchClient | undefined;
  /** Settles when its watch is over; undefined while it has none. */
  reading: Promise<void> | undefined;
}

function newClient(dice: Dice, start: number): Client {
  return {
    namespace: dice.pick(["", ...NAMESPACES]),
    labels: dice.pick(["", "", "team=one", "team!=one", "team", "!team", "team in (one,two)"]),
    fields: dice.pick(["", "", "status.phase=Running", "status.phase!=Running", "metadata.name=a", "metadata.name!=b"]),
    accept: dice.pick(["application/json", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"]),
    start,
    since: start,
    seen: [],
    watch: undefined,
    reading: undefined,
  };
}

/** Where the hub cannot take it now, a client tries again later. */
async function open(api: TestCluster, client: Client): Promise<void> {
  const path = client.namespace === "" ? "/api/v1/pods" : `/api/v1/namespaces/${client.namespace}/pods`;
  const query = new URLSearchParams({
    watch: "true",
    allowWatchBookmarks: "true",
    resourceVersion: String(client.since),
    labelSelector: client.labels,
    fieldSelector: client.fields,
  });
  const response = await api.fetch(`${path}?${query}`, { headers: { accept: client.accept } });
  if (response.status === 503) return;
  expect(response.status).toBe(200);
  if (!response.body) throw new Error("a watch has a body");
  client.watch = readWatch(response.body);
  client.reading = read(client, client.watch);
}

async function read(client: Client, watch: WatchClient): Promise<void> {
  for (let event = await watch.next(); event !== undefined; event = await watch.next()) {
    const { type, name, revision, object } = event;
    expect(type, JSON.stringify(object)).not.toBe("ERROR");
    client.since = revision;
    if (type !== "BOOKMARK")
      client.seen.push({ type, key: `${String(object.metadata["namespace"])}/${name}`, revision });
  }
  client.reading = undefined;
}

/** Some client writes something; that it loses a race, or meets a hub that stops, is part of the game. */
async function write(api: TestCluster, dice: Dice): Promise<void> {
  const pods = `/api/v1/namespaces/${dice.pick(NAMESPACES)}/pods`;
  const pod = `${pods}/${dice.pick(NAMES)}`;
  const patch = async (path: string, body: object) =>
    await api.call(path, { method: "PATCH", headers: { "content-type": "application/merge-patch+json" }, body });
  const spec = { containers: [{ name: "c", image: "registry.test/image:1" }] };
  const metadata = { name: pod.split("/").at(-1), labels: dice.chance(0.5) ? { team: "one" } : {} };
  const { status, text } = await dice.pick([
    () => api.call(pods, { method: "POST", body: { metadata, spec } }),
    () => api.call(pods, { method: "POST", body: { metadata, spec } }),
    () => api.call(pod, { method: "DELETE" }),
    () => patch(pod, { metadata: { labels: { team: dice.pick(TEAMS) } } }),
    () => patch(pod, { metadata: { annotations: { note: String(dice.roll(1_000)) } } }),
    () => patch(`${pod}/status`, { status: { phase: dice.pick(PHASES) } }),
  ])();
  expect([200, 201, 404, 409, 503], text).toContain(status);
}

/** Breaks the connection, as a network does. */
async function cut(client: Client): Promise<void> {
  await client.watch?.cancel();
  await client.reading;
}

/** What a client must have seen, from the log alone. */
function expected(client: Client, entries: readonly LogEntry[]): Seen[] {
  const selector: Selector = { labels: parseLabelSelector(client.labels), fields: parseFieldSelector(client.fields) };
  const heads = new Map<string, StoredObject>();
  const seen: Seen[] = [];
  for (const entry of entries) {
    if (entry.resource !== "pods") continue;
    const key = `${entry.namespace}/${entry.name}`;
    const before = heads.get(key);
    if (entry.type === "DELETED") heads.delete(key);
    else heads.set(key, entry);
    if (entry.revision <= client.start) continue;
    if (client.namespace !== "" && client.namespace !== entry.namespace) continue;
    const matched = before !== undefined && matches(selector, before);
    const matchesNow = entry.type !== "DELETED" && matches(selector, entry);
    if (!matched && !matchesNow) continue;
    const type = !matched ? "ADDED" : matchesNow ? "MODIFIED" : "DELETED";
    seen.push({ type, key, revision: entry.revision });
  }
  return seen;
}

async function play(api: TestCluster, hub: RestartableHub, dice: Dice): Promise<Client[]> {
  const clients: Client[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    if (clients.length < 10 && dice.chance(0.4)) clients.push(newClient(dice, await api.storage.revision()));
    for (const client of clients) if (!client.reading && dice.chance(0.7)) await open(api, client);
    const writes = Array.from({ length: 1 + dice.roll(5) }, () => write(api, dice));
    // A restart meets writes and events in flight.
    const fate = dice.pick(["clean", "abrupt", ...Array<string>(8).fill("none")]);
    if (fate === "clean") await hub.restart("clean");
    if (fate === "abrupt") await Promise.all([hub.restart("abrupt"), ...clients.map(cut)]);
    await Promise.all(writes);
    if (dice.chance(0.2) && clients.length > 0) await cut(dice.pick(clients));
  }
  return clients;
}

/** Hubs come and go until each client knows that it has seen everything: a hub that stops says so in a last bookmark. */
async function finish(api: TestCluster, hub: RestartableHub, clients: readonly Client[]): Promise<void> {
  const last = await api.storage.revision();
  while (clients.some(({ since, reading }) => since < last || reading)) {
    for (const client of clients) if (!client.reading && client.since < last) await open(api, client);
    const reading = clients.flatMap((client) => client.reading ?? []);
    await hub.restart("clean");
    await Promise.all(reading);
  }
}

it("through random writes, restarts and broken connections no event is lost, doubled or out of order", async () => {
  let hub: RestartableHub | undefined;
  const api = await createTestCluster({
    hubLimits: { windowBytesMax: 20_000, queueBytesMax: 30_000 },
    makeHub: (deps) => (hub = createRestartableHub(() => createHub(deps))),
  });
  for (const name of NAMESPACES) {
    await api.call("/api/v1/namespaces", { method: "POST", body: { metadata: { name } } });
    const body = { metadata: { name: "default" } };
    await api.call(`/api/v1/namespaces/${name}/serviceaccounts`, { method: "POST", body });
  }
  await withSeed(async (dice) => {
    if (!hub) throw new Error("the cluster was made without its hub");
    const clients = await play(api, hub, dice);
    await finish(api, hub, clients);
    const { entries } = await api.storage.changes({ since: 0, limit: 100_000 });
    expect(clients.reduce((sum, { seen }) => sum + seen.length, 0)).toBeGreaterThan(20);
    for (const client of clients) {
      const { namespace, labels, fields } = client;
      expect(client.seen, JSON.stringify({ namespace, labels, fields })).toEqual(expected(client, entries));
    }
  });
  expect(api.errors).toEqual([]);
  await api.stop();
}, 60_000);
