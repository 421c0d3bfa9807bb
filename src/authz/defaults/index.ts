/** The RBAC objects that every cluster has from the start, and keeps. */
import { clusterRoleBindings, clusterRoles, roleBindings, roles, type RoleBinding } from "../../kinds/rbac/types.ts";
import type { ResourceRef } from "../../machinery/gvk.ts";
import type { KubeObject } from "../../machinery/meta.ts";
import { withAggregation } from "../../kinds/rbac/aggregation.ts";
import { DEFAULT_CLUSTER_BINDINGS, DEFAULT_CLUSTER_ROLES } from "./cluster-roles.ts";
import { CONTROLLER_BINDINGS, CONTROLLER_ROLES } from "./controller-roles.ts";
import { NAMESPACE_BINDINGS, NAMESPACE_ROLES } from "./namespace-roles.ts";
import { reconciledBinding, reconciledRole, type Reconciled } from "./reconcile.ts";

export interface DefaultObject {
  ref: ResourceRef;
  object: KubeObject;
}

const all = (ref: ResourceRef, objects: readonly KubeObject[]): DefaultObject[] =>
  objects.map((object) => ({ ref, object }));

/** Aggregated ones with their rules already: a new cluster has no controller in its first second. */
export function defaultClusterPolicy(): DefaultObject[] {
  return [
    ...all(clusterRoles, [...withAggregation(DEFAULT_CLUSTER_ROLES), ...CONTROLLER_ROLES]),
    ...all(clusterRoleBindings, [...DEFAULT_CLUSTER_BINDINGS, ...CONTROLLER_BINDINGS]),
  ];
}

/** In namespaces that must be there. */
export function defaultNamespacePolicy(): DefaultObject[] {
  return [...all(roles, NAMESPACE_ROLES), ...all(roleBindings, NAMESPACE_BINDINGS)];
}

/** What a start changes of a default object that it finds. */
export function reconciled({ ref, object }: DefaultObject, existing: KubeObject): Reconciled<KubeObject> {
  return ref.resource === clusterRoles.resource || ref.resource === roles.resource
    ? reconciledRole(existing, object)
    : reconciledBinding(existing as RoleBinding, object as RoleBinding);
}
