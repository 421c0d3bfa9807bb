/** Which of the nodes that a pod may run on is best. */
import type { Shape } from "./shapes.ts";

export interface Scores {
  /** By position in `slots`: the weighted sum. */
  totals: Float64Array;
  /** The same of each plugin, where they were asked for. */
  byPlugin: ReadonlyMap<string, Float64Array>;
}

export function scoreNodes(shape: Shape, slots: Int32Array, options: { details?: boolean } = {}): Scores {
  const count = slots.length;
  const totals = new Float64Array(count);
  const byPlugin = new Map<string, Float64Array>();
  let scores = new Float64Array(count);
  for (const { name, weight, score } of shape.scorers) {
    score?.({ slots, count, scores });
    for (let index = 0; index < count; index++) totals[index] = (totals[index] ?? 0) + weight * (scores[index] ?? 0);
    if (options.details !== true) continue;
    byPlugin.set(
      name,
      scores.map((one) => one * weight),
    );
    scores = new Float64Array(count);
  }
  return { totals, byPlugin };
}

/** The position of one of the best, each as likely as the others. `fraction` is in [0, 1). */
export function best(totals: Float64Array, fraction: () => number): number {
  let highest = Number.NEGATIVE_INFINITY;
  let equals = 0;
  for (const total of totals) {
    if (total > highest) {
      highest = total;
      equals = 1;
    } else if (total === highest) {
      equals += 1;
    }
  }
  let left = equals > 1 ? Math.floor(fraction() * equals) : 0;
  for (let index = 0; index < totals.length; index++) {
    if (totals[index] === highest && left-- === 0) return index;
  }
  return 0;
}
