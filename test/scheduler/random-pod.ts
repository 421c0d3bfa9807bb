/** Random pods: each has few of the features that matter to a scheduler, all pods together have all of them. */
import type { Node } from "../../src/kinds/core/nodes/types.ts";
import type {
  Affinity,
  Container,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
  PodAffinityTerm,
  PodSpec,
  PodStatus,
  ResourceList,
  Toleration,
  TopologySpreadConstraint,
  Volume,
} from "../../src/kinds/core/pods/types.ts";
import type { LabelSelector } from "../../src/machinery/selectors.ts";
import type { Dice } from "../harness/seeded.ts";
import { APPS, CLAIMS, HOSTNAME, IMAGES, NAMESPACES, ZONE } from "./vocabulary.ts";

const OWNERS = [
  { apiVersion: "v1", kind: "ReplicationController", name: "rc" },
  { apiVersion: "apps/v1", kind: "ReplicaSet", name: "rs" },
  { apiVersion: "apps/v1", kind: "StatefulSet", name: "ss" },
  { apiVersion: "batch/v1", kind: "Job", name: "job" },
] as const;
const TOPOLOGY_KEYS = [HOSTNAME, ZONE, ZONE, "disk", "unknown"] as const;

/** `nodes`: how many there may be, "node-0" … */
export function randomPod(dice: Dice, name: string): Pod {
  const spec = randomSpec(dice, name);
  const hasClaims = spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim) === true;
  const namespace = dice.chance(hasClaims ? 0.95 : 0.6) ? "default" : dice.pick(NAMESPACES);
  const labels: Record<string, string> = dice.chance(0.9)
    ? { app: dice.pick(APPS), version: String(dice.roll(2)) }
    : {};
  const owner = dice.pick(OWNERS);
  const ownerReferences = dice.chance(0.3) ? [{ ...owner, uid: `uid-${owner.name}`, controller: true }] : [];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      labels,
      ownerReferences,
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    spec,
    status: { phase: "Pending" },
  };
}

export function randomPlacedPod(dice: Dice, name: string, nodes: readonly Node[]): Pod {
  const pod = randomPod(dice, name);
  const phase = dice.chance(0.1) ? dice.pick(["Succeeded", "Failed"] as const) : "Running";
  const startTime = new Date(Date.UTC(2026, 0, 1, 0, 0, dice.roll(20_000))).toISOString();
  const nodeName = dice.chance(0.05) || nodes.length === 0 ? "node-gone" : (dice.pick(nodes).metadata.name ?? "");
  return {
    ...pod,
    metadata: { ...pod.metadata, ...(dice.chance(0.06) ? { deletionTimestamp: "2026-01-02T00:00:00Z" } : {}) },
    spec: { ...pod.spec, nodeName },
    status: { phase, startTime, ...(dice.chance(0.1) ? resizing(dice, pod.spec) : {}) },
  };
}

/** The containers have another size than the spec says. */
function resizing(dice: Dice, spec: PodSpec): Partial<PodStatus> {
  const reason = dice.pick(["Infeasible", "Deferred"]);
  return {
    containerStatuses: spec.containers.map(({ name }) => ({
      name,
      ready: true,
      restartCount: 0,
      image: "",
      imageID: "",
      resources: { requests: { cpu: dice.pick(["100m", "2"]), memory: "64Mi" } },
      allocatedResources: { cpu: dice.pick(["50m", "1"]), memory: "128Mi" },
    })),
    ...(dice.chance(0.5) ? { conditions: [{ type: "PodResizePending", status: "True", reason }] } : {}),
  };
}

function randomSpec(dice: Dice, name: string): PodSpec {
  const spec: PodSpec = { containers: [randomContainer(dice, "one")] };
  if (dice.chance(0.25)) spec.containers.push(randomContainer(dice, "two"));
  if (dice.chance(0.15)) spec.initContainers = randomInitContainers(dice);
  if (dice.chance(0.08)) spec.overhead = { cpu: "250m", memory: "120Mi" };
  if (dice.chance(0.06))
    spec.resources = { requests: { cpu: "1500m", ...(dice.chance(0.5) ? { memory: "1Gi" } : {}) } };
  if (dice.chance(0.15)) spec.nodeSelector = { disk: dice.pick(["ssd", "hdd"]) };
  if (dice.chance(0.3)) spec.tolerations = [randomToleration(dice), randomToleration(dice)];
  if (dice.chance(0.3)) spec.priority = dice.pick([-10, 0, 100, 1_000]);
  if (dice.chance(0.05)) spec.preemptionPolicy = "Never";
  if (dice.chance(0.25)) spec.topologySpreadConstraints = some(dice, 2, () => randomSpread(dice));
  const affinity = randomAffinity(dice);
  if (Object.keys(affinity).length > 0) spec.affinity = affinity;
  if (dice.chance(0.2)) spec.volumes = some(dice, 2, (at) => randomVolumeOfPod(dice, `v${at}`));
  if (dice.chance(0.04)) spec.nodeName = name.startsWith("placed") ? "" : `node-${dice.roll(8)}`;
  if (spec.nodeName === "") delete spec.nodeName;
  return spec;
}

