/** PodTemplate (k8s.io/api/core/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { PodTemplateSpec } from "../pods/types.ts";

export const podTemplates: ResourceRef = { group: "", version: "v1", resource: "podtemplates", namespaced: true };

export interface PodTemplate extends KubeObject {
  template: PodTemplateSpec;
}
