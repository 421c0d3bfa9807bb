/** Random graphs of owners over the real API, with informers that lag, held against a model that needs a page. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../../../test/harness/cluster.ts";
import { createDice, withSeed, type Dice } from "../../../test/harness/seeded.ts";
import type { Client } from "../../client/client.ts";
import { createIndexedStore } from "../../controller-runtime/indexed-store.ts";
import type { Change, Informer } from "../../controller-runtime/informer.ts";
import type { Controller } from "../../controller-runtime/manager.ts";
import { keyOf, metaView, type View } from "../../controller-runtime/views/view.ts";
import { apiVersionOf, groupResource, type ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject, OwnerReference } from "../../machinery/meta.ts";
import { isStatusError } from "../../machinery/status-error.ts";
import type { LogEntry } from "../../storage/storage.ts";
import { createGarbageCollector } from "./controller.ts";
import type { CollectedResource } from "./owners.ts";

const RUNS = 25;
const STEPS_MAX = 20_000;

const KINDS: (ResourceRef & { kind: string })[] = [
  { group: "", version: "v1", resource: "configmaps", namespaced: true, kind: "ConfigMap" },
  { group: "", version: "v1", resource: "serviceaccounts", namespaced: true, kind: "ServiceAccount" },
  { group: "coordination.k8s.io", version: "v1", resource: "leases", namespaced: true, kind: "Lease" },
  { group: "", version: "v1", resource: "nodes", namespaced: false, kind: "Node" },
];
const RESOURCES: CollectedResource[] = KINDS.map((ref) => ({ ...ref, versions: [ref] }));
const NAMESPACES = ["default", "kube-public"];

let api: TestCluster;
let admin: Client;
beforeAll(async () => {
  api = await createTestCluster();
  admin = api.app.clientFor({ name: "admin", groups: ["system:masters"] });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

/** Knows an entry of the log only when it is delivered. */
class LaggingInformer implements Informer {
  readonly ref: ResourceRef;
  readonly synced = true;
  readonly revision = 0;
  readonly pending: LogEntry[] = [];
  readonly #store = createIndexedStore<View>({
    namespace: ({ metadata }) => [metadata.namespace],
    owner: ({ metadata }) => metadata.ownerReferences.map(({ uid }) => uid),
  });
  readonly #handlers: ((change: Change<View>) => void)[] = [];

  constructor(ref: ResourceRef) {
    this.ref = ref;
  }
  get size(): number {
    return this.#store.size;
  }
  get(key: string): View | undefined {
    return this.#store.get(key);
  }
  all(): IterableIterator<View> {
    return this.#store.all();
  }
  by(index: string, value: string): View[] {
    return this.#store.by(index, value);
  }
  onChange(handler: (change: Change<View>) => void): () => void {
    this.#handlers.push(handler);
    return () => {};
  }
  deliver(): void {
    const entry = this.pending.shift();
    if (!entry) return;
    const key = keyOf(entry);
    const before = this.#store.get(key);
    const { metadata } = JSON.parse(entry.value) as KubeObject;
    const after =
      entry.type === "DELETED"
        ? undefined
        : { metadata: metaView({ ...metadata, resourceVersion: `${entry.revision}` }) };
    if (after) this.#store.set(key, after);
    else this.#store.delete(key);
    for (const handler of this.#handlers) handler({ key, before, after });
  }
  observe(): void {}
  expectDeletion(): void {}
  async run(): Promise<void> {}
  async catchUp(): Promise<boolean> {
    return true;
  }
  async whenSynced(): Promise<void> {}
}

