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

function randomNode({ roll, chance, pick }: Dice, name: string): NodeView {
  const labels: Record<string, string> = { "kubernetes.io/hostname": name };
  if (chance(0.9)) labels["topology.kubernetes.io/zone"] = `z${roll(3)}`;
  if (chance(0.6)) labels["rack"] = `r${roll(4)}`;
  const taints = chance(0.3) ? [pick(TAINTS)] : [];
  const images = chance(0.5) ? [{ names: ["image:1"], sizeBytes: 1e8 * (1 + roll(9)) }] : [];
  const allocatable = { cpu: String(2 + roll(4)), memory: "8Gi", pods: String(3 + roll(8)) };
  const status = { allocatable, images };
  return node(name, { meta: { labels }, spec: { taints, unschedulable: chance(0.1) }, status });
}

function randomTerm({ chance, pick }: Dice): PodAffinityTerm {
  const term: PodAffinityTerm = { topologyKey: pick(KEYS), labelSelector: { matchLabels: { app: pick(APPS) } } };
  if (chance(0.2)) term.namespaces = [pick(NAMESPACES)];
  if (chance(0.2)) term.namespaceSelector = chance(0.5) ? {} : { matchLabels: { team: "a" } };
  if (chance(0.2)) term.matchLabelKeys = ["version"];
  return term;
}

function randomSpread({ roll, chance, pick }: Dice): TopologySpreadConstraint {
  const constraint: TopologySpreadConstraint = {
    maxSkew: 1 + roll(3),
    topologyKey: pick(KEYS),
    whenUnsatisfiable: chance(0.5) ? "DoNotSchedule" : "ScheduleAnyway",
    labelSelector: { matchLabels: { app: pick(APPS) } },
  };
  if (chance(0.3)) constraint.minDomains = 1 + roll(4);
  if (chance(0.3)) constraint.nodeTaintsPolicy = "Honor";
  if (chance(0.3)) constraint.nodeAffinityPolicy = "Ignore";
  if (chance(0.3)) constraint.matchLabelKeys = ["version"];
  return constraint;
}

function randomSpec(dice: Dice): Partial<PodSpec> {
  const { roll, chance } = dice;
  const terms = () => Array.from({ length: 1 + roll(2) }, () => randomTerm(dice));
  const weighted = () => terms().map((podAffinityTerm) => ({ weight: 1 + roll(100), podAffinityTerm }));
  const wants = () => ({
    ...(chance(0.4) ? { requiredDuringSchedulingIgnoredDuringExecution: terms() } : {}),
    ...(chance(0.5) ? { preferredDuringSchedulingIgnoredDuringExecution: weighted() } : {}),
  });
  const requests = { cpu: `${100 * roll(12)}m`, memory: `${roll(2048)}Mi` };
  const ports = chance(0.2) ? [{ containerPort: 80, hostPort: 8000 + roll(2) }] : [];
  return {
    containers: [{ name: "c", image: "image:1", resources: { requests }, ports }],
    priority: roll(3),
    tolerations: chance(0.3) ? [{ key: "gpu", operator: "Exists" }] : [],
    nodeSelector: chance(0.2) ? { rack: `r${roll(4)}` } : {},
    affinity: {
      ...(chance(0.3) ? { podAffinity: wants() } : {}),
      ...(chance(0.3) ? { podAntiAffinity: wants() } : {}),
    },
    topologySpreadConstraints: chance(0.4) ? [randomSpread(dice), randomSpread(dice)].slice(0, 1 + roll(2)) : [],
  };
}

function randomPod(dice: Dice, name: string, nodeName: string): PodView {
  const { roll, chance, pick } = dice;
  const labels = { app: pick(APPS), version: `v${roll(2)}` };
  const meta = {
    namespace: pick(NAMESPACES),
    labels,
    ...(chance(0.1) ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
  };
  return pod(name, { node: nodeName, meta, spec: randomSpec(dice), phase: chance(0.05) ? "Succeeded" : "Running" });
}

function change(dice: Dice, world: World, snapshot: Snapshot): void {
  const { roll, chance, pick } = dice;
  const name = `node-${roll(12)}`;
  if (chance(0.2)) {
    if (world.nodes.has(name) && chance(0.3)) {
      world.nodes.delete(name);
      snapshot.removeNode(name);
      return;
    }
    const made = randomNode(dice, name);
    world.nodes.set(name, made);
    snapshot.setNode(made);
  } else if (chance(0.04)) {
    const namespace = pick(NAMESPACES);
    const labels: Record<string, string> = chance(0.5) ? { team: "a" } : {};
    world.namespaceLabels.set(namespace, labels);
    snapshot.tables.namespaces.set({ metadata: metaOf(namespace, { namespace: "", labels }) });
  } else if (chance(0.04)) {
    const service = {
      metadata: metaOf("s", { namespace: pick(NAMESPACES) }),
      selector: { matchLabels: { app: pick(APPS) } },
    };
    world.services.set(service.metadata.namespace, service);
    snapshot.tables.services.set(service);
  } else {
    const uid = `uid-pod-${roll(40)}`;
    if (world.pods.has(uid) && chance(0.5)) {
      world.pods.delete(uid);
      snapshot.removePod(uid);
      return;
    }
    const made = randomPod(dice, uid.slice(4), name);
    world.pods.set(uid, made);
    if (chance(0.3)) snapshot.assume(made, name);
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
