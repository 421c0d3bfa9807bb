/**
 * Who has opened what stays open (watches, logs that are followed, exec, port-forward), so that it ends when they are no longer let in.
 * Plain data: it crosses a Durable Object's RPC.
 */

export interface Opener {
  /** Whose credential it was, whoever they act as. */
  user: string;
  /** Of a credential with an id of its own: an API token. */
  credential?: string;
  /** Uids of the objects that the credential ends with. */
  boundTo?: readonly string[];
}

/** Who is no longer let in. */
export interface Revocation {
  users?: readonly string[];
  credentials?: readonly string[];
  /** Nodes: whatever they serve ends, whoever opened it. */
  nodes?: readonly string[];
  /** Uids of objects that are gone: what was opened with credentials that were bound to them ends. */
  objects?: readonly string[];
}

/** `node`: which serves what was opened. */
export function isRevoked({ user, credential, boundTo, node }: Opener & { node?: string }, by: Revocation): boolean {
  return (
    by.users?.includes(user) === true ||
    boundTo?.some((uid) => by.objects?.includes(uid)) === true ||
    (credential !== undefined && by.credentials?.includes(credential) === true) ||
    (node !== undefined && by.nodes?.includes(node) === true)
  );
}

/** The last revocations, for as long as somebody may still be taken for who they were. */
export interface Revocations {
  add(revocation: Revocation): void;
  has(opener: Opener): boolean;
}

/** Longer than a process or isolate remembers whose a token is (authn/index.ts: 5 s), since they count by clocks of their own. */
const REMEMBER_MS = 8_000;
const REMEMBERED_MAX = 1_000;

export function createRevocations({ now }: { now: () => number }): Revocations {
  let recent: { revocation: Revocation; untilMs: number }[] = [];
  return {
    // A node's name may be taken by another machine at once, so what it serves is not remembered.
    add({ users = [], credentials = [], objects = [] }) {
      const nowMs = now();
      recent = recent.filter(({ untilMs }) => untilMs > nowMs).slice(1 - REMEMBERED_MAX);
      recent.push({ revocation: { users, credentials, objects }, untilMs: nowMs + REMEMBER_MS });
    },
    has: (opener) => {
      if (recent.length === 0) return false;
      const nowMs = now();
      return recent.some(({ revocation, untilMs }) => untilMs > nowMs && isRevoked(opener, revocation));
    },
  };
}
