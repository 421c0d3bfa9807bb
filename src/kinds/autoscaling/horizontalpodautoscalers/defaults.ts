/** Defaults of autoscalers: pkg/apis/autoscaling/v2/defaults.go of Kubernetes. */
import type { Autoscaler, MetricSpec, ScalingRules } from "./types.ts";

const CPU_UTILIZATION = 80;

/** What is measured where nothing is said. */
export function cpuMetric(averageUtilization = CPU_UTILIZATION): MetricSpec {
  return { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } };
}

/** Changes its argument. */
export function defaultAutoscaler({ spec }: Autoscaler): void {
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) spec.metrics = [cpuMetric()];
  if (!spec.behavior) return;
  spec.behavior.scaleUp = filled(spec.behavior.scaleUp, {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [
      { type: "Pods", value: 4, periodSeconds: 15 },
      { type: "Percent", value: 100, periodSeconds: 15 },
    ],
  });
  spec.behavior.scaleDown = filled(spec.behavior.scaleDown, {
    selectPolicy: "Max",
    policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
  });
}

function filled(rules: ScalingRules | undefined, defaults: ScalingRules): ScalingRules {
  return { ...defaults, ...rules };
}
