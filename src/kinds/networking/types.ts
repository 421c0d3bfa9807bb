/** Kinds of networking.k8s.io (k8s.io/api/networking/v1). */
import type { ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { LabelSelector } from "../../machinery/selectors.ts";
import type { IntOrString, Protocol } from "../core/pods/types.ts";

const at = { group: "networking.k8s.io", version: "v1" };
export const ingresses: ResourceRef = { ...at, resource: "ingresses", namespaced: true };
export const ingressClasses: ResourceRef = { ...at, resource: "ingressclasses", namespaced: false };
export const networkPolicies: ResourceRef = { ...at, resource: "networkpolicies", namespaced: true };
export const ipAddresses: ResourceRef = { ...at, resource: "ipaddresses", namespaced: false };
export const serviceCidrs: ResourceRef = { ...at, resource: "servicecidrs", namespaced: false };

/** An object in the same namespace, or one of no namespace. */
export interface TypedReference {
  apiGroup?: string;
  kind: string;
  name: string;
}

export interface IngressBackend {
  service?: { name: string; port?: { name?: string; number?: number } };
  resource?: TypedReference;
}

export interface HttpIngressPath {
  path?: string;
  pathType?: "Exact" | "Prefix" | "ImplementationSpecific";
  backend: IngressBackend;
}

export interface IngressRule {
  host?: string;
  http?: { paths?: HttpIngressPath[] };
}

export interface Ingress extends KubeObject {
  spec: {
    ingressClassName?: string;
    defaultBackend?: IngressBackend;
    tls?: { hosts?: string[]; secretName?: string }[];
    rules?: IngressRule[];
  };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string; [field: string]: unknown }[] } };
}

export interface IngressClass extends KubeObject {
  spec: {
    controller?: string;
    parameters?: TypedReference & { scope?: string; namespace?: string };
  };
}

export interface NetworkPolicyPort {
  protocol?: Protocol;
  port?: IntOrString;
  endPort?: number;
}

export interface NetworkPolicyPeer {
  podSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  ipBlock?: { cidr: string; except?: string[] };
}

export interface NetworkPolicy extends KubeObject {
  spec: {
    podSelector?: LabelSelector;
    ingress?: { ports?: NetworkPolicyPort[]; from?: NetworkPolicyPeer[] }[];
    egress?: { ports?: NetworkPolicyPort[]; to?: NetworkPolicyPeer[] }[];
    policyTypes?: ("Ingress" | "Egress")[];
  };
}

/** Stands for one address that somebody has; its name is the address. */
export interface IpAddress extends KubeObject {
  spec: { parentRef?: { group?: string; resource?: string; namespace?: string; name?: string } };
}

/** A range that addresses of Services come from. */
export interface ServiceCidr extends KubeObject {
  spec: { cidrs?: string[] };
  status?: { conditions?: { type: string; status: string; [field: string]: unknown }[] };
}
