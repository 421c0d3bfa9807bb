/** ConfigMap (k8s.io/api/core/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";

export const configMaps: ResourceRef = { group: "", version: "v1", resource: "configmaps", namespaced: true };

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
  /** Base64. */
  binaryData?: Record<string, string>;
  immutable?: boolean;
}
