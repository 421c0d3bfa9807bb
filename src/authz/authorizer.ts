/** May this user do this? Attributes are those of k8s.io/apiserver/pkg/authorization/authorizer. */
import type { User } from "../authn/authenticator.ts";
import type { PolicyRule } from "./rules.ts";

export interface Attributes {
  user: User;
  /** Lower-case API verb (get, list, watch, create, update, patch, delete, deletecollection, impersonate …) or HTTP verb for paths. */
  verb: string;
  /** Undefined for non-resource paths. */
  resource?: { group: string; version: string; resource: string; subresource: string; namespace: string; name: string };
  path: string;
  /** As the client wrote it, for list and watch: a node may list the pods that are bound to it, and no others. */
  fieldSelector?: string;
}

export interface Decision {
  /** "none": ask the next authorizer; when all say so, the request is refused. */
  verdict: "allow" | "deny" | "none";
  reason?: string;
  /** The policy revision that the decision rests on; absent where roles and bindings had no say in it. */
  revision?: number;
}

export interface Authorizer {
  authorize(attributes: Attributes): Promise<Decision>;
}

/** What a user may do, as a SelfSubjectRulesReview tells it. */
export interface UserRules {
  rules: readonly PolicyRule[];
  /** Some of the rights are no list of rules: those of a node follow from its pods. */
  incomplete: boolean;
  /** What could not be found out, "" where nothing. */
  error: string;
}

/** Tells rules in one namespace, those of the whole cluster among them. */
export interface RuleResolver {
  rulesFor(user: User, namespace: string): Promise<UserRules>;
}
