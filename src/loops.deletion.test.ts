/** What goes with its owner, and namespaces that end: the loops over the real API, hub and log. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTestCluster, type TestCluster } from "../test/harness/cluster.ts";
import { eventually } from "../test/harness/eventually.ts";
import { createFakeKubelets, type FakeKubelets } from "../test/harness/fake-kubelets.ts";
import { withSeed, type Dice } from "../test/harness/seeded.ts";
import { versionedKinds } from "../test/harness/versioned-kinds.ts";
import type { Client } from "./client/client.ts";
import { deployments } from "./kinds/apps/deployments/types.ts";
import { configMaps, type ConfigMap } from "./kinds/core/configmaps/types.ts";
import { events, type CoreEvent } from "./kinds/core/events/types.ts";
import { namespaces, type Namespace } from "./kinds/core/namespaces/types.ts";
import { nodes, type Node } from "./kinds/core/nodes/types.ts";
import { pods, type Pod } from "./kinds/core/pods/types.ts";
import { services } from "./kinds/core/services/types.ts";
import { kinds as builtInKinds } from "./kinds/index.ts";
import { createLoops } from "./loops.ts";
import type { ResourceRef } from "./machinery/gvk.ts";
import type { KubeObject, OwnerReference } from "./machinery/meta.ts";
import { isStatusError, StatusError } from "./machinery/status-error.ts";

const kinds = [...builtInKinds, ...versionedKinds];
let cluster: TestCluster;
let client: Client;
let kubelets: FakeKubelets;
const undo: (() => Promise<void>)[] = [];
const soon = <T>(attempt: () => Promise<T>) => eventually(attempt, { withinMs: 15_000, everyMs: 20 });

beforeEach(async () => {
  cluster = await createTestCluster({ kinds });
  client = cluster.app.clientFor({ name: "admin", groups: ["system:masters"] });
  kubelets = createFakeKubelets({ client, now: () => Date.now() });
});
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
  await cluster.stop();
});

function startLoops(app: { clientFor: TestCluster["app"]["clientFor"] } = cluster.app): () => Promise<void> {
  const loops = createLoops({ cluster: cluster.cluster, app, kinds });
  loops.start();
  return () => loops.stop();
}

const at = (name: string, namespace = "default") => ({ namespace, name });
const owner = (of: KubeObject, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: of.apiVersion ?? "",
  kind: of.kind ?? "",
  name: of.metadata.name ?? "",
  uid: of.metadata.uid ?? "",
  ...more,
});
const map = (name: string, ownerReferences: OwnerReference[] = [], metadata: object = {}, namespace = "default") =>
  client.create<ConfigMap>(configMaps, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { ...at(name, namespace), ownerReferences, ...metadata },
  });
const namespaceOf = (name: string) => client.create<Namespace>(namespaces, { metadata: { name } });

async function expectGone(ref: ResourceRef, where: { namespace?: string; name: string }): Promise<void> {
  await soon(async () => {
    const error = await client.get(ref, where).catch((cause: unknown) => cause);
    expect(isStatusError(error, "NotFound"), JSON.stringify(error)).toBe(true);
  });
}
const ownersOf = async (name: string) => (await client.get<ConfigMap>(configMaps, at(name))).metadata.ownerReferences;

describe("garbage collection", () => {
  test("[27] a foreground delete: cycles go, a dependent with a second valid owner survives and forgets the first", async () => {
    undo.push(startLoops());
    const [first, second] = [await map("first"), await map("second")];
    const blocking = { blockOwnerDeletion: true };
    await map("shared", [owner(first, blocking), owner(second, blocking)]);
    const mine = await map("mine", [owner(first, blocking)]);
    const loop = await map("loop", [owner(mine, blocking)]);
    await client.patch(configMaps, at("mine"), "merge", {
      metadata: { ownerReferences: [owner(first, blocking), owner(loop, blocking)] },
    });
    // What is in a circle with something that stays forgets what goes.
    await client.delete(configMaps, at("first"), { propagationPolicy: "Foreground" });
    await expectGone(configMaps, at("first"));
    expect(await ownersOf("shared")).toEqual([owner(second, blocking)]);
    expect(await ownersOf("mine")).toEqual([owner(loop, blocking)]);
    await client.delete(configMaps, at("loop"), { propagationPolicy: "Foreground" });
    await expectGone(configMaps, at("loop"));
    await expectGone(configMaps, at("mine"));
    await client.get(configMaps, at("shared"));
  });

  test("references that lead nowhere: another namespace, another kind, another uid; and those that nobody can judge", async () => {
    await namespaceOf("other");
    const live = await map("live");
    const { metadata: node } = await client.create<Node>(nodes, {
      metadata: { name: "n1", ownerReferences: [owner(live)] },
      spec: {},
    });
    const unknown: OwnerReference = { apiVersion: "gadgets.test/v1", kind: "Gadget", name: "g", uid: "g-1" };
    await map("astray", [owner(live)], {}, "other");
    await map("wrong-kind", [owner(live, { kind: "Secret" })]);
    await map("wrong-uid", [owner(live, { uid: "another" })]);
    await map("unknown", [unknown, owner(live, { uid: "another" })]);
    await map("of-node", [owner({ apiVersion: "v1", kind: "Node", metadata: node })], {}, "other");
    undo.push(startLoops());
    await expectGone(configMaps, at("astray", "other"));
    await expectGone(configMaps, at("wrong-kind"));
    await expectGone(configMaps, at("wrong-uid"));
    expect(await ownersOf("unknown")).toHaveLength(2);
    await client.get(configMaps, at("of-node", "other"));
    await client.get(nodes, { name: "n1" });
    const told = async (namespace: string) =>
      (await client.list<CoreEvent>(events, { namespace })).items
        .filter(({ reason }) => reason === "OwnerRefInvalidNamespace")
        .map(({ type, message, involvedObject }) => [type, involvedObject.name, message]);
    const { uid } = live.metadata;
    await soon(async () => {
      expect(await told("other")).toEqual([
        [
          "Warning",
          "astray",
          `ownerRef [v1/ConfigMap, namespace: other, name: live, uid: ${uid}] does not exist in namespace "other"`,
        ],
      ]);
      expect(await told("default")).toEqual([
        [
          "Warning",
          "n1",
          `ownerRef [v1/ConfigMap, namespace: , name: live, uid: ${uid}] does not exist in namespace ""`,
        ],
      ]);
    });
    await client.delete(nodes, { name: "n1" });
    await expectGone(configMaps, at("of-node", "other"));
  });

  test("an owner is the same in every version and group that it is served in", async () => {
    undo.push(startLoops());
    const spec = { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 3 };
    const gauges = { group: "gauges.test", version: "v2", resource: "gauges", namespaced: true };
    const gauge = await client.create<KubeObject>(gauges, { metadata: { ...at("g") }, spec });
    const notices = { group: "", version: "v1", resource: "notices", namespaced: true };
    const notice = await client.create<KubeObject>(notices, { metadata: { ...at("n") }, involvedObject: {} });
    await map("of-v1", [owner(gauge, { apiVersion: "gauges.test/v1" })]);
    await map("of-v2", [owner(gauge)]);
    await map("of-group", [owner(notice, { apiVersion: "notices.test/v1" })]);
    await map("witness", [owner(gauge, { uid: "another" })]);
    await expectGone(configMaps, at("witness"));
    for (const name of ["of-v1", "of-v2", "of-group"]) expect(await ownersOf(name)).toHaveLength(1);
    await client.delete(gauges, at("g"));
    await client.delete(notices, at("n"));
    for (const name of ["of-v1", "of-v2", "of-group"]) await expectGone(configMaps, at(name));
  });

  test("what is owned twice over and orphaned once keeps the other owner; what is held goes when it is let go", async () => {
    undo.push(startLoops());
    const [first, second] = [await map("first"), await map("second")];
    await map("both", [owner(first), owner(second)]);
    await map("held", [owner(first, { blockOwnerDeletion: true }), owner(second)], {
      finalizers: ["example.dev/hold"],
    });
    await client.delete(configMaps, at("first"), { propagationPolicy: "Orphan" });
    await expectGone(configMaps, at("first"));
    expect(await ownersOf("both")).toEqual([owner(second)]);
    await client.delete(configMaps, at("second"), { propagationPolicy: "Background" });
    await expectGone(configMaps, at("both"));
    const held = await soon(async () => {
      const found = await client.get<ConfigMap>(configMaps, at("held"));
      expect(found.metadata.deletionTimestamp).toBeDefined();
      return found;
    });
    expect(held.metadata.finalizers).toEqual(["example.dev/hold"]);
    await client.patch(configMaps, at("held"), "merge", { metadata: { finalizers: null } });
    await expectGone(configMaps, at("held"));
  });
});

const conditionsOf = async (name: string) => {
  const { status } = await client.get<Namespace>(namespaces, { name });
  return Object.fromEntries(
    (status?.conditions ?? []).map(({ type, status: is, message }) => [type, `${is} ${message}`]),
  );
};

describe("a namespace that ends", () => {
  test("[27] pods go first; it says what is left and why, and everything of every kind goes, in whatever version", async () => {
    await namespaceOf("team");
    undo.push(startLoops());
    await kubelets.addNode("one");
    await map("kept", [], { finalizers: ["example.dev/hold"] }, "team");
    await client.create(services, { metadata: { ...at("web", "team") }, spec: { ports: [{ port: 80 }] } });
    const gauges = { group: "gauges.test", version: "v1", resource: "gauges", namespaced: true };
    const spec = { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 3 };
    await client.create<KubeObject>(gauges, { metadata: { ...at("g", "team") }, spec });
    await soon(() =>
      client.create<Pod>(pods, {
        metadata: { ...at("p", "team") },
        spec: { nodeName: "one", containers: [{ name: "c", image: "i" }] },
      }),
    );
    await client.delete(namespaces, { name: "team" });
    await soon(async () => {
      expect(await conditionsOf("team")).toMatchObject({
        NamespaceContentRemaining: "True Some resources are remaining: pods. has 1 resource instances",
        NamespaceDeletionContentFailure: "False All content successfully deleted, may be waiting on finalization",
      });
    });
    // Nothing else was touched while the pod is there.
    await client.get(services, at("web", "team"));
    const { metadata } = await client.get<ConfigMap>(configMaps, at("kept", "team"));
    expect(metadata.deletionTimestamp).toBeUndefined();
    await client.delete(pods, at("p", "team"), { gracePeriodSeconds: 0 });
    await soon(async () => {
      expect(await conditionsOf("team")).toMatchObject({
        NamespaceContentRemaining: "True Some resources are remaining: configmaps. has 1 resource instances",
        NamespaceFinalizersRemaining:
          "True Some content in the namespace has finalizers remaining: example.dev/hold in 1 resource instances",
      });
    });
    await client.patch(configMaps, at("kept", "team"), "merge", { metadata: { finalizers: null } });
    await expectGone(namespaces, { name: "team" });
    await expectNothingIn("team");
  });

  test("nothing is left behind, wherever the loops die and whoever still writes", async () => {
    await withSeed(async (dice) => {
      for (let round = 0; round < 4; round++) {
        const name = `round-${round}`;
        await namespaceOf(name);
        await fill(name, dice);
        const writer = writeOn(name);
        await client.delete(namespaces, { name });
        let deaths = 0;
        for (; await exists(name); deaths++) {
          if (deaths > 200) throw new Error(`${name} never ends`);
          // Each life is longer than the last: what begins anew must come to an end some time.
          const app = mortal(dice, 1 + dice.roll(3 + 2 * deaths));
          const stop = startLoops(app);
          while (!app.isDead() && (await exists(name))) await new Promise((wake) => setTimeout(wake, 20));
          await stop();
        }
        await writer();
        await expectNothingIn(name);
      }
    });
  }, 120_000);
});

async function exists(name: string): Promise<boolean> {
  const found = await client.get(namespaces, { name }).catch((cause: unknown) => cause);
  return !isStatusError(found, "NotFound");
}

/** Straight from the log: every live row of every stored kind. */
async function expectNothingIn(namespace: string): Promise<void> {
  for (const kind of kinds) {
    const resource = kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
    const { objects } = await cluster.storage.list({ resource, namespace });
    expect(objects.map(({ name }) => `${resource}/${name}`)).toEqual([]);
  }
}

