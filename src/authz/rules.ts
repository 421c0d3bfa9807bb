/** Permissions in the shape of RBAC's PolicyRule, so that Role objects can take the place of the lists in policy.ts. */
import type { User } from "../authn/authenticator.ts";
import type { Attributes } from "./authorizer.ts";

export interface PolicyRule {
  verbs?: readonly string[];
  apiGroups?: readonly string[];
  /** "pods", "pods/log", "*", "*" + "/scale" for a subresource of everything. */
  resources?: readonly string[];
  resourceNames?: readonly string[];
  /** Exact paths, or prefixes that end in "*". */
  nonResourceURLs?: readonly string[];
}

export interface Grant {
  /** Whose grant it is: any one of these. */
  subjects: readonly ({ user: string } | { group: string })[];
  /** Undefined: in the whole cluster. */
  namespace?: string;
  rules: readonly PolicyRule[];
}

export function grantApplies(grant: Grant, attributes: Attributes): boolean {
  if (grant.namespace !== undefined && attributes.resource?.namespace !== grant.namespace) return false;
  return isSubjectOf(grant, attributes.user) && grant.rules.some((rule) => ruleAllows(rule, attributes));
}

export function isSubjectOf({ subjects }: Grant, { name, groups }: User): boolean {
  return subjects.some((subject) => ("user" in subject ? subject.user === name : groups.includes(subject.group)));
}

export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs ?? [], attributes.verb)) return false;
  const { resource } = attributes;
  if (!resource) return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, attributes.path));
  return (
    has(rule.apiGroups ?? [], resource.group) &&
    resourceMatches(rule.resources ?? [], resource) &&
    (rule.resourceNames === undefined || rule.resourceNames.includes(resource.name))
  );
}

function has(allowed: readonly string[], value: string): boolean {
  return allowed.includes("*") || allowed.includes(value);
}

function resourceMatches(
  allowed: readonly string[],
  { resource, subresource }: { resource: string; subresource: string },
): boolean {
  if (allowed.includes("*")) return true;
  if (subresource === "") return allowed.includes(resource);
  return allowed.includes(`${resource}/${subresource}`) || allowed.includes(`*/${subresource}`);
}

function pathMatches(pattern: string, path: string): boolean {
  if (pattern === "*" || pattern === path) return true;
  return pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1));
}
