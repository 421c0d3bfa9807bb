/** What shapes, counts and columns remember is the same as what a snapshot says that is made anew. The seed is printed. */
import { expect, test } from "vitest";
import { withSeed, type Dice } from "../../test/harness/seeded.ts";
import { metaOf, node, pod } from "../controller-runtime/views.fixture.ts";
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { PodAffinityTerm, PodSpec, Taint, TopologySpreadConstraint } from "../kinds/core/pods/types.ts";
import { evaluate } from "./evaluate.ts";
import type { SelectorView } from "./framework.ts";
import { createProfile } from "./plugins/index.ts";
import { planPreemption } from "./preemption.ts";
import { createSnapshot, type Snapshot } from "./snapshot.ts";

const profile = createProfile();
const APPS = ["web", "db", "cache"];
const NAMESPACES = ["n", "m"];
const KEYS = ["kubernetes.io/hostname", "topology.kubernetes.io/zone", "rack"];
const TAINTS: Taint[] = [
  { key: "gpu", value: "yes", effect: "NoSchedule" },
  { key: "slow", effect: "PreferNoSchedule" },
  { key: "old", effect: "NoExecute" },
];

/** What the cluster is, beside a snapshot that followed how it came to be. */
interface World {
  nodes: Map<string, NodeView>;
  pods: Map<string, PodView>;
  services: Map<string, SelectorView>;
  namespaceLabels: Map<string, Record<string, string>>;
}

function randomNode(dice: Dice, name: string): NodeView {
  const labels: Record<string, string> = { "kubernetes.io/hostname": name };
  if (dice.chance(0.9)) labels["topology.kubernetes.io/zone"] = `z${dice.roll(3)}`;
  if (dice.chance(0.6)) labels["rack"] = `r${dice.roll(4)}`;
  const taints = dice.chance(0.3) ? [dice.pick(TAINTS)] : [];
  const images = dice.chance(0.5) ? [{ names: ["image:1"], sizeBytes: 1e8 * (1 + dice.roll(9)) }] : [];
  const allocatable = { cpu: String(2 + dice.roll(4)), memory: "8Gi", pods: String(3 + dice.roll(8)) };
  const status = { allocatable, images };
  return node(name, { meta: { labels }, spec: { taints, unschedulable: dice.chance(0.1) }, status });
}

function randomTerm(dice: Dice): PodAffinityTerm {
  const term: PodAffinityTerm = {
    topologyKey: dice.pick(KEYS),
    labelSelector: { matchLabels: { app: dice.pick(APPS) } },
  };
  if (dice.chance(0.2)) term.namespaces = [dice.pick(NAMESPACES)];
  if (dice.chance(0.2)) term.namespaceSelector = dice.chance(0.5) ? {} : { matchLabels: { team: "a" } };
  if (dice.chance(0.2)) term.matchLabelKeys = ["version"];
  return term;
}

function randomSpread(dice: Dice): TopologySpreadConstraint {
  const constraint: TopologySpreadConstraint = {
    maxSkew: 1 + dice.roll(3),
    topologyKey: dice.pick(KEYS),
    whenUnsatisfiable: dice.chance(0.5) ? "DoNotSchedule" : "ScheduleAnyway",
    labelSelector: { matchLabels: { app: dice.pick(APPS) } },
  };
  if (dice.chance(0.3)) constraint.minDomains = 1 + dice.roll(4);
  if (dice.chance(0.3)) constraint.nodeTaintsPolicy = "Honor";
  if (dice.chance(0.3)) constraint.nodeAffinityPolicy = "Ignore";
  if (dice.chance(0.3)) constraint.matchLabelKeys = ["version"];
  return constraint;
}

function randomSpec(dice: Dice): Partial<PodSpec> {
  const terms = () => Array.from({ length: 1 + dice.roll(2) }, () => randomTerm(dice));
  const weighted = () => terms().map((podAffinityTerm) => ({ weight: 1 + dice.roll(100), podAffinityTerm }));
  const wants = () => ({
    ...(dice.chance(0.4) ? { requiredDuringSchedulingIgnoredDuringExecution: terms() } : {}),
    ...(dice.chance(0.5) ? { preferredDuringSchedulingIgnoredDuringExecution: weighted() } : {}),
  });
  const requests = { cpu: `${100 * dice.roll(12)}m`, memory: `${dice.roll(2048)}Mi` };
  const ports = dice.chance(0.2) ? [{ containerPort: 80, hostPort: 8000 + dice.roll(2) }] : [];
  return {
    containers: [{ name: "c", image: "image:1", resources: { requests }, ports }],
    priority: dice.roll(3),
    tolerations: dice.chance(0.3) ? [{ key: "gpu", operator: "Exists" }] : [],
    nodeSelector: dice.chance(0.2) ? { rack: `r${dice.roll(4)}` } : {},
    affinity: {
      ...(dice.chance(0.3) ? { podAffinity: wants() } : {}),
      ...(dice.chance(0.3) ? { podAntiAffinity: wants() } : {}),
    },
    topologySpreadConstraints: dice.chance(0.4)
      ? [randomSpread(dice), randomSpread(dice)].slice(0, 1 + dice.roll(2))
      : [],
  };
}

