/** The network of a node as the agent sees it: services for its pods, routes to other nodes' pods. */
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { SyncResponse } from "../../src/relay/protocol.ts";

export interface NetworkState {
  nodeName: string;
  /** Of this node; undefined until it has one. */
  podCidr: string | undefined;
  services: readonly KubeObject[];
  endpointSlices: readonly KubeObject[];
  peers: NonNullable<SyncResponse["peers"]>;
}

export interface PodNetwork {
  /** Takes the whole state over, soon: calls in a burst become one. Never throws; what fails is logged and tried again. */
  apply(state: NetworkState): void;
  /** Resolves when the last state has been taken over (or has failed). */
  settled(): Promise<void>;
  /** Removes everything it made on this machine, unless pods run on and need it: then the next agent takes it over. */
  stop(options?: { keep: boolean }): Promise<void>;
}

/** For engines whose pods share the node's network. */
export function createNoNetwork(): PodNetwork {
  return {
    apply: () => undefined,
    settled: async () => undefined,
    stop: async () => undefined,
  };
}
