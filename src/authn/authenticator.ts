/** Who makes a request. */
import type { Opener } from "../machinery/opener.ts";

export interface User {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
  /** Uids of the objects that the credential is worth no more than: when one is gone, so is the user. */
  boundTo?: readonly string[];
  /** What the audit log says of every request with this credential (audit annotations). */
  audited?: Readonly<Record<string, string>>;
  /** What every request with this credential is warned of. */
  warnings?: readonly string[];
}

/** Undefined: this authenticator has no opinion; the next one is asked. @throws StatusError "Unauthorized" for a bad credential */
export interface Authenticator {
  authenticate(request: { token: string | undefined; audience?: string }): Promise<User | undefined>;
}

/** The key of `extra` by which Kubernetes names the credential that was used. */
export const CREDENTIAL_ID = "authentication.kubernetes.io/credential-id";

export function openerOf({ name, extra, boundTo }: User): Opener {
  const credential = extra?.[CREDENTIAL_ID]?.[0];
  return {
    user: name,
    ...(credential === undefined ? {} : { credential }),
    ...(boundTo?.length ? { boundTo } : {}),
  };
}

export const UNAUTHENTICATED_GROUP = "system:unauthenticated";
export const ANONYMOUS: User = { name: "system:anonymous", groups: [UNAUTHENTICATED_GROUP] };
export const AUTHENTICATED_GROUP = "system:authenticated";
export const MASTERS_GROUP = "system:masters";
export const NODES_GROUP = "system:nodes";
export const NODE_USER_PREFIX = "system:node:";
