/** Address families of a Service, in a cluster of IPv4 alone: initIPFamilyFields of pkg/registry/core/service of Kubernetes. */
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { isIpv6 } from "../../../machinery/validation.ts";
import { sameJson } from "../../../registry/same-json.ts";
import { isOpen, needsClusterIp } from "./needs.ts";
import type { ServiceSpec } from "./types.ts";
import { addressErrors } from "./validation-addresses.ts";

const FAMILY = "IPv4";
const POLICY_FIELD = "spec.ipFamilyPolicy";

/** Changes `spec`. What does not go together is told before anything is allocated, and alone. */
export function completeFamilies(spec: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  if (!needsClusterIp(spec) || (old && keepsPreference(spec, old))) return [];
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (isOpen(spec) ? "RequireDualStack" : "SingleStack");
  const malformed = addressErrors(spec);
  if (malformed.length > 0) return malformed;
  const errors = [...(old ? reductionErrors(spec, old) : []), ...singleStackErrors(spec), ...inferFamilies(spec)];
  if (errors.length > 0) return errors;
  if (isOpen(spec)) {
    completeOpen(spec);
    return [];
  }
  const impossible = stackErrors(spec);
  if (impossible.length === 0 && !spec.ipFamilies?.length) spec.ipFamilies = [FAMILY];
  return impossible;
}

/** One that would take two families where it could is left as it is. */
function keepsPreference(spec: ServiceSpec, old: ServiceSpec): boolean {
  return (
    spec.ipFamilyPolicy === "PreferDualStack" &&
    spec.type === old.type &&
    (old.ipFamilyPolicy ?? "PreferDualStack") === "PreferDualStack" &&
    sameJson(spec.clusterIPs ?? [], old.clusterIPs ?? []) &&
    sameJson(spec.ipFamilies ?? [], old.ipFamilies ?? [])
  );
}

function reductionErrors(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  const { clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  if (ipFamilyPolicy === "SingleStack") {
    // The policy says it all, where the lists are those of before.
    if (clusterIPs.length > 1 && sameJson(clusterIPs, old.clusterIPs)) spec.clusterIPs = clusterIPs.slice(0, 1);
    if (ipFamilies.length > 1 && sameJson(ipFamilies, old.ipFamilies)) spec.ipFamilies = ipFamilies.slice(0, 1);
    return [];
  }
  const errors: FieldError[] = [];
  if (isReduced(clusterIPs, old.clusterIPs)) {
    const why = "must be 'SingleStack' to release the secondary cluster IP";
    errors.push(fieldError.invalid(POLICY_FIELD, ipFamilyPolicy, why));
  }
  if (isReduced(ipFamilies, old.ipFamilies)) {
    const why = "must be 'SingleStack' to release the secondary IP family";
    errors.push(fieldError.invalid(POLICY_FIELD, ipFamilyPolicy, why));
  }
  return errors;
}

function isReduced(now: readonly string[], before: readonly string[] = []): boolean {
  return now.length > 0 && now.length < before.length;
}

function singleStackErrors({ clusterIPs = [], ipFamilies = [], ipFamilyPolicy }: ServiceSpec): FieldError[] {
  if (ipFamilyPolicy !== "SingleStack") return [];
  const required = (what: string) =>
    fieldError.invalid(
      POLICY_FIELD,
      ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  return [
    ...(clusterIPs.length === 2 ? [required("cluster IPs")] : []),
    ...(ipFamilies.length === 2 ? [required("IP families")] : []),
  ];
}

/** An address says its family. */
function inferFamilies(spec: ServiceSpec): FieldError[] {
  const { clusterIPs = [] } = spec;
  const families = [...(spec.ipFamilies ?? [])];
  if (clusterIPs[0] === "None") return [];
  const errors: FieldError[] = [];
  for (let index = families.length; index < clusterIPs.length; index += 1) {
    const isForeign = isIpv6(clusterIPs[index] ?? "");
    if (!isForeign) families.push(FAMILY);
    else {
      const why = "IPv6 is not configured on this cluster";
      errors.push(fieldError.invalid(`spec.clusterIPs[${index}]`, clusterIPs, why));
    }
  }
  if (families.length > 0) spec.ipFamilies = families;
  return errors;
}

function completeOpen(spec: ServiceSpec): void {
  const families = spec.ipFamilies?.length ? [...spec.ipFamilies] : [FAMILY as "IPv4"];
  if (families.length === 1 && spec.ipFamilyPolicy !== "SingleStack") {
    families.push(families[0] === "IPv4" ? "IPv6" : "IPv4");
  }
  spec.ipFamilies = families;
}

function stackErrors({ ipFamilyPolicy, ipFamilies = [] }: ServiceSpec): FieldError[] {
  const errors = ipFamilies.flatMap((family, index) =>
    family === FAMILY
      ? []
      : [fieldError.invalid(`spec.ipFamilies[${index}]`, family, "not configured on this cluster")],
  );
  if (ipFamilyPolicy !== "RequireDualStack") return errors;
  const why = "this cluster is not configured for dual-stack services";
  return [fieldError.invalid(POLICY_FIELD, ipFamilyPolicy, why), ...errors];
}
