/** Secret (k8s.io/api/core/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";

export const secrets: ResourceRef = { group: "", version: "v1", resource: "secrets", namespaced: true };

/** Type of Secrets that hold a token of a service account, and the annotations that name it. */
export const SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token";
export const ACCOUNT_NAME_ANNOTATION = "kubernetes.io/service-account.name";
export const ACCOUNT_UID_ANNOTATION = "kubernetes.io/service-account.uid";

export interface Secret extends KubeObject {
  type?: string;
  /** Base64. */
  data?: Record<string, string>;
  /** Only ever sent; it is merged into `data` and never stored. */
  stringData?: Record<string, string>;
  immutable?: boolean;
}
