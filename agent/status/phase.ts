/** The phase of a pod from the states of its containers (kubelet's getPhase). */
import { isSidecar, type ContainerStatusView, type Pod, type PodStatus } from "../pods/pod.ts";

export interface PhaseInput {
  initStatuses: readonly ContainerStatusView[];
  statuses: readonly ContainerStatusView[];
  /** Nothing of the pod runs and nothing will. */
  ended: boolean;
}

function initialisation(pod: Pod, initStatuses: readonly ContainerStatusView[]): { pending: number; failed: number } {
  let pending = 0;
  let failed = 0;
  for (const container of pod.spec.initContainers ?? []) {
    const status = initStatuses.find((s) => s.name === container.name);
    if (isSidecar(container)) {
      if (status?.started !== true && status?.state.terminated === undefined) pending++;
      continue;
    }
    const ended = status?.state.terminated ?? (status?.state.waiting ? status.lastState.terminated : undefined);
    if (ended === undefined) pending++;
    else if (ended.exitCode !== 0) failed++;
  }
  return { pending, failed };
}

function count(statuses: readonly ContainerStatusView[]) {
  const counts = { running: 0, waiting: 0, stopped: 0, succeeded: 0 };
  for (const { state, lastState } of statuses) {
    if (state.running) counts.running++;
    else if (state.terminated) {
      counts.stopped++;
      if (state.terminated.exitCode === 0) counts.succeeded++;
    } else if (lastState.terminated) counts.stopped++;
    else counts.waiting++;
  }
  return counts;
}

export function podPhase(pod: Pod, { initStatuses, statuses, ended }: PhaseInput): NonNullable<PodStatus["phase"]> {
  const policy = pod.spec.restartPolicy ?? "Always";
  const { running, waiting, stopped, succeeded } = count(statuses);
  const { pending, failed } = initialisation(pod, initStatuses);
  if (failed > 0 && policy === "Never") return "Failed";
  if (ended && running === 0) return stopped > 0 && stopped === succeeded && waiting === 0 ? "Succeeded" : "Failed";
  const begun = running > 0 || stopped > 0;
  if ((pending > 0 || failed > 0) && !begun) return "Pending";
  if (waiting > 0) return "Pending";
  if (running > 0) return "Running";
  if (stopped === 0) return "Pending";
  if (policy === "Always") return "Running";
  if (stopped === succeeded) return "Succeeded";
  return policy === "Never" ? "Failed" : "Running";
}
