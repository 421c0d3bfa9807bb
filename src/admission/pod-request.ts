/** Which requests carry a pod that plugins may complete. */
import type { Pod } from "../kinds/core/pods/types.ts";
import type { AdmissionAttributes } from "./admission.ts";

/** The pod of a request on pods themselves; undefined for other resources and for subresources. */
export function podOf({ group, resource, subresource, object }: AdmissionAttributes): Pod | undefined {
  if (group !== "" || resource !== "pods" || subresource !== "") return undefined;
  return object as Pod | undefined;
}

/** Of a pod that a node runs by itself, and shows to the API. */
export const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

export function isMirrorPod({ metadata }: Pod): boolean {
  return metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;
}
