/** Roles in the system's own namespaces: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/namespace_policy.go of Kubernetes v1.36. */
import type { Role, RoleBinding } from "../../kinds/rbac/types.ts";
import { account, binding, EVENTS, READ, role, rule, user } from "./notation.ts";

const SYSTEM = "kube-system";
const PUBLIC = "kube-public";
const READER = "extension-apiserver-authentication-reader";
const SIGNER = "system:controller:bootstrap-signer";
const CLEANER = "system:controller:token-cleaner";
const CLOUD = "system:controller:cloud-provider";
const MANAGER = "kube-controller-manager";
const SCHEDULER = "kube-scheduler";

/** The lock is a ConfigMap of the component's name. */
const locking = (component: string) => `system::leader-locking-${component}`;
const lockRole = (component: string) =>
  role(SYSTEM, locking(component), [
    rule("watch", "core", "configmaps"),
    rule("get update", "core", "configmaps", component),
  ]);
const lockBinding = (component: string) =>
  binding(SYSTEM, { name: locking(component), subjects: [user(`system:${component}`), account(component)] });

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
  lockBinding(MANAGER),
  lockBinding(SCHEDULER),
  binding(SYSTEM, { name: SIGNER, subjects: [account("bootstrap-signer")] }),
  binding(SYSTEM, { name: CLOUD, subjects: [account("cloud-provider")] }),
  binding(SYSTEM, { name: CLEANER, subjects: [account("token-cleaner")] }),
  binding(PUBLIC, { name: SIGNER, subjects: [account("bootstrap-signer")] }),
];