/** The collector as it runs, one key at a time; whenever it calls the API, news may arrive. */
function collectorOf(dice: Dice): { rest(): Promise<void>; stop(): void } {
  const informers = RESOURCES.map((ref) => new LaggingInformer(ref));
  const byName = new Map(informers.map((one) => [groupResource(one.ref.group, one.ref.resource), one]));
  const stop = api.hub.onCommit((entries) => {
    for (const entry of entries) byName.get(entry.resource)?.pending.push(entry);
  });
  const lagging = () => informers.filter(({ pending }) => pending.length > 0);
  const deliver = (): void => {
    const waiting = lagging();
    if (waiting.length > 0) dice.pick(waiting).deliver();
  };
  const client = new Proxy(admin, {
    get(target, method: keyof Client) {
      return (...args: unknown[]) => {
        while (dice.chance(0.4)) deliver();
        return (target[method] as (...all: unknown[]) => unknown)(...args);
      };
    },
  });
  const controller: Controller = createGarbageCollector({
    client,
    stores: { all: byName },
    recorder: { record: () => {}, flush: async () => {} },
    platform: api.cluster.platform,
    resources: RESOURCES,
  });
  const keys = new Set<string>();
  for (const watch of controller.watches) {
    watch.informer.onChange((change) => {
      for (const view of [change.before, change.after]) {
        if (view) for (const key of watch.keys(view, change)) keys.add(key);
      }
    });
  }

  async function rest(): Promise<void> {
    for (let step = 0; step < STEPS_MAX; step++) {
      const waiting = lagging();
      if (keys.size === 0 && waiting.length === 0) return;
      if (keys.size === 0 || (waiting.length > 0 && dice.chance(0.5))) {
        deliver();
        continue;
      }
      const key = dice.pick([...keys]);
      keys.delete(key);
      try {
        await controller.reconcile(key);
      } catch (error) {
        if (!isStatusError(error, "Conflict") && !isStatusError(error, "NotFound")) throw error;
        keys.add(key);
      }
    }
    throw new Error("the collector never comes to rest");
  }
  return { rest, stop };
}

interface Thing {
  id: string;
  kind: (typeof KINDS)[number];
  namespace: string;
  uid: string;
  owners: Reference[];
}
/** "astray": another namespace or kind than the owner's. "unknown": nobody can say. */
interface Reference {
  id: string;
  how: "right" | "astray" | "unknown";
}

/** What should be left: death spreads to whatever has owners that are all dead; what lives forgets the dead. */
class Model {
  readonly things = new Map<string, Thing>();

  delete(id: string, policy: string): void {
    if (policy === "Orphan") {
      for (const thing of this.things.values()) thing.owners = thing.owners.filter((owner) => owner.id !== id);
    }
    this.things.delete(id);
    this.settle();
  }

  settle(): void {
    for (let changed = true; changed;) {
      changed = false;
      for (const thing of this.things.values()) {
        if (thing.owners.length === 0 || thing.owners.some(({ how }) => how === "unknown")) continue;
        const alive = thing.owners.filter(({ id, how }) => how === "right" && this.things.has(id));
        if (alive.length === thing.owners.length) continue;
        changed = true;
        if (alive.length === 0) this.things.delete(thing.id);
        else thing.owners = alive;
      }
    }
  }

  summary(): Record<string, string[]> {
    return Object.fromEntries(
      [...this.things.values()].map((thing) => [thing.id, thing.owners.map(({ id }) => id).toSorted()]),
    );
  }
}

const addressOf = ({ kind, namespace, id }: Thing) => ({ name: id, ...(kind.namespaced ? { namespace } : {}) });

function referenceTo(owner: Thing, how: Reference["how"], dice: Dice): OwnerReference {
  const { apiVersion, kind } = { apiVersion: apiVersionOf(owner.kind), kind: owner.kind.kind };
  const reference = { apiVersion, kind, name: owner.id, uid: owner.uid, blockOwnerDeletion: dice.chance(0.5) };
  return how === "unknown"
    ? { ...reference, kind: "Gadget", apiVersion: "gadgets.test/v1", blockOwnerDeletion: false }
    : reference;
}

