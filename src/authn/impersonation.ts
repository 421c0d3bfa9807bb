/**
 * Acting as somebody else: the headers Impersonate-User, -Group, -Uid and -Extra-*, after
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation. Each part of the wished-for identity
 * is a resource of its own that the one who asks must be allowed to `impersonate`.
 */
import { badRequest } from "../machinery/status-error.ts";
import { ANONYMOUS, AUTHENTICATED_GROUP, type User } from "./authenticator.ts";

const USER = "impersonate-user";
const GROUP = "impersonate-group";
const UID = "impersonate-uid";
const EXTRA_PREFIX = "impersonate-extra-";
const SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:";
/** Parts of one identity; each is a question to the authorizer. */
const PARTS_MAX = 100;

/** What must be allowed with the verb `impersonate`. */
export interface ImpersonatedPart {
  group: string;
  resource: "users" | "groups" | "serviceaccounts" | "uids" | "userextras";
  /** The key of an extra. */
  subresource: string;
  namespace: string;
  name: string;
}

export interface Impersonation {
  user: User;
  parts: ImpersonatedPart[];
}

/** Undefined where nobody is impersonated. @throws StatusError "BadRequest" for parts of an identity without its user */
export function impersonationOf(headers: Headers): Impersonation | undefined {
  const name = headers.get(USER) ?? "";
  if (name === "") {
    if (!headers.has(GROUP) && !headers.has(UID) && !hasExtra(headers)) return undefined;
    throw badRequest("requested groups, a uid or extras without impersonating a user");
  }
  const groups = (headers.get(GROUP) ?? "").split(/,\s*/).filter((group) => group !== "");
  const uid = headers.get(UID) ?? "";
  const extra = extraOf(headers);
  const parts: ImpersonatedPart[] = [
    userPart(name),
    ...groups.map((group) => part("", "groups", group)),
    ...(uid === "" ? [] : [part("authentication.k8s.io", "uids", uid)]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => part("authentication.k8s.io", "userextras", value, key)),
    ),
  ];
  if (parts.length > PARTS_MAX) throw badRequest(`at most ${PARTS_MAX} parts of an identity may be impersonated`);
  const user: User = { name, groups: withImplied(name, groups) };
  if (uid !== "") user.uid = uid;
  if (Object.keys(extra).length > 0) user.extra = extra;
  return { user, parts };
}

function part(group: string, resource: ImpersonatedPart["resource"], name: string, subresource = ""): ImpersonatedPart {
  return { group, resource, subresource, namespace: "", name };
}

function userPart(name: string): ImpersonatedPart {
  const account = serviceAccountOf(name);
  return account
    ? { ...part("", "serviceaccounts", account.name), namespace: account.namespace }
    : part("", "users", name);
}

function serviceAccountOf(user: string): { namespace: string; name: string } | undefined {
  if (!user.startsWith(SERVICE_ACCOUNT_PREFIX)) return undefined;
  const [namespace, name, ...rest] = user.slice(SERVICE_ACCOUNT_PREFIX.length).split(":");
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined;
}

/** Groups that a user has by being one. Those of a service account come only where no others are asked for. */
function withImplied(name: string, asked: readonly string[]): string[] {
  const account = serviceAccountOf(name);
  const groups =
    account && asked.length === 0
      ? ["system:serviceaccounts", `system:serviceaccounts:${account.namespace}`]
      : [...asked];
  if (name === ANONYMOUS.name) return [...new Set([...groups, ...ANONYMOUS.groups])];
  const decided = groups.some((group) => group === AUTHENTICATED_GROUP || ANONYMOUS.groups.includes(group));
  return decided ? groups : [...groups, AUTHENTICATED_GROUP];
}

/** Of a header's name in lower case. */
function isExtra(header: string): boolean {
  return header.startsWith(EXTRA_PREFIX);
}

function hasExtra(headers: Headers): boolean {
  for (const [header] of headers) if (isExtra(header)) return true;
  return false;
}

/** Keys are percent-encoded, as header names are poor in characters. */
function extraOf(headers: Headers): Record<string, string[]> {
  const extra = new Map<string, string[]>();
  for (const [header, value] of headers) {
    if (!isExtra(header)) continue;
    const key = decodeKey(header.slice(EXTRA_PREFIX.length));
    extra.set(key, [...(extra.get(key) ?? []), ...value.split(/,\s*/)]);
  }
  return Object.fromEntries(extra);
}

function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
