/** Brings raw scores to 0 … 100 in whole numbers (pkg/scheduler/framework/plugins/helper, DefaultNormalizeScore). */
import { SCORE_MAX } from "../framework.ts";

export function normalize(scores: Float64Array, count: number, best: "highest" | "lowest"): void {
  let highest = 0;
  for (let index = 0; index < count; index++) highest = Math.max(highest, scores[index] ?? 0);
  for (let index = 0; index < count; index++) {
    const share = highest === 0 ? 0 : Math.trunc((SCORE_MAX * (scores[index] ?? 0)) / highest);
    scores[index] = best === "highest" ? share : SCORE_MAX - share;
  }
}
