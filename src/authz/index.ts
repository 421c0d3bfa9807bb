/** The authorizers in order, and the refusal in Kubernetes' words. */
import { MASTERS_GROUP } from "../authn/authenticator.ts";
import { goQuote } from "../machinery/go-text.ts";
import { StatusError, forbidden } from "../machinery/status-error.ts";
import type { Attributes, Authorizer, Decision, RuleResolver } from "./authorizer.ts";
import { createNodeAuthorizer, nodeNameOf, type NodeReferencesOf } from "./node.ts";
import type { Policy } from "./rbac/policy.ts";
import type { PolicyRule } from "./rules.ts";

const ALLOW: Decision = { verdict: "allow" };
/** cluster-admin */
export const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

export function createAuthorizer(deps: {
  nodeReferences: NodeReferencesOf;
  policy: Pick<Policy, "current">;
}): Authorizer & RuleResolver {
  const { policy } = deps;
  const node = createNodeAuthorizer(deps.nodeReferences);
  return {
    async authorize(attributes) {
      if (isMaster(attributes)) return ALLOW;
      const ofNode = await node.authorize(attributes);
      if (ofNode.verdict !== "none") return ofNode;
      const index = await policy.current();
      const decision = index.authorize(attributes);
      const reason = [ofNode.reason, decision.reason].filter((text) => text !== undefined && text !== "").join(", ");
      const { verdict } = decision;
      const shown = verdict === "allow" ? decision.reason : reason;
      return { verdict, revision: index.revision, ...(shown ? { reason: shown } : {}) };
    },
    async rulesFor(user, namespace) {
      const { rules, errors } = (await policy.current()).rulesFor(user, namespace);
      const isNode = nodeNameOf(user) !== undefined;
      if (isNode) errors.unshift("node authorizer does not support user rule resolution");
      return {
        rules: [...(isMaster({ user }) ? EVERYTHING : []), ...rules],
        incomplete: isNode,
        error: errors.length > 1 ? `[${errors.join(", ")}]` : (errors[0] ?? ""),
      };
    },
  };
}

/** system:masters is never asked for anything; callers may skip the rest on this alone. */
export function isMaster({ user }: Pick<Attributes, "user">): boolean {
  return user.groups.includes(MASTERS_GROUP);
}

/** A decision that says no. `why` is what the authorizers say of it, for the audit log. */
export class Refusal extends StatusError {
  readonly why: string;

  constructor({ message, details }: StatusError, why: string) {
    super("Forbidden", message, details ? { details } : {});
    this.why = why;
  }
}

/** @throws Refusal */
export async function assertAuthorized(authorizer: Authorizer, attributes: Attributes): Promise<Decision> {
  const decision = await authorizer.authorize(attributes);
  if (decision.verdict !== "allow") throw refusal(attributes, decision.reason);
  return decision;
}

/** What is not to look like HTML: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go. */
const MARKUP: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

function refusal(attributes: Attributes, reason = ""): Refusal {
  return new Refusal(refusalStatus(attributes, reason), reason);
}

function refusalStatus(attributes: Attributes, reason: string): StatusError {
  const text = refusalText(attributes).replace(/[&<>]/g, (char) => MARKUP[char] ?? char);
  const message = reason === "" ? text : `${text}: ${reason}`;
  const { resource } = attributes;
  if (!resource) return new StatusError("Forbidden", `forbidden: ${message}`, { details: {} });
  return forbidden({ group: resource.group, resource: resource.resource }, resource.name, message);
}

function refusalText({ user, verb, resource, path }: Attributes): string {
  const who = `User ${goQuote(user.name)} cannot ${verb}`;
  if (!resource) return `${who} path ${goQuote(path)}`;
  const { group, resource: plural, subresource, namespace } = resource;
  const what = subresource === "" ? plural : `${plural}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${goQuote(namespace)}`;
  return `${who} resource ${goQuote(what)} in API group ${goQuote(group)} ${where}`;
}
