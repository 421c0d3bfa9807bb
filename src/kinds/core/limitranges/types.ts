/** LimitRange (k8s.io/api/core/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { ResourceList } from "../pods/types.ts";

export const limitRanges: ResourceRef = { group: "", version: "v1", resource: "limitranges", namespaced: true };

export interface LimitRangeItem {
  /** "Pod", "Container", "PersistentVolumeClaim" */
  type: string;
  max?: ResourceList;
  min?: ResourceList;
  default?: ResourceList;
  defaultRequest?: ResourceList;
  maxLimitRequestRatio?: ResourceList;
}

export interface LimitRange extends KubeObject {
  spec: { limits?: LimitRangeItem[] };
}
