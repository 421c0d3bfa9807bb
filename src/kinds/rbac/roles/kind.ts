import { createdColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { validateRules } from "../rules.ts";
import { RBAC_GROUP, type Role } from "../types.ts";

export const roleKind = defineKind<Role>({
  group: RBAC_GROUP,
  version: "v1",
  kind: "Role",
  plural: "roles",
  namespaced: true,
  schema: "io.k8s.api.rbac.v1.Role",
  nameRule: "path-segment",
  columns: [nameColumn, createdColumn],
  strategy: {
    countsGenerations: false,
    allowCreateOnUpdate: true,
    validate: ({ rules }) => validateRules(rules ?? [], { namespaced: true }),
  },
});
