/** Service: pkg/apis/core/validation of Kubernetes. */
import { dnsLabelFaults, dnsSubdomainFaults, outsideOf, portNumberFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateLabels } from "../../../machinery/validate-meta.ts";
import { invalidFor, ipFaults, IP_FAULT, isIpv4, isIpv6, validateOneOf } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { PROTOCOLS } from "../pods/validation/containers.ts";
import { validatePort } from "../pods/validation/probes.ts";
import { isExternallyAccessible } from "./defaults.ts";
import type { Service, ServicePort, ServiceSpec } from "./types.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const TRAFFIC_POLICIES = ["Cluster", "Local"];
const AFFINITIES = ["ClientIP", "None"];
const FAMILY_POLICIES = ["SingleStack", "PreferDualStack", "RequireDualStack"];
const AFFINITY_SECONDS_MAX = 86_400;

export function validateService({ spec }: Service): FieldError[] {
  return [
    ...requiredErrors(spec),
    ...portsErrors(spec),
    ...validateLabels(spec.selector, "spec.selector"),
    ...affinityErrors(spec),
    ...(spec.type === "ExternalName" ? [] : addressErrors(spec)),
    ...externalErrors(spec),
    ...policyErrors(spec),
  ];
}

function requiredErrors(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const headless = spec.clusterIP === "None";
  if (spec.type === "ExternalName") {
    if (spec.clusterIP || spec.clusterIPs?.length) {
      const at = spec.clusterIPs?.length ? "spec.clusterIPs" : "spec.clusterIP";
      errors.push(fieldError.forbidden(at, "may not be set when `type` is 'ExternalName'"));
    }
    const name = (spec.externalName ?? "").replace(/\.$/, "");
    if (name === "") errors.push(fieldError.required("spec.externalName"));
    else errors.push(...invalidFor("spec.externalName", name, dnsSubdomainFaults(name)));
  } else if (!headless && !spec.ports?.length) {
    errors.push(fieldError.required("spec.ports"));
  }
  if (spec.type === "LoadBalancer" && headless) {
    errors.push(fieldError.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services"));
  }
  if (spec.type === "NodePort" && headless) {
    errors.push(fieldError.invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for NodePort services"));
  }
  if (!TYPES.includes(spec.type ?? "")) errors.push(fieldError.notSupported("spec.type", spec.type, TYPES));
  return errors;
}

function portsErrors(spec: ServiceSpec): FieldError[] {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  const pairs = new Set<string>();
  const nodePorts = new Set<string>();
  return ports.flatMap((port, index) => {
    const at = `spec.ports[${index}]`;
    const errors = portErrors(port, { many: ports.length > 1, names, at });
    const pair = `${port.protocol}/${port.port}`;
    if (pairs.has(pair)) errors.push(fieldError.duplicate(at, port));
    pairs.add(pair);
    if (!port.nodePort) return errors;
    if (spec.type === "ClusterIP" || spec.type === "ExternalName") {
      errors.push(fieldError.forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`));
    }
    const nodePort = `${port.protocol}/${port.nodePort}`;
    if (nodePorts.has(nodePort)) errors.push(fieldError.duplicate(`${at}.nodePort`, port.nodePort));
    nodePorts.add(nodePort);
    return errors;
  });
}

function portErrors(
  { name = "", port, protocol, targetPort }: ServicePort,
  { many, names, at }: { many: boolean; names: Set<string>; at: string },
): FieldError[] {
  const errors: FieldError[] = [];
  if (name === "") {
    if (many) errors.push(fieldError.required(`${at}.name`));
  } else {
    errors.push(...invalidFor(`${at}.name`, name, dnsLabelFaults(name)));
    if (names.has(name)) errors.push(fieldError.duplicate(`${at}.name`, name));
    names.add(name);
  }
  errors.push(...invalidFor(`${at}.port`, port, portNumberFaults(port)));
  errors.push(...validateOneOf(protocol, `${at}.protocol`, PROTOCOLS));
  return targetPort === undefined ? errors : [...errors, ...validatePort(targetPort, `${at}.targetPort`)];
}

function affinityErrors({ sessionAffinity, sessionAffinityConfig, type, clusterIP }: ServiceSpec): FieldError[] {
  const errors = validateOneOf(sessionAffinity, "spec.sessionAffinity", AFFINITIES);
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  const at = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
  if (sessionAffinity === "ClientIP" && seconds !== undefined && (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX)) {
    errors.push(fieldError.invalid(at, seconds, `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`));
  }
  if (type === "ExternalName" && clusterIP === "None") {
    errors.push(fieldError.forbidden("spec.clusterIPs[0]", "may not be set when `type` is 'ExternalName'"));
  }
  return errors;
}

function addressErrors({
  clusterIP = "",
  clusterIPs = [],
  ipFamilyPolicy,
  ipFamilies = [],
}: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    errors.push(fieldError.invalid("spec.clusterIPs", clusterIPs, "first value must match `clusterIP`"));
  }
  if (clusterIPs.length > 2) {
    errors.push(fieldError.invalid("spec.clusterIPs", clusterIPs, "may only hold up to 2 values"));
  }
  clusterIPs.forEach((address, index) => {
    const at = `spec.clusterIPs[${index}]`;
    if (address === "None") {
      if (clusterIPs.length > 1)
        errors.push(fieldError.invalid("spec.clusterIPs", clusterIPs, "'None' must be the first and only value"));
    } else if (!isIpv4(address) && !isIpv6(address)) {
      errors.push(fieldError.invalid(at, address, IP_FAULT));
    } else if (isIpv6(address) || index > 0) {
      // There is no second family to allocate from.
      errors.push(fieldError.invalid(at, address, "this cluster is not configured for dual-stack services"));
    }
  });
  if (ipFamilyPolicy) errors.push(...validateOneOf(ipFamilyPolicy, "spec.ipFamilyPolicy", FAMILY_POLICIES));
  ipFamilies.forEach((family, index) => {
    errors.push(...validateOneOf(family, `spec.ipFamilies[${index}]`, ["IPv4", "IPv6"]));
  });
  if (clusterIP !== "None" && ipFamilyPolicy === "RequireDualStack") {
    const why = "this cluster is not configured for dual-stack services";
    errors.push(fieldError.invalid("spec.ipFamilyPolicy", ipFamilyPolicy, why));
  }
  return errors;
}

function externalErrors({
  externalIPs = [],
  type,
  loadBalancerSourceRanges,
  loadBalancerClass,
}: ServiceSpec): FieldError[] {
  const errors = externalIPs.flatMap((address, index) =>
    invalidFor(`spec.externalIPs[${index}]`, address, ipFaults(address)),
  );
  if (type === "LoadBalancer") return errors;
  if (loadBalancerSourceRanges?.length) {
    const why = "may only be used when `type` is 'LoadBalancer'";
    errors.push(fieldError.forbidden("spec.LoadBalancerSourceRanges", why));
  }
  if (loadBalancerClass) {
    errors.push(fieldError.forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'"));
  }
  return errors;
}

function policyErrors(spec: ServiceSpec): FieldError[] {
  const { externalTrafficPolicy: external, internalTrafficPolicy: internal, healthCheckNodePort } = spec;
  const errors: FieldError[] = [];
  if (isExternallyAccessible(spec)) {
    if (!TRAFFIC_POLICIES.includes(external ?? "")) {
      errors.push(fieldError.notSupported("spec.externalTrafficPolicy", external, TRAFFIC_POLICIES));
    }
  } else if (external) {
    const why = "may only be set for externally-accessible services";
    errors.push(fieldError.invalid("spec.externalTrafficPolicy", external, why));
  }
  if (internal && !TRAFFIC_POLICIES.includes(internal)) {
    errors.push(fieldError.notSupported("spec.internalTrafficPolicy", internal, TRAFFIC_POLICIES));
  }
  if (healthCheckNodePort) {
    errors.push(
      ...invalidFor("spec.healthCheckNodePort", healthCheckNodePort, outsideOf(healthCheckNodePort, 0, 65_535)),
    );
  }
  return errors;
}

/** A ClusterIP stays as long as the type keeps one. */
export function validateServiceUpdate(now: Service, old: Service, { subresource }: StrategyContext): FieldError[] {
  if (subresource === "status") return [];
  const { spec } = now;
  const errors: FieldError[] = [];
  const changes = spec.type !== "ExternalName" && old.spec.type !== "ExternalName" && old.spec.clusterIP;
  if (changes && spec.clusterIP !== old.spec.clusterIP) {
    errors.push(fieldError.invalid("spec.clusterIPs[0]", spec.clusterIPs ?? [], "may not change once set"));
  }
  const family = old.spec.ipFamilies?.[0];
  if (changes && family && spec.ipFamilies?.[0] !== family) {
    errors.push(fieldError.invalid("spec.ipFamilies[0]", spec.ipFamilies ?? [], "may not change once set"));
  }
  return errors;
}
