/** EndpointSlice: pkg/apis/discovery/validation of Kubernetes. */
import { dnsLabelFaults, dnsSubdomainFaults, portNumberFaults, qualifiedNameFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, isIpv4, isIpv6, tooManyError, validateOneOf } from "../../../machinery/validation.ts";
import { specialAddressErrors } from "../../core/endpoints/addresses.ts";
import { PROTOCOLS } from "../../core/pods/validation/containers.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "./types.ts";

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];
const ENDPOINTS_MAX = 1000;
const ADDRESSES_MAX = 100;
const PORTS_MAX = 20_000;

export function validateEndpointSlice({ addressType, endpoints = [], ports = [] }: EndpointSlice): FieldError[] {
  const errors = validateOneOf(addressType, "addressType", ADDRESS_TYPES);
  if (endpoints.length > ENDPOINTS_MAX) errors.push(tooManyError("endpoints", endpoints.length, ENDPOINTS_MAX));
  else
    endpoints.forEach((endpoint, index) =>
      errors.push(...endpointErrors(endpoint, addressType, `endpoints[${index}]`)),
    );
  if (ports.length > PORTS_MAX) errors.push(tooManyError("ports", ports.length, PORTS_MAX));
  return [...errors, ...portsErrors(ports)];
}

function endpointErrors(endpoint: Endpoint, type: string, field: string): FieldError[] {
  const { hostname, nodeName } = endpoint;
  // Required by its type, but a client may leave it out.
  const addresses = (endpoint.addresses as string[] | undefined) ?? [];
  const errors: FieldError[] = [];
  if (addresses.length === 0) {
    errors.push(fieldError.required(`${field}.addresses`, "must contain at least 1 address"));
  } else if (addresses.length > ADDRESSES_MAX) {
    errors.push(tooManyError(`${field}.addresses`, addresses.length, ADDRESSES_MAX));
  }
  addresses.forEach((address, index) => errors.push(...addressErrors(address, type, `${field}.addresses[${index}]`)));
  if (nodeName !== undefined) errors.push(...invalidFor(`${field}.nodeName`, nodeName, dnsSubdomainFaults(nodeName)));
  if (hostname !== undefined) errors.push(...invalidFor(`${field}.hostname`, hostname, dnsLabelFaults(hostname)));
  return errors;
}

function addressErrors(address: string, type: string, field: string): FieldError[] {
  if (type === "FQDN") return invalidFor(field, address, dnsSubdomainFaults(address));
  const right = type === "IPv6" ? isIpv6(address) : isIpv4(address);
  if (!right)
    return [fieldError.invalid(field, address, `must be a valid ${type === "IPv6" ? "IPv6" : "IPv4"} address`)];
  return specialAddressErrors(address, field);
}

function portsErrors(ports: readonly EndpointPort[]): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name = "", protocol, port, appProtocol }, index) => {
    const at = `ports[${index}]`;
    const errors: FieldError[] = [];
    if (name !== "") errors.push(...invalidFor(`${at}.name`, name, dnsLabelFaults(name)));
    if (names.has(name)) errors.push(fieldError.duplicate(`${at}.name`, name));
    names.add(name);
    errors.push(...validateOneOf(protocol, `${at}.protocol`, PROTOCOLS));
    if (port !== undefined) errors.push(...invalidFor(`${at}.port`, port, portNumberFaults(port)));
    if (appProtocol !== undefined)
      errors.push(...invalidFor(`${at}.appProtocol`, appProtocol, qualifiedNameFaults(appProtocol)));
    return errors;
  });
}

export function validateEndpointSliceUpdate({ addressType }: EndpointSlice, old: EndpointSlice): FieldError[] {
  return addressType === old.addressType ? [] : [fieldError.invalid("addressType", addressType, "field is immutable")];
}
