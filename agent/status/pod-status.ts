/**
 * The PodStatus kubelet would report (pkg/kubelet/kubelet_pods.go, status/generate.go): pure, from the pod, what the engine shows,
 * the reasons why containers wait, and the status before.
 */
import { formatTime } from "../../src/machinery/meta.ts";
import type { ContainerStatus, Sandbox } from "../engines/engine.ts";
import { qosClass } from "../pods/container-config.ts";
import { attemptsOf, currentSandbox, sandboxUsable } from "../pods/plan.ts";
import {
  isSidecar,
  isTerminal,
  type Container,
  type ContainerState,
  type ContainerStatusView,
  type Pod,
  type PodStatus,
} from "../pods/pod.ts";
import { podConditions } from "./conditions.ts";
import { podPhase } from "./phase.ts";

export interface StatusInput {
  pod: Pod;
  nowMs: number;
  podNetwork: boolean;
  hostIps: readonly string[];
  idPrefix: string;
  sandboxes: readonly Sandbox[];
  containers: readonly ContainerStatus[];
  /** Reasons of containers that wait. */
  waiting: ReadonlyMap<string, { reason: string; message: string }>;
  started(containerId: string): boolean;
  ready(containerId: string): boolean;
  /** Text of the termination message file of a container that ended. */
  terminationMessage(containerId: string): string | undefined;
  /** The status last made (or, after a start, last stored). */
  before: PodStatus | undefined;
  /** Set when the pod ends for a reason of its own (DeadlineExceeded …). */
  verdict: { reason: string; message: string } | undefined;
  /** True once nothing of the pod runs and nothing will. */
  ended: boolean;
  /** True while the pod is being taken down. */
  terminating: boolean;
}

const OWN_FIELDS = new Set([
  "phase",
  "reason",
  "message",
  "conditions",
  "containerStatuses",
  "initContainerStatuses",
  "hostIP",
  "hostIPs",
  "podIP",
  "podIPs",
  "startTime",
  "qosClass",
  "observedGeneration",
]);

const LOST_MESSAGE = "The container could not be located when the pod was terminated";

function timeOrNull(ms: number): string | null {
  return ms > 0 ? formatTime(ms) : null;
}

function stateOf(status: ContainerStatus, input: StatusInput): ContainerState {
  if (status.state === "running") return { running: { startedAt: formatTime(status.startedMs) } };
  if (status.state === "created") return { waiting: { reason: "ContainerCreating" } };
  const message = input.terminationMessage(status.id) || status.message;
  const lost = status.state === "unknown";
  return {
    terminated: {
      exitCode: lost ? 137 : status.exitCode,
      reason: lost ? "ContainerStatusUnknown" : status.reason || (status.exitCode === 0 ? "Completed" : "Error"),
      ...(message ? { message } : {}),
      startedAt: timeOrNull(status.startedMs),
      finishedAt: timeOrNull(status.finishedMs),
      containerID: `${input.idPrefix}${status.id}`,
    },
  };
}

/** A container the engine does not know: never made, or forgotten by it. */
function absentStatus(container: Container, input: StatusInput, fallback: string): ContainerStatusView {
  const { before } = input;
  const known = [...(before?.initContainerStatuses ?? []), ...(before?.containerStatuses ?? [])].find(
    (s) => s.name === container.name,
  );
  const waiting = input.waiting.get(container.name) ?? { reason: fallback };
  const view: ContainerStatusView = {
    name: container.name,
    state: { waiting },
    lastState: known?.lastState ?? {},
    ready: false,
    started: false,
    restartCount: known?.restartCount ?? 0,
    image: container.image ?? "",
    imageID: "",
  };
  if (known?.containerID === undefined) return view;
  const ended: ContainerState = known.state.terminated
    ? { terminated: known.state.terminated }
    : {
        terminated: {
          exitCode: 137,
          reason: "ContainerStatusUnknown",
          message: LOST_MESSAGE,
          startedAt: null,
          finishedAt: null,
        },
      };
  if (!input.terminating && !input.ended && !known.state.terminated) return { ...view, lastState: ended };
  return { ...known, state: ended, ready: false, started: false };
}

