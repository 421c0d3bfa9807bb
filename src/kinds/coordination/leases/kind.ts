import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateNonnegative } from "../../../machinery/validation.ts";
import type { Lease } from "./types.ts";

export const leaseKind = defineKind<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
  schema: "io.k8s.api.coordination.v1.Lease",
  columns: [
    nameColumn,
    {
      name: "Holder",
      type: "string",
      description: "Who holds the lease.",
      value: ({ spec }) => spec?.holderIdentity ?? "",
    },
    ageColumn,
  ],
  strategy: {
    countsGenerations: false,
    allowCreateOnUpdate: true,
    allowUnconditionalUpdate: false,
    validate: validateLease,
  },
});

function validateLease({ spec }: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const seconds = spec?.leaseDurationSeconds;
  if (seconds !== undefined && seconds <= 0) {
    errors.push(fieldError.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"));
  }
  return [...errors, ...validateNonnegative(spec?.leaseTransitions, "spec.leaseTransitions")];
}
