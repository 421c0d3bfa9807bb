/**
 * Roles and bindings, indexed by whom they are for and where: a question looks only at what its user and his groups were given in its
 * namespace and in the cluster, however many bindings there are. Answers are those of plugin/pkg/auth/authorizer/rbac of Kubernetes.
 */
import type { PolicyRule, Role, RoleBinding, Subject } from "../../kinds/rbac/types.ts";
import { goQuote } from "../../machinery/go-text.ts";
import { notFound, type StatusError } from "../../machinery/status-error.ts";
import type { PolicyObject } from "./policy-source.ts";
import { serviceAccountName } from "../../authn/service-account.ts";
import type { User } from "../../authn/authenticator.ts";
import type { Attributes, Decision } from "../authorizer.ts";
import { ruleAllows } from "../rules.ts";

type RoleRef = Pick<RoleBinding["roleRef"], "kind" | "name">;

interface Binding {
  /** "" of the cluster. */
  namespace: string;
  name: string;
  roleRef: RoleRef;
  subjects: readonly Subject[];
}

/** The bindings that give one role to one subject in one namespace. */
interface Grant {
  roleKey: string;
  roleRef: RoleRef;
  bindings: Set<Binding>;
}

/** By namespace ("" is the cluster), then by role. */
type Grants = Map<string, Map<string, Grant>>;

/** What an object costs in memory beside its strings, about. */
const OBJECT_BYTES = 400;
const NO_GRANTS: ReadonlyMap<string, Grant> = new Map();

export class RbacIndex {
  /** Of the policy that this is. */
  revision = 0;
  readonly #roles = new Map<string, readonly PolicyRule[]>();
  readonly #bindings = new Map<string, Binding>();
  readonly #bySubject = new Map<string, Grants>();
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  /** About how much memory it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes the place of whatever had its key. */
  put(object: PolicyObject): void {
    this.remove(object);
    const { resource, namespace, name } = object;
    const parsed = JSON.parse(object.value) as Role & RoleBinding;
    const key = keyOf(namespace, name);
    const kept = isBinding(resource)
      ? this.#bind(key, { namespace, name, roleRef: parsed.roleRef, subjects: parsed.subjects ?? [] })
      : this.#define(key, parsed.rules ?? []);
    const bytes = OBJECT_BYTES + 2 * (JSON.stringify(kept).length + key.length);
    this.#sizes.set(`${resource}/${key}`, bytes);
    this.#bytes += bytes;
  }

  remove({ resource, namespace, name }: Omit<PolicyObject, "value">): void {
    const key = keyOf(namespace, name);
    const size = this.#sizes.get(`${resource}/${key}`);
    if (size === undefined) return;
    this.#sizes.delete(`${resource}/${key}`);
    this.#bytes -= size;
    if (isBinding(resource)) this.#unbind(key);
    else this.#roles.delete(key);
  }

  authorize(attributes: Attributes): Decision {
    const namespace = attributes.resource?.namespace ?? "";
    const errors: StatusError[] = [];
    for (const grant of this.#grantsOf(attributes.user, namespace)) {
      const rules = this.#roles.get(grant.roleKey);
      if (!rules) errors.push(missingRole(grant.roleRef));
      else if (rules.some((rule) => ruleAllows(rule, attributes))) {
        return { verdict: "allow", reason: `RBAC: allowed by ${describe(grant, attributes.user)}` };
      }
    }
    return errors.length === 0 ? { verdict: "none" } : { verdict: "none", reason: `RBAC: ${aggregate(errors)}` };
  }

  /** In a namespace and in the cluster; `errors` names the roles that are bound and not there. */
  rulesFor(user: User, namespace: string): { rules: PolicyRule[]; errors: string[] } {
    const rules: PolicyRule[] = [];
    const errors: string[] = [];
    for (const { roleKey, roleRef } of this.#grantsOf(user, namespace)) {
      const held = this.#roles.get(roleKey);
      if (held) rules.push(...held);
      else errors.push(missingRole(roleRef).message);
    }
    return { rules, errors };
  }

  /** @throws StatusError "NotFound" */
  rulesOf(roleRef: RoleRef, namespace: string): readonly PolicyRule[] {
    const rules = this.#roles.get(roleKeyOf(roleRef, namespace));
    if (!rules) throw missingRole(roleRef);
    return rules;
  }

