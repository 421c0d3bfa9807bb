/** HorizontalPodAutoscaler: autoscaling/v2, in which it is stored, and v1 (k8s.io/api/autoscaling). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { LabelSelector } from "../../../machinery/selectors.ts";

export const horizontalPodAutoscalers: ResourceRef = {
  group: "autoscaling",
  version: "v2",
  resource: "horizontalpodautoscalers",
  namespaced: true,
};

export interface ScaleTarget {
  kind: string;
  name: string;
  apiVersion?: string;
}

export interface MetricIdentifier {
  name: string;
  selector?: LabelSelector;
}

export interface MetricTarget {
  type: "Utilization" | "Value" | "AverageValue";
  value?: string;
  averageValue?: string;
  averageUtilization?: number;
}

export interface MetricValue {
  value?: string;
  averageValue?: string;
  averageUtilization?: number;
}

export type MetricType = "Object" | "Pods" | "Resource" | "ContainerResource" | "External";

/** The source is the member that is called like the type. T: "target" of a spec, "current" of a status. */
export interface Metric<T extends object> {
  type: MetricType;
  object?: { describedObject: ScaleTarget; metric: MetricIdentifier } & T;
  pods?: { metric: MetricIdentifier } & T;
  resource?: { name: string } & T;
  containerResource?: { name: string; container: string } & T;
  external?: { metric: MetricIdentifier } & T;
}

export type MetricSpec = Metric<{ target: MetricTarget }>;
export type MetricStatus = Metric<{ current: MetricValue }>;

export interface ScalingRules {
  stabilizationWindowSeconds?: number;
  selectPolicy?: "Max" | "Min" | "Disabled";
  policies?: { type: "Pods" | "Percent"; value: number; periodSeconds: number }[];
  tolerance?: string;
}

export interface Autoscaler extends KubeObject {
  spec: {
    scaleTargetRef: ScaleTarget;
    minReplicas?: number;
    maxReplicas: number;
    metrics?: MetricSpec[];
    behavior?: { scaleUp?: ScalingRules; scaleDown?: ScalingRules };
  };
  status?: {
    observedGeneration?: number;
    lastScaleTime?: string;
    currentReplicas?: number;
    desiredReplicas: number;
    currentMetrics?: MetricStatus[] | null;
    conditions?: { type: string; status: string; [field: string]: unknown }[];
  };
}

export interface AutoscalerV1 extends KubeObject {
  spec: {
    scaleTargetRef: ScaleTarget;
    minReplicas?: number;
    maxReplicas: number;
    targetCPUUtilizationPercentage?: number;
  };
  status?: {
    observedGeneration?: number;
    lastScaleTime?: string;
    currentReplicas: number;
    desiredReplicas: number;
    currentCPUUtilizationPercentage?: number;
  };
}
