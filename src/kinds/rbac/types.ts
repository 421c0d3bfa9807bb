/** Roles and their bindings (k8s.io/api/rbac/v1). */
import type { ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import type { LabelSelector } from "../../machinery/selectors.ts";

export const RBAC_GROUP = "rbac.authorization.k8s.io";

const at = { group: RBAC_GROUP, version: "v1" };
export const roles: ResourceRef = { ...at, resource: "roles", namespaced: true };
export const clusterRoles: ResourceRef = { ...at, resource: "clusterroles", namespaced: false };
export const roleBindings: ResourceRef = { ...at, resource: "rolebindings", namespaced: true };
export const clusterRoleBindings: ResourceRef = { ...at, resource: "clusterrolebindings", namespaced: false };

export interface PolicyRule {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

export interface Role extends KubeObject {
  rules?: PolicyRule[] | null;
}

export interface ClusterRole extends KubeObject {
  rules?: PolicyRule[] | null;
  /** Its rules are those of the roles that these select; a controller keeps them so. */
  aggregationRule?: { clusterRoleSelectors?: LabelSelector[] };
}

export interface Subject {
  kind: string;
  apiGroup?: string;
  name: string;
  /** Of a ServiceAccount. */
  namespace?: string;
}

export interface RoleRef {
  apiGroup: string;
  kind: string;
  name: string;
}

export interface RoleBinding extends KubeObject {
  subjects?: Subject[];
  roleRef: RoleRef;
}

export type ClusterRoleBinding = RoleBinding;
