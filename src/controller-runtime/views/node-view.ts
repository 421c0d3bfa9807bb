/** What controllers and the scheduler keep of a node. */
import type { Node, NodeCondition } from "../../kinds/core/nodes/types.ts";
import type { Taint } from "../../kinds/core/pods/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { resourceAmounts, type Amounts } from "./amounts.ts";
import { createInterner } from "./interner.ts";
import { metaView, type View } from "./view.ts";

export interface NodeView extends View {
  unschedulable: boolean;
  taints: readonly Taint[];
  podCIDR: string;
  /** Without heartbeat times, which tell nothing in a watch. */
  conditions: readonly Pick<NodeCondition, "type" | "status" | "reason" | "lastTransitionTime">[];
  allocatable: Amounts;
  /** Names of images that it has, and as many sizes in bytes. */
  imageNames: readonly string[];
  imageSizes: readonly number[];
}

const NONE: readonly never[] = [];

/** Views that share names of images, of which most nodes have the same. */
export function createNodeViews(): (object: KubeObject) => NodeView {
  const interner = createInterner();
  return (object) => {
    const view = nodeView(object);
    if (view.imageNames.length > 0) view.imageNames = view.imageNames.map((name) => interner.text(name));
    return view;
  };
}

export function nodeView(object: KubeObject): NodeView {
  const { metadata, spec, status } = object as Node;
  const images = (status?.images ?? NONE).flatMap(({ names = [], sizeBytes = 0 }) =>
    names.map((name) => ({ name, sizeBytes })),
  );
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
    imageNames: images.length === 0 ? NONE : images.map(({ name }) => name),
    imageSizes: images.length === 0 ? NONE : images.map(({ sizeBytes }) => sizeBytes),
  };
}
