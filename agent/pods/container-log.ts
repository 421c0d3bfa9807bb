/** Which log a client means, and why it may not be had: kubelet's answers. */
import type { Clock, Timers } from "../../src/platform/platform.ts";
import type { ContainerStatus } from "../engines/engine.ts";
import { readLog, type LogOptions } from "./log-reader.ts";
import { allContainers, type Pod, type PodStatus } from "./pod.ts";

export interface ContainerQuery {
  namespace: string;
  pod: string;
  /** May be empty: then the names decide. */
  uid: string;
  /** Empty: the first container of the pod. */
  container: string;
}

export interface LogQuery extends ContainerQuery {
  follow?: boolean;
  tailLines?: number;
  limitBytes?: number;
  sinceSeconds?: number;
  /** RFC 3339 */
  sinceTime?: string;
  timestamps?: boolean;
  previous?: boolean;
  stream?: "stdout" | "stderr";
}

export interface FoundContainer {
  containerId: string;
  logPath: string;
  attempt: number;
  state: ContainerStatus["state"];
}

/** Why a log cannot be read; `code` is the HTTP status kubelet answers with. */
export class LogError extends Error {
  override readonly name = "LogError";
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface LogPlace {
  pod: Pod;
  /** The container meant. */
  name: string;
  /** Its attempts at the engine, newest first. */
  attempts: readonly ContainerStatus[];
  status: PodStatus | undefined;
  isRunning(containerId: string): boolean;
  clock: Clock;
  timers: Timers;
}

/** @throws LogError */
export function openContainerLog(query: LogQuery, place: LogPlace): ReadableStream<Uint8Array> {
  const { pod, name, attempts } = place;
  const where = `container "${name}" in pod "${pod.metadata.name}"`;
  if (!allContainers(pod).some((c) => c.name === name)) {
    throw new LogError(400, `container ${name} is not valid for pod ${pod.metadata.name}`);
  }
  const status = attempts[query.previous === true ? 1 : 0];
  if (query.previous === true && status === undefined)
    throw new LogError(400, `previous terminated ${where} not found`);
  if (status === undefined || status.state === "created") {
    throw new LogError(400, `${where} is waiting to start: ${waitingReason(place.status, name)}`);
  }
  const source = { path: status.logPath, running: () => place.isRunning(status.id) };
  return readLog(source, logOptions(query, place.clock.now()), place.timers);
}

function waitingReason(status: PodStatus | undefined, container: string): string {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return all.find((s) => s.name === container)?.state.waiting?.reason ?? "ContainerCreating";
}

function logOptions(query: LogQuery, nowMs: number): LogOptions {
  const { sinceSeconds, sinceTime, follow, tailLines, limitBytes, timestamps, stream } = query;
  const sinceMs =
    sinceTime !== undefined
      ? Date.parse(sinceTime)
      : sinceSeconds !== undefined
        ? nowMs - sinceSeconds * 1000
        : undefined;
  return {
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(follow === undefined ? {} : { follow }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(timestamps === undefined ? {} : { timestamps }),
    ...(stream === undefined ? {} : { stream }),
  };
}
