/** A naive authorizer: reads through all bindings for each question, as the documentation of RBAC tells it. */
import type { PolicyRule, RoleBinding, Subject } from "../../src/kinds/rbac/types.ts";
import type { Attributes } from "../../src/authz/authorizer.ts";
import type { User } from "../../src/authn/authenticator.ts";

/** By "namespace/name"; of the cluster where the namespace is "". */
export interface RbacModel {
  roles: Map<string, PolicyRule[]>;
  bindings: Map<string, RoleBinding>;
}

export function modelAllows({ roles, bindings }: RbacModel, asked: Attributes): boolean {
  for (const { metadata, roleRef, subjects } of bindings.values()) {
    const namespace = metadata.namespace ?? "";
    if (namespace !== "" && asked.resource?.namespace !== namespace) continue;
    if (!(subjects ?? []).some((subject) => isSubject(subject, asked.user, namespace))) continue;
    const key = roleRef.kind === "Role" ? `${namespace}/${roleRef.name}` : `/${roleRef.name}`;
    for (const rule of roles.get(key) ?? []) if (allows(rule, asked)) return true;
  }
  return false;
}

function isSubject(subject: Subject, user: User, namespace: string): boolean {
  switch (subject.kind) {
    case "User":
      return subject.name === user.name;
    case "Group":
      return user.groups.some((group) => group === subject.name);
    default: {
      const [, , of, name, ...rest] = user.name.split(":");
      const isAccount = user.name.startsWith("system:serviceaccount:") && rest.length === 0;
      return isAccount && name === subject.name && of === (subject.namespace ?? namespace);
    }
  }
}

function allows(rule: PolicyRule, { verb, resource, path }: Attributes): boolean {
  if (!any(rule.verbs, (one) => one === "*" || one === verb)) return false;
  if (!resource) return any(rule.nonResourceURLs, (one) => new RegExp(`^${one.replaceAll("*", ".*")}$`).test(path));
  const { group, resource: plural, subresource, name } = resource;
  const full = subresource === "" ? plural : `${plural}/${subresource}`;
  return (
    any(rule.apiGroups, (one) => one === "*" || one === group) &&
    any(rule.resources, (one) => one === "*" || one === full || (subresource !== "" && one === `*/${subresource}`)) &&
    (!rule.resourceNames || rule.resourceNames.length === 0 || rule.resourceNames.includes(name))
  );
}

function any(values: string[] | undefined, test: (value: string) => boolean): boolean {
  return (values ?? []).some((value) => test(value));
}
