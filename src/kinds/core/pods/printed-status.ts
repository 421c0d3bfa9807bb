/** What `kubectl get pods` shows of a pod's containers: printPod of pkg/printers/internalversion of Kubernetes. */
import { humanDuration } from "../../../machinery/human-duration.ts";
import type { Container, ContainerStatus, Pod } from "./types.ts";

export interface PrintedStatus {
  /** "1/2" */
  ready: string;
  /** "Running", "Init:0/1", "CrashLoopBackOff", "Terminating" … */
  status: string;
  /** "3 (5m ago)" */
  restarts: string;
}

interface Tally {
  reason: string;
  ready: number;
  total: number;
  restarts: number;
  lastRestartMs: number | undefined;
}

export function printedStatus(pod: Pod, nowMs: number): PrintedStatus {
  const { spec, status = {} } = pod;
  const tally: Tally = {
    reason: status.reason || status.phase || "",
    ready: 0,
    total: spec.containers?.length ?? 0,
    restarts: 0,
    lastRestartMs: undefined,
  };
  if (hasSchedulingGates(pod)) tally.reason = "SchedulingGated";
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const initializing = countInit(pod, tally, sidecars);
  if (!initializing || isInitialized(pod)) countMain(pod, tally, sidecars);
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === "NodeLost") tally.reason = "Unknown";
    else if (!isTerminal(status.phase)) tally.reason = "Terminating";
  }
  const ago = tally.lastRestartMs === undefined ? "" : ` (${humanDuration(nowMs - tally.lastRestartMs)} ago)`;
  return {
    ready: `${tally.ready}/${tally.total}`,
    status: tally.reason,
    restarts: `${tally.restarts}${tally.restarts > 0 ? ago : ""}`,
  };
}

function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

function hasSchedulingGates(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some(
    ({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated",
  );
}

function isTerminal(phase: string | undefined): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

function isInitialized(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some(({ type, status }) => type === "Initialized" && status === "True");
}

/** Names the first init container that holds the others up. Returns whether there is one. */
function countInit(pod: Pod, tally: Tally, sidecars: ReadonlySet<string>): boolean {
  const all = pod.spec.initContainers ?? [];
  tally.total += sidecars.size;
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    countRestarts(tally, container);
    const sidecar = sidecars.has(container.name);
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started === true) {
      if (container.ready) tally.ready += 1;
      continue;
    }
    if (terminated) tally.reason = `Init:${endReason(terminated)}`;
    else if (waiting?.reason && waiting.reason !== "PodInitializing") tally.reason = `Init:${waiting.reason}`;
    else tally.reason = `Init:${index}/${all.length}`;
    return true;
  }
  return false;
}

function endReason({ reason, signal, exitCode }: { reason?: string; signal?: number; exitCode: number }): string {
  if (reason) return reason;
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
}

/** The first container with something to say names the pod's state. */
function countMain(pod: Pod, tally: Tally, sidecars: ReadonlySet<string>): void {
  tally.restarts = 0;
  tally.lastRestartMs = undefined;
  for (const container of pod.status?.initContainerStatuses ?? []) {
    if (sidecars.has(container.name)) countRestarts(tally, container);
  }
  let running = false;
  for (const container of (pod.status?.containerStatuses ?? []).toReversed()) {
    countRestarts(tally, container);
    const { waiting, terminated } = container.state ?? {};
    if (waiting?.reason) tally.reason = waiting.reason;
    else if (terminated) tally.reason = endReason(terminated);
    else if (container.ready && container.state?.running) {
      running = true;
      tally.ready += 1;
    }
  }
  if (tally.reason === "Completed" && running) tally.reason = isReady(pod) ? "Running" : "NotReady";
}

function isReady(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");
}

function countRestarts(tally: Tally, { restartCount, lastState }: ContainerStatus): void {
  tally.restarts += restartCount;
  const finished = lastState?.terminated?.finishedAt;
  if (finished === undefined) return;
  const finishedMs = Date.parse(finished);
  if (tally.lastRestartMs === undefined || finishedMs > tally.lastRestartMs) tally.lastRestartMs = finishedMs;
}
