/**
 * /metrics/cadvisor: what pods and containers use, under the names and labels of cAdvisor, which dashboards know
 * (k8s.io/kubernetes/pkg/kubelet/server/server.go, containerPrometheusLabelsFunc). The figures are those that the engine reads from its
 * control groups; what it does not tell is left out.
 */
import type { ContainerUsage } from "../engines/engine.ts";
import { quantity } from "../pods/quantity.ts";
import { allContainers, type Container, type Pod } from "../pods/pod.ts";
import type { PodUsage, Usage, UsedContainer } from "./node-usage.ts";
import { family, labelsOf, textOf, type Description, type Sample } from "./prometheus-text.ts";

/** What the kernel divides a period of its scheduler into; containers get quotas of it. */
const CPU_PERIOD_MICROS = 100_000;

interface Series {
  labels: Readonly<Record<string, string>>;
  usage: ContainerUsage;
  startedMs: number;
  /** As the pod's spec has it. */
  container: Container | undefined;
}

/** Undefined: the engine could not be asked. */
export function cadvisorMetrics(usage: Usage | undefined, pods: readonly Pod[]): string {
  const failed = usage === undefined ? 1 : 0;
  const error = family(
    ["container_scrape_error", "1 if there was an error while getting container metrics", "gauge"],
    [["", failed]],
  );
  if (!usage) return textOf(error);
  const specs = new Map(
    pods.map((pod) => [pod.metadata.uid, new Map(allContainers(pod).map((one) => [one.name, one]))]),
  );
  const series = usage.pods.flatMap((pod) =>
    pod.containers.map((one) => seriesOf(pod, one, specs.get(pod.sandbox.uid)?.get(one.name))),
  );
  return textOf([
    ...ofContainers(series),
    ...ofSpecs(series),
    ...ofNetworks(usage.pods),
    ...error,
    ...family(["machine_cpu_cores", "Number of logical CPU cores.", "gauge"], [["", usage.machine.cpuCount]]),
    ...family(
      ["machine_memory_bytes", "Amount of memory installed on the machine.", "gauge"],
      [["", usage.machine.memoryBytes]],
    ),
  ]);
}

function seriesOf({ sandbox }: PodUsage, one: UsedContainer, container: Container | undefined): Series {
  const { namespace, name: pod } = sandbox;
  const { id } = one.usage;
  const labels = { container: one.name, id: `/${id}`, image: one.image, name: id, namespace, pod };
  return { labels, usage: one.usage, startedMs: one.startedMs, container };
}

type Figure = readonly [
  ...Description,
  of: (series: Series) => number | undefined,
  more?: Readonly<Record<string, string>>,
];

const FIGURES: readonly Figure[] = [
  [
    "container_cpu_usage_seconds_total",
    "Cumulative cpu time consumed in seconds.",
    "counter",
    ({ usage }) => usage.cpuNanoSeconds / 1e9,
    { cpu: "total" },
  ],
  ["container_memory_usage_bytes", "Current memory usage in bytes, of all kinds.", "gauge", (s) => s.usage.memoryBytes],
  ["container_memory_working_set_bytes", "Current working set in bytes.", "gauge", (s) => s.usage.workingSetBytes],
  ["container_memory_rss", "Size of RSS in bytes.", "gauge", (s) => s.usage.rssBytes],
  [
    "container_fs_usage_bytes",
    "Bytes that the container's writable layer takes.",
    "gauge",
    (s) => s.usage.writableBytes,
  ],
];

const SPECS: readonly Figure[] = [
  ["container_spec_memory_limit_bytes", "Memory limit of the container.", "gauge", limitOf("memory", 1)],
  [
    "container_spec_cpu_period",
    "CPU period of the container.",
    "gauge",
    ({ container }) => (container === undefined ? undefined : CPU_PERIOD_MICROS),
  ],
];

/** Zero where there is no limit, as cAdvisor has it of memory. */
function limitOf(resource: string, factor: number): (series: Series) => number | undefined {
  return ({ container }) =>
    container === undefined ? undefined : quantity(container.resources?.limits?.[resource]) * factor;
}

function ofContainers(series: readonly Series[]): string[] {
  const faults = series.flatMap(({ labels, usage: { pageFaults, majorPageFaults, atMs } }) =>
    (
      [
        ["pgfault", pageFaults],
        ["pgmajfault", majorPageFaults],
      ] as const
    ).flatMap(([failure_type, count]): Sample[] =>
      count === undefined ? [] : [[labelsOf({ ...labels, failure_type, scope: "container" }), count, atMs]],
    ),
  );
  return [
    ...figures(FIGURES, series, ({ usage }) => usage.atMs),
    ...family(
      ["container_memory_failures_total", "Cumulative count of memory allocation failures.", "counter"],
      faults,
    ),
    ...family(
      ["container_start_time_seconds", "Start time of the container since unix epoch in seconds.", "gauge"],
      series.map(({ labels, startedMs }) => [labelsOf(labels), startedMs / 1_000]),
    ),
    ...family(
      ["container_last_seen", "Last time a container was seen by the exporter.", "gauge"],
      series.map(({ labels, usage }) => [labelsOf(labels), Math.floor(usage.atMs / 1_000), usage.atMs]),
    ),
  ];
}

function ofSpecs(series: readonly Series[]): string[] {
  const limited = series.filter(({ container }) => container?.resources?.limits?.["cpu"] !== undefined);
  const quota: Figure = [
    "container_spec_cpu_quota",
    "CPU quota of the container.",
    "gauge",
    limitOf("cpu", CPU_PERIOD_MICROS),
  ];
  return [...figures(SPECS, series), ...figures([quota], limited)];
}

function figures(all: readonly Figure[], series: readonly Series[], at?: (one: Series) => number): string[] {
  return all.flatMap(([name, help, type, of, more]) =>
    family(
      [name, help, type],
      series.flatMap((one): Sample[] => {
        const value = of(one);
        if (value === undefined) return [];
        const labels = labelsOf(more === undefined ? one.labels : { ...one.labels, ...more });
        return [at === undefined ? [labels, value] : [labels, value, at(one)]];
      }),
    ),
  );
}

/** It is the sandbox's, which is no container of the pod. */
function ofNetworks(pods: readonly PodUsage[]): string[] {
  const all = pods.flatMap(({ sandbox: { id, namespace, name: pod }, network }) =>
    (network?.interfaces ?? []).map((face) => ({
      face,
      labels: { container: "", id: `/${id}`, image: "", interface: face.name, name: id, namespace, pod },
      atMs: network?.atMs ?? 0,
    })),
  );
  const count = (name: string, what: string, of: "rxBytes" | "rxErrors" | "txBytes" | "txErrors") =>
    family(
      [name, `Cumulative count of ${what}`, "counter"],
      all.map(({ face, labels, atMs }): Sample => [labelsOf(labels), face[of], atMs]),
    );
  return [
    ...count("container_network_receive_bytes_total", "bytes received", "rxBytes"),
    ...count("container_network_receive_errors_total", "errors encountered while receiving", "rxErrors"),
    ...count("container_network_transmit_bytes_total", "bytes transmitted", "txBytes"),
    ...count("container_network_transmit_errors_total", "errors encountered while transmitting", "txErrors"),
  ];
}
