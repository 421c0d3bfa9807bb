/** What controllers and the scheduler keep of a node. */
import type { Node, NodeCondition } from "../../kinds/core/nodes/types.ts";
import type { Taint } from "../../kinds/core/pods/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { resourceAmounts, type Amounts } from "./amounts.ts";
import { metaView, type View } from "./view.ts";

export interface NodeView extends View {
  unschedulable: boolean;
  taints: readonly Taint[];
  podCIDR: string;
  /** Without heartbeat times, which tell nothing in a watch. */
  conditions: readonly Pick<NodeCondition, "type" | "status" | "reason" | "lastTransitionTime">[];
  allocatable: Amounts;
}

export function nodeView(object: KubeObject): NodeView {
  const { metadata, spec, status } = object as Node;
  return {
    metadata: metaView(metadata),
    unschedulable: spec?.unschedulable === true,
    taints: spec?.taints ?? [],
    podCIDR: spec?.podCIDR ?? "",
    conditions: (status?.conditions ?? []).map(({ type, status: is, reason, lastTransitionTime }) => ({
      type,
      status: is,
      ...(reason === undefined ? {} : { reason }),
      ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }),
    })),
    allocatable: resourceAmounts(status?.allocatable ?? status?.capacity),
  };
}
