/**
 * The cluster as the scheduler sees it: nodes, what is on them, and the stored objects that plugins read, kept up to date by changes,
 * with what has just been decided. Pure: it reads no clock and writes nothing.
 */
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import { isFinished, type PodView } from "../controller-runtime/views/pod-view.ts";
import type { Cluster, Profile, Tables } from "./framework.ts";
import { createAttachments } from "./attachments.ts";
import { createNodeColumns } from "./node-columns.ts";
import { createPlacement, NOWHERE, type Placement } from "./placement.ts";
import { createShapes, type Shape } from "./shapes.ts";
import { createTrials, type Trials } from "./trials.ts";
import { createTable } from "./table.ts";
import { createTopology } from "./topology.ts";
import { createImages } from "./images.ts";

export interface Snapshot {
  readonly nodeCount: number;
  setNode(node: NodeView): void;
  removeNode(name: string): void;
  /** Takes the place of what was known of this pod, also of an assumption. A pod without a node, or finished, takes nothing. */
  setPod(pod: PodView): void;
  removePod(uid: string): void;
  /** Counts the pod as on this node until the API shows where it is. */
  assume(pod: PodView, nodeName: string): void;
  isAssumed(uid: string): boolean;
  /** The binding failed. */
  forget(uid: string): void;
  /** Keeps room on a node for a pod that waits there for its victims to go; "" ends that. `setPod` does it by the pod's status. */
  nominate(pod: PodView, nodeName: string): void;
  /** Pods that room is kept for. */
  nominatedTo(nodeName: string): readonly PodView[];
  nominationOf(uid: string): string;
  /** The node on which the pod takes room, or on which room is kept for it; "" for none. */
  roomOf(uid: string): string;
  /** How many there are. */
  readonly nominations: number;
  /** The other stored objects that plugins read: `snapshot.tables.claims.set(claimView(object))`. */
  readonly tables: Tables;
  /** For the cycle, not for owners of a snapshot. */
  readonly cluster: Cluster;
  readonly placement: Placement;
  readonly trials: Trials;
  shapeOf(pod: PodView, profile: Profile): Shape;
}

const NOBODY: readonly PodView[] = [];

export function createSnapshot(): Snapshot {
  const nodes = createNodeColumns((capacity) => {
    topology.grow(capacity);
    shapes.clear();
  });
  const topology = createTopology(nodes, () => nodes.capacity);
  const placement = createPlacement(nodes, topology);
  const images = createImages();
  const tables = createTables(() => shapes.clear());
  const nominations = createNominations();
  let avoidedNodes = 0;
  const cluster: Cluster = {
    nodes,
    topology,
    tables,
    groups: placement.groups,
    placedTerms: placement.placedTerms,
    extras: (slot) => placement.extras(slot),
    podsOn: (slot) => placement.on(slot).map(({ view }) => view),
    claimUsers: (key) => placement.claimUsers(key),
    image: (name) => images.sizes(name),
    get avoidedNodes() {
      return avoidedNodes;
    },
  };
  const shapes = createShapes(cluster);
  const trials = createTrials(nodes);

  /** What the node was, if anything, is replaced by `node`; undefined is none. */
  const replace = (name: string, node: NodeView | undefined): void => {
    const before = nodes.slotOf.get(name);
    placement.without(before ?? NOWHERE, name, () => {
      if (before !== undefined) {
        shapes.nodeGoes(before);
        avoidedNodes -= isAvoided(nodes.views[before]) ? 1 : 0;
        if (node === undefined) nodes.remove(before);
      }
      const slot = node === undefined ? before : nodes.set(node);
      if (slot === undefined) return;
      topology.update(slot);
      if (node === undefined) return;
      avoidedNodes += isAvoided(node) ? 1 : 0;
      shapes.nodeComes(slot);
    });
  };

  return {
    get nodeCount() {
      return nodes.slotOf.size;
    },
    setNode(node) {
      const { name } = node.metadata;
      const slot = nodes.slotOf.get(name);
      const before = slot === undefined ? undefined : nodes.views[slot];
      if (before && placementOf(before) === placementOf(node)) nodes.set(node);
      else replace(name, node);
      images.set(nodes.slotOf.get(name) ?? NOWHERE, before, node);
    },
    removeNode(name) {
      const slot = nodes.slotOf.get(name);
      if (slot === undefined) return;
      images.set(slot, nodes.views[slot], undefined);
      replace(name, undefined);
    },
    setPod(pod) {
      const { uid } = pod.metadata;
      // News from before the binding don't undo an assumption.
      if (pod.nodeName === "" && placement.get(uid)?.assumed === true) return;
      nominations.set(pod, isFinished(pod) ? "" : pod.nominatedNodeName);
      if (pod.nodeName === "" || isFinished(pod)) placement.take(uid);
      else placement.put(pod, pod.nodeName, false);
    },
    removePod(uid) {
      nominations.delete(uid);
      placement.take(uid);
    },
    assume(pod, name) {
      nominations.delete(pod.metadata.uid);
      placement.put(pod, name, true);
    },
    isAssumed: (uid) => placement.get(uid)?.assumed === true,
    forget(uid) {
      if (placement.get(uid)?.assumed === true) placement.take(uid);
    },
    nominate: (pod, name) => nominations.set(pod, name),
    nominatedTo: (name) => nominations.to(name),
    nominationOf: (uid) => nominations.of(uid),
    roomOf: (uid) => placement.get(uid)?.node ?? nominations.of(uid),
    get nominations() {
      return nominations.size;
    },
    tables,
    cluster,
    placement,
    trials,
    shapeOf: (pod, profile) => shapes.of(pod, profile),
  };
}

