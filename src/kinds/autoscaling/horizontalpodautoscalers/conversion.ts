/**
 * autoscaling/v1 from and to v2: pkg/apis/autoscaling/v1/conversion.go of Kubernetes. v1 knows one CPU target; the rest is in
 * annotations that v2 does not show. Beyond Kubernetes, the order of metrics survives and so does what a status leaves out.
 */
import { canonicalise } from "../../../encoding/canonical.ts";
import { sameJson } from "../../../registry/same-json.ts";
import { cpuMetric } from "./defaults.ts";
import { specFromV1, specToV1, statusFromV1, statusToV1, type MetricV1 } from "./metrics-v1.ts";
import type { Autoscaler, AutoscalerV1, MetricSpec, MetricStatus } from "./types.ts";

const PREFIX = "autoscaling.alpha.kubernetes.io/";
const METRICS = `${PREFIX}metrics`;
const CURRENT_METRICS = `${PREFIX}current-metrics`;
const CONDITIONS = `${PREFIX}conditions`;
const BEHAVIOR = `${PREFIX}behavior`;
const OWN: readonly string[] = [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR];

export function toV1(object: Autoscaler): AutoscalerV1 {
  const { metadata, spec, status, ...rest } = object;
  const { metrics = [], behavior, ...kept } = spec;
  const { currentMetrics, conditions, ...counts } = status ?? { desiredReplicas: 0 };
  const target = metrics.find(isCpuUtilization)?.resource?.target.averageUtilization;
  const current = currentMetrics?.findLast(isCpu)?.resource?.current.averageUtilization;
  const annotations: Record<string, string> = {
    ...metadata.annotations,
    ...annotation(METRICS, othersOf(metrics).map(specToV1)),
    ...annotation(CURRENT_METRICS, (currentMetrics ?? []).map(statusToV1)),
    ...annotation(CONDITIONS, conditions ?? []),
    ...(behavior ? { [BEHAVIOR]: JSON.stringify(behavior) } : {}),
  };
  return {
    ...rest,
    metadata: Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations },
    spec: { ...kept, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: {
      currentReplicas: 0,
      ...counts,
      ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
    },
  };
}

function annotation(name: string, list: readonly unknown[]): Record<string, string> {
  return list.length === 0 ? {} : { [name]: JSON.stringify(list) };
}

function isCpu(metric: MetricSpec | MetricStatus): boolean {
  return metric.type === "Resource" && metric.resource?.name === "cpu";
}

function isCpuUtilization(metric: MetricSpec): boolean {
  return isCpu(metric) && metric.resource?.target.averageUtilization !== undefined;
}

/** All but the CPU target; all of them where reading them back would put it into another place. */
function othersOf(metrics: readonly MetricSpec[]): readonly MetricSpec[] {
  const others = metrics.filter((metric) => !isCpuUtilization(metric));
  const cpu = metrics.filter(isCpuUtilization);
  return sameJson([...others, ...cpu.slice(0, 1)], metrics) ? others : metrics;
}

export function fromV1(object: AutoscalerV1): Autoscaler {
  const { metadata, spec, status, ...rest } = object;
  const { targetCPUUtilizationPercentage: target, ...kept } = spec;
  const { currentCPUUtilizationPercentage: current, ...counts } = status ?? { desiredReplicas: 0 };
  const { annotations = {} } = metadata;
  const others = readAll(annotations[METRICS], "MetricSpec", (metric) => specFromV1(metric as MetricV1));
  const measured = readAll(annotations[CURRENT_METRICS], "MetricStatus", (metric) => statusFromV1(metric as MetricV1));
  const conditions = readAll(
    annotations[CONDITIONS],
    "HorizontalPodAutoscalerCondition",
    (condition) => condition as Condition,
  );
  const behavior = readOne(parsed(annotations[BEHAVIOR]), "HorizontalPodAutoscalerBehavior", (rules) => rules);
  const currentMetrics = statusesOf(measured, current);
  return {
    ...rest,
    metadata: withoutOwn(metadata),
    spec: {
      ...kept,
      metrics: metricsOf(others ?? [], target),
      ...(behavior ? { behavior } : {}),
    },
    status: {
      ...counts,
      ...(currentMetrics.length === 0 ? {} : { currentMetrics }),
      ...(conditions ? { conditions } : {}),
    },
  };
}

type Condition = NonNullable<NonNullable<Autoscaler["status"]>["conditions"]>[number];

function metricsOf(metrics: readonly MetricSpec[], target: number | undefined): MetricSpec[] {
  const index = metrics.findIndex(isCpuUtilization);
  if (target === undefined)
    return metrics.length === 0 ? [cpuMetric()] : metrics.filter((metric) => !isCpuUtilization(metric));
  if (index < 0) return [...metrics, cpuMetric(target)];
  return metrics.with(index, cpuMetric(target));
}

function statusesOf(all: MetricStatus[] | undefined, current: number | undefined): MetricStatus[] {
  if (all) return all;
  if (current === undefined) return [];
  return [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: current } } }];
}

function withoutOwn(metadata: AutoscalerV1["metadata"]): AutoscalerV1["metadata"] {
  const { annotations, ...rest } = metadata;
  const kept = Object.entries(annotations ?? {}).filter(([name]) => !OWN.includes(name));
  return kept.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(kept) };
}

const SCHEMA = "io.k8s.api.autoscaling.v2.";

/** What an annotation says, of a type of v2. What is no such thing is passed over: clients may write there what they like. */
function readAll<T extends object>(
  text: string | undefined,
  definition: string,
  convert: (value: object) => T,
): T[] | undefined {
  const value = parsed(text);
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((item: unknown) => readOne(item, definition, convert) ?? []);
}

function readOne<T extends object>(value: unknown, definition: string, convert: (value: object) => T): T | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return canonicalise(convert(value), `${SCHEMA}${definition}`);
  } catch {
    return undefined;
  }
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
