/** Who may do what before anybody has written a Role: the counterpart of Kubernetes' default ClusterRoles, as data. */
import { AUTHENTICATED_GROUP } from "../authn/authenticator.ts";
import type { Grant, PolicyRule } from "./rules.ts";

const READ = ["get", "list", "watch"] as const;
const WRITE = ["create", "update", "patch", "delete"] as const;

const UNAUTHENTICATED_GROUP = "system:unauthenticated";

/** system:public-info-viewer and system:service-account-issuer-discovery. */
const PUBLIC: Grant = {
  subjects: [{ group: AUTHENTICATED_GROUP }, { group: UNAUTHENTICATED_GROUP }],
  rules: [
    {
      verbs: ["get"],
      nonResourceURLs: [
        "/healthz",
        "/livez",
        "/readyz",
        "/version",
        "/version/",
        "/.well-known/openid-configuration",
        "/openid/v1/jwks",
      ],
    },
  ],
};

/** system:discovery and system:basic-user. */
const AUTHENTICATED: Grant = {
  subjects: [{ group: AUTHENTICATED_GROUP }],
  rules: [
    { verbs: ["get"], nonResourceURLs: ["/", "/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"] },
    {
      verbs: ["create"],
      apiGroups: ["authorization.k8s.io"],
      resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
    { verbs: ["create"], apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"] },
  ],
};

/** system:monitoring */
const MONITORING: Grant = {
  subjects: [{ group: "system:monitoring" }],
  rules: [
    {
      verbs: ["get"],
      nonResourceURLs: [
        "/metrics",
        "/metrics/slis",
        "/healthz",
        "/healthz/*",
        "/livez",
        "/livez/*",
        "/readyz",
        "/readyz/*",
      ],
    },
  ],
};

const EVENTS: PolicyRule = {
  verbs: ["create", "update", "patch"],
  apiGroups: ["", "events.k8s.io"],
  resources: ["events"],
};

const LEASE: PolicyRule = {
  verbs: ["get", "create", "update", "patch"],
  apiGroups: ["coordination.k8s.io"],
  resources: ["leases"],
};

/** What each control loop needs, by the name of its service account in kube-system. */
const FLOW_CONTROL = "flowcontrol.apiserver.k8s.io";

const CONTROLLERS: Readonly<Record<string, readonly PolicyRule[]>> = {
  "deployment-controller": [
    { verbs: [...READ, "update", "patch"], apiGroups: ["apps"], resources: ["deployments"] },
    {
      verbs: ["get", "update", "patch"],
      apiGroups: ["apps"],
      resources: ["deployments/status", "deployments/finalizers", "deployments/scale"],
    },
    { verbs: [...READ, ...WRITE], apiGroups: ["apps"], resources: ["replicasets"] },
    { verbs: [...READ, "update", "patch"], apiGroups: [""], resources: ["pods"] },
  ],
  "replicaset-controller": [
    { verbs: [...READ, "update", "patch"], apiGroups: ["apps"], resources: ["replicasets"] },
    {
      verbs: ["get", "update", "patch"],
      apiGroups: ["apps"],
      resources: ["replicasets/status", "replicasets/finalizers"],
    },
    { verbs: [...READ, ...WRITE], apiGroups: [""], resources: ["pods"] },
  ],
  "endpointslice-controller": [
    { verbs: READ, apiGroups: [""], resources: ["services", "pods", "nodes"] },
    { verbs: ["update"], apiGroups: [""], resources: ["services/finalizers"] },
    { verbs: [...READ, ...WRITE], apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"] },
    { verbs: [...READ, ...WRITE], apiGroups: [""], resources: ["endpoints"] },
  ],
  "disruption-controller": [
    { verbs: READ, apiGroups: ["apps"], resources: ["deployments", "replicasets", "statefulsets"] },
    { verbs: READ, apiGroups: [""], resources: ["replicationcontrollers", "pods"] },
    { verbs: READ, apiGroups: ["policy"], resources: ["poddisruptionbudgets"] },
    { verbs: ["update", "patch"], apiGroups: ["policy"], resources: ["poddisruptionbudgets/status"] },
    { verbs: ["update", "patch"], apiGroups: [""], resources: ["pods/status"] },
    { verbs: ["get"], apiGroups: ["*"], resources: ["*/scale"] },
  ],
  "flow-schema-status-controller": [
    { verbs: READ, apiGroups: [FLOW_CONTROL], resources: ["flowschemas", "prioritylevelconfigurations"] },
    { verbs: ["patch"], apiGroups: [FLOW_CONTROL], resources: ["flowschemas/status"] },
  ],
  "definition-names-controller": [
    { verbs: READ, apiGroups: ["apiextensions.k8s.io"], resources: ["customresourcedefinitions"] },
    { verbs: ["patch"], apiGroups: ["apiextensions.k8s.io"], resources: ["customresourcedefinitions/status"] },
  ],
  "namespace-controller": [
    { verbs: [...READ, "delete"], apiGroups: [""], resources: ["namespaces"] },
    { verbs: ["get", "update", "patch"], apiGroups: [""], resources: ["namespaces/finalize", "namespaces/status"] },
    { verbs: ["get", "list", "delete", "deletecollection"], apiGroups: ["*"], resources: ["*"] },
  ],
  "generic-garbage-collector": [{ verbs: [...READ, "update", "patch", "delete"], apiGroups: ["*"], resources: ["*"] }],
  "service-account-controller": [
    { verbs: [...READ, "create", "update"], apiGroups: [""], resources: ["serviceaccounts"] },
    { verbs: READ, apiGroups: [""], resources: ["namespaces"] },
  ],
  "tokens-controller": [
    { verbs: [...READ, "update", "delete"], apiGroups: [""], resources: ["secrets"] },
    { verbs: READ, apiGroups: [""], resources: ["serviceaccounts"] },
  ],
  "root-ca-cert-publisher": [
    { verbs: [...READ, "create", "update"], apiGroups: [""], resources: ["configmaps"] },
    { verbs: READ, apiGroups: [""], resources: ["namespaces"] },
  ],
  "node-controller": [
    { verbs: [...READ, "update", "patch", "delete"], apiGroups: [""], resources: ["nodes"] },
    { verbs: ["get", "update", "patch"], apiGroups: [""], resources: ["nodes/status", "pods/status"] },
    { verbs: [...READ, "update", "patch", "delete"], apiGroups: [""], resources: ["pods"] },
    { verbs: READ, apiGroups: ["coordination.k8s.io"], resources: ["leases"] },
  ],
};

/** Names under which the loops of this project run the roles above. */
const ALIASES: Readonly<Record<string, string>> = {
  "garbage-collector-controller": "generic-garbage-collector",
  "root-ca-publisher-controller": "root-ca-cert-publisher",
  "node-lifecycle-controller": "node-controller",
};

const SCHEDULER: Grant = {
  subjects: [{ user: "system:kube-scheduler" }, { user: "system:serviceaccount:kube-system:kube-scheduler" }],
  rules: [
    { verbs: READ, apiGroups: [""], resources: ["nodes", "namespaces", "pods", "services", "replicationcontrollers"] },
    { verbs: READ, apiGroups: ["apps"], resources: ["replicasets", "statefulsets"] },
    { verbs: ["delete"], apiGroups: [""], resources: ["pods"] },
    { verbs: ["create"], apiGroups: [""], resources: ["bindings", "pods/binding"] },
    { verbs: ["get", "patch", "update"], apiGroups: [""], resources: ["pods/status"] },
    { verbs: READ, apiGroups: ["policy"], resources: ["poddisruptionbudgets"] },
    EVENTS,
    LEASE,
  ],
};

function controllerGrants(): Grant[] {
  const names = [...Object.keys(CONTROLLERS).map((name) => [name, name] as const), ...Object.entries(ALIASES)];
  return names.map(([account, role]) => ({
    subjects: [{ user: `system:serviceaccount:kube-system:${account}` }],
    rules: [...(CONTROLLERS[role] ?? []), EVENTS, LEASE],
  }));
}

export function defaultPolicy(): Grant[] {
  return [PUBLIC, AUTHENTICATED, MONITORING, ...controllerGrants(), SCHEDULER];
}
