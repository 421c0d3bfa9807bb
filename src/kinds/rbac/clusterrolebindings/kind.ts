import { defineKind } from "../../../registry/kind.ts";
import { bindingColumns, bindingStrategy } from "../bindings.ts";
import { RBAC_GROUP, type ClusterRoleBinding } from "../types.ts";

export const clusterRoleBindingKind = defineKind<ClusterRoleBinding>({
  group: RBAC_GROUP,
  version: "v1",
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  namespaced: false,
  schema: "io.k8s.api.rbac.v1.ClusterRoleBinding",
  nameRule: "path-segment",
  columns: bindingColumns,
  strategy: bindingStrategy({ roleKinds: ["ClusterRole"], namespaced: false }),
});
