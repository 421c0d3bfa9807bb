/**
 * Do these rules allow all that those allow? Rules are broken down to one verb on one resource (and name) each, which one rule allows or
 * none does: k8s.io/component-helpers/auth/rbac/validation.
 */
import { goQuote } from "../machinery/go-text.ts";
import type { PolicyRule } from "./rules.ts";

/** What `servant` allows and `owner` does not: [] where it is covered. */
export function uncovered(owner: readonly PolicyRule[], servant: readonly PolicyRule[]): PolicyRule[] {
  return servant.flatMap(brokenDown).filter((part) => !owner.some((rule) => covers(rule, part)));
}

function brokenDown({ verbs = [], apiGroups = [], resources = [], ...rest }: PolicyRule): PolicyRule[] {
  const { resourceNames = [], nonResourceURLs = [] } = rest;
  const parts: PolicyRule[] = [];
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const part = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (resourceNames.length === 0) parts.push(part);
        else parts.push(...resourceNames.map((name) => ({ ...part, resourceNames: [name] })));
      }
    }
  }
  for (const url of nonResourceURLs) parts.push(...verbs.map((verb) => ({ verbs: [verb], nonResourceURLs: [url] })));
  return parts;
}

const NONE: readonly string[] = [];

/** `part` has one of each at most. */
function covers(owner: PolicyRule, part: PolicyRule): boolean {
  const names = owner.resourceNames ?? NONE;
  return (
    hasAll(owner.verbs, part.verbs) &&
    hasAll(owner.apiGroups, part.apiGroups) &&
    (part.resources ?? NONE).every((resource) => coversResource(owner.resources ?? NONE, resource)) &&
    (part.nonResourceURLs ?? NONE).every((url) => (owner.nonResourceURLs ?? NONE).some((by) => coversUrl(by, url))) &&
    (names.length === 0 ||
      (part.resourceNames !== undefined && part.resourceNames.every((name) => names.includes(name))))
  );
}

function hasAll(owned: readonly string[] = NONE, wanted: readonly string[] = NONE): boolean {
  return owned.includes("*") || wanted.every((one) => owned.includes(one));
}

function coversResource(owned: readonly string[], wanted: string): boolean {
  if (owned.includes("*") || owned.includes(wanted)) return true;
  const slash = wanted.indexOf("/");
  return slash >= 0 && owned.includes(`*${wanted.slice(slash)}`);
}

function coversUrl(owned: string, wanted: string): boolean {
  return owned === wanted || (owned.endsWith("*") && wanted.startsWith(owned.replace(/\*+$/, "")));
}

/**
 * Rules of one resource that differ in their verbs alone as one, in the order they came up; pkg/registry/rbac/validation/policy_compact.go of
 * Kubernetes. Rules with several groups or resources, or for paths, are left as they are.
 */
export function compacted(rules: readonly PolicyRule[]): PolicyRule[] {
  const simple = new Map<string, PolicyRule>();
  const others: PolicyRule[] = [];
  for (const rule of rules) {
    const { verbs = NONE, apiGroups = NONE, resources = NONE, resourceNames = NONE, nonResourceURLs = NONE } = rule;
    if (apiGroups.length !== 1 || resources.length !== 1 || resourceNames.length > 1 || nonResourceURLs.length > 0) {
      others.push(rule);
      continue;
    }
    const key = JSON.stringify([apiGroups, resources, resourceNames]);
    const known = simple.get(key);
    simple.set(key, { ...rule, verbs: [...new Set([...(known?.verbs ?? NONE), ...verbs])] });
  }
  return [...others, ...simple.values()];
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`: CompactString of pkg/apis/rbac/v1 of Kubernetes. */
export function ruleText(rule: PolicyRule): string {
  const parts: (readonly [string, readonly string[] | undefined])[] = [
    ["APIGroups", rule.apiGroups],
    ["Resources", rule.resources],
    ["NonResourceURLs", rule.nonResourceURLs],
    ["ResourceNames", rule.resourceNames],
    ["Verbs", rule.verbs],
  ];
  const shown = parts.flatMap(([name, values]) => (values?.length ? [`${name}:${quoted(values)}`] : []));
  return `{${shown.join(", ")}}`;
}

/** A list of strings as Go's %q prints it. */
export function quoted(values: readonly string[]): string {
  return `[${values.map(goQuote).join(" ")}]`;
}
