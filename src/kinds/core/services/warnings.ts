/** What a client should know of its Service: pkg/api/service/warnings.go of Kubernetes. */
import { canonicalIp } from "../../../machinery/ip.ts";
import type { Service } from "./types.ts";

const HINTS_ANNOTATION = "service.kubernetes.io/topology-aware-hints";
const MODE_ANNOTATION = "service.kubernetes.io/topology-mode";

export function serviceWarnings({ metadata, spec }: Service): string[] {
  const { externalIPs = [], clusterIPs = [], loadBalancerIP = "", sessionAffinity, externalName, type } = spec;
  const isHeadless = type === "ClusterIP" && spec.clusterIP === "None";
  const isExternal = type === "ExternalName";
  const warnings: string[] = [];
  if (metadata.annotations?.[HINTS_ANNOTATION] !== undefined) {
    warnings.push(`annotation ${HINTS_ANNOTATION} is deprecated, please use ${MODE_ANNOTATION} instead`);
  }
  if (!isHeadless) clusterIPs.forEach((address, at) => warnings.push(...unusual(address, `spec.clusterIPs[${at}]`)));
  if (isHeadless) {
    if (loadBalancerIP !== "") warnings.push("spec.loadBalancerIP is ignored for headless services");
    if (externalIPs.length > 0) warnings.push("spec.externalIPs is ignored for headless services");
    if (sessionAffinity !== "None") warnings.push("spec.SessionAffinity is ignored for headless services");
  }
  externalIPs.forEach((address, at) => warnings.push(...unusual(address, `spec.externalIPs[${at}]`)));
  if (externalIPs.length > 0 && !isHeadless && !isExternal) {
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  }
  if (externalIPs.length > 0 && isExternal) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (externalName && !isExternal) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.trafficDistribution === "PreferClose") {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}

/** IPv6 that is not written in the one right form: GetWarningsForIP of k8s.io/apimachinery. */
function unusual(address: string, field: string): string[] {
  if (!address.includes(":")) return [];
  const canonical = canonicalIp(address);
  return canonical === address
    ? []
    : [`${field}: IPv6 address "${address}" should be in RFC 5952 canonical format ("${canonical}")`];
}
