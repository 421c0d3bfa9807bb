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
  const name = snapshot.cluster.nodes.views[slot]?.metadata.name ?? "";
  return snapshot.nominatedTo(name).length === 0;
}

/** Why the pod cannot run on the node of this slot; undefined when it can, with those that wait for room there and without them. */
export function refusalAt({ snapshot, shape, pod, filters, anyNominated }: Asking, slot: number): Refusal | undefined {
  const refusal = shape.refuseNode(slot);
  if (refusal) return refusal;
  if (anyNominated) {
    const name = snapshot.cluster.nodes.views[slot]?.metadata.name ?? "";
    const { placement } = snapshot;
    const guests = snapshot
      .nominatedTo(name)
      .filter(({ metadata, priority }) => priority >= pod.priority && metadata.uid !== pod.metadata.uid)
      .map((one) => placement.guest(one, slot));
    if (guests.length > 0) {
      for (const guest of guests) placement.drop(guest);
      const refused = refusalByPods(shape.filters, slot);
      for (const guest of guests) placement.lift(guest);
      // Affinity to those that only wait does not count: they may not come.
      if (refused) return refused;
    }
  }
  return refusalByPods(filters, slot);
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
