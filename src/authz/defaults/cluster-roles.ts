/**
 * The ClusterRoles of a stock cluster of v1.36 and who has them, with the feature gates as they are by default:
 * plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go of Kubernetes.
 */
import { AUTHENTICATED_GROUP, MASTERS_GROUP, UNAUTHENTICATED_GROUP } from "../../authn/authenticator.ts";
import { SERVICE_ACCOUNTS_GROUP } from "../../authn/service-account.ts";
import type { ClusterRole, PolicyRule, RoleBinding } from "../../kinds/rbac/types.ts";
import {
  account,
  clusterBinding,
  clusterRole,
  EVENTS,
  group,
  READ,
  READ_WRITE,
  rule,
  urls,
  user,
  WRITE,
} from "./notation.ts";

const AUTHENTICATION = "authentication.k8s.io";
const AUTHORIZATION = "authorization.k8s.io";
const CERTIFICATES = "certificates.k8s.io";
const COORDINATION = "coordination.k8s.io";
const DISCOVERY = "discovery.k8s.io";
const NETWORKING = "networking.k8s.io";
const RBAC = "rbac.authorization.k8s.io";
const RESOURCE = "resource.k8s.io";
const STORAGE = "storage.k8s.io";

const aggregateTo = (name: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${name}`]: "true" });

/** Its rules are those of the roles with the label; see withAggregation. */
function aggregated(name: string, labels?: Readonly<Record<string, string>>): ClusterRole {
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] };
  return { ...clusterRole(name, [], labels), aggregationRule };
}

const HEALTH = "/healthz /livez /readyz";
const VERSION = "/version /version/";

/** What people are given in their namespaces. */
const FOR_PEOPLE: ClusterRole[] = [
  clusterRole("cluster-admin", [rule("*", "*", "*"), urls("*", "*")]),
  aggregated("admin"),
  aggregated("edit", aggregateTo("admin")),
  aggregated("view", aggregateTo("edit")),
  clusterRole(
    "system:aggregate-to-admin",
    [rule("create", AUTHORIZATION, "localsubjectaccessreviews"), rule(READ_WRITE, RBAC, "roles rolebindings")],
    aggregateTo("admin"),
  ),
  clusterRole(
    "system:aggregate-to-edit",
    [
      rule(READ, "core", "pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy"),
      rule("impersonate", "core", "serviceaccounts"),
      rule(WRITE, "core", "pods pods/attach pods/proxy pods/exec pods/portforward"),
      rule("create", "core", "pods/eviction"),
      rule(
        WRITE,
        "core",
        "configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy",
      ),
      rule("create", "core", "serviceaccounts/token"),
      rule(WRITE, "core events.k8s.io", "events"),
      rule(
        WRITE,
        "apps",
        "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale",
      ),
      rule(WRITE, "autoscaling", "horizontalpodautoscalers"),
      rule(WRITE, "batch", "cronjobs jobs"),
      rule(
        WRITE,
        "extensions",
        "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale",
      ),
      rule(WRITE, "policy", "poddisruptionbudgets"),
      rule(WRITE, NETWORKING, "ingresses networkpolicies"),
      rule(READ_WRITE, COORDINATION, "leases"),
      rule(WRITE, RESOURCE, "resourceclaims resourceclaimtemplates"),
    ],
    aggregateTo("edit"),
  ),
  clusterRole(
    "system:aggregate-to-view",
    [
      rule(
        READ,
        "core",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
      ),
      rule(
        READ,
        "core",
        "bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status",
      ),
      rule(READ, "core", "namespaces"),
      rule(READ, "core events.k8s.io", "events"),
      rule(READ, DISCOVERY, "endpointslices"),
      rule(
        READ,
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
      ),
      rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
      rule(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
      rule(
        READ,
        "extensions",
        "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
      ),
      rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
      rule(READ, NETWORKING, "ingresses ingresses/status networkpolicies"),
      rule(READ, RESOURCE, "resourceclaims resourceclaims/status resourceclaimtemplates"),
    ],
    aggregateTo("view"),
  ),
];

/** What everybody has, or at least everybody who is known. */
const FOR_EVERYBODY: ClusterRole[] = [
  clusterRole("system:discovery", [urls("get", `${HEALTH} ${VERSION} /openapi /openapi/* /api /api/* /apis /apis/*`)]),
  clusterRole("system:basic-user", [
    rule("create", AUTHORIZATION, "selfsubjectaccessreviews selfsubjectrulesreviews"),
    rule("create", AUTHENTICATION, "selfsubjectreviews"),
  ]),
  clusterRole("system:public-info-viewer", [urls("get", `${HEALTH} ${VERSION}`)]),
  clusterRole("system:service-account-issuer-discovery", [
    urls(
      "get",
      "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
    ),
  ]),
];

const csrs = "certificatesigningrequests";
const approver = (name: string, signer: string) =>
  clusterRole(`system:certificates.k8s.io:${name}-approver`, [
    rule("approve", CERTIFICATES, "signers", `kubernetes.io/${signer}`),
  ]);

const FOR_CERTIFICATES: ClusterRole[] = [
  ...["nodeclient", "selfnodeclient"].map((what) =>
    clusterRole(`system:certificates.k8s.io:${csrs}:${what}`, [rule("create", CERTIFICATES, `${csrs}/${what}`)]),
  ),
  ...["kube-apiserver-client", "kube-apiserver-client-kubelet", "kubelet-serving", "legacy-unknown"].map((signer) =>
    approver(signer, signer),
  ),
];

const NODE_RULES: PolicyRule[] = [
  rule("create", AUTHENTICATION, "tokenreviews"),
  rule("create", AUTHORIZATION, "subjectaccessreviews localsubjectaccessreviews"),
  rule(READ, "core", "services"),
  rule(`create ${READ}`, "core", "nodes"),
  rule("patch update", "core", "nodes/status"),
  rule("patch update", "core", "nodes"),
  EVENTS,
  rule(READ, "core", "pods"),
  rule("create delete", "core", "pods"),
  rule("patch update", "core", "pods/status"),
  rule("create", "core", "pods/eviction"),
  rule(READ, "core", "configmaps secrets"),
  rule("get", "core", "persistentvolumeclaims persistentvolumes"),
  rule("get", "core", "endpoints"),
  rule(`create ${READ}`, CERTIFICATES, csrs),
  rule("create delete get patch update", COORDINATION, "leases"),
  rule("get", STORAGE, "volumeattachments"),
  rule("create", "core", "serviceaccounts/token"),
  rule("get patch update", "core", "persistentvolumeclaims/status"),
  rule(READ, STORAGE, "csidrivers"),
  rule("create delete get patch update", STORAGE, "csinodes"),
  rule(READ, "node.k8s.io", "runtimeclasses"),
  rule("get", RESOURCE, "resourceclaims"),
  rule("deletecollection", RESOURCE, "resourceslices"),
  rule("get", "core", "serviceaccounts"),
];

const FOR_NODES: ClusterRole[] = [
  clusterRole("system:node", NODE_RULES),
  clusterRole("system:node-bootstrapper", [rule(`create ${READ}`, CERTIFICATES, csrs)]),
  clusterRole("system:node-problem-detector", [
    rule("get", "core", "nodes"),
    rule("patch", "core", "nodes/status"),
    EVENTS,
  ]),
  clusterRole("system:node-proxier", [
    rule("list watch", "core", "endpoints services"),
    rule(READ, "core", "nodes"),
    EVENTS,
    rule("list watch", NETWORKING, "servicecidrs"),
    rule("list watch", DISCOVERY, "endpointslices"),
  ]),
  clusterRole("system:kubelet-api-admin", [
    rule(READ, "core", "nodes"),
    rule("proxy", "core", "nodes"),
    rule("*", "core", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
    rule("*", "core", "nodes/configz nodes/healthz nodes/pods"),
  ]),
];

const SCHEDULER_RULES: PolicyRule[] = [
  EVENTS,
  rule("create", COORDINATION, "leases"),
  rule(`${READ} update`, COORDINATION, "leases", "kube-scheduler"),
  rule(READ_WRITE, COORDINATION, "leasecandidates"),
  rule(READ, "core", "nodes"),
  rule(`delete ${READ}`, "core", "pods"),
  rule("create", "core", "bindings pods/binding"),
  rule("patch update", "core", "pods/status"),
  rule(READ, "core", "replicationcontrollers services"),
  rule(READ, "apps extensions", "replicasets"),
  rule(READ, "apps", "statefulsets"),
  rule(READ, "policy", "poddisruptionbudgets"),
  rule(READ, "core", "persistentvolumeclaims persistentvolumes"),
  rule("create", AUTHENTICATION, "tokenreviews"),
  rule("create", AUTHORIZATION, "subjectaccessreviews"),
  rule(READ, STORAGE, "csinodes"),
  rule(READ, STORAGE, "volumeattachments"),
  rule(READ, "core", "namespaces"),
  rule(READ, STORAGE, "csidrivers"),
  rule(READ, STORAGE, "csistoragecapacities"),
  rule(READ, RESOURCE, "deviceclasses"),
  rule(`${READ} patch update`, RESOURCE, "resourceclaims"),
  rule(`${READ} patch update`, RESOURCE, "resourceclaims/status"),
  rule("patch update", RESOURCE, "resourceclaims/binding"),
  rule("update", "core", "pods/finalizers"),
  rule(READ, RESOURCE, "resourceslices"),
  rule("create delete", RESOURCE, "resourceclaims"),
];

const CONTROLLER_MANAGER_RULES: PolicyRule[] = [
  EVENTS,
  rule("create", COORDINATION, "leases"),
  rule("get update", COORDINATION, "leases", "kube-controller-manager"),
  rule("create", "core", "secrets serviceaccounts"),
  rule("delete", "core", "secrets"),
  rule("get", "core", "configmaps namespaces secrets serviceaccounts"),
  rule("update", "core", "secrets serviceaccounts"),
  rule("create", AUTHENTICATION, "tokenreviews"),
  rule("create", AUTHORIZATION, "subjectaccessreviews"),
  rule("list watch", "*", "*"),
  rule("create", "core", "serviceaccounts/token"),
];

const FOR_COMPONENTS: ClusterRole[] = [
  clusterRole("system:auth-delegator", [
    rule("create", AUTHENTICATION, "tokenreviews"),
    rule("create", AUTHORIZATION, "subjectaccessreviews"),
  ]),
  clusterRole("system:heapster", [
    rule(READ, "core", "events namespaces nodes pods"),
    rule(READ, "extensions", "deployments"),
  ]),
  clusterRole("system:kube-aggregator", [rule(READ, "core", "endpoints services")]),
  clusterRole("system:kube-controller-manager", CONTROLLER_MANAGER_RULES),
  clusterRole("system:kube-dns", [rule("list watch", "core", "endpoints services")]),
  clusterRole("system:kube-scheduler", SCHEDULER_RULES),
  clusterRole("system:monitoring", [
    urls("get", "/flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz"),
    rule("get", "core", "nodes/metrics"),
  ]),
  clusterRole("system:persistent-volume-provisioner", [
    rule(`create delete ${READ}`, "core", "persistentvolumes"),
    rule(`${READ} update`, "core", "persistentvolumeclaims"),
    rule(READ, STORAGE, "storageclasses"),
    rule("watch", "core", "events"),
    EVENTS,
  ]),
  clusterRole("system:volume-scheduler", [
    rule(`${READ} patch update`, "core", "persistentvolumes"),
    rule(READ, STORAGE, "storageclasses"),
    rule(`${READ} patch update`, "core", "persistentvolumeclaims"),
  ]),
];

export const DEFAULT_CLUSTER_ROLES: readonly ClusterRole[] = [
  ...FOR_PEOPLE,
  ...FOR_EVERYBODY,
  ...FOR_CERTIFICATES,
  ...FOR_NODES,
  ...FOR_COMPONENTS,
];

const SCHEDULER = user("system:kube-scheduler");

export const DEFAULT_CLUSTER_BINDINGS: readonly RoleBinding[] = [
  clusterBinding("cluster-admin", [group(MASTERS_GROUP)]),
  clusterBinding("system:monitoring", [group("system:monitoring")]),
  clusterBinding("system:discovery", [group(AUTHENTICATED_GROUP)]),
  clusterBinding("system:basic-user", [group(AUTHENTICATED_GROUP)]),
  clusterBinding("system:public-info-viewer", [group(AUTHENTICATED_GROUP), group(UNAUTHENTICATED_GROUP)]),
  clusterBinding("system:service-account-issuer-discovery", [group(SERVICE_ACCOUNTS_GROUP)]),
  clusterBinding("system:node-proxier", [user("system:kube-proxy")]),
  clusterBinding("system:kube-controller-manager", [user("system:kube-controller-manager")]),
  clusterBinding("system:kube-dns", [account("kube-dns")]),
  clusterBinding("system:kube-scheduler", [SCHEDULER]),
  clusterBinding("system:volume-scheduler", [SCHEDULER]),
  // For nobody: nodes are the node authorizer's, and clusters of long ago that bound the role by this name keep it.
  clusterBinding("system:node", []),
];