function some<T>(dice: Dice, most: number, make: (at: number) => T): T[] {
  return Array.from({ length: 1 + dice.roll(most) }, (_, at) => make(at));
}

function randomContainer(dice: Dice, name: string): Container {
  const requests: ResourceList = {};
  if (dice.chance(0.7)) requests["cpu"] = dice.pick(["0", "2m", "100m", "250m", "700m", "1", "2", "6"]);
  if (dice.chance(0.7)) requests["memory"] = dice.pick(["0", "100M", "256Mi", "1Gi", "3Gi"]);
  if (dice.chance(0.1)) requests["ephemeral-storage"] = dice.pick(["1Gi", "20Gi"]);
  if (dice.chance(0.1)) requests["example.com/gpu"] = dice.pick(["1", "2"]);
  if (dice.chance(0.05)) requests["hugepages-2Mi"] = dice.pick(["2Mi", "512Mi"]);
  const container: Container = { name, image: dice.pick([...IMAGES, "example.org/db", "example.org/none"]) };
  if (Object.keys(requests).length > 0) container.resources = { requests };
  if (dice.chance(0.12)) {
    const hostIP = either(dice, [undefined, "0.0.0.0", "10.0.0.1", "10.0.0.2"]);
    const protocol = either(dice, [undefined, "TCP", "UDP"] as const);
    const port = { containerPort: 80, hostPort: dice.pick([0, 80, 8080]) };
    container.ports = [{ ...port, ...(hostIP === undefined ? {} : { hostIP }), ...(protocol ? { protocol } : {}) }];
  }
  return container;
}

function randomInitContainers(dice: Dice): Container[] {
  return some(dice, 3, (at) => ({
    ...randomContainer(dice, `init-${at}`),
    ...(dice.chance(0.4) ? { restartPolicy: "Always" } : {}),
  }));
}

function randomToleration(dice: Dice): Toleration {
  const effect = either(dice, [undefined, "NoSchedule", "PreferNoSchedule", "NoExecute"] as const);
  const key = either(dice, ["gpu", "old", "dying", "node.kubernetes.io/unschedulable", undefined]);
  if (key === undefined) return { operator: "Exists", ...(effect ? { effect } : {}) };
  const value = dice.chance(0.5) ? { operator: "Exists" as const } : { value: dice.pick(["yes", "1", ""]) };
  return { key, ...value, ...(effect ? { effect } : {}) };
}

/** Undefined selects nothing; one without requirements everything. */
export function randomSelector(dice: Dice): LabelSelector | undefined {
  switch (dice.roll(8)) {
    case 0:
      return undefined;
    case 1:
      return {};
    case 2:
      return { matchExpressions: [{ key: "app", operator: "NotIn", values: [dice.pick(APPS)] }] };
    case 3:
      return { matchExpressions: [{ key: "app", operator: dice.pick(["Exists", "DoesNotExist"]) }] };
    case 4:
      return { matchLabels: { app: "nobody" } };
    default:
      return { matchLabels: { app: dice.pick(APPS) } };
  }
}

/** As `dice.pick`, of what may be undefined. */
const either = <T>(dice: Dice, from: readonly T[]): T | undefined => from[dice.roll(from.length)];
const optional = <K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { [key in K]?: V };

function randomSpread(dice: Dice): TopologySpreadConstraint {
  const whenUnsatisfiable = dice.pick(["DoNotSchedule", "ScheduleAnyway"] as const);
  const policy = () => either(dice, [undefined, "Honor", "Ignore"] as const);
  return {
    maxSkew: 1 + dice.roll(3),
    topologyKey: dice.pick(TOPOLOGY_KEYS),
    whenUnsatisfiable,
    ...optional("labelSelector", randomSelector(dice)),
    ...(dice.chance(0.2) && whenUnsatisfiable === "DoNotSchedule" ? { minDomains: 1 + dice.roll(4) } : {}),
    ...optional("nodeAffinityPolicy", policy()),
    ...optional("nodeTaintsPolicy", policy()),
    ...(dice.chance(0.2) ? { matchLabelKeys: [dice.pick(["version", "absent"])] } : {}),
  };
}

