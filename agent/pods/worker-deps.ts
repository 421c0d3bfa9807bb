/** What all pod workers of a node share. */
import type { Clock, Log, Random, Timers } from "../../src/platform/platform.ts";
import type { Engine } from "../engines/engine.ts";
import type { Prober } from "../probes/prober.ts";
import type { RunHook } from "../probes/run-probe.ts";
import type { StatusBook } from "../status/status-book.ts";
import type { MemoryFolders } from "../volumes/memory-folder.ts";
import type { PodToken } from "../volumes/tokens.ts";
import type { HostDns } from "./container-config.ts";
import type { EnvSources } from "./env.ts";
import type { Images } from "./images.ts";
import type { Limiter } from "./limiter.ts";
import type { RuntimeView } from "./runtime-view.ts";

export interface PodEvent {
  pod: { namespace: string; name: string; uid: string };
  type: "Normal" | "Warning";
  reason: string;
  message: string;
  /** e.g. "spec.containers{app}" */
  fieldPath?: string;
}

/** What the node is, as pods see it. */
export interface NodeFacts {
  hostIps: readonly string[];
  hostDns: HostDns;
  hostsFile: string;
  dnsDomain: string;
  clusterDnsIp: string | undefined;
  memoryCapacityBytes: number;
}

export interface WorkerDeps {
  engine: Engine;
  view: RuntimeView;
  prober: Prober;
  runHook: RunHook;
  book: StatusBook;
  images: Images;
  memory: MemoryFolders;
  clock: Clock;
  timers: Timers;
  random: Random;
  log: Log;
  /** Bounds how many pods start something at once. */
  starts: Limiter;
  stateDirectory: string;
  idPrefix: string;
  podNetwork: boolean;
  /** False until the engine knows the node's pod CIDR. */
  networkReady(): boolean;
  facts(): NodeFacts;
  /** Everything a container's environment and volumes are made of but the pod's own addresses. */
  sources(namespace: string): Omit<EnvSources, "downward"> & { allocatable: EnvSources["downward"]["allocatable"] };
  podToken: PodToken;
  deletePod(pod: { namespace: string; name: string; uid: string }): Promise<void>;
  recordEvent(event: PodEvent): void;
  /** The worker has nothing more to do and may be forgotten. */
  onGone(uid: string): void;
}
