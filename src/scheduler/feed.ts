/** Keeps a snapshot up to date with the stores, and says what happened that may let waiting pods go ahead. */
import type { Change, Informer } from "../controller-runtime/informer.ts";
import type { Stores } from "../controller-runtime/stores.ts";
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import { isFinished, type PodView } from "../controller-runtime/views/pod-view.ts";
import type { View } from "../controller-runtime/views/view.ts";
import type { LabelSelector } from "../machinery/selectors.ts";
import type { ClusterEvent, ObjectKind, SelectorView } from "./framework.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Table } from "./table.ts";

export type FedStores = Pick<
  Stores,
  | "pods"
  | "nodes"
  | "namespaces"
  | "services"
  | "replicaSets"
  | "statefulSets"
  | "replicationControllers"
  | "podDisruptionBudgets"
  | "persistentVolumes"
  | "persistentVolumeClaims"
  | "storageClasses"
  | "csiNodes"
  | "volumeAttachments"
  | "csiDrivers"
  | "csiStorageCapacities"
>;

export interface Feed {
  stores: FedStores;
  snapshot: Snapshot;
  happened: (event: ClusterEvent) => void;
  /** After the snapshot knows it. */
  podChanged: (change: Change<PodView>) => void;
  /** After everything else. */
  changed: () => void;
}

export function feedSnapshot({ stores, snapshot, happened, podChanged, changed }: Feed): void {
  stores.pods.onChange((change) => {
    const { before } = change;
    const room = before ? snapshot.roomOf(before.metadata.uid) : "";
    applyPod(snapshot, change);
    podChanged(change);
    const events = podEvents(change);
    // A pod may go that was never seen on its node: it was decided on and bound a moment ago, or its victims were to make room for it.
    if (before && room !== "" && snapshot.roomOf(before.metadata.uid) !== room && !events.some(isPodGone)) {
      events.push({ kind: "pod-gone", pod: before });
    }
    for (const event of events) happened(event);
    changed();
  });
  stores.nodes.onChange(({ before, after }) => {
    if (after) snapshot.setNode(after);
    else if (before) snapshot.removeNode(before.metadata.name);
    if (after && (before === undefined || relevant(before) !== relevant(after)))
      happened({ kind: "node", before, after });
    changed();
  });
  const { tables } = snapshot;
  const follow = <T extends View>(
    informer: Informer<T>,
    table: Table<T>,
    { written, gone }: { written?: ObjectKind; gone?: ObjectKind } = {},
  ): void => {
    informer.onChange(({ key, after }) => {
      if (after) table.set(after);
      else table.remove(key);
      const kind = after ? written : gone;
      if (kind) happened({ kind, key });
      changed();
    });
  };
  follow(stores.namespaces, tables.namespaces, { written: "namespace" });
  follow(stores.persistentVolumes, tables.volumes, { written: "volume" });
  follow(stores.persistentVolumeClaims, tables.claims, { written: "claim" });
  follow(stores.storageClasses, tables.storageClasses, { written: "storage-class" });
  follow(stores.csiNodes, tables.csiNodes, { written: "csi-node" });
  follow(stores.volumeAttachments, tables.attachments, { gone: "attachment-gone" });
  follow(stores.csiDrivers, tables.csiDrivers, { written: "csi-driver" });
  follow(stores.csiStorageCapacities, tables.csiCapacities, { written: "csi-capacity" });
  follow(stores.podDisruptionBudgets, tables.budgets);
  select(stores.services, tables.services, ({ spec }) => (spec.selector ? { matchLabels: spec.selector } : undefined));
  select(stores.replicaSets, tables.replicaSets, ({ selector }) => selector);
  select(stores.statefulSets, tables.statefulSets, ({ selector }) => selector);
  select(stores.replicationControllers, tables.replicationControllers, ({ selector }) => selector);
}

function select<T extends View>(
  informer: Informer<T>,
  table: Table<SelectorView>,
  selectorOf: (view: T) => LabelSelector | undefined,
): void {
  informer.onChange(({ key, after }) => {
    const selector = after && selectorOf(after);
    if (after && selector) table.set({ metadata: after.metadata, selector });
    else table.remove(key);
  });
}

function applyPod(snapshot: Snapshot, { before, after }: Change<PodView>): void {
  if (before && before.metadata.uid !== after?.metadata.uid) snapshot.removePod(before.metadata.uid);
  if (after) snapshot.setPod(after);
}

function podEvents({ before, after }: Change<PodView>): ClusterEvent[] {
  const old = before && isPlaced(before) ? before : undefined;
  const now = after && isPlaced(after) ? after : undefined;
  if (old && now && old.metadata.uid === now.metadata.uid) {
    const same =
      old.scheduling.key === now.scheduling.key &&
      JSON.stringify(old.metadata.labels) === JSON.stringify(now.metadata.labels) &&
      old.metadata.deletionTimestamp === now.metadata.deletionTimestamp;
    return same ? [] : [{ kind: "pod-changed", before: old, after: now }];
  }
  return [
    ...(old ? [{ kind: "pod-gone", pod: old } as const] : []),
    ...(now ? [{ kind: "pod-came", pod: now } as const] : []),
  ];
}

function isPodGone({ kind }: ClusterEvent): boolean {
  return kind === "pod-gone";
}

function isPlaced(pod: PodView): boolean {
  return pod.nodeName !== "" && !isFinished(pod);
}

/** Everything of a node that plugins look at. */
function relevant({ metadata, taints, unschedulable, allocatable }: NodeView): string {
  const keys = taints.map(({ key, value, effect }) => [key, value, effect]);
  return JSON.stringify([metadata.labels, keys, unschedulable, allocatable]);
}
