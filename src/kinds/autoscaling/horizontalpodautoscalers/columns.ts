/** What `kubectl get` shows of an autoscaler: printHorizontalPodAutoscaler of pkg/printers/internalversion of Kubernetes. */
import { ageColumn, nameColumn, type PrinterColumn } from "../../../registry/kind.ts";
import { count, text } from "../../columns.ts";
import type { Autoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValue } from "./types.ts";

const SHOWN_MAX = 2;
const UNKNOWN = "<unknown>";

export const autoscalerColumns: readonly PrinterColumn<Autoscaler>[] = [
  nameColumn,
  text("Reference", "What it scales.", ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
  text("Targets", "What is measured, of what is aimed at.", targetsCell),
  text("MinPods", "It never goes below.", ({ spec }) => String(spec.minReplicas ?? "<unset>")),
  count("MaxPods", "It never goes above.", ({ spec }) => spec.maxReplicas),
  count("Replicas", "How many there are.", ({ status }) => status?.currentReplicas ?? 0),
  ageColumn,
];

function targetsCell({ spec, status }: Autoscaler): string {
  const metrics = spec.metrics ?? [];
  if (metrics.length === 0) return "<none>";
  const cells = metrics.map((metric, index) => metricCell(metric, status?.currentMetrics?.[index]));
  const shown = cells.slice(0, SHOWN_MAX).join(", ");
  return cells.length > SHOWN_MAX ? `${shown} + ${cells.length - SHOWN_MAX} more...` : shown;
}

function metricCell(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case "External":
      return amountCell(spec.external?.target, status?.external?.current);
    case "Object":
      return amountCell(spec.object?.target, status?.object?.current);
    case "Pods":
      return `${status?.pods?.current.averageValue ?? UNKNOWN}/${spec.pods?.target.averageValue ?? "<nil>"}`;
    case "Resource":
      return resourceCell(spec.resource, status?.resource?.current);
    case "ContainerResource":
      return resourceCell(spec.containerResource, status?.containerResource?.current);
    default:
      return "<unknown type>";
  }
}

function amountCell(target: MetricTarget | undefined, current: MetricValue | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`;
  return `${current?.value ?? UNKNOWN}/${target?.value ?? "<nil>"}`;
}

function resourceCell(
  source: { name: string; target: MetricTarget } | undefined,
  current: MetricValue | undefined,
): string {
  const { averageValue, averageUtilization } = source?.target ?? {};
  const name = source?.name ?? "";
  if (averageValue !== undefined) return `${name}: ${current?.averageValue ?? UNKNOWN}/${averageValue}`;
  return `${name}: ${percent(current?.averageUtilization, UNKNOWN)}/${percent(averageUtilization, "<auto>")}`;
}

function percent(utilization: number | undefined, absent: string): string {
  return utilization === undefined ? absent : `${utilization}%`;
}
