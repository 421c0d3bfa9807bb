/** Secret (k8s.io/api/core/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";

export const secrets: ResourceRef = { group: "", version: "v1", resource: "secrets", namespaced: true };

export interface Secret extends KubeObject {
  type?: string;
  /** Base64. */
  data?: Record<string, string>;
  /** Only ever sent; it is merged into `data` and never stored. */
  stringData?: Record<string, string>;
  immutable?: boolean;
}
