/** API tokens: made, listed and revoked. */
import type { Clock, Random } from "../platform/platform.ts";
import type { Database } from "../storage/database.ts";
import { AccountsError, type ApiToken, type Role, type TokenKind } from "./accounts.ts";
import type { Disconnect } from "./disconnect.ts";
import { pageOf, type Page, type PageQuery } from "./pages.ts";
import { TOKEN } from "./principals.ts";
import { digest, newId, newToken } from "./secrets.ts";

export interface NewToken {
  kind: TokenKind;
  name: string;
  person: string;
  organisation: string | null;
  cluster: string | null;
  role: Role;
  expiresMs: number | null;
}

/** Whose tokens. */
export type TokensOf = { person: string } | { organisation: string } | { cluster: string };

export interface Tokens {
  /** The text is told here and never again. @throws AccountsError "limit" */
  create(token: NewToken): Promise<{ token: ApiToken; text: string }>;
  find(id: string): Promise<ApiToken | undefined>;
  list(of: TokensOf, query: PageQuery): Promise<Page<ApiToken>>;
  /** What is open with it ends, too. */
  revoke(id: string): Promise<void>;
}

export const TOKENS_MAX = 200;

const COLUMNS = TOKEN.columns();
const INSERT = `INSERT INTO tokens (hash, ${COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, NULL
  WHERE (SELECT count(*) FROM tokens WHERE person = ?5 AND kind = ?3) < ${TOKENS_MAX} RETURNING ${COLUMNS}`;

export function createTokens(deps: {
  database: Database;
  clock: Clock;
  random: Random;
  disconnect: Pick<Disconnect, "token">;
}): Tokens {
  const { database, clock, random, disconnect } = deps;
  return {
    async create({ kind, name, person, organisation, cluster, role, expiresMs }) {
      const text = newToken(random);
      const id = newId(random, "tok");
      const args = [await digest(text), id, kind, name, person, organisation, cluster, role, clock.now(), expiresMs];
      const [made] = await database.batch([{ sql: INSERT, args }], "write");
      const token = TOKEN.readOne(made);
      if (!token)
        throw new AccountsError("limit", `a person makes at most ${TOKENS_MAX} tokens of a kind: revoke some`);
      return { token, text };
    },
    async find(id) {
      const [found] = await database.batch([{ sql: `SELECT ${COLUMNS} FROM tokens WHERE id = ?`, args: [id] }], "read");
      return TOKEN.readOne(found);
    },
    async list(of, query) {
      const { limit, after } = query;
      const [condition, owner] = conditionOf(of);
      const sql = `SELECT ${COLUMNS} FROM tokens WHERE ${condition} AND (created_ms, id) > (?2, ?3)
        ORDER BY created_ms, id LIMIT ?4`;
      const [found] = await database.batch([{ sql, args: [owner, after.createdMs, after.id, limit + 1] }], "read");
      return pageOf(TOKEN.readAll(found), query, (token) => token);
    },
    async revoke(id) {
      const sql = `DELETE FROM tokens WHERE id = ? RETURNING ${COLUMNS}`;
      const [gone] = await database.batch([{ sql, args: [id] }], "write");
      const token = TOKEN.readOne(gone);
      if (token) await disconnect.token(token);
    },
  };
}

function conditionOf(of: TokensOf): [string, string] {
  if ("person" in of) return ["person = ?1 AND kind = 'person'", of.person];
  if ("organisation" in of) return ["organisation = ?1 AND kind = 'robot'", of.organisation];
  return ["cluster = ?1 AND kind = 'cluster'", of.cluster];
}
