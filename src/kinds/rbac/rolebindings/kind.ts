import { defineKind } from "../../../registry/kind.ts";
import { bindingColumns, bindingStrategy } from "../bindings.ts";
import { RBAC_GROUP, type RoleBinding } from "../types.ts";

export const roleBindingKind = defineKind<RoleBinding>({
  group: RBAC_GROUP,
  version: "v1",
  kind: "RoleBinding",
  plural: "rolebindings",
  namespaced: true,
  schema: "io.k8s.api.rbac.v1.RoleBinding",
  nameRule: "path-segment",
  columns: bindingColumns,
  strategy: bindingStrategy({ roleKinds: ["Role", "ClusterRole"], namespaced: true }),
});
