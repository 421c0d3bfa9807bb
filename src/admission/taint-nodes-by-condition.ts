/** TaintNodesByCondition: a new node takes no pods before it is known to be ready (plugin/pkg/admission/nodetaint). */
import type { Node } from "../kinds/core/nodes/types.ts";
import type { Taint } from "../kinds/core/pods/types.ts";
import type { AdmissionPlugin } from "./admission.ts";

const NOT_READY: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };

export function createTaintNodesByCondition(): AdmissionPlugin {
  return {
    name: "TaintNodesByCondition",
    mutate({ operation, group, resource, subresource, object }) {
      if (operation !== "CREATE" || group !== "" || resource !== "nodes" || subresource !== "") return;
      const node = object as Node;
      const taints = node.spec?.taints ?? [];
      if (taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)) return;
      node.spec = { ...node.spec, taints: [...taints, { ...NOT_READY }] };
    },
  };
}
