/** Ingress: pkg/apis/networking/validation of Kubernetes. */
import {
  dns1035LabelFaults,
  dnsSubdomainFaults,
  portNameFaults,
  portNumberFaults,
  wildcardSubdomainFaults,
} from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor, ipFaults } from "../../../machinery/validation.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { referenceErrors } from "../references.ts";
import type { HttpIngressPath, Ingress, IngressBackend, IngressRule } from "../types.ts";

const CLASS_ANNOTATION = "kubernetes.io/ingress.class";
const PATH_TYPES = ["Exact", "ImplementationSpecific", "Prefix"];
const FORBIDDEN_IN_PATH = ["//", "/./", "/../", "%2f", "%2F"];
const FORBIDDEN_AT_END = ["/..", "/."];
const NO_NAME = "must be a DNS name, not an IP address";

export function validateIngress({ spec }: Ingress): FieldError[] {
  const { rules = [], defaultBackend, ingressClassName: name } = spec;
  const errors: FieldError[] = [];
  if (rules.length === 0 && !defaultBackend) {
    errors.push(fieldError.invalid("spec", spec.rules ?? null, "either `defaultBackend` or `rules` must be specified"));
  }
  if (defaultBackend) errors.push(...backendErrors(defaultBackend, "spec.defaultBackend"));
  return [
    ...errors,
    ...rules.flatMap((rule, index) => ruleErrors(rule, `spec.rules[${index}]`)),
    ...tlsErrors(spec.tls ?? [], "spec.tls"),
    ...(name === undefined ? [] : invalidFor("spec.ingressClassName", name, dnsSubdomainFaults(name))),
  ];
}

/** A new Ingress may not contradict itself about its class. */
export function classErrors({ metadata, spec }: Ingress): FieldError[] {
  const named = metadata.annotations?.[CLASS_ANNOTATION];
  if (named === undefined || spec.ingressClassName === undefined || named === spec.ingressClassName) return [];
  const why = "must match `ingressClassName` when both are specified";
  return [fieldError.invalid(`annotations.${CLASS_ANNOTATION}`, named, why)];
}

function hostErrors(host: string, field: string): FieldError[] {
  return invalidFor(field, host, host.includes("*") ? wildcardSubdomainFaults(host) : dnsSubdomainFaults(host));
}

function tlsErrors(tls: NonNullable<Ingress["spec"]["tls"]>, field: string): FieldError[] {
  return tls.flatMap(({ hosts = [], secretName }, index) => [
    ...hosts.flatMap((host, at) => hostErrors(host, `${field}[${index}].hosts[${at}]`)),
    ...(secretName ? invalidFor(`${field}[${index}].secretName`, secretName, dnsSubdomainFaults(secretName)) : []),
  ]);
}

function ruleErrors({ host = "", http }: IngressRule, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (host !== "") {
    if (ipFaults(host).length === 0) errors.push(fieldError.invalid(`${field}.host`, host, NO_NAME));
    errors.push(...hostErrors(host, `${field}.host`));
  }
  if (!http) return errors;
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.push(fieldError.required(`${field}.http.paths`));
  return [...errors, ...paths.flatMap((path, index) => pathErrors(path, `${field}.http.paths[${index}]`))];
}

function pathErrors({ path = "", pathType, backend }: HttpIngressPath, field: string): FieldError[] {
  if (pathType === undefined) return [fieldError.required(`${field}.pathType`, "pathType must be specified")];
  const errors: FieldError[] = [];
  const refuse = (why: string) => errors.push(fieldError.invalid(`${field}.path`, path, why));
  if (!PATH_TYPES.includes(pathType)) {
    errors.push(fieldError.notSupported(`${field}.pathType`, pathType, PATH_TYPES));
  } else if (pathType === "ImplementationSpecific") {
    if (path !== "" && !path.startsWith("/")) refuse("must be an absolute path");
  } else {
    if (!path.startsWith("/")) refuse("must be an absolute path");
    for (const part of FORBIDDEN_IN_PATH) if (path.includes(part)) refuse(`must not contain '${part}'`);
    for (const part of FORBIDDEN_AT_END) if (path.endsWith(part)) refuse(`cannot end with '${part}'`);
  }
  return [...errors, ...backendErrors(backend, `${field}.backend`)];
}

function backendErrors({ service, resource }: IngressBackend, field: string): FieldError[] {
  if (service && resource) return [fieldError.invalid(field, "", "cannot set both resource and service backends")];
  if (resource) return referenceErrors(resource, `${field}.resource`);
  if (!service) return [fieldError.invalid(field, "", "resource or service backend is required")];
  const errors: FieldError[] = [];
  const at = `${field}.service`;
  if (service.name) errors.push(...invalidFor(`${at}.name`, service.name, dns1035LabelFaults(service.name)));
  else errors.push(fieldError.required(`${at}.name`));
  const { name, number } = service.port ?? {};
  if (name && number) errors.push(fieldError.invalid(field, "", "cannot set both port name & port number"));
  else if (name) errors.push(...invalidFor(`${at}.port.name`, name, portNameFaults(name)));
  else if (number) errors.push(...invalidFor(`${at}.port.number`, number, portNumberFaults(number)));
  else errors.push(fieldError.required(field, "port name or number is required"));
  return errors;
}

export function validateIngressUpdate(
  { status }: Ingress,
  _old: Ingress,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource !== "status") return [];
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, index) => {
    const field = `status.loadBalancer.ingress[${index}]`;
    const errors = ip ? invalidFor(`${field}.ip`, ip, ipFaults(ip)) : [];
    if (!hostname) return errors;
    errors.push(...invalidFor(`${field}.hostname`, hostname, dnsSubdomainFaults(hostname)));
    if (ipFaults(hostname).length === 0) errors.push(fieldError.invalid(`${field}.hostname`, hostname, NO_NAME));
    return errors;
  });
}
