/** What `kubectl get` shows of an autoscaler: printHorizontalPodAutoscaler of pkg/printers/internalversion of Kubernetes. */
import { ageColumn, nameColumn, type PrinterColumn } from "../../../registry/kind.ts";
import { countText, text } from "../../columns.ts";
import type { Autoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValue } from "./types.ts";

const SHOWN_MAX = 2;
const UNKNOWN = "<unknown>";
const NIL = "<nil>";

export const autoscalerColumns: readonly PrinterColumn<Autoscaler>[] = [
  nameColumn,
  text("Reference", "What it scales.", ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`),
  text("Targets", "What is measured, of what is aimed at.", targetsCell),
  text("MinPods", "It never goes below.", ({ spec }) => String(spec.minReplicas ?? "<unset>")),
  countText("MaxPods", "It never goes above.", ({ spec }) => spec.maxReplicas),
  countText("Replicas", "How many there are.", ({ status }) => status?.currentReplicas ?? 0),
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
      return `${known(status?.pods?.current, "averageValue")}/${spec.pods?.target.averageValue ?? NIL}`;
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
  return `${known(current, "value")}/${target?.value ?? NIL}`;
}

function resourceCell(
  source: { name: string; target: MetricTarget } | undefined,
  current: MetricValue | undefined,
): string {
  const { averageValue, averageUtilization } = source?.target ?? {};
  const name = source?.name ?? "";
  if (averageValue !== undefined) return `${name}: ${known(current, "averageValue")}/${averageValue}`;
  return `${name}: ${percent(current?.averageUtilization, UNKNOWN)}/${percent(averageUtilization, "<auto>")}`;
}

/** As Go prints it where something is known, but not this. */
function known(current: MetricValue | undefined, amount: "value" | "averageValue"): string {
  return current ? (current[amount] ?? NIL) : UNKNOWN;
}

function percent(utilization: number | undefined, absent: string): string {
  return utilization === undefined ? absent : `${utilization}%`;
}
