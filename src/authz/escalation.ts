/**
 * Nobody gives what he does not have: checks of those who write roles and bindings. After pkg/registry/rbac of Kubernetes;
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
 */
import type { User } from "../authn/authenticator.ts";
import { RBAC_GROUP, type ClusterRole, type RoleBinding } from "../kinds/rbac/types.ts";
import { goQuote } from "../machinery/go-text.ts";
import { forbidden } from "../machinery/status-error.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import { compacted, quoted, ruleText, uncovered } from "./coverage.ts";
import { EVERYTHING } from "./index.ts";
import type { Policy } from "./rbac/policy.ts";
import type { RbacIndex } from "./rbac/rbac-index.ts";
import type { PolicyRule } from "./rules.ts";

/** What somebody is about to write. */
export interface Grant {
  user: User;
  resource: string;
  /** "" of the cluster. */
  namespace: string;
  /** That of the request: "" for what is created in its collection. */
  requestName: string;
  object: ClusterRole | RoleBinding;
  /** Undefined: it is new. */
  oldObject: ClusterRole | RoleBinding | undefined;
}

/** @throws StatusError "Forbidden", and "NotFound" for a binding to a role that is not there */
export type GrantCheck = (grant: Grant) => Promise<{ revision: number }>;

export function createGrantCheck({
  authorizer,
  policy,
}: {
  authorizer: Authorizer;
  policy: Pick<Policy, "current">;
}): GrantCheck {
  return async (grant) => {
    const free = await freedom(grant);
    const index = await policy.current();
    // Each answer goes by the policy that it was made by: the index may have moved on since the first.
    if (free.verdict === "allow") return { revision: free.revision ?? index.revision };
    assertHeld(index, grant);
    return { revision: index.revision };
  };

  /** Who may `escalate` roles, or `bind` the one that is bound, need not have what is in them. */
  async function freedom({ user, resource, namespace, requestName, object }: Grant): Promise<Decision> {
    const roleRef = isBinding(resource) ? (object as RoleBinding).roleRef : undefined;
    const asked = roleRef
      ? { verb: "bind", group: roleRef.apiGroup, resource: `${roleRef.kind.toLowerCase()}s`, name: roleRef.name }
      : { verb: "escalate", group: RBAC_GROUP, resource, name: requestName };
    const { verb, ...what } = asked;
    const at = { ...what, version: "v1", subresource: "", namespace };
    return await authorizer.authorize({ user, verb, path: "", resource: at });
  }
}

function isBinding(resource: string): boolean {
  return resource.endsWith("bindings");
}

function assertHeld(index: RbacIndex, { user, resource, namespace, object, oldObject }: Grant): void {
  const refuse = (why: string) => forbidden({ group: RBAC_GROUP, resource }, object.metadata.name ?? "", why);
  const held = index.rulesFor(user, namespace);
  const missing = (rules: readonly PolicyRule[]) => uncovered(held.rules, rules);
  const granted = isBinding(resource)
    ? index.rulesOf((object as RoleBinding).roleRef, namespace)
    : ((object as ClusterRole).rules ?? []);
  const lacking = missing(granted);
  if (lacking.length > 0) throw refuse(attempt(user, lacking, held.errors));
  // It can gather anything, and keep others from taking it back.
  if (isBinding(resource) || !(isAggregated(object) || isAggregated(oldObject))) return;
  if (missing(EVERYTHING).length > 0) throw refuse("must have cluster-admin privileges to use the aggregationRule");
}

function isAggregated(role: Partial<ClusterRole> | undefined): boolean {
  return (role?.aggregationRule?.clusterRoleSelectors ?? []).length > 0;
}

function attempt({ name, groups }: User, lacking: readonly PolicyRule[], errors: readonly string[]): string {
  const texts = [...new Set(compacted(lacking).map(ruleText))].toSorted();
  const all = errors.length > 1 ? `[${errors.join(", ")}]` : errors[0];
  const unresolved = all === undefined ? "" : `; resolution errors: [${all}]`;
  return `user ${goQuote(name)} (groups=${quoted(groups)}) is attempting to grant RBAC permissions not currently held:\n${texts.join("\n")}${unresolved}`;
}