function containerStatus(
  container: Container,
  input: StatusInput,
  init: boolean,
  initialised: boolean,
): ContainerStatusView {
  const [last, previous] = attemptsOf(input.containers, container.name);
  const fallback = init || !initialised ? "PodInitializing" : "ContainerCreating";
  if (last === undefined) return withStanding(absentStatus(container, input, fallback), container);
  const waiting = input.waiting.get(container.name);
  const own = stateOf(last, input);
  const waits = waiting !== undefined && last.state !== "running" && !input.terminating;
  const earlier = waits ? last : previous;
  const started = last.state === "running" && input.started(last.id);
  const done = init && !isSidecar(container) && last.state === "exited" && last.exitCode === 0;
  const view: ContainerStatusView = {
    name: container.name,
    state: waits ? { waiting } : own,
    lastState: earlier === undefined || earlier.state === "created" ? {} : stateOf(earlier, input),
    ready: done || (last.state === "running" && input.ready(last.id) && (!init || isSidecar(container))),
    started,
    restartCount: last.attempt,
    image: last.image || (container.image ?? ""),
    imageID: last.imageRef,
    containerID: `${input.idPrefix}${last.id}`,
  };
  return withStanding(view, container);
}

/** What follows from the spec alone. */
function withStanding(view: ContainerStatusView, container: Container): ContainerStatusView {
  const { resources, volumeMounts } = container;
  if (resources && Object.keys(resources).length > 0) {
    view["resources"] = resources;
    if (resources.requests) view["allocatedResources"] = resources.requests;
  }
  if (volumeMounts && volumeMounts.length > 0) {
    view["volumeMounts"] = volumeMounts.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      ...(readOnly === true ? { readOnly: true, recursiveReadOnly: "Disabled" } : {}),
    }));
  }
  return view;
}

function isInitialised(input: StatusInput): boolean {
  return (input.pod.spec.initContainers ?? []).every((container) => {
    const last = attemptsOf(input.containers, container.name)[0];
    if (isSidecar(container)) return last?.state === "running" && input.started(last.id);
    return last?.state === "exited" && last.exitCode === 0;
  });
}

/** Pod addresses stay reported while the pod ends. */
function addresses(input: StatusInput, sandbox: Sandbox | undefined): string[] {
  if (input.pod.spec.hostNetwork === true || !input.podNetwork) return sandbox === undefined ? [] : [...input.hostIps];
  if (sandbox !== undefined && sandbox.ready && sandbox.ips.length > 0) return sandbox.ips;
  const before = input.before?.podIPs?.map((p) => p.ip) ?? [];
  return input.terminating || input.ended ? before : [];
}

export function podStatus(input: StatusInput): PodStatus {
  const { pod, before, nowMs } = input;
  const initialised = isInitialised(input);
  const initStatuses = (pod.spec.initContainers ?? []).map((c) => containerStatus(c, input, true, initialised));
  const statuses = pod.spec.containers
    .map((c) => containerStatus(c, input, false, initialised))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const sandbox = currentSandbox(input.sandboxes);
  let phase = podPhase(pod, { initStatuses, statuses, ended: input.ended });
  // Sidecars still run: the end is not told before it is one.
  const running = input.containers.some((c) => c.state === "running");
  if (running && (phase === "Succeeded" || phase === "Failed")) phase = "Running";
  if (isTerminal(before)) phase = before?.phase ?? phase;
  else if (input.verdict && input.ended) phase = "Failed";
  const generation = pod.metadata.generation;
  const sandboxReady = !input.ended && sandboxUsable(sandbox, pod, input.podNetwork);
  const ips = addresses(input, sandbox);
  const reason = input.verdict?.reason ?? (isTerminal(before) ? before?.reason : undefined);
  const message = input.verdict?.message ?? (isTerminal(before) ? before?.message : undefined);
  const [hostIp] = input.hostIps;
  const foreign = Object.entries(pod.status ?? {}).filter(([field]) => !OWN_FIELDS.has(field));
  return {
    ...Object.fromEntries(foreign),
    phase,
    conditions: podConditions({ pod, phase, initStatuses, statuses, sandboxReady, before, nowMs }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(hostIp === undefined ? {} : { hostIP: hostIp, hostIPs: input.hostIps.map((ip) => ({ ip })) }),
    ...(ips[0] === undefined ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    startTime: before?.startTime ?? formatTime(nowMs),
    ...(initStatuses.length === 0 ? {} : { initContainerStatuses: initStatuses }),
    containerStatuses: statuses,
    qosClass: pod.status?.qosClass ?? qosClass(pod),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}
