/** Whether a pod may run on a node: what every decision asks, however many nodes it looks at. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import type { Refusal } from "./framework.ts";
import type { Shape } from "./shapes.ts";
import type { Snapshot } from "./snapshot.ts";

/** Why the pod cannot run on the node of this slot; undefined when it can, with those that wait for room there and without them. */
export function refusalAt(snapshot: Snapshot, shape: Shape, pod: PodView, slot: number): Refusal | undefined {
  const refusal = shape.refuseNode(slot);
  if (refusal) return refusal;
  const name = snapshot.cluster.nodes.views[slot]?.metadata.name ?? "";
  const waiting = snapshot.nominatedTo(name);
  if (waiting.length > 0) {
    const { placement } = snapshot;
    const before = waiting.filter(
      ({ metadata, priority }) => priority >= pod.priority && metadata.uid !== pod.metadata.uid,
    );
    const guests = before.map((one) => placement.guest(one, slot));
    for (const guest of guests) placement.drop(guest);
    const refused = refusalByPods(shape, slot);
    for (const guest of guests) placement.lift(guest);
    // Affinity to those that only wait does not count: they may not come.
    if (refused || guests.length === 0) return refused;
  }
  return refusalByPods(shape, slot);
}

function refusalByPods({ filters }: Shape, slot: number): Refusal | undefined {
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
