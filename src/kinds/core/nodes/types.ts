/** Node (k8s.io/api/core/v1). */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { ResourceList, Taint } from "../pods/types.ts";

export const nodes: ResourceRef = { group: "", version: "v1", resource: "nodes", namespaced: false };

export interface Node extends KubeObject {
  spec: NodeSpec;
  status?: NodeStatus;
}

export interface NodeSpec {
  podCIDR?: string;
  podCIDRs?: string[];
  providerID?: string;
  unschedulable?: boolean;
  taints?: Taint[];
  configSource?: unknown;
  externalID?: string;
}

export interface NodeStatus {
  capacity?: ResourceList;
  allocatable?: ResourceList;
  phase?: string;
  conditions?: NodeCondition[];
  addresses?: NodeAddress[];
  daemonEndpoints?: { kubeletEndpoint?: { Port: number } };
  nodeInfo?: NodeSystemInfo;
  images?: { names?: string[]; sizeBytes?: number }[];
  volumesInUse?: string[];
  volumesAttached?: { name: string; devicePath: string }[];
  config?: unknown;
  runtimeHandlers?: { name?: string; features?: Record<string, boolean> }[];
  features?: Record<string, boolean>;
  declaredFeatures?: string[];
}

export interface NodeCondition {
  /** "Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable" … */
  type: string;
  status: "True" | "False" | "Unknown";
  lastHeartbeatTime?: string | null;
  lastTransitionTime?: string | null;
  reason?: string;
  message?: string;
}

export interface NodeAddress {
  type: "InternalIP" | "ExternalIP" | "Hostname" | "InternalDNS" | "ExternalDNS";
  address: string;
}

export interface NodeSystemInfo {
  machineID: string;
  systemUUID: string;
  bootID: string;
  kernelVersion: string;
  osImage: string;
  containerRuntimeVersion: string;
  kubeletVersion: string;
  kubeProxyVersion: string;
  operatingSystem: string;
  architecture: string;
  swap?: { capacity?: number };
}
