/**
 * What each control loop of kube-controller-manager v1.36 may do, under the name of its service account in kube-system:
 * plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go of Kubernetes, with the feature gates as they are by default.
 */
import type { ClusterRole, PolicyRule, RoleBinding } from "../../kinds/rbac/types.ts";
import { account, clusterBinding, clusterRole, EVENTS, READ, rule } from "./notation.ts";

const ADMISSION = "admissionregistration.k8s.io";
const APPS = "apps extensions";
const CERTIFICATES = "certificates.k8s.io";
const DISCOVERY = "discovery.k8s.io";
const FLOW_CONTROL = "flowcontrol.apiserver.k8s.io";
const NETWORKING = "networking.k8s.io";
const RESOURCE = "resource.k8s.io";
const STORAGE = "storage.k8s.io";

const UPDATE = "patch update";
const MAKE = `create delete patch update ${READ}`;

/** Pods, and what makes pods of its own. */
const WORKLOADS: Readonly<Record<string, PolicyRule[]>> = {
  "cronjob-controller": [
    rule(`${READ} update`, "batch", "cronjobs"),
    rule(MAKE, "batch", "jobs"),
    rule("update", "batch", "cronjobs/status"),
    rule("update", "batch", "cronjobs/finalizers"),
    rule("delete list watch", "core", "pods"),
    EVENTS,
  ],
  "daemon-set-controller": [
    rule(READ, APPS, "daemonsets"),
    rule("update", APPS, "daemonsets/status"),
    rule("update", APPS, "daemonsets/finalizers"),
    rule("list watch", "core", "nodes"),
    rule("create delete list patch watch", "core", "pods"),
    rule("create", "core", "pods/binding"),
    rule(MAKE, "apps", "controllerrevisions"),
    EVENTS,
  ],
  "deployment-controller": [
    rule(`${READ} update`, APPS, "deployments"),
    rule("update", APPS, "deployments/status"),
    rule("update", APPS, "deployments/finalizers"),
    rule(MAKE, APPS, "replicasets"),
    rule(`${READ} update`, "core", "pods"),
    EVENTS,
  ],
  "device-taint-eviction-controller": [
    rule(`delete ${READ}`, "core", "pods"),
    rule(UPDATE, "core", "pods/status"),
    rule(READ, RESOURCE, "resourceclaims"),
    rule(READ, RESOURCE, "resourceslices"),
    rule(READ, RESOURCE, "deviceclasses"),
    EVENTS,
  ],
  "disruption-controller": [
    rule(READ, APPS, "deployments"),
    rule(READ, APPS, "replicasets"),
    rule(READ, "core", "replicationcontrollers"),
    rule(READ, "policy", "poddisruptionbudgets"),
    rule(READ, "apps", "statefulsets"),
    rule("update", "policy", "poddisruptionbudgets/status"),
    rule(UPDATE, "core", "pods/status"),
    rule("get", "*", "*/scale"),
    EVENTS,
  ],
  "horizontal-pod-autoscaler": [
    rule(READ, "autoscaling", "horizontalpodautoscalers"),
    rule("update", "autoscaling", "horizontalpodautoscalers/status"),
    rule("get update", "*", "*/scale"),
    rule("list watch", "core", "pods"),
    rule("list watch", "metrics.k8s.io", "pods"),
    rule(READ, "custom.metrics.k8s.io", "*"),
    rule(READ, "external.metrics.k8s.io", "*"),
    EVENTS,
  ],
  "job-controller": [
    rule(`${READ} ${UPDATE}`, "batch", "jobs"),
    rule("update", "batch", "jobs/status"),
    rule("update", "batch", "jobs/finalizers"),
    rule("create delete list patch watch", "core", "pods"),
    EVENTS,
  ],
  "node-controller": [
    rule(`${READ} delete ${UPDATE}`, "core", "nodes"),
    rule(UPDATE, "core", "nodes/status"),
    rule(UPDATE, "core", "pods/status"),
    rule(`delete ${READ}`, "core", "pods"),
    EVENTS,
  ],
  "pod-garbage-collector": [
    rule("delete list watch", "core", "pods"),
    rule(READ, "core", "nodes"),
    rule("patch", "core", "pods/status"),
  ],
  "replicaset-controller": [
    rule(`${READ} update`, APPS, "replicasets"),
    rule("update", APPS, "replicasets/status"),
    rule("update", APPS, "replicasets/finalizers"),
    rule("create delete list patch watch", "core", "pods"),
    EVENTS,
  ],
  "replication-controller": [
    rule(`${READ} update`, "core", "replicationcontrollers"),
    rule("update", "core", "replicationcontrollers/status"),
    rule("update", "core", "replicationcontrollers/finalizers"),
    rule("create delete list patch watch", "core", "pods"),
    EVENTS,
  ],
  "resource-claim-controller": [
    rule(READ, "core", "pods"),
    rule("update", "core", "pods/finalizers"),
    rule(`create delete ${READ}`, RESOURCE, "resourceclaims"),
    rule(UPDATE, RESOURCE, "resourceclaims resourceclaims/status"),
    rule(UPDATE, RESOURCE, "resourceclaims/binding"),
    rule(UPDATE, "core", "pods/status"),
    EVENTS,
  ],
  "statefulset-controller": [
    rule("list watch", "core", "pods"),
    rule(READ, "apps", "statefulsets"),
    rule("update", "apps", "statefulsets/status"),
    rule("update", "apps", "statefulsets/finalizers"),
    rule("create delete get patch update", "core", "pods"),
    rule(MAKE, "apps", "controllerrevisions"),
    rule(`create ${READ}`, "core", "persistentvolumeclaims"),
    rule("delete update", "core", "persistentvolumeclaims"),
    rule("update", "core", "pods/finalizers"),
    EVENTS,
  ],
  "ttl-after-finished-controller": [rule(`delete ${READ}`, "batch", "jobs"), EVENTS],
  "ttl-controller": [rule("list patch update watch", "core", "nodes"), EVENTS],
};

