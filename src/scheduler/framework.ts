/** The contracts of the scheduler: what a plugin sees and what it answers. Plugins are pure. */
import type { Amounts } from "../controller-runtime/views/amounts.ts";
import type { NodeView } from "../controller-runtime/views/node-view.ts";
import type { HostPort, PodView } from "../controller-runtime/views/pod-view.ts";

/** A node with what is already on it, assumed pods included. Plugins never change it. */
export interface NodeInfo {
  node: NodeView;
  podCount: number;
  /** CPU in thousandths, everything else in whole units. */
  requested: Amounts;
  /** The same with a minimum for pods that ask for nothing, so that they count in scores. */
  nonZeroRequested: { cpu: number; memory: number };
  hostPorts: readonly HostPort[];
}

/** What happens in a cluster that may let a waiting pod go ahead. */
export type ClusterEvent = "node-added" | "node-changed" | "pod-gone";

/** One file a plugin. A plugin filters, scores, or does both. */
export interface Plugin {
  name: string;
  /** A pod that this plugin refused is tried again after these. */
  requeueOn: readonly ClusterEvent[];
  /** Why the pod cannot run there, in Kubernetes' words; [] when it can. */
  filter?(pod: PodView, info: NodeInfo): readonly string[];
  score?: {
    weight: number;
    /** Higher is better; any range, which `normalize` brings to 0 … 100. */
    of(pod: PodView, info: NodeInfo): number;
    /** What the best of the raw scores means: 100 (default), 0 ("reverse"), or the raw scores stand as they are. */
    normalize?: "highest-is-best" | "lowest-is-best" | "none";
  };
}

export const SCORE_MAX = 100;
