/**
 * People, organisations and their clusters: who there is, who belongs where, and which token acts for whom. All of it lives in one database
 * beside those of the clusters; `ClusterHost` is what the runtime lends to it.
 */
import type { User } from "../authn/authenticator.ts";
import type { Client, Fetch } from "../client/client.ts";
import type { Revocation } from "../machinery/opener.ts";

/** From the least to the most: what a role may, those after it may too. */
export const ROLES = ["viewer", "developer", "admin", "owner"] as const;
export type Role = (typeof ROLES)[number];

export interface Organisation {
  id: string;
  name: string;
  createdMs: number;
}

export interface Member {
  organisation: string;
  person: string;
  name: string;
  email: string;
  role: Role;
  createdMs: number;
}

export interface Invitation {
  id: string;
  organisation: string;
  email: string;
  role: Role;
  invitedBy: string;
  createdMs: number;
  expiresMs: number;
}

/** "creating" and "deleting" end by themselves: what dies half-way is taken up again (clusters.ts). */
export type ClusterState = "creating" | "ready" | "deleting";

export interface ClusterRecord {
  id: string;
  organisation: string;
  /** Unique in its organisation. */
  name: string;
  state: ClusterState;
  createdMs: number;
  changedMs: number;
}

/** "person": acts as its owner. "robot": of an organisation. "cluster": good for the Kubernetes API of one cluster alone. */
export type TokenKind = "person" | "robot" | "cluster";

/** What is known of a token; the token itself is shown once and kept as its SHA-256. */
export interface ApiToken {
  id: string;
  kind: TokenKind;
  name: string;
  /** Whose it is, of kind "person"; else who made it. */
  person: string;
  /** The organisation it is good for; null: all of its person's. */
  organisation: string | null;
  /** The cluster it is good for; null: all. */
  cluster: string | null;
  /** A person's token may no more than this, nor more than the person; a robot and a cluster's token have this role. */
  role: Role;
  createdMs: number;
  /** Null: until it is revoked. */
  expiresMs: number | null;
  /** To the minute; null: never used. */
  lastUsedMs: number | null;
}

/** Who calls, with all that decides what they may: read at once, so that no decision needs another question. */
export interface Principal {
  kind: TokenKind | "session";
  /** "user:<id>" of people and "robot:<token id>" of all others: the name in the Kubernetes API too. */
  name: string;
  /** Of sessions and people's tokens. */
  person: string | undefined;
  /** Of tokens. */
  tokenId: string | undefined;
  /** What they may where; nothing in other organisations. */
  roles: ReadonlyMap<string, Role>;
  /** The only cluster it is good for. */
  cluster: string | undefined;
}

export type AccountsErrorCode =
  /** The request is not what the schema says. */
  | "invalid"
  | "unauthenticated"
  /** Known here, but the role is too small. */
  | "forbidden"
  /** Not there, or not for this caller: the two are told alike. */
  | "not-found"
  | "conflict"
  /** A limit of how much one may have. */
  | "limit"
  /** An idempotency key that was used for another request. */
  | "key-reused"
  | "rate-limited"
  | "method-not-allowed"
  | "too-large"
  | "unavailable";

/** A failure that its caller may read: `message` is for people, `cause` never leaves. */
export class AccountsError extends Error {
  readonly code: AccountsErrorCode;
  /** By place in the request, as a JSON pointer. */
  readonly errors: readonly { pointer: string; detail: string }[];
  constructor(
    code: AccountsErrorCode,
    message: string,
    options: { cause?: unknown; errors?: readonly { pointer: string; detail: string }[] } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "AccountsError";
    this.code = code;
    this.errors = options.errors ?? [];
  }
}

/** The Kubernetes API of one cluster. Paths are without the cluster's prefix. */
export interface ClusterApi {
  fetch: Fetch;
  fetchAs(user: User): Fetch;
  clientFor(user: User): Client;
}

/** Where clusters run. All methods may be repeated; one that failed half-way is finished by its repetition. */
export interface ClusterHost {
  /** Makes the database and opens the API, which has all that a cluster has from its first second. */
  create(cluster: Pick<ClusterRecord, "id" | "organisation">): Promise<ClusterApi>;
  /** The API of a cluster that was created. Opened on first use, and kept while it is used. */
  open(cluster: Pick<ClusterRecord, "id" | "organisation">): Promise<ClusterApi>;
  /** Ends the API and removes the database with all that is in it. */
  destroy(id: string): Promise<void>;
  /**
   * Brings all objects back to what they were at this time (Unix ms). Watches end, and lists of before are too old from now on.
   * @throws StorageError "compacted" for a time that the log does not reach any more
   */
  restore(cluster: Pick<ClusterRecord, "id" | "organisation">, toMs: number): Promise<{ revision: number }>;
  /** Ends the watches and streams that these have open in the cluster, and what they open while they are still remembered. */
  disconnect(id: string, revocation: Revocation): Promise<void>;
}

/** A message to a person. Absent where there is no way to send any: then invitations are handed over by hand. */
export type SendMail = (message: { to: string; subject: string; text: string }) => Promise<void>;
