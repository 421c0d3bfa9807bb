/** Service: ValidateService and ValidateServiceUpdate of pkg/apis/core/validation of Kubernetes, in their order. */
import { CIDR_FAULT, parseIpRange } from "../../../machinery/ip-range.ts";
import { dnsLabelFaults, dnsSubdomainFaults, portNumberFaults, qualifiedNameFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateLabels } from "../../../machinery/validate-meta.ts";
import { invalidFor, ipFaults, validateOneOf } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { specialAddressErrors } from "../endpoints/addresses.ts";
import { PROTOCOLS } from "../pods/validation/containers.ts";
import { validatePort } from "../pods/validation/probes.ts";
import { isExternallyAccessible } from "./defaults.ts";
import { isHeadless, needsHealthCheck } from "./needs.ts";
import type { LoadBalancerIngress, Service, ServicePort, ServiceSpec } from "./types.ts";
import { addressErrors, addressUpdateErrors } from "./validation-addresses.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const TRAFFIC_POLICIES = ["Cluster", "Local"];
const DISTRIBUTIONS = ["PreferClose", "PreferSameZone", "PreferSameNode"];
const AFFINITIES = ["ClientIP", "None"];
const AFFINITY_SECONDS_MAX = 86_400;
const NOT_EXTERNAL = "may not be set for ExternalName services";
const IP_MODES = ["Proxy", "VIP"];
const FOR_LOAD_BALANCERS = "may only be used when `type` is 'LoadBalancer'";

export function validateService({ spec }: Service): FieldError[] {
  const { ports = [] } = spec;
  const names = new Set<string>();
  return [
    ...typeErrors(spec),
    ...ports.flatMap((port, index) => portErrors(port, { many: ports.length > 1, names, at: `spec.ports[${index}]` })),
    ...validateLabels(spec.selector, "spec.selector"),
    ...affinityErrors(spec),
    ...addressErrors(spec),
    ...(spec.externalIPs ?? []).flatMap(externalIpErrors),
    ...(TYPES.includes(spec.type ?? "") ? [] : [fieldError.notSupported("spec.type", spec.type, TYPES)]),
    ...nodePortErrors(spec),
    ...duplicateErrors(ports),
    ...loadBalancerErrors(spec),
    ...policyErrors(spec),
  ];
}

function typeErrors(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec.ports?.length && !isHeadless(spec) && spec.type !== "ExternalName") {
    errors.push(fieldError.required("spec.ports"));
  }
  if (spec.type === "ExternalName") return [...errors, ...externalNameErrors(spec)];
  if ((spec.type === "LoadBalancer" || spec.type === "NodePort") && isHeadless(spec)) {
    const why = `may not be set to 'None' for ${spec.type} services`;
    errors.push(fieldError.invalid("spec.clusterIPs[0]", "None", why));
  }
  return errors;
}

function externalNameErrors(spec: ServiceSpec): FieldError[] {
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  return [
    ...(spec.clusterIPs?.length ? [fieldError.forbidden("spec.clusterIPs", NOT_EXTERNAL)] : []),
    ...(spec.ipFamilies?.length ? [fieldError.forbidden("spec.ipFamilies", NOT_EXTERNAL)] : []),
    ...(spec.ipFamilyPolicy === undefined ? [] : [fieldError.forbidden("spec.ipFamilyPolicy", NOT_EXTERNAL)]),
    ...(name === ""
      ? [fieldError.required("spec.externalName")]
      : invalidFor("spec.externalName", name, dnsSubdomainFaults(name))),
  ];
}

function portErrors(
  { name = "", port, protocol, targetPort, appProtocol }: ServicePort,
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
  if (targetPort !== undefined) errors.push(...validatePort(targetPort, `${at}.targetPort`));
  if (appProtocol === undefined) return errors;
  return [...errors, ...invalidFor(`${at}.appProtocol`, appProtocol, qualifiedNameFaults(appProtocol))];
}

function affinityErrors({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): FieldError[] {
  const errors = validateOneOf(sessionAffinity, "spec.sessionAffinity", AFFINITIES);
  if (sessionAffinity !== "ClientIP") return errors;
  const at = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds === undefined || (seconds > 0 && seconds <= AFFINITY_SECONDS_MAX)) return errors;
  const why = `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`;
  return [...errors, fieldError.invalid(at, seconds, why)];
}

function externalIpErrors(address: string, index: number): FieldError[] {
  const field = `spec.externalIPs[${index}]`;
  const errors = invalidFor(field, address, ipFaults(address));
  return errors.length > 0 ? errors : specialAddressErrors(address, field);
}

function nodePortErrors({ type, ports = [] }: ServiceSpec): FieldError[] {
  const why = "may not be used when `type` is 'ClusterIP'";
  if (type !== "ClusterIP") return [];
  return ports.flatMap(({ nodePort }, index) =>
    nodePort ? [fieldError.forbidden(`spec.ports[${index}].nodePort`, why)] : [],
  );
}

