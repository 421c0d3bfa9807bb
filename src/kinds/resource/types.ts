/** Kinds of resource.k8s.io (k8s.io/api/resource/v1): devices that pods ask for. */
import type { KubeObject, ObjectMeta } from "../../machinery/meta.ts";
import type { NodeSelector } from "../core/pods/types.ts";

export interface DeviceSelector {
  cel?: { expression: string };
}

export interface DeviceToleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
}

export interface ExactDeviceRequest {
  deviceClassName: string;
  selectors?: DeviceSelector[];
  allocationMode?: string;
  count?: number;
  adminAccess?: boolean;
  tolerations?: DeviceToleration[];
}

export interface DeviceRequest {
  name: string;
  exactly?: ExactDeviceRequest;
  firstAvailable?: (ExactDeviceRequest & { name: string })[];
}

export interface ResourceClaimSpec {
  devices?: {
    requests?: DeviceRequest[];
    constraints?: { requests?: string[]; matchAttribute?: string; [field: string]: unknown }[];
    config?: { requests?: string[]; [field: string]: unknown }[];
  };
}

export interface ResourceClaim extends KubeObject {
  spec: ResourceClaimSpec;
  status?: { allocation?: object; reservedFor?: { resource: string; name: string; uid: string }[]; devices?: object[] };
}

export interface ResourceClaimTemplate extends KubeObject {
  spec: { metadata?: ObjectMeta; spec: ResourceClaimSpec };
}

export interface DeviceClass extends KubeObject {
  spec: { selectors?: DeviceSelector[]; config?: object[]; extendedResourceName?: string };
}

export interface ResourceSlice extends KubeObject {
  spec: {
    driver: string;
    pool: { name: string; generation: number; resourceSliceCount: number };
    nodeName?: string;
    nodeSelector?: NodeSelector;
    allNodes?: boolean;
    perDeviceNodeSelection?: boolean;
    devices?: { name: string; [field: string]: unknown }[];
    sharedCounters?: { name: string; [field: string]: unknown }[];
  };
}
