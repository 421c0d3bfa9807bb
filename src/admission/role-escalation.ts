/**
 * Who writes roles and bindings must have what they grant. Runs after everything that changes the object, before it is validated: there a
 * kube-apiserver's registries of these kinds check it.
 */
import type { User } from "../authn/authenticator.ts";
import { RBAC_GROUP, type ClusterRole, type RoleBinding } from "../kinds/rbac/types.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { equalJson } from "../machinery/patch/json-value.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";

/** As GrantCheck of authz. @throws StatusError "Forbidden", "NotFound" */
export type MayGrant = (grant: {
  user: User;
  resource: string;
  namespace: string;
  requestName: string;
  object: ClusterRole | RoleBinding;
  oldObject: ClusterRole | RoleBinding | undefined;
}) => Promise<{ revision: number }>;

const MASTERS = "system:masters";
const ROLE_KINDS = new Set(["Role", "ClusterRole"]);

export function createRoleEscalation({ mayGrant }: { mayGrant: MayGrant }): AdmissionPlugin {
  return {
    name: "RoleEscalation",
    async mutate(attributes) {
      const { group, user, object, oldObject, resource, namespace, name, operation, authorization } = attributes;
      if (group !== RBAC_GROUP || !object || user.groups.includes(MASTERS)) return;
      if (oldObject && frees(object, oldObject)) return;
      // What is no role is validation's to refuse.
      if (!isPlausible(object)) return;
      await authorization.assert(() =>
        mayGrant({
          user,
          resource,
          namespace,
          requestName: operation === "CREATE" ? "" : name,
          object,
          oldObject,
        }),
      );
    },
  };
}

function isPlausible({ roleRef, rules }: KubeObject & { roleRef?: unknown; rules?: unknown }): boolean {
  if (roleRef !== undefined) return ROLE_KINDS.has((roleRef as RoleBinding["roleRef"]).kind);
  return rules === undefined || rules === null || Array.isArray(rules);
}

/** Changes only what a garbage collector changes before an object goes: IsOnlyMutatingGCFields of pkg/registry/rbac. */
function frees(object: AdmissionAttributes["object"], old: AdmissionAttributes["oldObject"]): boolean {
  return equalJson(withoutTies(object), withoutTies(old));
}

function withoutTies(object: KubeObject | undefined): object {
  const {
    ownerReferences: _owners,
    finalizers: _finalizers,
    managedFields: _managers,
    ...metadata
  } = object?.metadata ?? {};
  const { kind: _kind, apiVersion: _version, ...rest } = object ?? {};
  return { ...rest, metadata };
}
