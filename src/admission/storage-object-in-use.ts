/**
 * StorageObjectInUseProtection: what a pod or a claim may come to use gets a finalizer with its creation, so that a delete waits until
 * nothing uses it any more (plugin/pkg/admission/storage/storageobjectinuseprotection). `controllers/storage-protection` takes it off.
 */
import { protectionFinalizerOf } from "../kinds/storage/protection.ts";
import type { AdmissionPlugin } from "./admission.ts";

export function createStorageObjectInUse(): AdmissionPlugin {
  return {
    name: "StorageObjectInUseProtection",
    mutate({ operation, group, resource, subresource, object }) {
      if (operation !== "CREATE" || subresource !== "" || !object) return;
      const finalizer = protectionFinalizerOf({ group, resource });
      if (finalizer === undefined) return;
      const { finalizers = [] } = object.metadata;
      if (!finalizers.includes(finalizer)) object.metadata.finalizers = [...finalizers, finalizer];
    },
  };
}
