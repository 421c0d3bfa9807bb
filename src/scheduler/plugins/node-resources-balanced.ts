import { SCORE_MAX, type Plugin } from "../framework.ts";
import { sharesWith } from "./node-resources-fit.ts";

/** Rather where CPU and memory are used alike, so that neither is left over (NodeResourcesBalancedAllocation). */
export const nodeResourcesBalanced: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  requeueOn: [],
  score: {
    weight: 1,
    normalize: "none",
    of(pod, info) {
      const { cpu, memory } = sharesWith(pod, info);
      // The standard deviation of two shares is half their difference.
      return SCORE_MAX * (1 - Math.abs(Math.min(cpu, 1) - Math.min(memory, 1)) / 2);
    },
  },
};
