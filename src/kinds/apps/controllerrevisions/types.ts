/** ControllerRevision (k8s.io/api/apps/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";

export const controllerRevisions: ResourceRef = {
  group: "apps",
  version: "v1",
  resource: "controllerrevisions",
  namespaced: true,
};

/** A state that a StatefulSet or DaemonSet was in. */
export interface ControllerRevision extends KubeObject {
  data?: Record<string, unknown>;
  revision: number;
}
