/** How the default roles are written down: words separated by spaces, because they are many and all look alike. */
import type { ClusterRole, PolicyRule, Role, RoleBinding, Subject } from "../../kinds/rbac/types.ts";
import { RBAC_GROUP } from "../../kinds/rbac/types.ts";

/** Of the default objects of every cluster: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation */
export const DEFAULTS_LABEL = { "kubernetes.io/bootstrapping": "rbac-defaults" };
export const AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate";

export const READ = "get list watch";
export const WRITE = "create delete deletecollection patch update";
export const READ_WRITE = `${READ} ${WRITE}`;

/** The name of the group that has none: "" would be lost among the words. */
const CORE = "core";

/** Sorted, as Kubernetes sorts them. */
const words = (text: string): string[] => text.split(" ").toSorted();

/** `groups`: "core" is the group of pods. Without `names`: all of them. */
export function rule(verbs: string, groups: string, resources: string, names?: string): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: words(groups)
      .map((group) => (group === CORE ? "" : group))
      .toSorted(),
    resources: words(resources),
    ...(names === undefined ? {} : { resourceNames: words(names) }),
  };
}

export function urls(verbs: string, paths: string): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: words(paths) };
}

export const EVENTS: PolicyRule = rule("create patch update", "core events.k8s.io", "events");

function metadata(name: string, labels: Readonly<Record<string, string>> = {}) {
  return { name, labels: { ...DEFAULTS_LABEL, ...labels }, annotations: { [AUTO_UPDATE]: "true" } };
}

export function clusterRole(name: string, rules: PolicyRule[], labels?: Readonly<Record<string, string>>): ClusterRole {
  return { metadata: metadata(name, labels), rules };
}

export function role(namespace: string, name: string, rules: PolicyRule[]): Role {
  return { metadata: { ...metadata(name), namespace }, rules };
}

const kindOf = (name: string, kind: "User" | "Group"): Subject => ({ kind, apiGroup: RBAC_GROUP, name });
export const user = (name: string): Subject => kindOf(name, "User");
export const group = (name: string): Subject => kindOf(name, "Group");
export const account = (name: string): Subject => ({ kind: "ServiceAccount", name, namespace: "kube-system" });

/** Under the name of the role that it grants. */
export function clusterBinding(roleName: string, subjects: Subject[]): RoleBinding {
  const roleRef = { apiGroup: RBAC_GROUP, kind: "ClusterRole", name: roleName };
  return { metadata: metadata(roleName), ...(subjects.length === 0 ? {} : { subjects }), roleRef };
}

export function binding(
  namespace: string,
  { name, roleName = name, subjects }: { name: string; roleName?: string; subjects: Subject[] },
): RoleBinding {
  const roleRef = { apiGroup: RBAC_GROUP, kind: "Role", name: roleName };
  return { metadata: { ...metadata(name), namespace }, subjects, roleRef };
}