/** `changed` is called when what shapes are prepared from has changed. */
function createTables(changed: () => void): Tables {
  const selecting = (before: object | undefined, after: object | undefined, of: "selector" | "metadata"): void => {
    const text = (view: object | undefined) => {
      const kept = (view as Record<string, { labels?: unknown } | undefined> | undefined)?.[of];
      return JSON.stringify(of === "metadata" ? kept?.labels : kept);
    };
    if (text(before) !== text(after)) changed();
  };
  const selectors = () => createTable<Parameters<Tables["services"]["set"]>[0]>((a, b) => selecting(a, b, "selector"));
  return {
    namespaces: createTable((before, after) => selecting(before, after, "metadata")),
    volumes: createTable(),
    claims: createTable(),
    storageClasses: createTable(),
    csiNodes: createTable(),
    attachments: createAttachments(),
    csiDrivers: createTable(),
    csiCapacities: createTable(),
    budgets: createTable(),
    services: selectors(),
    replicaSets: selectors(),
    statefulSets: selectors(),
    replicationControllers: selectors(),
  };
}

function createNominations() {
  const nodeOf = new Map<string, string>();
  const pods = new Map<string, Map<string, PodView>>();
  const drop = (uid: string): void => {
    const name = nodeOf.get(uid);
    if (name === undefined) return;
    nodeOf.delete(uid);
    const there = pods.get(name);
    there?.delete(uid);
    if (there?.size === 0) pods.delete(name);
  };
  return {
    set(pod: PodView, name: string): void {
      const { uid } = pod.metadata;
      drop(uid);
      if (name === "") return;
      nodeOf.set(uid, name);
      let there = pods.get(name);
      if (there === undefined) pods.set(name, (there = new Map()));
      there.set(uid, pod);
    },
    delete: drop,
    get size() {
      return nodeOf.size;
    },
    of: (uid: string) => nodeOf.get(uid) ?? "",
    to: (name: string): readonly PodView[] => {
      const there = pods.get(name);
      return there ? [...there.values()] : NOBODY;
    },
  };
}

/** What of a node decides where pods may go, beside amounts: a change of these is as if it went and came again. */
function placementOf({ metadata, taints, unschedulable }: NodeView): string {
  return JSON.stringify([metadata.labels, taints, unschedulable]);
}

function isAvoided(node: NodeView | undefined): boolean {
  return node?.taints.some(({ effect }) => effect === "PreferNoSchedule") === true;
}
