/** Whether a pod may run on a node: what every decision asks, however many nodes it looks at. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { Refusal } from "./framework.ts";
import type { PreparedPlugin, Shape } from "./shapes.ts";
import type { Snapshot } from "./snapshot.ts";

/** A pod that asks, and which of its filters have something to say as things stand. */
export interface Asking {
  snapshot: Snapshot;
  shape: Shape;
  pod: PodView;
  filters: readonly PreparedPlugin[];
  /** Somewhere room is kept for a pod. */
  anyNominated: boolean;
  /** All filters that have something to say look at amounts alone. */
  byAmounts: boolean;
}

export function asking(snapshot: Snapshot, shape: Shape, pod: PodView): Asking {
  const filters = shape.filters.filter(({ skips }) => skips === undefined || !skips());
  const byAmounts = filters.every((filter) => filter.byAmounts === true);
  return { snapshot, shape, pod, filters, anyNominated: snapshot.nominations > 0, byAmounts };
}

/** Whether the answer of a node depends on the shape and on the amounts there alone: then it holds until these change. */
export function isByAmounts({ snapshot, anyNominated, byAmounts }: Asking, slot: number): boolean {
  if (!byAmounts || !anyNominated) return byAmounts;
  return waitingAt(snapshot, slot).length === 0;
}

/** Why the pod cannot run on the node of this slot; undefined when it can, with those that wait for room there and without them. */
export function refusalAt(ask: Asking, slot: number): Refusal | undefined {
  const { snapshot, shape, pod, filters, anyNominated } = ask;
  const refusal = shape.refuseNode(slot);
  if (refusal) return refusal;
  if (anyNominated) {
    const guests = waitingAt(snapshot, slot).filter(
      ({ metadata, priority }) => priority >= pod.priority && metadata.uid !== pod.metadata.uid,
    );
    // Affinity to those that only wait does not count: they may not come.
    const refused = guests.length > 0 ? refusalWith(ask, slot, guests) : undefined;
    if (refused) return refused;
  }
  return refusalByPods(filters, slot);
}

/** Pods that room is kept for on the node of this slot. */
export function waitingAt(snapshot: Snapshot, slot: number): readonly PodView[] {
  return snapshot.nominatedTo(snapshot.cluster.nodes.views[slot]?.metadata.name ?? "");
}

/** It wants nothing of other pods, so that for a pod that asks about amounts nothing but amounts changes with it. */
export function takesAmountsAlone({ scheduling }: PodView): boolean {
  return scheduling.podAffinity === undefined && scheduling.podAntiAffinity === undefined;
}

function refusalWith(
  { snapshot, shape, filters, byAmounts }: Asking,
  slot: number,
  guests: readonly PodView[],
): Refusal | undefined {
  const { placement, cluster } = snapshot;
  if (byAmounts && guests.every(takesAmountsAlone)) {
    const { nodes } = cluster;
    const version = nodes.versions[slot] ?? 0;
    for (const { scheduling } of guests) nodes.count(slot, scheduling, 1);
    const refused = refusalByPods(filters, slot);
    for (const { scheduling } of guests) nodes.count(slot, scheduling, -1);
    nodes.versions[slot] = version;
    return refused;
  }
  const placed = guests.map((one) => placement.guest(one, slot));
  for (const guest of placed) placement.drop(guest);
  const refused = refusalByPods(shape.filters, slot);
  for (const guest of placed) placement.lift(guest);
  return refused;
}

function refusalByPods(filters: readonly PreparedPlugin[], slot: number): Refusal | undefined {
  for (let index = 0; index < filters.length; index++) {
    const refusal = filters[index]?.refuse?.(slot);
    if (refusal) return refusal;
  }
  return undefined;
}

/** Why the pod can run nowhere, whatever nodes there are. */
export function refusalOfPod({ plugins }: Shape): Refusal | undefined {
  for (const { refusePod } of plugins) {
    const refusal = refusePod?.();
    if (refusal) return refusal;
  }
  return undefined;
}

export interface Candidates {
  /** Slots of the nodes that may come into question, in order. */
  slots: Int32Array;
  /** Where these are not all nodes: why the others are refused. */
  otherwise?: Refusal;
}

/** All nodes, but for pods that name theirs. */
export function candidatesOf(snapshot: Snapshot, { plugins }: Shape): Candidates {
  const naming = plugins.find(({ only }) => only !== undefined);
  const { nodes } = snapshot.cluster;
  if (naming?.only === undefined) return { slots: nodes.list() };
  const slots = [...naming.only].flatMap((name) => nodes.slotOf.get(name) ?? []);
  const reasons = [`node(s) didn't satisfy plugin(s) [${naming.name}]`];
  return { slots: Int32Array.from(slots), otherwise: { plugin: naming.name, reasons, unresolvable: true } };
}
