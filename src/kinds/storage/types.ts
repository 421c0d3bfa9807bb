/** Kinds of storage.k8s.io (k8s.io/api/storage/v1). */
import type { ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { LabelSelector } from "../../machinery/selectors.ts";

const at = { group: "storage.k8s.io", version: "v1" };
export const storageClasses: ResourceRef = { ...at, resource: "storageclasses", namespaced: false };
export const volumeAttachments: ResourceRef = { ...at, resource: "volumeattachments", namespaced: false };
export const csiDrivers: ResourceRef = { ...at, resource: "csidrivers", namespaced: false };
export const volumeAttributesClasses: ResourceRef = { ...at, resource: "volumeattributesclasses", namespaced: false };
export const csiNodes: ResourceRef = { ...at, resource: "csinodes", namespaced: false };
export const csiStorageCapacities: ResourceRef = { ...at, resource: "csistoragecapacities", namespaced: true };

export interface StorageClass extends KubeObject {
  provisioner: string;
  parameters?: Record<string, string>;
  reclaimPolicy?: "Delete" | "Retain";
  mountOptions?: string[];
  allowVolumeExpansion?: boolean;
  volumeBindingMode?: "Immediate" | "WaitForFirstConsumer";
  /** Terms are ORed. */
  allowedTopologies?: { matchLabelExpressions?: { key: string; values?: string[] }[] }[];
}

export interface VolumeAttributesClass extends KubeObject {
  driverName: string;
  parameters?: Record<string, string>;
}

export interface VolumeError {
  time?: string;
  message?: string;
  errorCode?: number;
}

export interface VolumeAttachment extends KubeObject {
  spec: {
    attacher: string;
    source: { persistentVolumeName?: string; inlineVolumeSpec?: Record<string, unknown> };
    nodeName: string;
  };
  status?: {
    attached: boolean;
    attachmentMetadata?: Record<string, string>;
    attachError?: VolumeError;
    detachError?: VolumeError;
  };
}

export interface CsiDriver extends KubeObject {
  spec: {
    attachRequired?: boolean;
    podInfoOnMount?: boolean;
    volumeLifecycleModes?: ("Persistent" | "Ephemeral")[];
    storageCapacity?: boolean;
    fsGroupPolicy?: "ReadWriteOnceWithFSType" | "File" | "None";
    tokenRequests?: { audience: string; expirationSeconds?: number }[];
    requiresRepublish?: boolean;
    seLinuxMount?: boolean;
    nodeAllocatableUpdatePeriodSeconds?: number;
    serviceAccountTokenInSecrets?: boolean;
  };
}

export interface CsiNodeDriver {
  name: string;
  nodeID: string;
  topologyKeys?: string[] | null;
  allocatable?: { count?: number };
}

export interface CsiNode extends KubeObject {
  spec: { drivers: CsiNodeDriver[] };
}

export interface CsiStorageCapacity extends KubeObject {
  nodeTopology?: LabelSelector;
  storageClassName: string;
  capacity?: string;
  maximumVolumeSize?: string;
}
