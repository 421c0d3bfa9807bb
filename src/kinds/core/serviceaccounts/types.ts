/** ServiceAccount (k8s.io/api/core/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { LocalObjectReference } from "../pods/types.ts";

export const serviceAccounts: ResourceRef = { group: "", version: "v1", resource: "serviceaccounts", namespaced: true };

export interface ServiceAccount extends KubeObject {
  secrets?: { name?: string; namespace?: string; kind?: string; apiVersion?: string }[];
  imagePullSecrets?: LocalObjectReference[];
  automountServiceAccountToken?: boolean;
}
