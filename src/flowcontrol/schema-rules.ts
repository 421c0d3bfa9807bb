/** Which flow schema a request belongs to: k8s.io/apiserver/pkg/util/flowcontrol/rule.go. */
import type { User } from "../authn/authenticator.ts";
import type { FlowRule, FlowSchema, FlowSubject } from "../kinds/flowcontrol/types.ts";

/** What of a request the rules look at. */
export interface FlowRequest {
  isResource: boolean;
  verb: string;
  path: string;
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
}

const ALL = "*";
const PRECEDENCE_DEFAULT = 1_000;

/** In the order in which they are asked: by precedence, then by name. */
export function inOrder(schemas: readonly FlowSchema[]): FlowSchema[] {
  return schemas.toSorted((a, b) => precedenceOf(a) - precedenceOf(b) || (nameOf(a) < nameOf(b) ? -1 : 1));
}

function precedenceOf({ spec }: FlowSchema): number {
  return spec.matchingPrecedence ?? PRECEDENCE_DEFAULT;
}

function nameOf({ metadata }: FlowSchema): string {
  return metadata.name ?? "";
}

/** The rules of a schema that are about this user. They are the same as long as the user is, so they are asked once. */
export function rulesFor({ spec }: FlowSchema, user: User): FlowRule[] {
  return (spec.rules ?? []).filter(({ subjects = [] }) => subjects.some((subject) => isSubject(subject, user)));
}

function isSubject({ kind, user: named, group, serviceAccount }: FlowSubject, user: User): boolean {
  switch (kind) {
    case "User":
      return named !== undefined && (named.name === ALL || named.name === user.name);
    case "Group":
      return group !== undefined && (group.name === ALL || user.groups.includes(group.name));
    case "ServiceAccount": {
      if (!serviceAccount) return false;
      const prefix = `system:serviceaccount:${serviceAccount.namespace}:`;
      if (serviceAccount.name === ALL) return user.name.startsWith(prefix);
      return user.name === prefix + serviceAccount.name;
    }
    default:
      return false;
  }
}

export function matchesRule({ resourceRules = [], nonResourceRules = [] }: FlowRule, request: FlowRequest): boolean {
  if (request.isResource) return resourceRules.some((rule) => matchesResource(rule, request));
  return nonResourceRules.some(
    ({ verbs, nonResourceURLs = [] }) =>
      has(verbs, request.verb) && nonResourceURLs.some((pattern) => matchesPath(pattern, request.path)),
  );
}

function matchesResource(
  rule: NonNullable<FlowRule["resourceRules"]>[number],
  { verb, group, resource, subresource, namespace }: FlowRequest,
): boolean {
  if (!has(rule.verbs, verb) || !has(rule.apiGroups, group)) return false;
  if (!has(rule.resources, subresource === "" ? resource : `${resource}/${subresource}`)) return false;
  return namespace === "" ? rule.clusterScope === true : has(rule.namespaces, namespace);
}

function has(values: readonly string[] | undefined, value: string): boolean {
  return values !== undefined && (values[0] === ALL || values.includes(value) || values.includes(ALL));
}

function matchesPath(pattern: string, path: string): boolean {
  if (pattern === ALL || pattern === path) return true;
  return pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1));
}
