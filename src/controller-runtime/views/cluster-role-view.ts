/** What controllers keep of ClusterRoles. */
import type { ClusterRole, PolicyRule } from "../../kinds/rbac/types.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { metaView, type View } from "./view.ts";

export interface ClusterRoleView extends View {
  rules: PolicyRule[];
  aggregationRule?: NonNullable<ClusterRole["aggregationRule"]>;
}

export function clusterRoleView(object: KubeObject): ClusterRoleView {
  const { metadata, rules, aggregationRule }: ClusterRole = object;
  return { metadata: metaView(metadata), rules: rules ?? [], ...(aggregationRule ? { aggregationRule } : {}) };
}