const NETWORK: Readonly<Record<string, PolicyRule[]>> = {
  "endpoint-controller": [
    rule(READ, "core", "pods services"),
    rule(`${READ} create delete update`, "core", "endpoints"),
    rule("create", "core", "endpoints/restricted"),
    EVENTS,
  ],
  "endpointslice-controller": [
    rule(READ, "core", "nodes pods services"),
    rule("update", "core", "services/finalizers"),
    rule(`${READ} create delete update`, DISCOVERY, "endpointslices"),
    EVENTS,
  ],
  "endpointslicemirroring-controller": [
    rule(READ, "core", "endpoints services"),
    rule("update", "core", "services/finalizers"),
    rule("update", "core", "endpoints/finalizers"),
    rule(`${READ} create delete update`, DISCOVERY, "endpointslices"),
    EVENTS,
  ],
  "route-controller": [rule("list watch", "core", "nodes"), rule("patch", "core", "nodes/status"), EVENTS],
  "service-cidrs-controller": [
    rule(`${READ} ${UPDATE}`, NETWORKING, "servicecidrs"),
    rule(UPDATE, NETWORKING, "servicecidrs/finalizers"),
    rule(UPDATE, NETWORKING, "servicecidrs/status"),
    rule(READ, NETWORKING, "ipaddresses"),
    EVENTS,
  ],
  "service-controller": [
    rule(READ, "core", "services"),
    rule(UPDATE, "core", "services/status"),
    rule("list watch", "core", "nodes"),
    EVENTS,
  ],
};

const VOLUMES: Readonly<Record<string, PolicyRule[]>> = {
  "attachdetach-controller": [
    rule("list watch", "core", "persistentvolumeclaims persistentvolumes"),
    rule(READ, "core", "nodes"),
    rule(UPDATE, "core", "nodes/status"),
    rule("list watch", "core", "pods"),
    EVENTS,
    rule(`create delete ${READ}`, STORAGE, "volumeattachments"),
    rule(READ, STORAGE, "csidrivers"),
    rule(READ, STORAGE, "csinodes"),
  ],
  "ephemeral-volume-controller": [
    rule(READ, "core", "pods"),
    rule("update", "core", "pods/finalizers"),
    rule(`create ${READ}`, "core", "persistentvolumeclaims"),
    EVENTS,
  ],
  "expand-controller": [
    rule(`${READ} ${UPDATE}`, "core", "persistentvolumes"),
    rule(UPDATE, "core", "persistentvolumeclaims/status"),
    rule(READ, "core", "persistentvolumeclaims"),
    EVENTS,
  ],
  "persistent-volume-binder": [
    rule(`${READ} create delete update`, "core", "persistentvolumes"),
    rule("update", "core", "persistentvolumes/status"),
    rule(`${READ} update`, "core", "persistentvolumeclaims"),
    rule("update", "core", "persistentvolumeclaims/status"),
    rule(`${READ} create delete`, "core", "pods"),
    rule(READ, STORAGE, "storageclasses"),
    rule("list watch", "core", "nodes"),
    EVENTS,
    rule("watch", "core", "events"),
  ],
  "pv-protection-controller": [rule(`${READ} update`, "core", "persistentvolumes"), EVENTS],
  "pvc-protection-controller": [
    rule(`${READ} update`, "core", "persistentvolumeclaims"),
    rule("update", "core", "persistentvolumeclaims/status"),
    rule(READ, "core", "pods"),
    EVENTS,
  ],
  "selinux-warning-controller": [
    EVENTS,
    rule(READ, "core", "persistentvolumes"),
    rule(READ, "core", "persistentvolumeclaims"),
    rule(READ, "core", "pods"),
    rule(READ, STORAGE, "csidrivers"),
  ],
  "volumeattributesclass-protection-controller": [
    rule(READ, "core", "persistentvolumeclaims"),
    rule(READ, "core", "persistentvolumes"),
    rule(`${READ} update`, STORAGE, "volumeattributesclasses"),
    EVENTS,
  ],
};

