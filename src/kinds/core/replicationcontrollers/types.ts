/** ReplicationController (k8s.io/api/core/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { PodTemplateSpec } from "../pods/types.ts";

export const replicationControllers: ResourceRef = {
  group: "",
  version: "v1",
  resource: "replicationcontrollers",
  namespaced: true,
};

export interface ReplicationController extends KubeObject {
  spec: {
    replicas?: number;
    minReadySeconds?: number;
    /** Every pair must be there. */
    selector?: Record<string, string>;
    template?: PodTemplateSpec;
  };
  status?: {
    replicas: number;
    fullyLabeledReplicas?: number;
    readyReplicas?: number;
    availableReplicas?: number;
    observedGeneration?: number;
    conditions?: { type: string; status: string; [field: string]: unknown }[];
  };
}
