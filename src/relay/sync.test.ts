/** What a sync answers, against random histories: an agent that follows changes holds what a full answer holds. */
import { expect, test } from "vitest";
import { nodes } from "../kinds/core/nodes/types.ts";
import { configMaps } from "../kinds/core/configmaps/types.ts";
import { namespaces } from "../kinds/core/namespaces/types.ts";
import { pods } from "../kinds/core/pods/types.ts";
import { secrets } from "../kinds/core/secrets/types.ts";
import { services } from "../kinds/core/services/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { NODE_KEY_ANNOTATION, type SyncRequest, type SyncResponse } from "./protocol.ts";
import { podDigest, sync, type SyncReader } from "./sync.ts";
import { createMemoryApi } from "./testing/memory-api.ts";

const identity = { nodeName: "n1", keyThumbprint: "key" };
const log = { debug() {}, info() {}, warn() {}, error() {} };
const unbound = { learn() {}, log };

async function cluster() {
  const api = createMemoryApi();
  const admin = api.client("admin");
  await admin.create(namespaces, { metadata: { name: "a" } });
  await admin.create(nodes, { metadata: { name: "n1", annotations: { [NODE_KEY_ANNOTATION]: "key" } } });
  await admin.create(nodes, {
    metadata: { name: "n2" },
    spec: { podCIDR: "10.244.2.0/24" },
    status: { addresses: [{ type: "InternalIP", address: "192.0.2.2" }] },
  });
  const ask = (request: Partial<SyncRequest> = {}, storage: SyncReader = api.storage) =>
    sync({ ...unbound, storage, clientFor: () => api.client("system:node:n1") }, identity, {
      since: 0,
      digest: "",
      podStatuses: [],
      holds: { secrets: [], configMaps: [] },
      ...request,
    });
  return { api, admin, ask };
}

const pod = (name: string, nodeName: string, spec: Record<string, unknown> = {}): KubeObject => ({
  metadata: { name, namespace: "a" },
  spec: { nodeName, ...spec },
});
const report = (name: string, uid: string | undefined) => ({
  namespace: "a",
  name,
  uid: uid ?? "",
  status: { phase: "Running" },
});
const names = (objects: KubeObject[]) =>
  objects.map(({ metadata }) => metadata.name ?? "").toSorted((a, b) => (a < b ? -1 : 1));

test("the first sync is full: own pods, all services, the other nodes as peers", async () => {
  const { admin, ask } = await cluster();
  await admin.create(pods, pod("mine", "n1"));
  await admin.create(pods, pod("other", "n2"));
  await admin.create(services, { metadata: { name: "web", namespace: "a" }, spec: {} });
  const answer = await ask();
  expect(answer).toMatchObject({ full: true, removedPods: [], statusResults: [] });
  expect(names(answer.pods)).toEqual(["mine"]);
  expect(names(answer.services)).toEqual(["web"]);
  expect(answer.node?.metadata.name).toBe("n1");
  expect(answer.peers).toEqual([{ name: "n2", address: "192.0.2.2", podCidr: "10.244.2.0/24" }]);
});

test("Secrets and ConfigMaps: every way a pod can reference one, whatever their age, and no other", async () => {
  const { admin, ask } = await cluster();
  for (const name of ["env", "from", "volume", "projected", "pull", "init", "other"]) {
    await admin.create(secrets, { metadata: { name, namespace: "a" } });
    await admin.create(configMaps, { metadata: { name, namespace: "a" } });
  }
  await admin.create(
    pods,
    pod("p", "n1", {
      imagePullSecrets: [{ name: "pull" }],
      initContainers: [{ envFrom: [{ secretRef: { name: "init" } }, { configMapRef: { name: "init" } }] }],
      containers: [
        {
          env: [
            { valueFrom: { secretKeyRef: { name: "env" } } },
            { valueFrom: { configMapKeyRef: { name: "env" } } },
            { value: "plain" },
          ],
          envFrom: [{ secretRef: { name: "from" } }, { configMapRef: { name: "missing" } }],
        },
      ],
      volumes: [
        { secret: { secretName: "volume" } },
        { configMap: { name: "volume" } },
        { projected: { sources: [{ secret: { name: "projected" } }, { configMap: { name: "projected" } }] } },
        { emptyDir: {} },
      ],
    }),
  );
  const answer = await ask();
  expect(names(answer.secrets)).toEqual(["env", "from", "init", "projected", "pull", "volume"]);
  expect(names(answer.configMaps)).toEqual(["env", "init", "projected", "volume"]);
});

