/** Stored objects of storage for tables, as views. */
import {
  claimView,
  storageClassView,
  volumeView,
  type ClaimView,
  type StorageClassView,
  type VolumeView,
} from "../../controller-runtime/views/storage-views.ts";
import type { PersistentVolumeClaimSpec } from "../../kinds/core/persistentvolumeclaims/types.ts";
import type { PersistentVolumeSpec } from "../../kinds/core/persistentvolumes/types.ts";
import type { PodSpec } from "../../kinds/core/pods/types.ts";
import type { StorageClass } from "../../kinds/storage/types.ts";
import type { ObjectMeta } from "../../machinery/meta.ts";

export function claim(name: string, spec: Partial<PersistentVolumeClaimSpec> = {}, meta: ObjectMeta = {}): ClaimView {
  const bound = spec.volumeName === undefined ? {} : { "pv.kubernetes.io/bind-completed": "yes" };
  return claimView({
    metadata: { name, namespace: "n", uid: `uid-${name}`, ...meta, annotations: { ...bound, ...meta.annotations } },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
    status: { phase: spec.volumeName === undefined ? "Pending" : "Bound" },
  });
}

export function volume(
  name: string,
  spec: Partial<PersistentVolumeSpec> = {},
  labels: Record<string, string> = {},
): VolumeView {
  return volumeView({
    metadata: { name, uid: `uid-${name}`, labels },
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], ...spec },
    status: { phase: "Available" },
  });
}

export function storageClass(name: string, more: Partial<StorageClass> = {}): StorageClassView {
  return storageClassView({ metadata: { name }, provisioner: "disk.example.com", ...more });
}

/** A pod that mounts these claims. */
export const mounting = (...names: string[]): Partial<PodSpec> => ({
  volumes: names.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
});
