import { tolerates } from "../../controller-runtime/views/tolerations.ts";
import type { Taint } from "../../kinds/core/pods/types.ts";
import type { Plugin, Refusal } from "../framework.ts";

const TAINT: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
const NAME = "NodeUnschedulable";
const REFUSED: Refusal = { plugin: NAME, reasons: ["node(s) were unschedulable"], unresolvable: true };

/** `kubectl cordon`: only for pods that tolerate its taint. */
export const nodeUnschedulable: Plugin = {
  name: NAME,
  prepare: ({ spec }) =>
    tolerates(spec.tolerations, TAINT)
      ? undefined
      : { refuseNode: (node) => (node.unschedulable ? REFUSED : undefined) },
  awaits: ["node"],
  helps: (event) => event.kind === "node" && !event.after.unschedulable && event.before?.unschedulable !== false,
};
