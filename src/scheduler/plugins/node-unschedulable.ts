import type { Taint } from "../../kinds/core/pods/types.ts";
import type { Plugin } from "../framework.ts";
import { tolerates } from "../../controller-runtime/views/tolerations.ts";

const TAINT: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

/** `kubectl cordon`: only for pods that tolerate its taint. */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  requeueOn: ["node-added", "node-changed"],
  filter: (pod, { node }) =>
    node.unschedulable && !tolerates(pod.tolerations, TAINT) ? ["node(s) were unschedulable"] : [],
};
