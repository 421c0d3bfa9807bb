/** Does a rule allow a request? pkg/apis/rbac/v1/evaluation_helpers.go of Kubernetes. */
import type { Attributes } from "./authorizer.ts";

/** As Role objects carry them. */
export interface PolicyRule {
  verbs?: readonly string[];
  apiGroups?: readonly string[];
  /** "pods", "pods/log", "*", "*" + "/scale" for a subresource of everything. */
  resources?: readonly string[];
  /** None: all. */
  resourceNames?: readonly string[];
  /** Exact paths, or prefixes that end in "*". */
  nonResourceURLs?: readonly string[];
}

export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  const { resource } = attributes;
  if (!resource) return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, attributes.path));
  const { resourceNames } = rule;
  return (
    has(rule.apiGroups, resource.group) &&
    resourceMatches(rule.resources ?? [], resource) &&
    (resourceNames === undefined || resourceNames.length === 0 || resourceNames.includes(resource.name))
  );
}

function has(allowed: readonly string[] | undefined, value: string): boolean {
  return allowed !== undefined && (allowed.includes(value) || allowed.includes("*"));
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
  return pattern.endsWith("*") && path.startsWith(pattern.replace(/\*+$/, ""));
}
