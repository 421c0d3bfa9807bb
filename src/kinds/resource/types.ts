/** Kinds of resource.k8s.io (k8s.io/api/resource/v1): devices that pods ask for. */
import type { KubeObject, ObjectMeta } from "../../machinery/meta.ts";
import type { Condition } from "../../machinery/validate-conditions.ts";
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

export interface DeviceConfiguration {
  /** What its driver alone understands. */
  opaque?: { driver: string; parameters?: unknown };
}

export interface DeviceClaimConfiguration extends DeviceConfiguration {
  requests?: string[];
}

export interface DeviceConstraint {
  requests?: string[];
  matchAttribute?: string;
  distinctAttribute?: string;
}

export interface DeviceClaim {
  requests?: DeviceRequest[];
  constraints?: DeviceConstraint[];
  config?: DeviceClaimConfiguration[];
}

export interface ResourceClaimSpec {
  devices?: DeviceClaim;
}

export interface DeviceResult extends BindingConditions {
  request: string;
  driver: string;
  pool: string;
  device: string;
  shareID?: string;
  adminAccess?: boolean;
  tolerations?: DeviceToleration[];
}

export interface Allocation {
  devices?: { results?: DeviceResult[]; config?: (DeviceClaimConfiguration & { source?: string })[] };
  nodeSelector?: NodeSelector;
}

export interface AllocatedDevice {
  driver: string;
  pool: string;
  device: string;
  shareID?: string;
  conditions?: Condition[];
  data?: unknown;
  networkData?: { interfaceName?: string; hardwareAddress?: string; ips?: string[] };
}

export interface Consumer {
  apiGroup?: string;
  resource: string;
  name: string;
  uid: string;
}

export interface ResourceClaim extends KubeObject {
  spec: ResourceClaimSpec;
  status?: { allocation?: Allocation; reservedFor?: Consumer[]; devices?: AllocatedDevice[] };
}

export interface ResourceClaimTemplate extends KubeObject {
  spec: { metadata?: ObjectMeta; spec: ResourceClaimSpec };
}

export interface DeviceClass extends KubeObject {
  spec: { selectors?: DeviceSelector[]; config?: DeviceConfiguration[]; extendedResourceName?: string };
}

export interface DeviceAttribute {
  bool?: boolean;
  int?: number;
  string?: string;
  version?: string;
  bools?: boolean[];
  ints?: number[];
  strings?: string[];
  versions?: string[];
}

export interface CapacityPolicy {
  default?: string;
  validValues?: string[];
  validRange?: { min?: string; max?: string; step?: string };
}

export interface DeviceCapacity {
  value: string;
  requestPolicy?: CapacityPolicy;
}

export interface BindingConditions {
  bindingConditions?: string[];
  bindingFailureConditions?: string[];
}

export interface Counters {
  counters?: Record<string, { value: string }>;
}

export interface Device extends BindingConditions {
  name: string;
  attributes?: Record<string, DeviceAttribute>;
  capacity?: Record<string, DeviceCapacity>;
  taints?: { key: string; value?: string; effect?: string }[];
  consumesCounters?: (Counters & { counterSet: string })[];
  nodeName?: string;
  nodeSelector?: NodeSelector;
  allNodes?: boolean;
  allowMultipleAllocations?: boolean;
}

export interface ResourceSlice extends KubeObject {
  spec: {
    driver: string;
    pool: { name: string; generation: number; resourceSliceCount: number };
    nodeName?: string;
    nodeSelector?: NodeSelector;
    allNodes?: boolean;
    perDeviceNodeSelection?: boolean;
    devices?: Device[];
    sharedCounters?: (Counters & { name: string })[];
  };
}
