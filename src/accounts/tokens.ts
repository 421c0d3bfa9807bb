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
  /** The text is told here and never again. @throws AccountsError "limit", "not-found" when what it is for or of has gone meanwhile */
  create(token: NewToken): Promise<{ token: ApiToken; text: string }>;
  find(id: string): Promise<ApiToken | undefined>;
  list(of: TokensOf, query: PageQuery): Promise<Page<ApiToken>>;
  /** What is open with it ends, too. */
  revoke(id: string): Promise<void>;
}

export const TOKENS_MAX = 200;

const COLUMNS = TOKEN.columns();
/** Whoever makes it, and what it is good for, may be deleted at this moment: then nobody would ever remove it. */
const STANDS = `CASE WHEN ?1 GLOB 'robot:*' THEN EXISTS (SELECT 1 FROM tokens WHERE id = substr(?1, 7) AND organisation = ?2)
    WHEN ?2 IS NULL THEN EXISTS (SELECT 1 FROM people WHERE id = ?1)
    ELSE EXISTS (SELECT 1 FROM members WHERE organisation = ?2 AND person = ?1) END
  AND (?3 IS NULL OR EXISTS (SELECT 1 FROM clusters WHERE id = ?3 AND state <> 'deleting'))`;
const INSERT = `INSERT INTO tokens (person, organisation, cluster, hash, id, kind, name, role, created_ms, expires_ms)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
  WHERE (SELECT count(*) FROM tokens WHERE person = ?1 AND kind = ?6) < ${TOKENS_MAX} AND ${STANDS} RETURNING ${COLUMNS}`;

export function createTokens(deps: {
  database: Database;
  clock: Clock;
  random: Random;
  disconnect: Pick<Disconnect, "prepare">;
}): Tokens {
  const { database, clock, random, disconnect } = deps;
  return {
    async create({ kind, name, person, organisation, cluster, role, expiresMs }) {
      const text = newToken(random);
      const id = newId(random, "tok");
      const of = [person, organisation, cluster];
      const args = [...of, await digest(text), id, kind, name, role, clock.now(), expiresMs];
      const stands = { sql: `SELECT 1 WHERE ${STANDS}`, args: of };
      const [made, standing] = await database.batch([{ sql: INSERT, args }, stands], "write");
      const token = TOKEN.readOne(made);
      if (token) return { token, text };
      if (!standing?.rows.length)
        throw new AccountsError("not-found", "whose it is, or what it is for, has been deleted");
      throw new AccountsError("limit", `a person makes at most ${TOKENS_MAX} tokens of a kind: revoke some`);
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
      const note = await disconnect.prepare({ token: id });
      await database.batch([note.statement, { sql: "DELETE FROM tokens WHERE id = ?", args: [id] }], "write");
      await note.tell();
    },
  };
}

function conditionOf(of: TokensOf): [string, string] {
  if ("person" in of) return ["person = ?1 AND kind = 'person'", of.person];
  if ("organisation" in of) return ["organisation = ?1 AND kind = 'robot'", of.organisation];
  return ["cluster = ?1 AND kind = 'cluster'", of.cluster];
}