test("a held Secret comes again only when it changed", async () => {
  const { admin, ask } = await cluster();
  await admin.create(secrets, { metadata: { name: "s", namespace: "a" }, data: { k: "1" } });
  const made = await admin.create(pods, pod("p", "n1", { imagePullSecrets: [{ name: "s" }] }));
  const first = await ask();
  const held: Partial<SyncRequest> = {
    since: first.revision,
    digest: await podDigest([made.metadata.uid ?? ""]),
    holds: { secrets: [{ namespace: "a", name: "s" }], configMaps: [] },
  };
  expect((await ask(held)).secrets).toEqual([]);
  const stored = await admin.get<KubeObject>(secrets, { namespace: "a", name: "s" });
  await admin.update(secrets, { ...stored, data: { k: "2" } });
  expect((await ask(held)).secrets[0]).toMatchObject({ data: { k: "2" } });
});

test("a wrong digest, a compacted revision and a revision of the future all get the full set", async () => {
  const { api, admin, ask } = await cluster();
  await admin.create(pods, pod("p", "n1"));
  const { revision } = await ask();
  const digest = await podDigest((await ask()).pods.map(({ metadata }) => metadata.uid ?? ""));
  expect((await ask({ since: revision, digest })).full).toBe(false);
  expect((await ask({ since: revision, digest: "wrong" })).full).toBe(true);
  expect((await ask({ since: revision + 1000, digest })).full).toBe(true);
  const compacted: SyncReader = {
    ...api.storage,
    async snapshot(query) {
      const { changes: _none, ...rest } = await api.storage.snapshot(query);
      return rest;
    },
  };
  expect((await ask({ since: revision, digest }, compacted)).full).toBe(true);
});

/** A reader that tells what it was asked. */
function counting(storage: SyncReader): { reads: string[]; storage: SyncReader } {
  const reads: string[] = [];
  const counted: SyncReader = {
    get: (key) => (reads.push("get"), storage.get(key)),
    getMany: (keys) => (reads.push("getMany"), storage.getMany(keys)),
    snapshot: (query) => (reads.push(query.changes ? "changes" : "snapshot"), storage.snapshot(query)),
  };
  return { reads, storage: counted };
}

test("an idle sync is one read and no write; peers come when another node has changed, or to who does not keep them", async () => {
  const { api, admin, ask } = await cluster();
  const made = await admin.create(pods, pod("p", "n1"));
  const { revision } = await ask();
  const written = api.entries.length;
  const digest = await podDigest([made.metadata.uid ?? ""]);
  const counted = counting(api.storage);
  const idle = await ask({ since: revision, digest, keepsPeers: true }, counted.storage);
  expect([idle.peers, counted.reads]).toEqual([undefined, ["changes"]]);
  expect((await ask({ since: revision, digest })).peers).toHaveLength(1);
  expect(api.entries.length).toBe(written);

  await admin.create(nodes, { metadata: { name: "n3" } });
  expect((await ask({ since: revision, digest, keepsPeers: true }, counted.storage)).peers).toHaveLength(2);
  expect(counted.reads).toEqual(["changes", "changes", "snapshot"]);
});

test("a sync with statuses is one read and its writes, unless others have written meanwhile", async () => {
  const { api, admin, ask } = await cluster();
  const made = await Promise.all(["p", "q"].map((name) => admin.create(pods, pod(name, "n1"))));
  const { revision } = await ask();
  const digest = await podDigest(made.map(({ metadata }) => metadata.uid ?? ""));
  const podStatuses = made.map(({ metadata }) => report(metadata.name ?? "", metadata.uid));
  const held = { since: revision, digest, keepsPeers: true };
  const counted = counting(api.storage);
  const answer = await ask({ ...held, podStatuses, nodeStatus: { phase: "Running" } }, counted.storage);
  expect(counted.reads).toEqual(["changes"]);
  expect(answer.revision).toBe(api.entries.length);
  expect(answer.pods).toEqual(await Promise.all(["p", "q"].map((name) => admin.get(pods, { namespace: "a", name }))));
  expect(answer.node).toEqual(await admin.get(nodes, { name: "n1" }));

  const other = podStatuses.map((one) => ({ ...one, status: { phase: "Failed" } }));
  api.onCommit(([entry]) => {
    if (entry?.name === "p") void admin.create(pods, pod(`new-${entry.revision}`, "n1")).catch(() => {});
  });
  const later = await ask({ since: answer.revision, digest, podStatuses: other, keepsPeers: true }, counted.storage);
  expect(counted.reads).toEqual(["changes", "changes", "changes"]);
  expect(names(later.pods)).toHaveLength(3);
  expect(later.revision).toBe(api.entries.length);
});

