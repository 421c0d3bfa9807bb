/**
 * What each is expected to be allowed, written down by hand after https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
 * and the node authorizer's page: "verbs: resources", resources outside of the core group with their group. Everything else is refused.
 */

export const WHO = ["cluster-admin", "admin", "edit", "view", "node", "bare service account", "anonymous"] as const;
export type Who = (typeof WHO)[number];

export interface Asked {
  group: string;
  /** "pods", "pods/log". */
  name: string;
  verb: string;
  /** In the one in which roles were given. */
  inNamespace: boolean;
}

const READ = "get list watch";
const WRITE = "create update patch delete deletecollection";

/** Whoever is known may ask what he may, and who he is. */
const KNOWN = [
  "create: selfsubjectaccessreviews.authorization.k8s.io selfsubjectrulesreviews.authorization.k8s.io selfsubjectreviews.authentication.k8s.io",
];

const VIEW = [
  `${READ}: configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods pods/log pods/status`,
  `${READ}: replicationcontrollers replicationcontrollers/scale replicationcontrollers/status serviceaccounts services services/status`,
  `${READ}: bindings events events.events.k8s.io limitranges namespaces namespaces/status resourcequotas resourcequotas/status`,
  `${READ}: endpointslices.discovery.k8s.io controllerrevisions.apps daemonsets.apps daemonsets/status.apps`,
  `${READ}: deployments.apps deployments/scale.apps deployments/status.apps replicasets.apps replicasets/scale.apps replicasets/status.apps`,
  `${READ}: statefulsets.apps statefulsets/scale.apps statefulsets/status.apps cronjobs.batch cronjobs/status.batch jobs.batch jobs/status.batch`,
  `${READ}: horizontalpodautoscalers.autoscaling horizontalpodautoscalers/status.autoscaling`,
  `${READ}: poddisruptionbudgets.policy poddisruptionbudgets/status.policy`,
  `${READ}: ingresses.networking.k8s.io ingresses/status.networking.k8s.io networkpolicies.networking.k8s.io`,
  `${READ}: resourceclaims.resource.k8s.io resourceclaims/status.resource.k8s.io resourceclaimtemplates.resource.k8s.io`,
];

const EDIT = [
  ...VIEW,
  `${READ}: secrets pods/attach pods/exec pods/portforward pods/proxy services/proxy`,
  `${WRITE}: configmaps events events.events.k8s.io persistentvolumeclaims pods pods/attach pods/exec pods/portforward pods/proxy`,
  `${WRITE}: replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy`,
  "create: pods/eviction serviceaccounts/token",
  `${WRITE}: daemonsets.apps deployments.apps deployments/scale.apps replicasets.apps replicasets/scale.apps statefulsets.apps statefulsets/scale.apps`,
  `${WRITE}: horizontalpodautoscalers.autoscaling cronjobs.batch jobs.batch poddisruptionbudgets.policy`,
  `${WRITE}: ingresses.networking.k8s.io networkpolicies.networking.k8s.io`,
  `${READ} ${WRITE}: leases.coordination.k8s.io`,
  `${WRITE}: resourceclaims.resource.k8s.io resourceclaimtemplates.resource.k8s.io`,
];

const ADMIN = [
  ...EDIT,
  "create: localsubjectaccessreviews.authorization.k8s.io",
  `${READ} ${WRITE}: roles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io`,
];

/** In all namespaces; of what its pods refer to there is nothing here. */
const NODE = [
  `${READ}: services nodes endpoints namespaces endpointslices.discovery.k8s.io`,
  "create: nodes pods tokenreviews.authentication.k8s.io",
  "create: subjectaccessreviews.authorization.k8s.io localsubjectaccessreviews.authorization.k8s.io",
  "create update patch: events events.events.k8s.io",
  "create get list watch: certificatesigningrequests.certificates.k8s.io",
];

export const EXPECTED: Readonly<
  Record<Who, { inNamespace: readonly string[]; everywhere: readonly string[] } | "everything">
> = {
  "cluster-admin": "everything",
  admin: { inNamespace: ADMIN, everywhere: KNOWN },
  edit: { inNamespace: EDIT, everywhere: KNOWN },
  view: { inNamespace: VIEW, everywhere: KNOWN },
  node: { inNamespace: [], everywhere: [...NODE, ...KNOWN] },
  "bare service account": { inNamespace: [], everywhere: KNOWN },
  anonymous: { inNamespace: [], everywhere: [] },
};

export function permits(who: Who, asked: Asked): boolean {
  const expected = EXPECTED[who];
  if (expected === "everything") return true;
  return holds(expected.everywhere, asked) || (asked.inNamespace && holds(expected.inNamespace, asked));
}

function holds(lines: readonly string[], { group, name, verb }: Asked): boolean {
  const qualified = group === "" ? name : `${name}.${group}`;
  return lines.some((line) => {
    const [verbs = "", resources = ""] = line.split(": ");
    return verbs.split(" ").includes(verb) && resources.split(" ").includes(qualified);
  });
}

/**
 * By which of these the members of an organisation act in its clusters to begin with: the bindings there are for all namespaces. Of others
 * the cluster does not even say that it is there.
 */
export const MEMBERS = {
  owner: "cluster-admin",
  admin: "cluster-admin",
  developer: "edit",
  viewer: "view",
  "owner of another organisation": "nobody",
} as const satisfies Record<string, Who | "nobody">;

export function memberMay(member: keyof typeof MEMBERS, asked: Omit<Asked, "inNamespace">): boolean {
  const who = MEMBERS[member];
  return who !== "nobody" && permits(who, { ...asked, inNamespace: true });
}
