/** A cluster as plain Kubernetes objects, and the naive questions that are asked of it. Written to be read: nothing is remembered. */
import type { ReplicaSet } from "../../../src/kinds/apps/replicasets/types.ts";
import type { StatefulSet } from "../../../src/kinds/apps/statefulsets/types.ts";
import type { Namespace } from "../../../src/kinds/core/namespaces/types.ts";
import type { Node } from "../../../src/kinds/core/nodes/types.ts";
import type { PersistentVolumeClaim } from "../../../src/kinds/core/persistentvolumeclaims/types.ts";
import type { PersistentVolume } from "../../../src/kinds/core/persistentvolumes/types.ts";
import type { Pod } from "../../../src/kinds/core/pods/types.ts";
import type { ReplicationController } from "../../../src/kinds/core/replicationcontrollers/types.ts";
import type { Service } from "../../../src/kinds/core/services/types.ts";
import type { PodDisruptionBudget } from "../../../src/kinds/policy/poddisruptionbudgets/types.ts";
import type {
  CsiDriver,
  CsiNode,
  CsiStorageCapacity,
  StorageClass,
  VolumeAttachment,
} from "../../../src/kinds/storage/types.ts";
import type { KubeObject } from "../../../src/machinery/meta.ts";

export interface ReferenceCluster {
  nodes: readonly Node[];
  /** All of them: waiting, placed and finished. */
  pods: readonly Pod[];
  namespaces: readonly Namespace[];
  services: readonly Service[];
  replicationControllers: readonly ReplicationController[];
  replicaSets: readonly ReplicaSet[];
  statefulSets: readonly StatefulSet[];
  budgets: readonly PodDisruptionBudget[];
  volumes: readonly PersistentVolume[];
  claims: readonly PersistentVolumeClaim[];
  storageClasses: readonly StorageClass[];
  csiNodes: readonly CsiNode[];
  attachments: readonly VolumeAttachment[];
  csiDrivers: readonly CsiDriver[];
  csiCapacities: readonly CsiStorageCapacity[];
}

export const EMPTY_CLUSTER: ReferenceCluster = {
  nodes: [],
  pods: [],
  namespaces: [],
  services: [],
  replicationControllers: [],
  replicaSets: [],
  statefulSets: [],
  budgets: [],
  volumes: [],
  claims: [],
  storageClasses: [],
  csiNodes: [],
  attachments: [],
  csiDrivers: [],
  csiCapacities: [],
};

/** A node is refused for these reasons; preemption cannot help where it is `unresolvable`. */
export interface Refusal {
  plugin: string;
  reasons: string[];
  unresolvable: boolean;
}

/** Refuses the pod whatever the node. */
export type PodFilter = (cluster: ReferenceCluster, pod: Pod) => Refusal | undefined;
export type NodeFilter = (cluster: ReferenceCluster, pod: Pod, node: Node) => Refusal | undefined;
/** 0 … 100 for each of the feasible nodes, in their order. */
export type Scorer = (cluster: ReferenceCluster, pod: Pod, feasible: readonly Node[]) => number[];

export const nameOf = ({ metadata }: KubeObject): string => metadata.name ?? "";
export const namespaceOf = ({ metadata }: KubeObject): string => metadata.namespace ?? "";
export const labelsOf = ({ metadata }: KubeObject): Readonly<Record<string, string>> => metadata.labels ?? {};
export const priorityOf = ({ spec }: Pod): number => spec.priority ?? 0;

/** The scheduler does not see pods that have ended. */
export function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

export function podsOn({ pods }: ReferenceCluster, node: Node): Pod[] {
  return pods.filter((pod) => pod.spec.nodeName === nameOf(node) && !hasEnded(pod));
}

/** Pods of nodes that exist, each with its node. */
export function placedPods(cluster: ReferenceCluster): { pod: Pod; node: Node }[] {
  return cluster.nodes.flatMap((node) => podsOn(cluster, node).map((pod) => ({ pod, node })));
}

export function find<T extends KubeObject>(objects: readonly T[], name: string, namespace = ""): T | undefined {
  return objects.find((object) => nameOf(object) === name && namespaceOf(object) === namespace);
}
