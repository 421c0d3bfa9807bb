/** Lease (k8s.io/api/coordination/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";

export const leases: ResourceRef = {
  group: "coordination.k8s.io",
  version: "v1",
  resource: "leases",
  namespaced: true,
};

export interface Lease extends KubeObject {
  spec?: LeaseSpec;
}

export interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  /** metav1.MicroTime */
  acquireTime?: string;
  /** metav1.MicroTime */
  renewTime?: string;
  leaseTransitions?: number;
  strategy?: string;
  preferredHolder?: string;
}