/** How a reference between these two counts. */
function rightness(from: Thing, to: Thing): Reference["how"] {
  if (!to.kind.namespaced) return "right";
  if (!from.kind.namespaced) return "unknown";
  return from.namespace === to.namespace ? "right" : "astray";
}

async function create(dice: Dice, prefix: string, index: number): Promise<Thing> {
  const kind = dice.pick(KINDS);
  const namespace = kind.namespaced ? dice.pick(NAMESPACES) : "";
  const thing: Thing = { id: `${prefix}-${index}`, kind, namespace, uid: "", owners: [] };
  const at = addressOf(thing);
  const made = await admin.create<KubeObject>(kind, { metadata: { ...at } }, at);
  thing.uid = made.metadata.uid ?? "";
  return thing;
}

/** Owners are set when all things are there, so that circles come about. One write each: nothing is judged by half its owners. */
async function connect(dice: Dice, things: readonly Thing[]): Promise<void> {
  for (const thing of things) {
    const references: OwnerReference[] = [];
    for (let count = dice.pick([0, 1, 1, 1, 2, 2, 3]); count > 0; count--) {
      const owner = dice.pick(things);
      if (owner === thing || thing.owners.some(({ id }) => id === owner.id)) continue;
      const how = dice.chance(0.05) ? "unknown" : rightness(thing, owner);
      thing.owners.push({ id: owner.id, how });
      references.push(referenceTo(owner, how, dice));
    }
    if (references.length === 0) continue;
    // Who can't be judged must not hold up a foreground deletion for ever.
    const stuck = thing.owners.some(({ how }) => how === "unknown");
    const ownerReferences = references.map((one) => (stuck ? { ...one, blockOwnerDeletion: false } : one));
    await admin.patch(thing.kind, addressOf(thing), "merge", { metadata: { ownerReferences } });
  }
}

async function found(prefix: string, names: ReadonlyMap<string, string>): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {};
  for (const kind of KINDS) {
    const { items } = await admin.list<KubeObject>(kind);
    for (const { metadata } of items) {
      if (!metadata.name?.startsWith(`${prefix}-`)) continue;
      all[metadata.name] = (metadata.ownerReferences ?? []).map(({ uid }) => names.get(uid) ?? uid).toSorted();
    }
  }
  return all;
}

test("whatever is deleted in whichever way, what is left is what the model says", async () => {
  await withSeed(async (seeds) => {
    for (let run = 0; run < RUNS; run++) {
      const dice = createDice(seeds.roll(2 ** 31));
      const prefix = `run${run}`;
      const collector = collectorOf(dice);
      const model = new Model();
      const count = 4 + dice.roll(12);
      for (let index = 0; index < count; index++) {
        const thing = await create(dice, prefix, index);
        model.things.set(thing.id, thing);
      }
      const things = [...model.things.values()];
      const names = new Map(things.map(({ id, uid }) => [uid, id]));
      await connect(dice, things);
      await collector.rest();
      model.settle();
      expect(await found(prefix, names), `${prefix} after creation`).toEqual(model.summary());
      const steps: string[] = [];
      for (let round = 0; round < 5 && model.things.size > 0; round++) {
        // Orphaning is done by what is known; the other ways may meet in any order.
        const policies = dice.chance(0.3)
          ? ["Orphan"]
          : ["Background", "Foreground", "Foreground"].slice(0, 1 + dice.roll(3));
        for (const policy of policies as ("Background" | "Foreground" | "Orphan")[]) {
          const thing = dice.pick(things);
          if (!model.things.has(thing.id)) continue;
          steps.push(`${policy} ${thing.id}`);
          await admin.delete(thing.kind, addressOf(thing), { propagationPolicy: policy });
          model.delete(thing.id, policy);
        }
        await collector.rest();
        expect(await found(prefix, names), `${prefix}: ${steps.join(", ")}`).toEqual(model.summary());
      }
      collector.stop();
    }
  });
});
