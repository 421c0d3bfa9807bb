/** Random clusters for the property tests: few names, so that what asks and what is asked for meet often. */
import type { Node } from "../../src/kinds/core/nodes/types.ts";
import type { PersistentVolumeClaim } from "../../src/kinds/core/persistentvolumeclaims/types.ts";
import type { PersistentVolume } from "../../src/kinds/core/persistentvolumes/types.ts";
import type { Taint } from "../../src/kinds/core/pods/types.ts";
import type { PodDisruptionBudget } from "../../src/kinds/policy/poddisruptionbudgets/types.ts";
import type { CsiNode, VolumeAttachment } from "../../src/kinds/storage/types.ts";
import type { Dice } from "../harness/seeded.ts";
import { randomPlacedPod, randomSelector } from "./random-pod.ts";
import type { ReferenceCluster } from "./reference/cluster.ts";
import { CLAIMS, HOSTNAME, IMAGES, NAMESPACES, ZONE, ZONES } from "./vocabulary.ts";

const DRIVER = "disk.example.com";
const IMAGE_MIB = [40, 700, 1500] as const;
const TAINTS: readonly Taint[] = [
  { key: "gpu", value: "yes", effect: "NoSchedule" },
  { key: "gpu", effect: "PreferNoSchedule" },
  { key: "old", value: "1", effect: "PreferNoSchedule" },
  { key: "dying", effect: "NoExecute" },
];

/** Objects that change: what `ReferenceCluster` reads. */
export type MutableCluster = { -readonly [kind in keyof ReferenceCluster]: ReferenceCluster[kind][number][] };

export function randomCluster(dice: Dice, size: { nodes: number; pods: number }): MutableCluster {
  const cluster: MutableCluster = { ...fixed(), ...storage(dice), nodes: [], pods: [], budgets: [] };
  for (let at = 0; at < size.nodes; at++) cluster.nodes.push(randomNode(dice, `node-${at}`));
  cluster.csiNodes = cluster.nodes
    .filter(() => dice.chance(0.5))
    .map(({ metadata }) => csiNode(dice, metadata.name ?? ""));
  cluster.attachments = cluster.nodes
    .filter(() => dice.chance(0.3))
    .map(({ metadata }) => attachment(dice, metadata.name ?? ""));
  for (let at = 0; at < size.pods; at++) cluster.pods.push(randomPlacedPod(dice, `placed-${at}`, cluster.nodes));
  cluster.budgets = [randomBudget(dice, "first"), randomBudget(dice, "second")];
  return cluster;
}

export function randomNode(dice: Dice, name: string): Node {
  const labels: Record<string, string> = { disk: dice.pick(["ssd", "hdd"]), cores: String(dice.pick([4, 8, 16])) };
  if (!dice.chance(0.1)) labels[HOSTNAME] = name;
  if (!dice.chance(0.15)) labels[ZONE] = dice.pick(ZONES);
  const allocatable: Record<string, string> = {
    cpu: dice.pick(["1", "2500m", "4", "8"]),
    memory: dice.pick(["2Gi", "4Gi", "9000M", "16Gi"]),
    pods: dice.pick(["3", "6", "20", "110"]),
  };
  if (dice.chance(0.5)) allocatable["ephemeral-storage"] = "10Gi";
  if (dice.chance(0.4)) allocatable["example.com/gpu"] = dice.pick(["0", "1", "4"]);
  if (dice.chance(0.3)) allocatable["hugepages-2Mi"] = "1Gi";
  if (dice.chance(0.05)) allocatable["memory"] = "0";
  const taints = TAINTS.filter(() => dice.chance(0.12));
  const images = IMAGES.flatMap((image, at) =>
    dice.chance(0.4) ? [{ names: [image, `${image}@sha256:0`], sizeBytes: (IMAGE_MIB[at] ?? 1) * 1024 * 1024 }] : [],
  );
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, uid: `uid-${name}`, labels },
    spec: { ...(taints.length > 0 ? { taints } : {}), ...(dice.chance(0.06) ? { unschedulable: true } : {}) },
    status: { allocatable, capacity: allocatable, images },
  };
}

export function csiNode(dice: Dice, name: string): CsiNode {
  const limit = dice.chance(0.7) ? { allocatable: { count: dice.roll(3) } } : {};
  return { ...csi("CSINode", name), spec: { drivers: [{ name: DRIVER, nodeID: name, ...limit }] } };
}

export function attachment(dice: Dice, nodeName: string): VolumeAttachment {
  const persistentVolumeName = `volume-${dice.roll(6)}`;
  const spec = { attacher: DRIVER, nodeName, source: { persistentVolumeName } };
  return { ...csi("VolumeAttachment", `of-${persistentVolumeName}-to-${nodeName}`), spec };
}

export function randomBudget(dice: Dice, name: string): PodDisruptionBudget {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, namespace: dice.pick(NAMESPACES) },
    spec: { minAvailable: 1, selector: randomSelector(dice) ?? {} },
    status: {
      disruptionsAllowed: dice.roll(3),
      ...(dice.chance(0.3) ? { disruptedPods: { "placed-1": "2026-01-01T00:00:00Z" } } : {}),
    },
  };
}

/** What is the same in all clusters. The namespace "ghost" is not known, as when its event is late. */
function fixed(): Pick<
  MutableCluster,
  "namespaces" | "services" | "replicationControllers" | "replicaSets" | "statefulSets" | "csiNodes" | "attachments"