const SIGNERS =
  "kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown";

const CLUSTER: Readonly<Record<string, PolicyRule[]>> = {
  "certificate-controller": [
    rule(`delete ${READ}`, CERTIFICATES, "certificatesigningrequests"),
    rule("update", CERTIFICATES, "certificatesigningrequests/approval certificatesigningrequests/status"),
    rule("approve", CERTIFICATES, "signers", "kubernetes.io/kube-apiserver-client-kubelet"),
    rule("sign", CERTIFICATES, "signers", SIGNERS),
    rule("create", "authorization.k8s.io", "subjectaccessreviews"),
    EVENTS,
  ],
  "clusterrole-aggregation-controller": [
    rule(`escalate ${READ} ${UPDATE}`, "rbac.authorization.k8s.io", "clusterroles"),
  ],
  "generic-garbage-collector": [rule(`${READ} delete ${UPDATE}`, "*", "*"), EVENTS],
  "legacy-service-account-token-cleaner": [
    rule("get", "core", "configmaps", "kube-apiserver-legacy-service-account-token-tracking"),
    rule("delete patch", "core", "secrets"),
  ],
  "namespace-controller": [
    rule(`delete ${READ}`, "core", "namespaces"),
    rule("update", "core", "namespaces/finalize namespaces/status"),
    rule(`delete deletecollection ${READ}`, "*", "*"),
  ],
  "resourcequota-controller": [rule("list watch", "*", "*"), rule("update", "core", "resourcequotas/status"), EVENTS],
  "root-ca-cert-publisher": [rule("create update", "core", "configmaps"), EVENTS],
  "service-account-controller": [rule("create", "core", "serviceaccounts"), EVENTS],
  "validatingadmissionpolicy-status-controller": [
    rule(READ, ADMISSION, "validatingadmissionpolicies"),
    rule("get patch update", ADMISSION, "validatingadmissionpolicies/status"),
    EVENTS,
  ],
};

/**
 * What the loops here need beyond the role of their namesake, as they write less than whole objects, or do what a kube-apiserver does by
 * itself. Roles of their own, so that those of Kubernetes are what their documentation says.
 */
const OWN: Readonly<Record<string, PolicyRule[]>> = {
  "definition-names-controller": [rule("patch", "apiextensions.k8s.io", "customresourcedefinitions/status")],
  "deployment-controller": [rule("patch", "apps", "deployments deployments/status")],
  "disruption-controller": [rule("patch", "policy", "poddisruptionbudgets/status")],
  "flow-schema-status-controller": [
    rule(READ, FLOW_CONTROL, "flowschemas prioritylevelconfigurations"),
    rule("patch", FLOW_CONTROL, "flowschemas/status"),
  ],
  "namespace-controller": [rule("patch", "core", "namespaces/status")],
  "node-controller": [rule("get list", "coordination.k8s.io", "leases")],
  "replicaset-controller": [rule("patch", "apps", "replicasets/status")],
  "root-ca-cert-publisher": [rule("get", "core", "configmaps", "kube-root-ca.crt")],
  "tokens-controller": [rule(`delete ${READ} update`, "core", "secrets"), rule("get", "core", "serviceaccounts")],
};

const stock = Object.entries({ ...WORKLOADS, ...NETWORK, ...VOLUMES, ...CLUSTER });
const all = [
  ...stock.map(([name, rules]) => ({ account: name, role: `system:controller:${name}`, rules })),
  ...Object.entries(OWN).map(([name, rules]) => ({ account: name, role: `gantry:controller:${name}`, rules })),
];

export const CONTROLLER_ROLES: readonly ClusterRole[] = all.map(({ role, rules }) => clusterRole(role, rules));

export const CONTROLLER_BINDINGS: readonly RoleBinding[] = all.map(({ role, account: name }) =>
  clusterBinding(role, [account(name)]),
);