test("what is written already moves nothing", async () => {
  const { api, admin, ask } = await cluster();
  const made = await admin.create(pods, pod("p", "n1"));
  const podStatuses = [report("p", made.metadata.uid)];
  const { revision } = await ask({ podStatuses });
  const digest = await podDigest([made.metadata.uid ?? ""]);
  const again = await ask({ since: revision, digest, podStatuses });
  expect(again).toMatchObject({ revision, statusResults: [{ code: 200 }] });
  expect(api.entries.length).toBe(revision);
});

test("the node's status replaces what the node owns and keeps what others wrote", async () => {
  const { admin, ask } = await cluster();
  const made = await admin.create(pods, pod("p", "n1"));
  const at = { namespace: "a", name: "p" };
  const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" };
  const ready = { type: "Ready", status: "False", lastTransitionTime: "2026-01-01T00:00:00Z" };
  const status = { qosClass: "Burstable", conditions: [scheduled, ready], reason: "old" };
  await admin.update(pods, { ...(await admin.get(pods, at)), status }, "status");
  const later = { ...ready, lastTransitionTime: "2026-02-02T00:00:00Z" };
  const sent = { phase: "Running", conditions: [later] };
  const answer = await ask({ podStatuses: [{ ...at, uid: made.metadata.uid ?? "", status: sent }] });
  expect(answer.statusResults).toEqual([{ uid: made.metadata.uid, code: 200 }]);
  expect((await admin.get<KubeObject>(pods, at)).status).toEqual({
    phase: "Running",
    qosClass: "Burstable",
    conditions: [ready, scheduled],
  });
});

test("a status written by somebody else at the same time is merged with, not lost", async () => {
  const { api, admin } = await cluster();
  const made = await admin.create(pods, pod("p", "n1"));
  const at = { namespace: "a", name: "p" };
  const client = api.client("system:node:n1");
  let raced = false;
  const racing: typeof client = {
    ...client,
    async update(ref, object, subresource) {
      if (!raced) {
        raced = true;
        const condition = { type: "PodScheduled", status: "True" };
        await admin.update(pods, { ...(await admin.get(pods, at)), status: { conditions: [condition] } }, "status");
      }
      return client.update(ref, object, subresource);
    },
  };
  const request: SyncRequest = {
    since: 0,
    digest: "",
    podStatuses: [{ ...at, uid: made.metadata.uid ?? "", status: { phase: "Running" } }],
    holds: { secrets: [], configMaps: [] },
  };
  const answer = await sync({ ...unbound, storage: api.storage, clientFor: () => racing }, identity, request);
  expect(answer.statusResults[0]?.code).toBe(200);
  expect((await admin.get<KubeObject>(pods, at)).status).toMatchObject({
    phase: "Running",
    conditions: [{ type: "PodScheduled" }],
  });
});

test("a status of a pod that is gone, or that another node runs, is answered as not found and the others are written", async () => {
  const { admin, ask } = await cluster();
  const mine = await admin.create(pods, pod("mine", "n1"));
  const foreign = await admin.create(pods, pod("foreign", "n2"));
  const answer = await ask({
    podStatuses: [
      report("gone", "never-was"),
      report("foreign", foreign.metadata.uid),
      report("mine", mine.metadata.uid),
    ],
  });
  expect(answer.statusResults.map(({ code }) => code)).toEqual([404, 404, 200]);
  const read = await admin.get<KubeObject>(pods, { namespace: "a", name: "foreign" });
  expect(read.status).toBeUndefined();
});

test("a node that was deleted or belongs to another key is refused before anything is written", async () => {
  const { api, admin, ask } = await cluster();
  const stored = await admin.get<KubeObject>(nodes, { name: "n1" });
  await admin.update(nodes, {
    ...stored,
    metadata: { ...stored.metadata, annotations: { [NODE_KEY_ANNOTATION]: "x" } },
  });
  const written = api.entries.length;
  await expect(ask({ nodeStatus: { phase: "x" } })).rejects.toMatchObject({ code: 401 });
  await expect(ask()).rejects.toMatchObject({ code: 401 });
  expect(api.entries.length).toBe(written);
  await admin.delete(nodes, { name: "n1" });
  await expect(ask()).rejects.toThrow("was deleted");
});

