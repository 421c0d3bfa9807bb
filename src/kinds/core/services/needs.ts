/** What a Service of some type holds: pkg/api/service of Kubernetes. */
import type { ServiceSpec } from "./types.ts";

export function needsClusterIp({ type }: ServiceSpec): boolean {
  return type !== "ExternalName";
}

/** Are node ports allocated for it? Of a load balancer that opts out only those that it asks for. */
export function needsNodePorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return type === "NodePort" || (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);
}

/** A load balancer that keeps the client's address asks each node whether it has endpoints. */
export function needsHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}

export function isHeadless({ clusterIPs = [] }: ServiceSpec): boolean {
  return clusterIPs.length === 1 && clusterIPs[0] === "None";
}

/** Headless and without selector: its endpoints are somebody else's, and may be of both families. */
export function isOpen({ clusterIP, selector }: ServiceSpec): boolean {
  return clusterIP === "None" && Object.keys(selector ?? {}).length === 0;
}

/** The numbers that no other Service may have. A number belongs to one Service, whatever the protocol. */
export function heldNodePorts({ type, ports = [], healthCheckNodePort }: ServiceSpec): Set<number> {
  if (type !== "NodePort" && type !== "LoadBalancer") return new Set();
  const numbers = [...ports.map(({ nodePort }) => nodePort), healthCheckNodePort];
  return new Set(numbers.filter((number): number is number => Boolean(number)));
}
