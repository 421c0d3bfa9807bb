import { tolerates } from "../../controller-runtime/views/tolerations.ts";
import type { Taint, Toleration } from "../../kinds/core/pods/types.ts";
import { SCORE_MAX, type Plugin, type Refusal } from "../framework.ts";
import { normalize } from "./normalize.ts";

const NAME = "TaintToleration";
/** Which taints is not said since v1.35. */
const REFUSED: Refusal = { plugin: NAME, reasons: ["node(s) had untolerated taint(s)"], unresolvable: true };

/** NoSchedule and NoExecute keep a pod away that does not tolerate them; of nodes with PreferNoSchedule rather fewer such taints. */
export const taintToleration: Plugin = {
  name: NAME,
  prepare({ spec }, cluster) {
    const { tolerations } = spec;
    const preferred = tolerations.filter(({ effect }) => !effect || effect === "PreferNoSchedule");
    const { nodes } = cluster;
    return {
      refuseNode: ({ taints }) => (untolerated(taints, tolerations) ? REFUSED : undefined),
      score({ slots, count, scores }) {
        if (cluster.avoidedNodes === 0) {
          scores.fill(SCORE_MAX, 0, count);
          return;
        }
        for (let index = 0; index < count; index++) {
          const taints = nodes.views[slots[index] ?? 0]?.taints ?? [];
          scores[index] = taints.filter((taint) => isAvoided(taint) && !tolerates(preferred, taint)).length;
        }
        normalize(scores, count, "lowest");
      },
    };
  },
  awaits: ["node"],
  helps: (event, { tolerations }) =>
    event.kind === "node" &&
    untolerated(event.after.taints, tolerations) === undefined &&
    (event.before === undefined || untolerated(event.before.taints, tolerations) !== undefined),
};

/** The first taint that keeps a pod with these tolerations away. */
export function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): Taint | undefined {
  return taints.find((taint) => !isAvoided(taint) && !tolerates(tolerations, taint));
}

function isAvoided({ effect }: Taint): boolean {
  return effect === "PreferNoSchedule";
}