test("what is not there is looked for once, and comes as soon as it is", async () => {
  const { api, admin, ask } = await cluster();
  let reads = 0;
  const storage: SyncReader = {
    ...api.storage,
    getMany: async (keys) => {
      reads++;
      return await api.storage.getMany(keys);
    },
  };
  const spec = { imagePullSecrets: [{ name: "s" }], volumes: [{ configMap: { name: "c" } }] };
  const made = await admin.create(pods, pod("p", "n1", spec));
  const digest = await podDigest([made.metadata.uid ?? ""]);
  const holds = { secrets: [], configMaps: [] };
  const none = { secrets: [{ namespace: "a", name: "s" }], configMaps: [{ namespace: "a", name: "c" }] };
  const first = await ask({}, storage);
  expect([first.absent, reads]).toEqual([none, 1]);
  const silent = await ask({ since: first.revision, digest, holds, lacks: none }, storage);
  expect([silent.absent, reads]).toEqual([undefined, 1]);
  await admin.create(configMaps, { metadata: { name: "c", namespace: "a" } });
  const there = await ask({ since: silent.revision, digest, holds, lacks: none }, storage);
  expect([names(there.configMaps), there.secrets, reads]).toEqual([["c"], [], 1]);
  await admin.delete(configMaps, { namespace: "a", name: "c" });
  const gone = await ask(
    {
      since: there.revision,
      digest,
      holds: { ...holds, configMaps: none.configMaps },
      lacks: { ...none, configMaps: [] },
    },
    storage,
  );
  expect([gone.absent, reads]).toEqual([{ secrets: [], configMaps: none.configMaps }, 1]);
  // Another pod may want what nobody has looked for.
  await admin.create(pods, pod("q", "n1", { imagePullSecrets: [{ name: "t" }] }));
  const more = await ask({ since: gone.revision, digest, holds, lacks: none }, storage);
  expect([more.absent, reads]).toEqual([{ secrets: [{ namespace: "a", name: "t" }], configMaps: [] }, 2]);
  // Who does not know the state has everything looked for.
  await ask({ since: 0, digest, holds, lacks: none }, storage);
  expect(reads).toBe(3);
});

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // Not there, or there already: then nothing happened.
  }
}

/** Mulberry32. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What an agent holds, by key: resourceVersion. */
type Held = { pods: Map<string, string>; services: Map<string, string> };

function apply(held: Held, answer: SyncResponse): void {
  if (answer.full) {
    held.pods.clear();
    held.services.clear();
  }
  for (const { metadata } of answer.pods) held.pods.set(metadata.uid ?? "", metadata.resourceVersion ?? "");
  for (const { uid } of answer.removedPods) held.pods.delete(uid);
  for (const { metadata } of answer.services) held.services.set(metadata.name ?? "", metadata.resourceVersion ?? "");
  for (const { name } of answer.removedServices) held.services.delete(name);
}

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
test(`an agent that follows changes always holds what a full answer holds (seed ${seed})`, async () => {
  const roll = dice(seed);
  const { admin, ask } = await cluster();
  const pick = <T>(items: readonly [T, ...T[]]) => items[Math.floor(roll() * items.length)] ?? items[0];
  const held: Held = { pods: new Map(), services: new Map() };
  let since = 0;
  let fullAnswers = 0;
  for (let step = 0; step < 300; step++) {
    const name = pick(["p0", "p1", "p2", "p3"]);
    const at = { namespace: "a", name };
    const action = pick(["create", "bind", "touch", "delete", "service", "unservice", "sync", "sync"]);
    if (action === "create") await attempt(() => admin.create(pods, pod(name, pick(["", "n1", "n2"]))));
    if (action === "delete") await attempt(() => admin.delete(pods, at));
    if (action === "service") await attempt(() => admin.create(services, { metadata: at, spec: {} }));
    if (action === "unservice") await attempt(() => admin.delete(services, at));
    if (action === "bind" || action === "touch") {
      await attempt(async () => {
        const stored = await admin.get<KubeObject>(pods, at);
        const nodeName = action === "bind" ? pick(["n1", "n2"]) : (stored.spec as { nodeName: string }).nodeName;
        await admin.update(pods, { ...stored, spec: { nodeName, step } });
      });
    }
    if (action !== "sync") continue;
    const answer = await ask({ since, digest: await podDigest(held.pods.keys()) });
    if (answer.full) fullAnswers += 1;
    apply(held, answer);
    since = answer.revision;
    const whole: Held = { pods: new Map(), services: new Map() };
    apply(whole, await ask());
    expect(held).toEqual(whole);
  }
  expect(fullAnswers).toBe(1);
});
