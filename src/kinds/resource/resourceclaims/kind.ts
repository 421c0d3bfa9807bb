import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { statusSubresource } from "../../subresources.ts";
import { claimSpecErrors, defaultClaimSpec } from "../requests.ts";
import type { ResourceClaim } from "../types.ts";
import { validateClaimUpdate } from "./validation.ts";

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
    // It never changes, so what is stored is not judged anew.
    validateCreate: ({ spec }) => claimSpecErrors(spec, "spec"),
    validateUpdate: validateClaimUpdate,
  },
});

function stateCell({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp !== undefined;
  const states = deleted ? ["deleted"] : [];
  if (!status?.allocation) return [...states, ...(deleted ? [] : ["pending"])].join(",");
  return [...states, "allocated", ...(status.reservedFor?.length ? ["reserved"] : [])].join(",");
}
