/**
 * What a node and its pods use, as kubelets tell it: /stats/summary (k8s.io/kubelet/pkg/apis/stats/v1alpha1) and /metrics/resource
 * (kubernetes/pkg/kubelet/metrics/collectors/resource_metrics.go, which metrics-server reads). Figures that nobody measures are left out.
 */
import { cpus, freemem, totalmem, uptime } from "node:os";
import type { ContainerUsage, Sandbox, NetworkUsage } from "../engines/engine.ts";
import { family, labelsOf, textOf } from "./prometheus-text.ts";

export interface Machine {
  /** Of all cores together, since the machine's start. */
  cpuSeconds: number;
  memoryBytes: number;
  /** What could be had without swapping. */
  availableBytes: number;
  upSeconds: number;
  cpuCount: number;
}

/** Of the file system that the agent and its engine write to, and of all processes; a measurement of the last half minute. */
export interface MachineLimits {
  diskBytes: number;
  diskFreeBytes: number;
  pids: number;
  pidsMax: number;
}

export interface UsedContainer {
  name: string;
  image: string;
  startedMs: number;
  usage: ContainerUsage;
}

export interface PodUsage {
  sandbox: Sandbox;
  containers: UsedContainer[];
  /** Absent where it is the node's, or not measured. */
  network?: NetworkUsage;
}

export interface Usage {
  nodeName: string;
  machine: Machine;
  limits: MachineLimits | undefined;
  pods: PodUsage[];
  nowMs: number;
}

export function measureMachine(): Machine {
  const busyMs = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  return {
    cpuSeconds: busyMs / 1_000,
    memoryBytes: totalmem(),
    availableBytes: freemem(),
    upSeconds: uptime(),
    cpuCount: cpus().length,
  };
}

const timeOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

export function statsSummary({ nodeName, machine, limits, pods, nowMs }: Usage): object {
  const time = timeOf(nowMs);
  const { memoryBytes, availableBytes, cpuSeconds, upSeconds } = machine;
  return {
    node: {
      nodeName,
      startTime: timeOf(nowMs - upSeconds * 1_000),
      cpu: { time, usageCoreNanoSeconds: Math.round(cpuSeconds * 1e9) },
      memory: { time, availableBytes, workingSetBytes: memoryBytes - availableBytes },
      ...(limits === undefined ? {} : limitFigures(limits, time)),
    },
    pods: pods.map(({ sandbox: { name, namespace, uid, createdMs }, containers, network }) => ({
      podRef: { name, namespace, uid },
      startTime: timeOf(createdMs),
      containers: containers.map((one) => ({
        name: one.name,
        startTime: timeOf(one.startedMs),
        ...figures([one.usage], timeOf(one.usage.atMs)),
        ...(one.usage.writableBytes === undefined
          ? {}
          : { rootfs: { time: timeOf(one.usage.atMs), usedBytes: one.usage.writableBytes } }),
      })),
      ...figures(
        containers.map(({ usage }) => usage),
        time,
      ),
      ...(network === undefined ? {} : { network: networkFigures(network) }),
    })),
  };
}

function limitFigures({ diskBytes, diskFreeBytes, pids, pidsMax }: MachineLimits, time: string): object {
  return {
    fs: { time, availableBytes: diskFreeBytes, capacityBytes: diskBytes, usedBytes: diskBytes - diskFreeBytes },
    rlimit: { time, maxpid: pidsMax, curproc: pids },
  };
}

function networkFigures({ atMs, interfaces }: NetworkUsage): object {
  const [first] = interfaces;
  return { time: timeOf(atMs), ...first, interfaces };
}

function figures(all: readonly ContainerUsage[], time: string): object {
  return {
    cpu: { time, usageCoreNanoSeconds: sumOf(all, "cpuNanoSeconds") },
    memory: {
      time,
      usageBytes: sumOf(all, "memoryBytes"),
      workingSetBytes: sumOf(all, "workingSetBytes"),
      rssBytes: sumOf(all, "rssBytes"),
    },
  };
}

function sumOf(
  all: readonly ContainerUsage[],
  figure: "cpuNanoSeconds" | "memoryBytes" | "workingSetBytes" | "rssBytes",
): number {
  return all.reduce((sum, usage) => sum + usage[figure], 0);
}

/** Undefined: the engine could not be asked. */
export function resourceMetrics(usage: Usage | undefined): string {
  const error = [
    "resource_scrape_error",
    "1 if there was an error while getting container metrics, 0 otherwise",
    "gauge",
  ] as const;
  if (!usage) return textOf(family(error, [["", 1]]));
  const { machine, pods, nowMs } = usage;
  const containers = pods.flatMap(({ sandbox, containers: inside }) =>
    inside.map((one) => ({
      ...one,
      labels: labelsOf({ container: one.name, namespace: sandbox.namespace, pod: sandbox.name }),
    })),
  );
  const sums = pods
    .filter(({ containers: inside }) => inside.length > 0)
    .map(({ sandbox: { namespace, name }, containers: inside }) => {
      const all = inside.map((one) => one.usage);
      return { labels: labelsOf({ namespace, pod: name }), all, atMs: Math.max(...all.map(({ atMs }) => atMs)) };
    });
  return textOf([
    ...family(
      ["container_cpu_usage_seconds_total", "CPU time of the container in seconds.", "counter"],
      containers.map(({ labels, usage: one }) => [labels, one.cpuNanoSeconds / 1e9, one.atMs]),
    ),
    ...family(
      ["container_memory_working_set_bytes", "Working set of the container in bytes.", "gauge"],
      containers.map(({ labels, usage: one }) => [labels, one.workingSetBytes, one.atMs]),
    ),
    ...family(
      ["container_start_time_seconds", "When the container started, in seconds since the epoch.", "gauge"],
      containers.map(({ labels, startedMs }) => [labels, startedMs / 1_000]),
    ),
    ...family(
      ["node_cpu_usage_seconds_total", "CPU time of the node in seconds.", "counter"],
      [["", machine.cpuSeconds, nowMs]],
    ),
    ...family(
      ["node_memory_working_set_bytes", "Working set of the node in bytes.", "gauge"],
      [["", machine.memoryBytes - machine.availableBytes, nowMs]],
    ),
    ...family(
      ["pod_cpu_usage_seconds_total", "CPU time of the pod in seconds.", "counter"],
      sums.map(({ labels, all, atMs }) => [labels, sumOf(all, "cpuNanoSeconds") / 1e9, atMs]),
    ),
    ...family(
      ["pod_memory_working_set_bytes", "Working set of the pod in bytes.", "gauge"],
      sums.map(({ labels, all, atMs }) => [labels, sumOf(all, "workingSetBytes"), atMs]),
    ),
    ...family(error, [["", 0]]),
  ]);
}
