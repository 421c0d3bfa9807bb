/** ClusterRoles whose rules are those of others: pkg/controller/clusterroleaggregation of Kubernetes. */
import { matchesLabels, requirementsOf } from "../../machinery/selectors.ts";
import type { ClusterRole, PolicyRule } from "./types.ts";

/** What an aggregated role needs to be told of the others. */
export interface AggregatedPart {
  metadata: { name?: string; labels?: Readonly<Record<string, string>> };
  rules?: PolicyRule[] | null;
}

/** The rules of all that its selectors select, itself excepted, in the order of selectors and names; each once. Undefined: it is none. */
export function aggregatedRules(
  { metadata, aggregationRule }: AggregatedPart & Pick<ClusterRole, "aggregationRule">,
  roles: readonly AggregatedPart[],
): PolicyRule[] | undefined {
  if (!aggregationRule) return undefined;
  const byName = roles.toSorted((a, b) => compare(a.metadata.name ?? "", b.metadata.name ?? ""));
  const rules = new Map<string, PolicyRule>();
  for (const selector of aggregationRule.clusterRoleSelectors ?? []) {
    const requirements = requirementsOf(selector);
    for (const other of byName) {
      if (other.metadata.name === metadata.name || !matchesLabels(requirements, other.metadata.labels ?? {})) continue;
      for (const rule of other.rules ?? []) rules.set(identity(rule), rules.get(identity(rule)) ?? rule);
    }
  }
  return [...rules.values()];
}

/** Roles made of roles made of roles: as often as it takes, and no more often than there are roles. */
export function withAggregation(roles: readonly ClusterRole[]): ClusterRole[] {
  let now = [...roles];
  for (const _ of roles) {
    const next = now.map((one) => {
      const rules = aggregatedRules(one, now);
      return rules === undefined || sameRules(rules, one.rules) ? one : { ...one, rules };
    });
    if (next.every((one, at) => one === now[at])) break;
    now = next;
  }
  return now;
}

export function sameRules(a: readonly PolicyRule[] | null | undefined, b: typeof a): boolean {
  const [left, right] = [a ?? [], b ?? []];
  return left.length === right.length && left.every((rule, at) => identity(rule) === identity(right[at]));
}

/** Empty lists are as good as none. */
function identity(rule: PolicyRule | undefined): string {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule ?? {};
  return JSON.stringify([verbs, apiGroups, resources, resourceNames, nonResourceURLs]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
