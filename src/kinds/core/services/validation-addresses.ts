/** Addresses and families of Services: ValidateServiceClusterIPsRelatedFields and its kin of pkg/apis/core/validation of Kubernetes. */
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { ipFaults, isIpv6, validateOneOf } from "../../../machinery/validation.ts";
import { isHeadless } from "./needs.ts";
import type { ServiceSpec } from "./types.ts";

const FAMILIES = ["IPv4", "IPv6"];
const FAMILY_POLICIES = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const IPS_FIELD = "spec.clusterIPs";

export function addressErrors(spec: ServiceSpec): FieldError[] {
  if (spec.type === "ExternalName") return [];
  const { clusterIPs = [], ipFamilyPolicy } = spec;
  const errors = [...pairErrors(spec), ...familyErrors(spec)];
  if (ipFamilyPolicy) errors.push(...validateOneOf(ipFamilyPolicy, "spec.ipFamilyPolicy", FAMILY_POLICIES));
  const malformed = clusterIPs.flatMap((address, index) => addressFaults(clusterIPs, address, index));
  errors.push(...malformed);
  if (clusterIPs.length > 2) {
    errors.push(fieldError.invalid(IPS_FIELD, clusterIPs, "may only hold up to 2 values"));
  }
  return malformed.length > 0 ? errors : [...errors, ...dualErrors(spec)];
}

function pairErrors({ clusterIP = "", clusterIPs = [] }: ServiceSpec): FieldError[] {
  if (clusterIP === "") {
    if (clusterIPs.length === 0) return [];
    return [fieldError.invalid(IPS_FIELD, clusterIPs, "must be empty when `clusterIP` is not specified")];
  }
  if (clusterIPs.length === 0) return [fieldError.required(IPS_FIELD)];
  if (clusterIPs[0] === clusterIP) return [];
  return [fieldError.invalid(IPS_FIELD, clusterIPs, "first value must match `clusterIP`")];
}

function familyErrors({ ipFamilies = [] }: ServiceSpec): FieldError[] {
  return ipFamilies.flatMap((family, index) => {
    const field = `spec.ipFamilies[${index}]`;
    const errors = FAMILIES.includes(family) ? [] : [fieldError.notSupported(field, family, FAMILIES)];
    if (ipFamilies.indexOf(family) < index) errors.push(fieldError.duplicate(field, family));
    return errors;
  });
}

function addressFaults(all: readonly string[], address: string, index: number): FieldError[] {
  if (index === 0 && address === "None") {
    return all.length > 1 ? [fieldError.invalid(IPS_FIELD, all, "'None' must be the first and only value")] : [];
  }
  return ipFaults(address).map((why) => fieldError.invalid(`${IPS_FIELD}[${index}]`, address, why));
}

function dualErrors(spec: ServiceSpec): FieldError[] {
  const { clusterIPs = [], ipFamilies = [] } = spec;
  const errors: FieldError[] = [];
  if (clusterIPs.length > 1 && !(clusterIPs.some(isIpv6) && clusterIPs.some((address) => !isIpv6(address)))) {
    errors.push(fieldError.invalid(IPS_FIELD, clusterIPs, "may specify no more than one IP for each IP family"));
  }
  if (isHeadless(spec)) return errors;
  clusterIPs.slice(0, ipFamilies.length).forEach((address, index) => {
    const family = isIpv6(address) ? "IPv6" : "IPv4";
    if (family === ipFamilies[index]) return;
    const why = `expected an ${ipFamilies[index]} value as indicated by \`ipFamilies[${index}]\``;
    errors.push(fieldError.invalid(`${IPS_FIELD}[${index}]`, address, why));
  });
  return errors;
}

/** What an update may not do to addresses and families; from and to ExternalName everything may change. */
export function addressUpdateErrors(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (spec.type === "ExternalName" || old.type === "ExternalName") return [];
  const bothHeadless = isHeadless(spec) && isHeadless(old);
  const errors = bothHeadless ? [] : ipUpdateErrors(spec, old);
  if (isHeadless(spec) || isHeadless(old)) return errors;
  return [...errors, ...familyUpdateErrors(spec, old)];
}

function ipUpdateErrors({ clusterIPs = [], ipFamilyPolicy }: ServiceSpec, old: ServiceSpec): FieldError[] {
  const before = old.clusterIPs ?? [];
  const changed = (index: number) =>
    fieldError.invalid(`${IPS_FIELD}[${index}]`, clusterIPs, "may not change once set");
  if (before.length === clusterIPs.length) {
    return before.flatMap((address, index) => (address === clusterIPs[index] ? [] : [changed(index)]));
  }
  const errors: FieldError[] = [];
  if (clusterIPs.length === 0) {
    errors.push(fieldError.invalid(`${IPS_FIELD}[0]`, clusterIPs, "primary clusterIP can not be unset"));
  } else if (before.length > 0 && before[0] !== clusterIPs[0]) {
    errors.push(changed(0));
  }
  if (before.length > clusterIPs.length && clusterIPs.length === 1 && ipFamilyPolicy !== "SingleStack") {
    const why = "must be set to 'SingleStack' when releasing the secondary clusterIP";
    errors.push(fieldError.invalid("spec.ipFamilyPolicy", ipFamilyPolicy, why));
  }
  return errors;
}

function familyUpdateErrors(
  { clusterIPs = [], ipFamilies = [], ipFamilyPolicy }: ServiceSpec,
  { ipFamilies: before = [] }: ServiceSpec,
): FieldError[] {
  const field = "spec.ipFamilies[0]";
  const once = "may not change once set";
  if (before.length === ipFamilies.length) {
    const changed = before.filter((family, index) => family !== ipFamilies[index]);
    return changed.map(() => fieldError.invalid(field, ipFamilies, once));
  }
  const errors: FieldError[] = [];
  // That the list of addresses is shown here is upstream's slip; clients may know it.
  if (before.length > 0 && ipFamilies.length > 0 && before[0] !== ipFamilies[0]) {
    errors.push(fieldError.invalid(field, clusterIPs, once));
  }
  if (before.length > ipFamilies.length && ipFamilies.length === 1 && ipFamilyPolicy !== "SingleStack") {
    const why = "must be set to 'SingleStack' when releasing the secondary ipFamily";
    errors.push(fieldError.invalid("spec.ipFamilyPolicy", ipFamilyPolicy, why));
  }
  return errors;
}
