/** Finalizers of what is in use (pkg/volume/util/finalizer.go). */
import { groupResource } from "../../machinery/gvk.ts";

const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumeclaims: "kubernetes.io/pvc-protection",
  persistentvolumes: "kubernetes.io/pv-protection",
  "volumeattributesclasses.storage.k8s.io": "kubernetes.io/vac-protection",
};

/** Undefined for what is not protected. */
export function protectionFinalizerOf({ group, resource }: { group: string; resource: string }): string | undefined {
  return FINALIZERS[groupResource(group, resource)];
}
