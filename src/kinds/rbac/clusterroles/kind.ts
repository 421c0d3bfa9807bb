import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateLabelSelector } from "../../../machinery/validation.ts";
import { createdColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { validateRules } from "../rules.ts";
import { RBAC_GROUP, type ClusterRole } from "../types.ts";

export const clusterRoleKind = defineKind<ClusterRole>({
  group: RBAC_GROUP,
  version: "v1",
  kind: "ClusterRole",
  plural: "clusterroles",
  namespaced: false,
  schema: "io.k8s.api.rbac.v1.ClusterRole",
  nameRule: "path-segment",
  columns: [nameColumn, createdColumn],
  strategy: {
    countsGenerations: false,
    allowCreateOnUpdate: true,
    validate: ({ rules, aggregationRule }) => [
      ...validateRules(rules ?? [], { namespaced: false }),
      ...aggregationErrors(aggregationRule),
    ],
  },
});

function aggregationErrors(rule: ClusterRole["aggregationRule"]): FieldError[] {
  if (!rule) return [];
  const field = "aggregationRule.clusterRoleSelectors";
  const selectors = rule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    return [fieldError.required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil")];
  }
  return selectors.flatMap((selector, index) => validateLabelSelector(selector, `${field}[${index}]`));
}
