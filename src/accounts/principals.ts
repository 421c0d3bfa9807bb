/** Who a token or a session is, and what they may: one read, and never remembered, so that what is revoked is revoked at once. */
import { CREDENTIAL_ID, type User } from "../authn/authenticator.ts";
import type { Clock } from "../platform/platform.ts";
import type { Database, Statement } from "../storage/database.ts";
import { ROLES, type ApiToken, type ClusterRecord, type Principal, type Role } from "./accounts.ts";
import { shape } from "./rows.ts";
import { TOKEN_PREFIX, digest } from "./secrets.ts";

export const TOKEN = shape<ApiToken>({
  id: "id",
  kind: "kind",
  name: "name",
  person: "person",
  organisation: "organisation",
  cluster: "cluster",
  role: "role",
  createdMs: "created_ms",
  expiresMs: "expires_ms",
  lastUsedMs: "last_used_ms",
});
const TOKEN_MEMBERS = 10;

/** Use is noted to the minute: a busy token costs no write a request. */
const LAST_USED_MS = 60_000;

const MEMBERSHIPS = (person: string) =>
  `(SELECT json_group_array(json_array(m.organisation, m.role)) FROM members AS m WHERE m.person = ${person})`;

export interface Principals {
  /** Undefined for a token that is none of ours, or no more. Costs one read, and a write once a minute. @throws DatabaseError */
  ofToken(token: string): Promise<Principal | undefined>;
  /** Of somebody who has logged in. @throws DatabaseError */
  ofPerson(person: string): Promise<Principal>;
}

export function createPrincipals({ database, clock }: { database: Database; clock: Clock }): Principals {
  async function touch(token: ApiToken, nowMs: number): Promise<void> {
    const beforeMs = nowMs - LAST_USED_MS;
    if (token.lastUsedMs !== null && token.lastUsedMs > beforeMs) return;
    const sql = "UPDATE tokens SET last_used_ms = ? WHERE id = ? AND (last_used_ms IS NULL OR last_used_ms <= ?)";
    await database.batch([{ sql, args: [nowMs, token.id, beforeMs] }], "write");
  }

  return {
    async ofToken(text) {
      if (!text.startsWith(TOKEN_PREFIX)) return undefined;
      const [found] = await database.batch([byHash(await digest(text))], "read");
      const row = found?.rows[0];
      const token = TOKEN.readOne(found);
      const nowMs = clock.now();
      if (!row || !token || (token.expiresMs !== null && token.expiresMs <= nowMs)) return undefined;
      await touch(token, nowMs);
      return ofToken(token, memberships(row[TOKEN_MEMBERS]));
    },
    async ofPerson(person) {
      const [found] = await database.batch([{ sql: `SELECT ${MEMBERSHIPS("?1")}`, args: [person] }], "read");
      return {
        kind: "session",
        name: userName(person),
        person,
        tokenId: undefined,
        roles: memberships(found?.rows[0]?.[0]),
        cluster: undefined,
      };
    },
  };
}

function byHash(hash: string): Statement {
  const sql = `SELECT ${TOKEN.columns("t")}, ${MEMBERSHIPS("t.person")} FROM tokens AS t WHERE t.hash = ?`;
  return { sql, args: [hash], single: true };
}

function memberships(json: unknown): Map<string, Role> {
  return new Map(JSON.parse(typeof json === "string" ? json : "[]") as [string, Role][]);
}

function ofToken(token: ApiToken, member: ReadonlyMap<string, Role>): Principal {
  const { id, kind, person, organisation, cluster, role } = token;
  const shared = { kind, tokenId: id, cluster: cluster ?? undefined };
  if (kind !== "person") {
    const roles = new Map(organisation === null ? [] : [[organisation, role]]);
    return { ...shared, name: `robot:${id}`, person: undefined, roles };
  }
  const roles = [...member]
    .filter(([at]) => organisation === null || at === organisation)
    .map(([at, held]): [string, Role] => [at, lesser(held, role)]);
  return { ...shared, name: userName(person), person, roles: new Map(roles) };
}

export const userName = (person: string): string => `user:${person}`;

export const rank = (role: Role): number => ROLES.indexOf(role);
export const lesser = (a: Role, b: Role): Role => (rank(a) < rank(b) ? a : b);

/** Who the caller is in the Kubernetes API of this cluster; undefined where they are nobody. */
export function userIn(cluster: Pick<ClusterRecord, "id" | "organisation">, principal: Principal): User | undefined {
  const role = principal.roles.get(cluster.organisation);
  if (role === undefined || (principal.cluster !== undefined && principal.cluster !== cluster.id)) return undefined;
  const groups = [organisationGroup(cluster.organisation), organisationGroup(cluster.organisation, role)];
  const { name, tokenId } = principal;
  const extra = tokenId === undefined ? {} : { extra: { [CREDENTIAL_ID]: [tokenId] } };
  return { name, groups, ...extra };
}

/** The group of an organisation's members in its clusters, and that of those with one role. */
export function organisationGroup(organisation: string, role?: Role): string {
  return role === undefined ? `org:${organisation}` : `org:${organisation}:${role}`;
}
