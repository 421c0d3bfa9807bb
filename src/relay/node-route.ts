/** Where a node's pods are found. */
import type { KubeObject } from "../machinery/meta.ts";

export interface NodeRoute {
  name: string;
  /** InternalIP; "" while the node has not reported one. */
  address: string;
  /** "" while none is allocated. */
  podCidr: string;
}

export function nodeRoute(node: KubeObject): NodeRoute {
  const { spec, status } = node as {
    spec?: { podCIDR?: string };
    status?: { addresses?: { type: string; address: string }[] };
  };
  const internal = status?.addresses?.find(({ type }) => type === "InternalIP");
  return { name: node.metadata.name ?? "", address: internal?.address ?? "", podCidr: spec?.podCIDR ?? "" };
}
