/** Who makes a request. */

export interface User {
  name: string;
  uid?: string;
  groups: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
  /** Uids of the objects that the credential is worth no more than: when one is gone, so is the user. */
  boundTo?: readonly string[];
}

/** Undefined: this authenticator has no opinion; the next one is asked. @throws StatusError "Unauthorized" for a bad credential */
export interface Authenticator {
  authenticate(request: { token: string | undefined; audience?: string }): Promise<User | undefined>;
}

export const UNAUTHENTICATED_GROUP = "system:unauthenticated";
export const ANONYMOUS: User = { name: "system:anonymous", groups: [UNAUTHENTICATED_GROUP] };
export const AUTHENTICATED_GROUP = "system:authenticated";
export const MASTERS_GROUP = "system:masters";
export const NODES_GROUP = "system:nodes";
export const NODE_USER_PREFIX = "system:node:";
