import type { Plugin } from "../framework.ts";
import { tolerates } from "../../controller-runtime/views/tolerations.ts";

/** NoSchedule and NoExecute keep a pod away that does not tolerate them; of nodes with PreferNoSchedule rather fewer such taints. */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  requeueOn: ["node-added", "node-changed"],
  filter(pod, { node }) {
    const taint = node.taints.find((one) => one.effect !== "PreferNoSchedule" && !tolerates(pod.tolerations, one));
    return taint ? [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`] : [];
  },
  score: {
    weight: 3,
    normalize: "lowest-is-best",
    of(pod, { node }) {
      const preferred = pod.tolerations.filter(({ effect }) => effect === undefined || effect === "PreferNoSchedule");
      return node.taints.filter((taint) => taint.effect === "PreferNoSchedule" && !tolerates(preferred, taint)).length;
    },
  },
};