> {
  const template = { spec: { containers: [] } };
  return {
    namespaces: [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "default", labels: { env: "prod" } } },
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "team", labels: { env: "test" } } },
    ],
    services: [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web", namespace: "default" },
        spec: { selector: { app: "web" } },
      },
      { apiVersion: "v1", kind: "Service", metadata: { name: "nothing", namespace: "default" }, spec: {} },
    ],
    replicationControllers: [
      {
        apiVersion: "v1",
        kind: "ReplicationController",
        metadata: { name: "rc", namespace: "default" },
        spec: { selector: { app: "cache" }, template },
      },
    ],
    replicaSets: [
      {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        metadata: { name: "rs", namespace: "default" },
        spec: { selector: { matchExpressions: [{ key: "app", operator: "In", values: ["db", "web"] }] }, template },
      },
    ],
    statefulSets: [
      {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "ss", namespace: "team" },
        spec: { serviceName: "ss", selector: { matchLabels: { app: "db" } }, template },
      },
    ],
    csiNodes: [],
    attachments: [],
  };
}

const csi = <Kind extends string>(kind: Kind, name: string, namespace?: string) => ({
  apiVersion: "storage.k8s.io/v1",
  kind,
  metadata: { name, uid: `uid-${kind}-${name}`, ...(namespace === undefined ? {} : { namespace }) },
});

function storage(
  dice: Dice,
): Pick<MutableCluster, "volumes" | "claims" | "storageClasses" | "csiDrivers" | "csiCapacities"> {
  return {
    storageClasses: [
      { ...csi("StorageClass", "now"), provisioner: DRIVER, volumeBindingMode: "Immediate" },
      { ...csi("StorageClass", "later"), provisioner: DRIVER, volumeBindingMode: "WaitForFirstConsumer" },
      {
        ...csi("StorageClass", "there"),
        provisioner: DRIVER,
        volumeBindingMode: "WaitForFirstConsumer",
        allowedTopologies: [{ matchLabelExpressions: [{ key: ZONE, values: ["a", "b"] }] }],
      },
      {
        ...csi("StorageClass", "local"),
        provisioner: "kubernetes.io/no-provisioner",
        volumeBindingMode: "WaitForFirstConsumer",
      },
    ],
    csiDrivers: [{ ...csi("CSIDriver", DRIVER), spec: { storageCapacity: dice.chance(0.5) } }],
    csiCapacities: ["later", "there"].map((storageClassName) => ({
      ...csi("CSIStorageCapacity", `capacity-${storageClassName}`, "default"),
      storageClassName,
      capacity: dice.pick(["1Gi", "50Gi"]),
      ...(dice.chance(0.3) ? { maximumVolumeSize: "3Gi" } : {}),
      ...(dice.chance(0.9) ? { nodeTopology: { matchLabels: { [ZONE]: dice.pick(ZONES) } } } : {}),
    })),
    volumes: Array.from({ length: 6 }, (_, at) => randomVolume(dice, at)),
    claims: CLAIMS.filter(() => dice.chance(0.9)).map((name) => randomClaim(dice, name)),
  };
}

/** No two are of one size: of equals any may be taken. */
export function randomVolume(dice: Dice, at: number): PersistentVolume {
  const name = `volume-${at}`;
  const zone = dice.pick(ZONES);
  const terms = dice.chance(0.5)
    ? [{ matchExpressions: [{ key: ZONE, operator: "In" as const, values: [zone] }] }]
    : [{ matchExpressions: [{ key: "disk", operator: "In" as const, values: ["ssd"] }] }];
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: {
      name,
      uid: `uid-${name}`,
      labels: { speed: dice.pick(["fast", "slow"]), ...(dice.chance(0.5) ? { [ZONE]: dice.pick(["a", "b__c"]) } : {}) },
    },
    spec: {
      capacity: { storage: `${at + 1}Gi` },
      accessModes: dice.chance(0.8) ? ["ReadWriteOnce", "ReadWriteOncePod"] : ["ReadOnlyMany"],
      storageClassName: dice.pick(["local", "later"]),
      ...(dice.chance(0.6) ? { nodeAffinity: { required: { nodeSelectorTerms: terms } } } : {}),
      ...(dice.chance(0.2) ? { claimRef: { namespace: "default", name: dice.pick(CLAIMS) } } : {}),
      ...(dice.chance(0.5) ? { csi: { driver: DRIVER, volumeHandle: name } } : {}),
      ...(dice.chance(0.1) ? { volumeMode: "Block" as const } : {}),
    },
    status: { phase: dice.chance(0.85) ? "Available" : "Released" },
  };
}

export function randomClaim(dice: Dice, name: string): PersistentVolumeClaim {
  const bound = dice.chance(0.4);
  const annotations: Record<string, string> = {};
  if (bound && dice.chance(0.9)) annotations["pv.kubernetes.io/bind-completed"] = "yes";
  if (!bound && dice.chance(0.1)) annotations["volume.kubernetes.io/selected-node"] = "node-1";
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      annotations,
      ...(dice.chance(0.03) ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
    spec: {
      accessModes: [dice.chance(0.4) ? "ReadWriteOncePod" : "ReadWriteOnce"],
      resources: { requests: { storage: dice.pick(["1Gi", "2Gi", "4Gi"]) } },
      storageClassName: dice.pick(["now", "later", "later", "later", "there", "local", "local", "unknown", ""]),
      ...(bound ? { volumeName: dice.pick(["volume-0", "volume-1", "volume-2", "volume-3", "volume-gone"]) } : {}),
      ...(dice.chance(0.15) ? { selector: { matchLabels: { speed: "fast" } } } : {}),
    },
    status: { phase: dice.chance(0.04) ? "Lost" : bound ? "Bound" : "Pending" },
  };
}
