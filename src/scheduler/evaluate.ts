/** What every node has to say of a pod: all nodes, all scores. The decisions of cycle.ts are made of the same parts. */
import type { PodView } from "../controller-runtime/views/pod-view.ts";
import { asking, candidatesOf, refusalAt, refusalOfPod } from "./filter.ts";
import type { Profile, Refusal } from "./framework.ts";
import { scoreNodes } from "./score.ts";
import type { Snapshot } from "./snapshot.ts";

export interface NodeEvaluation {
  /** Why not; undefined where the pod may run. */
  refused?: Refusal;
  /** Normalized and weighted, by plugin; plugins that have nothing to say of such a pod are left out. */
  scores: Readonly<Record<string, number>>;
  total: number;
}

export interface Evaluation {
  /** The pod can run nowhere, whatever nodes there are; then `nodes` is empty. */
  refused?: Refusal;
  /** By name. Refused ones have no scores. */
  nodes: ReadonlyMap<string, NodeEvaluation>;
}

export function evaluate(snapshot: Snapshot, pod: PodView, profile: Profile): Evaluation {
  const shape = snapshot.shapeOf(pod, profile);
  const { nodes } = snapshot.cluster;
  const evaluated = new Map<string, NodeEvaluation>();
  const refused = refusalOfPod(shape);
  if (refused) return { refused, nodes: evaluated };
  const { slots, otherwise } = candidatesOf(snapshot, shape);
  const feasible: number[] = [];
  const nameOf = (slot: number) => nodes.views[slot]?.metadata.name ?? "";
  const ask = asking(snapshot, shape, pod);
  for (const slot of slots) {
    const refusal = refusalAt(ask, slot);
    if (refusal) evaluated.set(nameOf(slot), { refused: refusal, scores: {}, total: 0 });
    else feasible.push(slot);
  }
  if (otherwise) {
    const asked = new Set(slots);
    for (const [name, slot] of nodes.slotOf) {
      if (!asked.has(slot)) evaluated.set(name, { refused: otherwise, scores: {}, total: 0 });
    }
  }
  const { totals, byPlugin } = scoreNodes(shape, Int32Array.from(feasible), { details: true });
  feasible.forEach((slot, index) => {
    const scores = Object.fromEntries([...byPlugin].map(([name, values]) => [name, values[index] ?? 0]));
    evaluated.set(nameOf(slot), { scores, total: totals[index] ?? 0 });
  });
  return { nodes: evaluated };
}