function randomPod(dice: Dice, name: string, nodeName: string): PodView {
  const labels = { app: dice.pick(APPS), version: `v${dice.roll(2)}` };
  const meta = {
    namespace: dice.pick(NAMESPACES),
    labels,
    ...(dice.chance(0.1) ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
  };
  return pod(name, {
    node: nodeName,
    meta,
    spec: randomSpec(dice),
    phase: dice.chance(0.05) ? "Succeeded" : "Running",
  });
}

function change(dice: Dice, world: World, snapshot: Snapshot): void {
  const name = `node-${dice.roll(12)}`;
  const what = dice.roll(100);
  if (what < 20) {
    if (world.nodes.has(name) && dice.chance(0.3)) {
      world.nodes.delete(name);
      snapshot.removeNode(name);
      return;
    }
    const made = randomNode(dice, name);
    world.nodes.set(name, made);
    snapshot.setNode(made);
  } else if (what < 23) {
    const namespace = dice.pick(NAMESPACES);
    const labels: Record<string, string> = dice.chance(0.5) ? { team: "a" } : {};
    world.namespaceLabels.set(namespace, labels);
    snapshot.tables.namespaces.set({ metadata: metaOf(namespace, { namespace: "", labels }) });
  } else if (what < 26) {
    const service = {
      metadata: metaOf("s", { namespace: dice.pick(NAMESPACES) }),
      selector: { matchLabels: { app: dice.pick(APPS) } },
    };
    world.services.set(service.metadata.namespace, service);
    snapshot.tables.services.set(service);
  } else {
    const uid = `uid-pod-${dice.roll(40)}`;
    if (world.pods.has(uid) && dice.chance(0.5)) {
      world.pods.delete(uid);
      snapshot.removePod(uid);
      return;
    }
    const made = randomPod(dice, uid.slice(4), name);
    world.pods.set(uid, made);
    if (dice.chance(0.3)) snapshot.assume(made, name);
    snapshot.setPod(made);
  }
}

function anew({ nodes, pods, services, namespaceLabels }: World): Snapshot {
  const snapshot = createSnapshot();
  for (const [name, labels] of namespaceLabels) {
    snapshot.tables.namespaces.set({ metadata: metaOf(name, { namespace: "", labels }) });
  }
  for (const service of services.values()) snapshot.tables.services.set(service);
  for (const one of pods.values()) snapshot.setPod(one);
  for (const one of nodes.values()) snapshot.setNode(one);
  return snapshot;
}

test("a snapshot that followed the cluster says what a new one says", { timeout: 60_000 }, async () => {
  await withSeed(async (dice) => {
    const world: World = { nodes: new Map(), pods: new Map(), services: new Map(), namespaceLabels: new Map() };
    const snapshot = createSnapshot();
    // Few, so that most evaluations meet shapes that were prepared long before.
    const waiting = Array.from({ length: 12 }, (_, index) => ({
      ...randomPod(dice, `waiting-${index}`, ""),
      phase: "Pending" as const,
    }));
    for (let step = 0; step < 400; step++) {
      change(dice, world, snapshot);
      if (step % 4 !== 0) continue;
      const one = dice.pick(waiting);
      const fresh = anew(world);
      const evaluation = evaluate(snapshot, one, profile);
      expect(sorted(evaluation.nodes)).toEqual(sorted(evaluate(fresh, one, profile).nodes));
      // A plan tries what it finds on the snapshot itself, and leaves nothing behind.
      planPreemption(snapshot, { ...one, priority: 5 }, profile, { fraction: () => 0 });
      expect(sorted(evaluate(snapshot, one, profile).nodes)).toEqual(sorted(evaluation.nodes));
    }
  });
});

function sorted<T>(nodes: ReadonlyMap<string, T>): [string, T][] {
  return [...nodes].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
