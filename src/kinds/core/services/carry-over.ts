/**
 * What an update keeps of the Service it changes, and what it lets go: pkg/registry/core/service of Kubernetes. All functions change
 * the new one.
 */
import { sameJson } from "../../../registry/same-json.ts";
import { isExternallyAccessible } from "./defaults.ts";
import { needsClusterIp, needsHealthCheck } from "./needs.ts";
import type { Service, ServiceSpec } from "./types.ts";

export function carryOver(service: Service, { spec: old }: Service): void {
  const { spec } = service;
  patchAllocatedValues(spec, old);
  alignAddresses(spec, old);
  dropWhatTypeForbids(spec, old);
  // What a load balancer has reported is over with it.
  if (spec.type !== "LoadBalancer" && service.status) service.status = { ...service.status, loadBalancer: {} };
}

/** A client that sends again what it once created does not know what was allocated for it: patchAllocatedValues. */
function patchAllocatedValues(spec: ServiceSpec, old: ServiceSpec): void {
  if (needsClusterIp(spec) && needsClusterIp(old)) {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if (!spec.clusterIPs?.length && old.clusterIPs?.length && spec.clusterIP === old.clusterIP) {
      spec.clusterIPs = [...old.clusterIPs];
    }
  }
  if (mayHaveNodePorts(spec) && mayHaveNodePorts(old)) patchNodePorts(spec, old);
  if (needsHealthCheck(spec) && needsHealthCheck(old) && !spec.healthCheckNodePort && old.healthCheckNodePort) {
    spec.healthCheckNodePort = old.healthCheckNodePort;
  }
}

/** By name; a number that another port asks for now is not given to two. */
function patchNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const asked = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort));
  const before = new Map((old.ports ?? []).map(({ name = "", nodePort }) => [name, nodePort]));
  for (const port of spec.ports ?? []) {
    const nodePort = before.get(port.name ?? "");
    if (!port.nodePort && nodePort && !asked.has(nodePort)) port.nodePort = nodePort;
  }
}

function mayHaveNodePorts({ type }: ServiceSpec): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

/** The single address and the list of them follow each other for clients that know only one: normalizeClusterIPs. */
export function alignAddresses(spec: ServiceSpec, old?: ServiceSpec): void {
  const { clusterIP = "", clusterIPs = [] } = spec;
  if (!old) {
    if (clusterIP !== "" && clusterIPs.length === 0) spec.clusterIPs = [clusterIP];
    return;
  }
  if (clusterIP === (old.clusterIP ?? "") || !sameJson(clusterIPs, old.clusterIPs ?? [])) {
    // An old client that changes the address away from ExternalName sends no list.
    if (clusterIP !== "" && clusterIPs.length === 0) spec.clusterIPs = [clusterIP];
    return;
  }
  if (clusterIP === "") delete spec.clusterIPs;
  else spec.clusterIPs = [clusterIP];
}

/**
 * A type gives back what only the type before had, unless the client changed it in the same write: dropTypeDependentFields. Then it is
 * his to hear that the two do not go together.
 */
function dropWhatTypeForbids(spec: ServiceSpec, old: ServiceSpec): void {
  if (needsClusterIp(old) && !needsClusterIp(spec)) {
    if ((spec.clusterIP ?? "") === old.clusterIP && sameJson(spec.clusterIPs, old.clusterIPs)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    dropSame(spec, old, "ipFamilies");
    dropSame(spec, old, "ipFamilyPolicy");
  }
  if (mayHaveNodePorts(old) && !mayHaveNodePorts(spec)) dropNodePorts(spec, old);
  if (needsHealthCheck(old) && !needsHealthCheck(spec)) dropSame(spec, old, "healthCheckNodePort");
  if (old.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    dropSame(spec, old, "allocateLoadBalancerNodePorts");
    dropSame(spec, old, "loadBalancerClass");
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(spec)) dropSame(spec, old, "externalTrafficPolicy");
}

/** Ports may come, go and change, as long as they bring no node port that was not there. */
function dropNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const before = new Set((old.ports ?? []).map(({ nodePort }) => nodePort || undefined));
  const ports = spec.ports ?? [];
  if (!ports.every(({ nodePort }) => !nodePort || before.has(nodePort))) return;
  for (const port of ports) delete port.nodePort;
}

function dropSame(spec: ServiceSpec, old: ServiceSpec, field: keyof ServiceSpec): void {
  if (sameJson(spec[field], old[field])) delete spec[field];
}
