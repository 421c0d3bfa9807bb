import { CIDR_FAULT, isStrictlyInside, parseIpRange } from "../../../machinery/ip-range.ts";
import { portNameFaults, portNumberFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, validateLabelSelector } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { selectorCell, text } from "../../columns.ts";
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "../types.ts";

const PROTOCOLS = ["TCP", "UDP", "SCTP"];
const POLICY_TYPES = ["Ingress", "Egress"];

export const networkPolicyKind = defineKind<NetworkPolicy>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  namespaced: true,
  schema: "io.k8s.api.networking.v1.NetworkPolicy",
  shortNames: ["netpol"],
  columns: [
    nameColumn,
    text("Pod-Selector", "Which pods it is about.", ({ spec }) => selectorCell(spec.podSelector)),
    ageColumn,
  ],
  strategy: { default: defaultPolicy, validate: validatePolicy },
});

/** pkg/apis/networking/v1/defaults.go of Kubernetes. */
function defaultPolicy({ spec }: NetworkPolicy): void {
  for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
    for (const port of ports ?? []) port.protocol ??= "TCP";
  }
  if (spec.policyTypes?.length) return;
  spec.policyTypes = spec.egress?.length ? ["Ingress", "Egress"] : ["Ingress"];
}

/** pkg/apis/networking/validation of Kubernetes. */
function validatePolicy({ spec }: NetworkPolicy): FieldError[] {
  const { ingress = [], egress = [], policyTypes = [] } = spec;
  const errors = validateLabelSelector(spec.podSelector, "spec.podSelector");
  ingress.forEach(({ ports = [], from = [] }, index) => {
    const field = `spec.ingress[${index}]`;
    ports.forEach((port, at) => errors.push(...portErrors(port, `${field}.ports[${at}]`)));
    from.forEach((peer, at) => errors.push(...peerErrors(peer, `${field}.from[${at}]`)));
  });
  egress.forEach(({ ports = [], to = [] }, index) => {
    const field = `spec.egress[${index}]`;
    ports.forEach((port, at) => errors.push(...portErrors(port, `${field}.ports[${at}]`)));
    to.forEach((peer, at) => errors.push(...peerErrors(peer, `${field}.to[${at}]`)));
  });
  if (policyTypes.length > POLICY_TYPES.length) {
    const why = "may not specify more than two policyTypes";
    return [...errors, fieldError.invalid("spec.policyTypes", policyTypes, why)];
  }
  policyTypes.forEach((type, index) => {
    if (POLICY_TYPES.includes(type)) return;
    errors.push(fieldError.notSupported(`spec.policyTypes[${index}]`, type, POLICY_TYPES));
  });
  return errors;
}

function portErrors({ protocol, port, endPort }: NetworkPolicyPort, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (protocol !== undefined && !PROTOCOLS.includes(protocol)) {
    errors.push(fieldError.notSupported(`${field}.protocol`, protocol, PROTOCOLS));
  }
  const at = `${field}.endPort`;
  if (port === undefined) {
    if (endPort === undefined) return errors;
    return [...errors, fieldError.invalid(at, endPort, "may not be specified when `port` is not specified")];
  }
  if (typeof port === "string") {
    if (endPort !== undefined) {
      errors.push(fieldError.invalid(at, endPort, "may not be specified when `port` is non-numeric"));
    }
    return [...errors, ...invalidFor(`${field}.port`, port, portNameFaults(port))];
  }
  errors.push(...invalidFor(`${field}.port`, port, portNumberFaults(port)));
  if (endPort === undefined) return errors;
  // Kubernetes shows the first port here.
  if (endPort < port) errors.push(fieldError.invalid(at, port, "must be greater than or equal to `port`"));
  return [...errors, ...invalidFor(at, endPort, portNumberFaults(endPort))];
}

function peerErrors({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, field: string): FieldError[] {
  const errors = [
    ...validateLabelSelector(podSelector, `${field}.podSelector`),
    ...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...(ipBlock ? blockErrors(ipBlock, `${field}.ipBlock`) : []),
  ];
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  if (!selects && !ipBlock) return [...errors, fieldError.required(field, "must specify a peer")];
  return selects && ipBlock
    ? [...errors, fieldError.forbidden(field, "may not specify both ipBlock and another peer")]
    : errors;
}

function blockErrors({ cidr, except = [] }: NonNullable<NetworkPolicyPeer["ipBlock"]>, field: string): FieldError[] {
  if (!cidr) return [fieldError.required(`${field}.cidr`)];
  const outer = parseIpRange(cidr);
  if (!outer) return [fieldError.invalid(`${field}.cidr`, cidr, CIDR_FAULT)];
  return except.flatMap((range, index) => {
    const at = `${field}.except[${index}]`;
    const inner = parseIpRange(range);
    if (!inner) return [fieldError.invalid(at, range, CIDR_FAULT)];
    return isStrictlyInside(inner, outer) ? [] : [fieldError.invalid(at, range, "must be a strict subset of `cidr`")];
  });
}
