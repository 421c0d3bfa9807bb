/** Roles in the system's own namespaces: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/namespace_policy.go of Kubernetes v1.36. */
import type { Role, RoleBinding, Subject } from "../../kinds/rbac/types.ts";
import { account, binding, EVENTS, READ, role, rule, user } from "./notation.ts";

const SYSTEM = "kube-system";
const PUBLIC = "kube-public";
const READER = "extension-apiserver-authentication-reader";
const SIGNER = "system:controller:bootstrap-signer";
const CLEANER = "system:controller:token-cleaner";
const CLOUD = "system:controller:cloud-provider";
const MANAGER = "kube-controller-manager";
const SCHEDULER = "kube-scheduler";

/** The lock is a Lease. */
const locking = (component: string) => `system::leader-locking-${component}`;
const lockRole = (component: string) =>
  role(SYSTEM, locking(component), [
    rule(`create ${READ} update`, "coordination.k8s.io", "leases"),
    rule(`create ${READ} update`, "coordination.k8s.io", "leasecandidates"),
  ]);
const lockBinding = (component: string, others: readonly Subject[] = []) =>
  binding(SYSTEM, { name: locking(component), subjects: [user(`system:${component}`), account(component), ...others] });

export const NAMESPACE_ROLES: readonly Role[] = [
  role(SYSTEM, READER, [rule(READ, "core", "configmaps", "extension-apiserver-authentication")]),
  role(SYSTEM, SIGNER, [rule(READ, "core", "secrets")]),
  role(SYSTEM, CLOUD, [rule(`create ${READ}`, "core", "configmaps")]),
  role(SYSTEM, CLEANER, [rule(`delete ${READ}`, "core", "secrets"), EVENTS]),
  lockRole(MANAGER),
  lockRole(SCHEDULER),
  role(PUBLIC, SIGNER, [
    rule(READ, "core", "configmaps"),
    rule("update", "core", "configmaps", "cluster-info"),
    EVENTS,
  ]),
];

export const NAMESPACE_BINDINGS: readonly RoleBinding[] = [
  binding(SYSTEM, {
    name: `system::${READER}`,
    roleName: READER,
    subjects: [user(`system:${MANAGER}`), user(`system:${SCHEDULER}`)],
  }),
  lockBinding(MANAGER, [account("leader-election-controller")]),
  lockBinding(SCHEDULER),
  binding(SYSTEM, { name: SIGNER, subjects: [account("bootstrap-signer")] }),
  binding(SYSTEM, { name: CLOUD, subjects: [account("cloud-provider")] }),
  binding(SYSTEM, { name: CLEANER, subjects: [account("token-cleaner")] }),
  binding(PUBLIC, { name: SIGNER, subjects: [account("bootstrap-signer")] }),
];