/** A number may be there once for each protocol. */
function duplicateErrors(ports: readonly ServicePort[]): FieldError[] {
  const seen = new Set<string>();
  const isSecond = (key: string) => seen.size === seen.add(key).size;
  const nodePorts = ports.flatMap(({ protocol, nodePort }, index) =>
    nodePort && isSecond(`node ${protocol}/${nodePort}`)
      ? [fieldError.duplicate(`spec.ports[${index}].nodePort`, nodePort)]
      : [],
  );
  const pairs = ports.flatMap(({ protocol = "", port }, index) => {
    if (!isSecond(`${protocol}/${port}`)) return [];
    // As Go prints its internal type, of which only these two are set.
    const shown = { Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
    return [fieldError.duplicate(`spec.ports[${index}]`, shown)];
  });
  return [...nodePorts, ...pairs];
}

function loadBalancerErrors(spec: ServiceSpec): FieldError[] {
  const { type, loadBalancerSourceRanges: ranges = [], loadBalancerClass } = spec;
  const isLoadBalancer = type === "LoadBalancer";
  // Upstream spells it so.
  const field = "spec.LoadBalancerSourceRanges";
  const errors = ranges.length > 0 && !isLoadBalancer ? [fieldError.forbidden(field, FOR_LOAD_BALANCERS)] : [];
  for (const [index, padded] of ranges.entries()) {
    const range = padded.trim();
    if (!parseIpRange(range)) errors.push(fieldError.invalid(`${field}[${index}]`, range, CIDR_FAULT));
  }
  if (!isLoadBalancer && spec.allocateLoadBalancerNodePorts !== undefined) {
    errors.push(fieldError.forbidden("spec.allocateLoadBalancerNodePorts", FOR_LOAD_BALANCERS));
  }
  if (loadBalancerClass === undefined) return errors;
  const at = "spec.loadBalancerClass";
  if (!isLoadBalancer) return [...errors, fieldError.forbidden(at, FOR_LOAD_BALANCERS)];
  return [...errors, ...invalidFor(at, loadBalancerClass, qualifiedNameFaults(loadBalancerClass))];
}

function policyErrors(spec: ServiceSpec): FieldError[] {
  const { externalTrafficPolicy: external, internalTrafficPolicy: internal, trafficDistribution } = spec;
  const errors: FieldError[] = [];
  if (isExternallyAccessible(spec)) {
    errors.push(...validateOneOf(external, "spec.externalTrafficPolicy", TRAFFIC_POLICIES));
  } else if (external) {
    const why = "may only be set for externally-accessible services";
    errors.push(fieldError.invalid("spec.externalTrafficPolicy", external, why));
  }
  errors.push(...healthCheckErrors(spec));
  if (internal !== undefined && !TRAFFIC_POLICIES.includes(internal)) {
    errors.push(fieldError.notSupported("spec.internalTrafficPolicy", internal, TRAFFIC_POLICIES));
  }
  if (trafficDistribution !== undefined && !DISTRIBUTIONS.includes(trafficDistribution)) {
    errors.push(fieldError.notSupported("spec.trafficDistribution", trafficDistribution, DISTRIBUTIONS));
  }
  return errors;
}

function healthCheckErrors(spec: ServiceSpec): FieldError[] {
  const { healthCheckNodePort: port = 0 } = spec;
  const field = "spec.healthCheckNodePort";
  if (needsHealthCheck(spec)) return port === 0 ? [] : invalidFor(field, port, portNumberFaults(port));
  if (port === 0) return [];
  const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
  return [fieldError.invalid(field, port, why)];
}

export function validateServiceUpdate(now: Service, old: Service, { subresource }: StrategyContext): FieldError[] {
  if (subresource === "status") return statusErrors(now);
  const { spec } = now;
  const errors = addressUpdateErrors(spec, old.spec);
  const { loadBalancerClass, healthCheckNodePort } = spec;
  const bothBalance = spec.type === "LoadBalancer" && old.spec.type === "LoadBalancer";
  if (bothBalance && loadBalancerClass !== old.spec.loadBalancerClass) {
    errors.push(fieldError.invalid("spec.loadBalancerClass", loadBalancerClass ?? null, "may not change once set"));
  }
  const bothChecked = needsHealthCheck(spec) && needsHealthCheck(old.spec);
  if (bothChecked && healthCheckNodePort !== old.spec.healthCheckNodePort) {
    errors.push(fieldError.forbidden("spec.healthCheckNodePort", "field is immutable"));
  }
  return errors;
}

/** ValidateLoadBalancerStatus */
function statusErrors({ spec, status }: Service): FieldError[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const field = "status.loadBalancer.ingress";
  if (ingress.length > 0 && spec.type !== "LoadBalancer") {
    return [fieldError.forbidden(field, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return ingress.flatMap((point, index) => ingressErrors(point, `${field}[${index}]`));
}

function ingressErrors({ ip = "", ipMode, hostname = "" }: LoadBalancerIngress, at: string): FieldError[] {
  const errors = ip === "" ? [] : invalidFor(`${at}.ip`, ip, ipFaults(ip));
  if (ipMode !== undefined && ip === "") {
    errors.push(fieldError.forbidden(`${at}.ipMode`, "may not be specified when `ip` is not set"));
  } else if (ipMode !== undefined && !IP_MODES.includes(ipMode)) {
    errors.push(fieldError.notSupported(`${at}.ipMode`, ipMode, IP_MODES));
  }
  if (hostname === "") return errors;
  errors.push(...invalidFor(`${at}.hostname`, hostname, dnsSubdomainFaults(hostname)));
  if (ipFaults(hostname).length === 0) {
    errors.push(fieldError.invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address"));
  }
  return errors;
}
