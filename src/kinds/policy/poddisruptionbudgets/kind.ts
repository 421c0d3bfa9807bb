import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateLabelSelector, validateNonnegatives } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { count, text } from "../../columns.ts";
import { amountErrors, atMostAllErrors } from "../../core/pods/validation/amounts.ts";
import { statusSubresource } from "../../subresources.ts";
import type { PodDisruptionBudget } from "./types.ts";

export const podDisruptionBudgetKind = defineKind<PodDisruptionBudget>({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  namespaced: true,
  schema: "io.k8s.api.policy.v1.PodDisruptionBudget",
  shortNames: ["pdb"],
  columns: [
    nameColumn,
    text("Min Available", "How many pods must stay.", ({ spec }) => String(spec.minAvailable ?? "N/A")),
    text("Max Unavailable", "How many pods may go.", ({ spec }) => String(spec.maxUnavailable ?? "N/A")),
    count("Allowed Disruptions", "How many may go now.", ({ status }) => status?.disruptionsAllowed ?? 0),
    ageColumn,
  ],
  subresources: [statusSubresource],
  strategy: {
    allowUnconditionalUpdate: false,
    prepareForCreate(budget) {
      budget.status = {};
    },
    validate: validateBudget,
    validateUpdate: ({ status }, _old, { subresource }) =>
      subresource === "status" ? validateNonnegatives(status, "status", STATUS_COUNTS) : [],
  },
});

const STATUS_COUNTS = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
const EVICTION_POLICIES = ["AlwaysAllow", "IfHealthyBudget"];

/** pkg/apis/policy/validation of Kubernetes. */
function validateBudget({ spec }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy: policy } = spec;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(fieldError.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
  }
  for (const name of ["minAvailable", "maxUnavailable"] as const) {
    const amount = spec[name];
    if (amount === undefined) continue;
    errors.push(...amountErrors(amount, `spec.${name}`), ...atMostAllErrors(amount, `spec.${name}`));
  }
  errors.push(...validateLabelSelector(spec.selector, "spec.selector"));
  if (policy !== undefined && !EVICTION_POLICIES.includes(policy)) {
    errors.push(fieldError.notSupported("spec.unhealthyPodEvictionPolicy", policy, EVICTION_POLICIES));
  }
  return errors;
}
