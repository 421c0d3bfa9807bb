/** DaemonSet (k8s.io/api/apps/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { LabelSelector } from "../../../machinery/selectors.ts";
import type { IntOrString, PodTemplateSpec } from "../../core/pods/types.ts";

export const daemonSets: ResourceRef = { group: "apps", version: "v1", resource: "daemonsets", namespaced: true };

/** Counts the templates a DaemonSet had. Deprecated, and still kept up by every server. */
export const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";

export interface DaemonSet extends KubeObject {
  spec: DaemonSetSpec;
  status?: DaemonSetStatus;
}

export interface DaemonSetSpec {
  selector: LabelSelector;
  template: PodTemplateSpec;
  updateStrategy?: DaemonSetUpdateStrategy;
  minReadySeconds?: number;
  revisionHistoryLimit?: number;
}

export interface DaemonSetUpdateStrategy {
  type?: "RollingUpdate" | "OnDelete";
  rollingUpdate?: { maxUnavailable?: IntOrString; maxSurge?: IntOrString };
}

export interface DaemonSetStatus {
  currentNumberScheduled?: number;
  numberMisscheduled?: number;
  desiredNumberScheduled?: number;
  numberReady?: number;
  observedGeneration?: number;
  updatedNumberScheduled?: number;
  numberAvailable?: number;
  numberUnavailable?: number;
  collisionCount?: number;
  conditions?: { type: string; status: string; [field: string]: unknown }[];
}
