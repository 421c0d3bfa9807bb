/** APIService (k8s.io/kube-aggregator/pkg/apis/apiregistration/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";

export const apiServices: ResourceRef = {
  group: "apiregistration.k8s.io",
  version: "v1",
  resource: "apiservices",
  namespaced: false,
};

export interface ServiceCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string | null;
}

export interface ApiService extends KubeObject {
  spec?: {
    /** Absent: the server itself serves it. */
    service?: { namespace?: string; name?: string; port?: number };
    group?: string;
    version?: string;
    insecureSkipTLSVerify?: boolean;
    caBundle?: string;
    groupPriorityMinimum: number;
    versionPriority: number;
  };
  status?: { conditions?: ServiceCondition[] };
}
