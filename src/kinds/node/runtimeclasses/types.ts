/** RuntimeClass (k8s.io/api/node/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { ResourceList, Toleration } from "../../core/pods/types.ts";

export const runtimeClasses: ResourceRef = {
  group: "node.k8s.io",
  version: "v1",
  resource: "runtimeclasses",
  namespaced: false,
};

export interface RuntimeClass extends KubeObject {
  handler: string;
  overhead?: { podFixed?: ResourceList };
  scheduling?: { nodeSelector?: Record<string, string>; tolerations?: Toleration[] };
}
