/** Namespace (k8s.io/api/core/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";

export const namespaces: ResourceRef = { group: "", version: "v1", resource: "namespaces", namespaced: false };

/** The label every namespace carries with its own name (KEP-2161). */
export const METADATA_NAME_LABEL = "kubernetes.io/metadata.name";
/** What holds a deleted namespace in `spec.finalizers` until its content is gone. */
export const KUBERNETES_FINALIZER = "kubernetes";

export interface Namespace extends KubeObject {
  spec?: { finalizers?: string[] };
  status?: NamespaceStatus;
}

export interface NamespaceStatus {
  phase?: "Active" | "Terminating";
  conditions?: NamespaceCondition[];
}

export interface NamespaceCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  lastTransitionTime?: string | null;
  reason?: string;
  message?: string;
}
