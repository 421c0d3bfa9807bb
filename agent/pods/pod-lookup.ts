/** Finds what a client names of the pods of this node: a container, a sandbox, an address, a log. */
import type { Clock, Timers } from "../../src/platform/platform.ts";
import type { ContainerStatus } from "../engines/engine.ts";
import {
  LogError,
  openContainerLog,
  type ContainerQuery,
  type FoundContainer,
  type LogQuery,
} from "./container-log.ts";
import { attemptsOf } from "./plan.ts";
import type { Pod, PodStatus } from "./pod.ts";
import type { RuntimeView } from "./runtime-view.ts";

export interface PodLookup {
  findContainer(query: ContainerQuery): FoundContainer | undefined;
  /** Id of the pod's ready sandbox. */
  findSandbox(query: Omit<ContainerQuery, "container">): string | undefined;
  /** @throws LogError */
  openLog(query: LogQuery): ReadableStream<Uint8Array>;
  /** Of a running pod, as the engine has given them; without a pod, of the node. None for a pod that does not run. */
  addresses(query?: Omit<ContainerQuery, "container">): string[];
}

export interface PodLookupDeps {
  /** By uid, also one that is ending and no longer wanted. */
  pod(uid: string): Pod | undefined;
  pods(): Pod[];
  view: Pick<RuntimeView, "of">;
  statusOf(uid: string): PodStatus | undefined;
  nodeAddress(): string;
  /** False where pods share the node's network; undefined while the engine is unknown. */
  podNetwork(): boolean | undefined;
  clock: Clock;
  timers: Timers;
}

export function createPodLookup(deps: PodLookupDeps): PodLookup {
  const { view, clock, timers } = deps;

  function find(query: ContainerQuery): { pod: Pod; attempts: ContainerStatus[]; name: string } | undefined {
    const pod = query.uid
      ? deps.pod(query.uid)
      : deps.pods().find((p) => p.metadata.namespace === query.namespace && p.metadata.name === query.pod);
    if (pod === undefined) return undefined;
    const name = query.container || (pod.spec.containers[0]?.name ?? "");
    return { pod, name, attempts: attemptsOf(view.of(pod.metadata.uid).containers, name) };
  }

  const readySandbox = ({ metadata }: Pod) => view.of(metadata.uid).sandboxes.findLast(({ ready }) => ready);

  return {
    findContainer(query) {
      const last = find(query)?.attempts[0];
      if (last === undefined) return undefined;
      return { containerId: last.id, logPath: last.logPath, attempt: last.attempt, state: last.state };
    },
    findSandbox(query) {
      const found = find({ ...query, container: "" });
      return found && readySandbox(found.pod)?.id;
    },
    addresses(query) {
      if (query === undefined) return [deps.nodeAddress()];
      const found = find({ ...query, container: "" });
      const sandbox = found && readySandbox(found.pod);
      if (found === undefined || sandbox === undefined) return [];
      // A pod without a network of its own is found where the node is.
      const isOnHost = found.pod.spec.hostNetwork === true || deps.podNetwork() === false;
      return isOnHost ? [deps.nodeAddress()] : sandbox.ips;
    },
    openLog(query) {
      const found = find(query);
      if (found === undefined) throw new LogError(404, `pod "${query.pod}" not found`);
      const { uid } = found.pod.metadata;
      return openContainerLog(query, {
        ...found,
        status: deps.statusOf(uid),
        isRunning: (id) => view.of(uid).containers.some((c) => c.id === id && c.state === "running"),
        clock,
        timers,
      });
    },
  };
}
