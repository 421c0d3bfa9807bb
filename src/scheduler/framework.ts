/**
 * The contracts of the scheduler: what a plugin sees and what it answers. A plugin prepares itself once for all pods of one shape (same
 * template, labels and namespace) and is then asked about nodes by their slot. Preparations hold counts that follow the cluster, so that
 * no question walks over pods. Plugins decide nothing and write nothing.
 */
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import type { HostPort, PodClaim, SchedulingSpec } from "../controller-runtime/views/scheduling-spec.ts";
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { BudgetView } from "../controller-runtime/views/budget-view.ts";
import type {
  ClaimView,
  CsiCapacityView,
  CsiDriverView,
  CsiNodeView,
  StorageClassView,
  VolumeView,
} from "../controller-runtime/views/storage-views.ts";
import type { View } from "../controller-runtime/views/view.ts";
import type { Volume } from "../kinds/core/pods/types.ts";
import type { LabelSelector } from "../machinery/selectors.ts";
import type { Attachments } from "./attachments.ts";
import type { NodeColumns } from "./node-columns.ts";
import type { PlacedTerms } from "./placed-terms.ts";
import type { PodGroups } from "./pod-groups.ts";
import type { Table } from "./table.ts";
import type { Topology } from "./topology.ts";

/** Something that selects pods: a Service, or a controller of pods. */
export interface SelectorView extends View {
  selector: LabelSelector;
}

/** The stored objects beside nodes and pods that plugins read. Whoever owns the snapshot keeps them up to date. */
export interface Tables {
  namespaces: Table<View>;
  volumes: Table<VolumeView>;
  claims: Table<ClaimView>;
  storageClasses: Table<StorageClassView>;
  csiNodes: Table<CsiNodeView>;
  attachments: Attachments;
  csiDrivers: Table<CsiDriverView>;
  csiCapacities: Table<CsiCapacityView>;
  budgets: Table<BudgetView>;
  services: Table<SelectorView>;
  replicaSets: Table<SelectorView>;
  statefulSets: Table<SelectorView>;
  replicationControllers: Table<SelectorView>;
}

/** What is on a node beside amounts; sparse. */
export interface SlotExtras {
  hostPorts: readonly HostPort[];
  disks: readonly Volume[];
}

/** The cluster as plugins see it. They never change it. */
export interface Cluster {
  readonly nodes: NodeColumns;
  readonly topology: Topology;
  readonly groups: PodGroups;
  readonly placedTerms: PlacedTerms;
  readonly tables: Tables;
  extras(slot: number): SlotExtras | undefined;
  podsOn(slot: number): readonly PodView[];
  /** Placed pods that use a claim, by "namespace/name". */
  claimUsers(key: string): number;
  /** Size in bytes of an image by the slots of nodes that have it. */
  image(name: string): ReadonlyMap<number, number> | undefined;
  /** Nodes with a taint of effect PreferNoSchedule. */
  readonly avoidedNodes: number;
}

/** Why not, in Kubernetes' words. */
export interface Refusal {
  plugin: string;
  reasons: readonly string[];
  /** Nothing changes it that happens to pods: preemption does not help. */
  unresolvable: boolean;
}

/** What pods of one shape have in common. */
export interface PodShape {
  namespace: string;
  labels: Readonly<Record<string, string>>;
  spec: SchedulingSpec;
  claims: readonly PodClaim[];
  /** Name of the node that the pod itself demands; "" mostly. */
  nodeName: string;
  /** Who manages it; undefined for nobody. */
  controller: { apiVersion: string; kind: string; name: string; uid: string } | undefined;
  /** Of the pod for which this was made; where it has claims no other pod has its shape. */
  uid: string;
}

/** What happens in a cluster that may let a waiting pod go ahead. */
export type ClusterEvent =
  /** `before` is undefined for a node that came. */
  | { kind: "node"; before: NodeView | undefined; after: NodeView }
  /** A pod is on a node now, or is not any more. */
  | { kind: "pod-came" | "pod-gone"; pod: PodView }
  /** A pod on a node has other labels, or asks for less. */
  | { kind: "pod-changed"; before: PodView; after: PodView }
  | { kind: ObjectKind; key: string };

export type ObjectKind =
  | "volume"
  | "claim"
  | "storage-class"
  | "csi-node"
  | "attachment-gone"
  | "csi-driver"
  | "csi-capacity"
  | "namespace";

export interface Prepared {
  /** Names of the only nodes that may come into question; undefined for all. */
  only?: ReadonlySet<string>;
  /** The pod can run nowhere, whatever the nodes say. */
  refusePod?: () => Refusal | undefined;
  /** Depends on the node and the shape alone: kept until the node changes. */
  refuseNode?: (node: NodeView) => Refusal | undefined;
  /** Depends on what is on nodes, too. */
  refuse?: (slot: number) => Refusal | undefined;
  /** `refuse` would refuse no node as things stand. */
  skips?: () => boolean;
  /** `refuse` looks at amounts alone (`nodes.count`). */
  byAmounts?: boolean;
  /** Fills `scores` with 0 … 100 for each of the first `count` slots, the higher the better; whole numbers. */
  score?: (input: ScoreInput) => void;
  /** A node's slot is about to be changed (no pods are on it then), and has been. */
  nodeGoes?: (slot: number) => void;
  nodeComes?: (slot: number) => void;
  release?: () => void;
}

export interface ScoreInput {
  /** Slots of the nodes in question. */
  slots: Int32Array;
  count: number;
  scores: Float64Array;
}

/** One file a plugin. */
export interface Plugin {
  name: string;
  /** Undefined where it has nothing to say of such pods. */
  prepare(shape: PodShape, cluster: Cluster): Prepared | undefined;
  /** A pod that this plugin refused is tried again after such events … */
  awaits: readonly ClusterEvent["kind"][];
  /** … where they may help it (Kubernetes' queueing hints). Asked for those kinds only. */
  helps: (event: ClusterEvent, pod: PodView) => boolean;
}

/** How pods of one `schedulerName` are scheduled. */
export interface Profile {
  schedulerName: string;
  /** In this order; the first that refuses a node names the reason. */
  plugins: readonly { plugin: Plugin; weight: number }[];
  /** 0: fewer the more nodes there are (numFeasibleNodesToFind). */
  percentageOfNodesToScore: number;
}

export const SCORE_MAX = 100;
