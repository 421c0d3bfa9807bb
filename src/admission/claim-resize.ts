/** PersistentVolumeClaimResize: a claim grows only where its class can (plugin/pkg/admission/storage/persistentvolume/resize). */
import type { PersistentVolumeClaim } from "../kinds/core/persistentvolumeclaims/types.ts";
import type { StorageClass } from "../kinds/storage/types.ts";
import { compareQuantities, readQuantity } from "../machinery/quantity.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { refused } from "./refusal.ts";
import type { Lookup } from "./service-account.ts";

const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";

export function createClaimResize({ lookup }: { lookup: Lookup }): AdmissionPlugin {
  return {
    name: "PersistentVolumeClaimResize",
    async validate(attributes) {
      const { group, resource, subresource, operation, object, oldObject } = attributes;
      if (group !== "" || resource !== "persistentvolumeclaims" || subresource !== "" || operation !== "UPDATE") return;
      const [next, old] = [object as PersistentVolumeClaim, oldObject as PersistentVolumeClaim];
      if (!isLarger(next, old)) return;
      if (old.status?.phase !== "Bound")
        throw refused(attributes, "Only bound persistent volume claims can be expanded");
      const name = classOf(next);
      const found =
        name === "" || name !== classOf(old)
          ? undefined
          : await lookup({ resource: "storageclasses.storage.k8s.io", namespace: "", name });
      if ((found as StorageClass | undefined)?.allowVolumeExpansion === true) return;
      throw refused(
        attributes,
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
      );
    },
  };
}

function isLarger(next: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const after = readQuantity(next.spec.resources?.requests?.["storage"] ?? "0");
  const before = readQuantity(old.spec.resources?.requests?.["storage"] ?? "0");
  return after !== undefined && before !== undefined && compareQuantities(after, before) > 0;
}

function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? "";
}
