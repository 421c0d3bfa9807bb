import { dnsLabelFaults, dnsSubdomainFaults, portNumberFaults, qualifiedNameFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, ipFaults, isIpv6, validateOneOf } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { firstThree, text } from "../../columns.ts";
import { PROTOCOLS } from "../pods/validation/containers.ts";
import { specialAddressErrors } from "./addresses.ts";
import type { EndpointAddress, Endpoints, EndpointsPort, EndpointSubset } from "./types.ts";

export const endpointsKind = defineKind<Endpoints>({
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  namespaced: true,
  schema: "io.k8s.api.core.v1.Endpoints",
  shortNames: ["ep"],
  deprecated: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  columns: [nameColumn, text("Endpoints", "Addresses that are ready, with their ports.", endpointsCell), ageColumn],
  strategy: {
    countsGenerations: false,
    allowCreateOnUpdate: true,
    default({ subsets }) {
      for (const { ports } of subsets ?? []) for (const port of ports ?? []) port.protocol ||= "TCP";
    },
    validate: ({ subsets = [] }) => subsets.flatMap((subset, index) => subsetErrors(subset, `subsets[${index}]`)),
  },
});

function endpointsCell({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return "<none>";
  const shown = subsets.flatMap(({ addresses = [], ports = [] }) => {
    // A headless service may have no ports.
    if (ports.length === 0) return addresses.map(({ ip }) => ip);
    return ports.flatMap(({ port }) => addresses.map(({ ip }) => (isIpv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`)));
  });
  return firstThree(shown);
}

/** pkg/apis/core/validation of Kubernetes. */
function subsetErrors(
  { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (addresses.length + notReadyAddresses.length === 0) {
    errors.push(fieldError.required(field, "must specify `addresses` or `notReadyAddresses`"));
  }
  addresses.forEach((address, index) => errors.push(...addressErrors(address, `${field}.addresses[${index}]`)));
  notReadyAddresses.forEach((address, index) => {
    errors.push(...addressErrors(address, `${field}.notReadyAddresses[${index}]`));
  });
  const many = ports.length > 1;
  ports.forEach((port, index) => errors.push(...portErrors(port, many, `${field}.ports[${index}]`)));
  return errors;
}

function addressErrors({ ip, hostname, nodeName }: EndpointAddress, field: string): FieldError[] {
  const faults = ipFaults(ip);
  const errors = faults.length > 0 ? invalidFor(`${field}.ip`, ip, faults) : specialAddressErrors(ip, `${field}.ip`);
  if (hostname) errors.push(...invalidFor(`${field}.hostname`, hostname, dnsLabelFaults(hostname)));
  if (nodeName !== undefined) errors.push(...invalidFor(`${field}.nodeName`, nodeName, dnsSubdomainFaults(nodeName)));
  return errors;
}

function portErrors(
  { name = "", port, protocol, appProtocol }: EndpointsPort,
  many: boolean,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (many && name === "") errors.push(fieldError.required(`${field}.name`));
  else if (name !== "") errors.push(...invalidFor(`${field}.name`, name, dnsLabelFaults(name)));
  errors.push(...invalidFor(`${field}.port`, port, portNumberFaults(port)));
  errors.push(...validateOneOf(protocol, `${field}.protocol`, PROTOCOLS));
  if (appProtocol !== undefined) {
    errors.push(...invalidFor(`${field}.appProtocol`, appProtocol, qualifiedNameFaults(appProtocol)));
  }
  return errors;
}
