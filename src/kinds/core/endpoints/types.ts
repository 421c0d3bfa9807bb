/** Endpoints (k8s.io/api/core/v1): the way before EndpointSlices, still written by hand. */
import type { ResourceRef } from "../../../machinery/gvk.ts";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { ObjectReference } from "../events/types.ts";
import type { Protocol } from "../pods/types.ts";

export const endpoints: ResourceRef = { group: "", version: "v1", resource: "endpoints", namespaced: true };

export interface EndpointAddress {
  ip: string;
  hostname?: string;
  nodeName?: string;
  targetRef?: ObjectReference;
}

export interface EndpointsPort {
  name?: string;
  port: number;
  protocol?: Protocol;
  appProtocol?: string;
}

/** Every address has every port. */
export interface EndpointSubset {
  addresses?: EndpointAddress[];
  notReadyAddresses?: EndpointAddress[];
  ports?: EndpointsPort[];
}

export interface Endpoints extends KubeObject {
  subsets?: EndpointSubset[];
}