  /** Of the cluster first. A role that comes to a user in two ways comes twice. */
  *#grantsOf({ name, groups }: User, namespace: string): Generator<Grant> {
    const held: Grants[] = [];
    for (const key of [userKey(name), ...groups.map(groupKey)]) {
      const grants = this.#bySubject.get(key);
      if (grants) held.push(grants);
    }
    for (const grants of held) yield* (grants.get("") ?? NO_GRANTS).values();
    if (namespace === "") return;
    for (const grants of held) yield* (grants.get(namespace) ?? NO_GRANTS).values();
  }

  #define(key: string, rules: readonly PolicyRule[]): readonly PolicyRule[] {
    this.#roles.set(key, rules);
    return rules;
  }

  #bind(key: string, binding: Binding): Binding {
    this.#bindings.set(key, binding);
    const { namespace, roleRef } = binding;
    const roleKey = roleKeyOf(roleRef, namespace);
    for (const subject of subjectKeysOf(binding)) {
      const grants = getOrAdd(this.#bySubject, subject, (): Grants => new Map());
      const byRole = getOrAdd(grants, namespace, () => new Map<string, Grant>());
      getOrAdd(byRole, roleKey, (): Grant => ({ roleKey, roleRef, bindings: new Set() })).bindings.add(binding);
    }
    return binding;
  }

  #unbind(key: string): void {
    const binding = this.#bindings.get(key);
    if (!binding) return;
    this.#bindings.delete(key);
    const { namespace, roleRef } = binding;
    const roleKey = roleKeyOf(roleRef, namespace);
    for (const subject of subjectKeysOf(binding)) {
      const grants = this.#bySubject.get(subject);
      const byRole = grants?.get(namespace);
      const grant = byRole?.get(roleKey);
      if (!grants || !byRole || !grant) continue;
      grant.bindings.delete(binding);
      if (grant.bindings.size === 0) byRole.delete(roleKey);
      if (byRole.size === 0) grants.delete(namespace);
      if (grants.size === 0) this.#bySubject.delete(subject);
    }
  }
}

function isBinding(resource: string): boolean {
  return resource.startsWith("rolebindings.") || resource.startsWith("clusterrolebindings.");
}

/** Namespaces have no slash, and objects of the cluster no namespace: roles and cluster roles never meet. */
function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

function roleKeyOf({ kind, name }: RoleRef, namespace: string): string {
  return keyOf(kind === "Role" ? namespace : "", name);
}

const userKey = (name: string): string => `u:${name}`;
const groupKey = (name: string): string => `g:${name}`;

/** Each once. */
function subjectKeysOf({ subjects, namespace }: Binding): Set<string> {
  return new Set(subjects.map((subject) => subjectKey(subject, namespace)).filter((key) => key !== undefined));
}

/** A service account is the user of its name; one without a namespace is one of the binding's own. */
function subjectKey({ kind, name, namespace: of }: Subject, bound: string): string | undefined {
  if (kind === "User") return userKey(name);
  if (kind === "Group") return groupKey(name);
  const namespace = of || bound;
  return kind === "ServiceAccount" && namespace !== "" ? userKey(serviceAccountName({ namespace, name })) : undefined;
}

/** In the words of a SubjectAccessReview's reason. */
function describe({ roleRef, bindings }: Grant, user: User): string {
  const [binding] = bindings;
  if (!binding) return "";
  const { namespace, name, subjects } = binding;
  const keys = new Set([userKey(user.name), ...user.groups.map(groupKey)]);
  const subject = subjects.find((one) => keys.has(subjectKey(one, namespace) ?? ""));
  const bound =
    namespace === "" ? `ClusterRoleBinding ${goQuote(name)}` : `RoleBinding ${goQuote(`${name}/${namespace}`)}`;
  return `${bound} of ${roleRef.kind} ${goQuote(roleRef.name)} to ${subject ? subjectText(subject, namespace) : ""}`;
}

function subjectText({ kind, name, namespace }: Subject, bound: string): string {
  return `${kind} ${goQuote(kind === "ServiceAccount" ? `${name}/${namespace || bound}` : name)}`;
}

/** Listers name the kind where everybody else names the resource. */
function missingRole({ kind, name }: RoleRef): StatusError {
  return notFound({ group: "rbac.authorization.k8s.io", resource: kind.toLowerCase() }, name);
}

/** utilerrors.NewAggregate: each message once. */
function aggregate(errors: readonly StatusError[]): string {
  const texts = [...new Set(errors.map(({ message }) => message))];
  return texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
