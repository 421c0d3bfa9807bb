/** The conditions kubelet writes into a pod, and those of others, which it leaves alone (pkg/kubelet/status/generate.go). */
import { formatTime } from "../../src/machinery/meta.ts";
import { isSidecar, type ContainerStatusView, type Pod, type PodCondition, type PodStatus } from "../pods/pod.ts";

export interface ConditionInput {
  pod: Pod;
  phase: NonNullable<PodStatus["phase"]>;
  initStatuses: readonly ContainerStatusView[];
  statuses: readonly ContainerStatusView[];
  sandboxReady: boolean;
  before: PodStatus | undefined;
  nowMs: number;
}

type Finding = Pick<PodCondition, "status" | "reason" | "message">;

const OWN = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

function initialized({ pod, phase, initStatuses, statuses }: ConditionInput): Finding {
  const open = (pod.spec.initContainers ?? []).filter((container) => {
    const status = initStatuses.find((s) => s.name === container.name);
    if (isSidecar(container)) return status?.started !== true;
    return status?.ready !== true;
  });
  // Once a container proper has run, the pod was initialised, whatever became of a sidecar since.
  const begun = statuses.some((s) => s.state.running ?? s.state.terminated ?? s.lastState.terminated);
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  if (open.length === 0 || begun) return { status: "True" };
  const message = `containers with incomplete status: [${open.map((c) => c.name).join(" ")}]`;
  return { status: "False", reason: "ContainersNotInitialized", message };
}

function containersReady({ pod, phase, initStatuses, statuses }: ConditionInput): Finding {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map((c) => c.name);
  const names = [...sidecars, ...pod.spec.containers.map((c) => c.name)];
  const all = [...initStatuses, ...statuses];
  const unready = names.filter((name) => all.find((s) => s.name === name)?.ready !== true);
  if (unready.length === 0) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.join(" ")}]`,
  };
}

function ready(pod: Pod, containers: Finding): Finding {
  if (containers.status !== "True") return containers;
  const faults: string[] = [];
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const found = pod.status?.conditions?.find((c) => c.type === conditionType);
    if (found === undefined)
      faults.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    else if (found.status !== "True") {
      faults.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`);
    }
  }
  if (faults.length === 0) return { status: "True" };
  return { status: "False", reason: "ReadinessGatesNotReady", message: faults.join(", ") };
}

export function podConditions(input: ConditionInput): PodCondition[] {
  const { pod, before, nowMs } = input;
  const containers = containersReady(input);
  const findings: [string, Finding][] = [
    ["PodReadyToStartContainers", { status: input.sandboxReady ? "True" : "False" }],
    ["Initialized", initialized(input)],
    ["Ready", ready(pod, containers)],
    ["ContainersReady", containers],
    ["PodScheduled", { status: "True" }],
  ];
  const known = [...(before?.conditions ?? []), ...(pod.status?.conditions ?? [])];
  const own = findings.map(([type, finding]): PodCondition => {
    const earlier = known.find((c) => c.type === type);
    const since = earlier?.status === finding.status ? earlier.lastTransitionTime : undefined;
    return {
      type,
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
      ...finding,
      lastProbeTime: null,
      lastTransitionTime: since ?? formatTime(nowMs),
    };
  });
  return [...own, ...(pod.status?.conditions ?? []).filter((c) => !OWN.includes(c.type))];
}
