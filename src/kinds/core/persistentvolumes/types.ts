/** PersistentVolume (k8s.io/api/core/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { ObjectReference } from "../events/types.ts";
import type { AccessMode } from "../persistentvolumeclaims/types.ts";
import type { NodeSelector, ResourceList } from "../pods/types.ts";

export const persistentVolumes: ResourceRef = {
  group: "",
  version: "v1",
  resource: "persistentvolumes",
  namespaced: false,
};

/** Exactly one source is set; those that are not checked are left to the index signature. */
export interface PersistentVolumeSpec {
  capacity?: ResourceList;
  accessModes?: AccessMode[];
  claimRef?: ObjectReference;
  persistentVolumeReclaimPolicy?: "Retain" | "Recycle" | "Delete";
  storageClassName?: string;
  mountOptions?: string[];
  volumeMode?: "Filesystem" | "Block";
  nodeAffinity?: { required?: NodeSelector };
  volumeAttributesClassName?: string;
  hostPath?: { path: string; type?: string };
  local?: { path: string; fsType?: string };
  nfs?: { server: string; path: string; readOnly?: boolean };
  csi?: { driver: string; volumeHandle: string; [field: string]: unknown };
  [source: string]: unknown;
}

export interface PersistentVolume extends KubeObject {
  spec: PersistentVolumeSpec;
  status?: {
    phase?: "Pending" | "Available" | "Bound" | "Released" | "Failed";
    message?: string;
    reason?: string;
    lastPhaseTransitionTime?: string;
  };
}
