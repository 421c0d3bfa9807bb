import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { text } from "../../columns.ts";
import { immutableErrors } from "../../immutable.ts";
import { statusSubresource } from "../../subresources.ts";
import { claimSpecErrors, defaultClaimSpec } from "../requests.ts";
import type { ResourceClaim } from "../types.ts";

export const resourceClaimKind = defineKind<ResourceClaim>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaim",
  plural: "resourceclaims",
  namespaced: true,
  schema: "io.k8s.api.resource.v1.ResourceClaim",
  answersDeleted: true,
  columns: [nameColumn, text("State", "Whether it has devices, and who uses them.", stateCell), ageColumn],
  subresources: [statusSubresource],
  strategy: {
    countsGenerations: false,
    default: ({ spec }) => defaultClaimSpec(spec),
    prepareForCreate(claim) {
      claim.status = {};
    },
    validate: ({ spec }) => claimSpecErrors(spec, "spec"),
    validateUpdate,
  },
});

function stateCell({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp !== undefined;
  const states = deleted ? ["deleted"] : [];
  if (!status?.allocation) return [...states, ...(deleted ? [] : ["pending"])].join(",");
  return [...states, "allocated", ...(status.reservedFor?.length ? ["reserved"] : [])].join(",");
}

function validateUpdate(now: ResourceClaim, old: ResourceClaim, { subresource }: StrategyContext): FieldError[] {
  if (subresource !== "status") return immutableErrors(now.spec, old.spec, "spec");
  const { allocation, reservedFor = [] } = now.status ?? {};
  const errors: FieldError[] = [];
  if (reservedFor.length > 0 && !allocation) {
    errors.push(fieldError.forbidden("status.reservedFor", "may not be specified when `allocated` is not set"));
  }
  const before = old.status?.allocation;
  return before && allocation ? [...errors, ...immutableErrors(allocation, before, "status.allocation")] : errors;
}
