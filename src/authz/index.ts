/** The authorizers in order, and the refusal in Kubernetes' words. */
import { MASTERS_GROUP, NODES_GROUP } from "../authn/authenticator.ts";
import { StatusError, forbidden } from "../machinery/status-error.ts";
import type { Attributes, Authorizer, Decision, RuleResolver } from "./authorizer.ts";
import { createNodeAuthorizer, type NodeReferencesOf } from "./node.ts";
import { defaultPolicy } from "./policy.ts";
import { grantApplies, isSubjectOf, type PolicyRule } from "./rules.ts";

const ALLOW: Decision = { verdict: "allow" };
/** cluster-admin */
const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

export function createAuthorizer(deps: { nodeReferences: NodeReferencesOf }): Authorizer & RuleResolver {
  const node = createNodeAuthorizer(deps.nodeReferences);
  const grants = defaultPolicy();
  return {
    async authorize(attributes) {
      if (isMaster(attributes)) return ALLOW;
      const decision = await node.authorize(attributes);
      if (decision.verdict !== "none") return decision;
      return grants.some((grant) => grantApplies(grant, attributes)) ? ALLOW : decision;
    },
    rulesFor(user, namespace) {
      const held = grants.filter(
        (grant) => isSubjectOf(grant, user) && (grant.namespace === undefined || grant.namespace === namespace),
      );
      return {
        rules: [...(isMaster({ user }) ? EVERYTHING : []), ...held.flatMap(({ rules }) => rules)],
        incomplete: user.groups.includes(NODES_GROUP),
      };
    },
  };
}

/** system:masters is never asked for anything; callers may skip the rest on this alone. */
export function isMaster({ user }: Pick<Attributes, "user">): boolean {
  return user.groups.includes(MASTERS_GROUP);
}

/** @throws StatusError "Forbidden" */
export async function assertAuthorized(authorizer: Authorizer, attributes: Attributes): Promise<void> {
  const decision = await authorizer.authorize(attributes);
  if (decision.verdict !== "allow") throw refusal(attributes, decision.reason);
}

function refusal({ user, verb, resource, path }: Attributes, reason: string | undefined): StatusError {
  const who = `User ${JSON.stringify(user.name)}`;
  const why = reason === undefined || reason === "" ? "" : `: ${reason}`;
  if (!resource)
    return new StatusError("Forbidden", `forbidden: ${who} cannot ${verb} path "${path}"${why}`, { details: {} });
  const { group, resource: plural, subresource, namespace, name } = resource;
  const what = subresource === "" ? plural : `${plural}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  return forbidden(
    { group, resource: plural },
    name,
    `${who} cannot ${verb} resource "${what}" in API group "${group}" ${where}${why}`,
  );
}