async function fill(namespace: string, dice: Dice): Promise<void> {
  const made: ConfigMap[] = [];
  for (let index = 0; index < 10 + dice.roll(30); index++) {
    const owners = made.length > 0 && dice.chance(0.5) ? [owner(dice.pick(made), { blockOwnerDeletion: true })] : [];
    made.push(await map(`m${index}`, owners, {}, namespace));
  }
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "c", image: "i" }] },
  };
  await client.create(deployments, {
    metadata: { ...at("web", namespace) },
    spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, template },
  });
  await client.create(services, { metadata: { ...at("web", namespace) }, spec: { ports: [{ port: 80 }] } });
}

/** Somebody who does not notice: everything is refused once the namespace is marked. Returns the end of it. */
function writeOn(namespace: string): () => Promise<void> {
  const stopped = new AbortController();
  const run = async (): Promise<void> => {
    for (let index = 0; !stopped.signal.aborted; index++) {
      await map(`late-${index}`, [], {}, namespace).catch((error: unknown) => {
        if (!isStatusError(error, "Forbidden") && !isStatusError(error, "NotFound")) throw error;
      });
      await new Promise((wake) => setTimeout(wake, 10));
    }
  };
  const running = run();
  return async () => {
    stopped.abort();
    await running;
  };
}

/** An API that the loops reach for so many calls. The last one is carried out or not, and nobody hears of it. */
function mortal(dice: Dice, calls: number) {
  let left = calls;
  const clientFor: TestCluster["app"]["clientFor"] = (user) =>
    new Proxy(cluster.app.clientFor(user), {
      get(target, method: keyof Client) {
        const call = target[method] as (...args: unknown[]) => Promise<unknown>;
        if (method === "watch" || method === "list") return call;
        return async (...args: unknown[]) => {
          left -= 1;
          if (left > 0) return await call(...args);
          if (left === 0 && dice.chance(0.5)) await call(...args);
          throw new StatusError("ServiceUnavailable", "the loops are dead");
        };
      },
    });
  return { clientFor, isDead: () => left <= 0 };
}
