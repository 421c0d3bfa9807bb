/** Deployment (k8s.io/api/apps/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { LabelSelector } from "../../../machinery/selectors.ts";
import type { IntOrString, PodTemplateSpec } from "../../core/pods/types.ts";

export const deployments: ResourceRef = { group: "apps", version: "v1", resource: "deployments", namespaced: true };

export interface Deployment extends KubeObject {
  spec: DeploymentSpec;
  status?: DeploymentStatus;
}

export interface DeploymentSpec {
  replicas?: number;
  selector: LabelSelector;
  template: PodTemplateSpec;
  strategy?: DeploymentStrategy;
  minReadySeconds?: number;
  revisionHistoryLimit?: number;
  paused?: boolean;
  progressDeadlineSeconds?: number;
}

export interface DeploymentStrategy {
  type?: "RollingUpdate" | "Recreate";
  rollingUpdate?: { maxUnavailable?: IntOrString; maxSurge?: IntOrString };
}

export interface DeploymentStatus {
  observedGeneration?: number;
  replicas?: number;
  updatedReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  unavailableReplicas?: number;
  terminatingReplicas?: number;
  collisionCount?: number;
  conditions?: DeploymentCondition[];
}

export interface DeploymentCondition {
  /** "Available", "Progressing", "ReplicaFailure" */
  type: string;
  status: "True" | "False" | "Unknown";
  lastUpdateTime?: string | null;
  lastTransitionTime?: string | null;
  reason?: string;
  message?: string;
}