function randomAffinity(dice: Dice): Affinity {
  const affinity: Affinity = {};
  if (dice.chance(0.2)) {
    affinity.nodeAffinity = {
      ...(dice.chance(0.6)
        ? {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: some(dice, 2, () => randomNodeTerm(dice)),
            },
          }
        : {}),
      ...(dice.chance(0.6)
        ? {
            preferredDuringSchedulingIgnoredDuringExecution: some(dice, 2, () => ({
              weight: 1 + dice.roll(100),
              preference: randomNodeTerm(dice),
            })),
          }
        : {}),
    };
  }
  for (const kind of ["podAffinity", "podAntiAffinity"] as const) {
    if (!dice.chance(0.18)) continue;
    affinity[kind] = {
      ...(dice.chance(0.5)
        ? { requiredDuringSchedulingIgnoredDuringExecution: some(dice, 2, () => randomPodTerm(dice)) }
        : {}),
      ...(dice.chance(0.6)
        ? {
            preferredDuringSchedulingIgnoredDuringExecution: some(dice, 2, () => ({
              weight: 1 + dice.roll(100),
              podAffinityTerm: randomPodTerm(dice),
            })),
          }
        : {}),
    };
  }
  return affinity;
}

function randomNodeTerm(dice: Dice): NodeSelectorTerm {
  if (dice.chance(0.05)) return {};
  const names: NodeSelectorRequirement = {
    key: "metadata.name",
    operator: dice.pick(["In", "NotIn"]),
    values: [`node-${dice.roll(6)}`],
  };
  if (dice.chance(0.12)) return { matchFields: [names] };
  const requirement = dice.pick<NodeSelectorRequirement>([
    { key: ZONE, operator: "In", values: ["a", "b"] },
    { key: ZONE, operator: "NotIn", values: ["a"] },
    { key: ZONE, operator: "Exists" },
    { key: ZONE, operator: "DoesNotExist" },
    { key: "cores", operator: "Gt", values: ["4"] },
    { key: "cores", operator: "Lt", values: ["16"] },
    { key: "disk", operator: "Gt", values: ["1"] },
    { key: "disk", operator: "In", values: ["ssd"] },
  ]);
  return { matchExpressions: [requirement], ...(dice.chance(0.08) ? { matchFields: [names] } : {}) };
}

function randomPodTerm(dice: Dice): PodAffinityTerm {
  const namespaceSelector = either(dice, [
    undefined,
    undefined,
    {},
    { matchLabels: { env: "prod" } },
    { matchExpressions: [{ key: "env", operator: "NotIn" as const, values: ["prod"] }] },
  ]);
  return {
    topologyKey: dice.pick(TOPOLOGY_KEYS),
    ...optional("labelSelector", randomSelector(dice)),
    ...optional("namespaceSelector", namespaceSelector),
    ...(dice.chance(0.2) ? { namespaces: [dice.pick(NAMESPACES)] } : {}),
  };
}

function randomVolumeOfPod(dice: Dice, name: string): Volume {
  const readOnly = dice.chance(0.4);
  return dice.pick<() => Volume>([
    () => ({ name, emptyDir: {} }),
    () => ({ name, persistentVolumeClaim: { claimName: dice.pick(CLAIMS) } }),
    () => ({ name, persistentVolumeClaim: { claimName: dice.pick(CLAIMS) } }),
    () => ({ name, persistentVolumeClaim: { claimName: dice.pick(CLAIMS) } }),
    () => ({ name, gcePersistentDisk: { pdName: "disk", readOnly } }),
    () => ({ name, awsElasticBlockStore: { volumeID: dice.pick(["one", "two"]) } }),
    () => ({ name, iscsi: { targetPortal: "x", iqn: "iqn", lun: 0, readOnly } }),
    () => ({ name, rbd: { monitors: [dice.pick(["m1", "m2"])], image: "i", pool: "rbd", readOnly } }),
    () => ({ name, image: { reference: dice.pick(IMAGES) } }),
    () => ({ name, ephemeral: { volumeClaimTemplate: { spec: {} } } }),
  ])();
}
