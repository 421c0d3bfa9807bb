import { CIDR_FAULT, parseIpRange } from "../../../machinery/ip-range.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { immutableErrors } from "../../immutable.ts";
import { statusSubresource } from "../../subresources.ts";
import type { ServiceCidr } from "../types.ts";

export const serviceCidrKind = defineKind<ServiceCidr>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  namespaced: false,
  schema: "io.k8s.api.networking.v1.ServiceCIDR",
  columns: [nameColumn, text("CIDRs", "The ranges.", ({ spec }) => (spec.cidrs ?? []).join(",")), ageColumn],
  subresources: [statusSubresource],
  strategy: {
    countsGenerations: false,
    prepareForCreate(range) {
      range.status = {};
    },
    validate: validateRange,
    validateUpdate: (now, old) => immutableErrors(now.spec.cidrs, old.spec.cidrs, "spec.cidrs"),
  },
});

/** pkg/apis/networking/validation of Kubernetes. */
function validateRange({ spec }: ServiceCidr): FieldError[] {
  const { cidrs = [] } = spec;
  const field = "spec.cidrs";
  if (cidrs.length === 0) return [fieldError.required(field, "at least one CIDR required")];
  if (cidrs.length > 2) return [fieldError.invalid(field, spec, "may only hold up to 2 values")];
  const ranges = cidrs.map(parseIpRange);
  if (ranges.length === 2 && (!ranges[0] || !ranges[1] || ranges[0].family === ranges[1].family)) {
    const why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
    return [fieldError.invalid(field, spec, why)];
  }
  return cidrs.flatMap((cidr, index) => {
    const range = ranges[index];
    if (!range) return [fieldError.invalid(`${field}[${index}]`, cidr, CIDR_FAULT)];
    return range.exact
      ? []
      : [fieldError.invalid(`${field}[${index}]`, cidr, "must not have bits set beyond the prefix length")];
  });
}
