/** Organisations, their members, and who is invited. Conditions are in the SQL, so that two who act at once cannot leave one without an owner. */
import type { Clock, Random } from "../platform/platform.ts";
import type { Database, Statement } from "../storage/database.ts";
import { AccountsError, type Invitation, type Member, type Organisation, type Role } from "./accounts.ts";
import type { Disconnect } from "./disconnect.ts";
import { pageOf, type Page, type PageQuery } from "./pages.ts";
import { rank } from "./principals.ts";
import { shape } from "./rows.ts";
import { digest, newId, newInvitation } from "./secrets.ts";

export interface Organisations {
  /** Its maker is its first owner. @throws AccountsError "limit", "unauthenticated" for who has gone meanwhile */
  create(at: { name: string; owner: string }): Promise<Organisation>;
  find(id: string): Promise<Organisation | undefined>;
  list(ids: readonly string[], query: PageQuery): Promise<Page<Organisation>>;
  rename(id: string, name: string): Promise<Organisation | undefined>;
  /** @throws AccountsError "conflict" while it has clusters */
  delete(id: string): Promise<void>;

  member(at: { organisation: string; person: string }): Promise<Member | undefined>;
  members(organisation: string, query: PageQuery): Promise<Page<Member>>;
  /** @throws AccountsError "conflict" for the last owner, "not-found" */
  setRole(at: { organisation: string; person: string; role: Role }): Promise<Member>;
  /** With the tokens that they have for it alone. @throws AccountsError "conflict" for the last owner, "not-found" */
  removeMember(at: { organisation: string; person: string }): Promise<void>;

  /** The secret is told here and never again. @throws AccountsError "limit" */
  invite(invitation: NewInvitation): Promise<{ invitation: Invitation; secret: string }>;
  invitations(organisation: string, query: PageQuery): Promise<Page<Invitation>>;
  withdraw(at: { organisation: string; id: string }): Promise<boolean>;
  /** Good once, in time, and for the address it was made for. Undefined where it is not. */
  accept(at: { secret: string; person: string }): Promise<Organisation | undefined>;
}

export interface NewInvitation {
  organisation: string;
  email: string;
  role: Role;
  invitedBy: string;
  expiresMs: number;
}

export const ORGANISATIONS_MAX = 50;
export const MEMBERS_MAX = 500;
export const INVITATIONS_MAX = 100;

const ORGANISATION = shape<Organisation>({ id: "id", name: "name", createdMs: "created_ms" });
const MEMBER = shape<Member>({
  organisation: "m.organisation",
  person: "m.person",
  name: "p.name",
  email: "p.email",
  role: "m.role",
  createdMs: "m.created_ms",
});
const INVITATION = shape<Invitation>({
  id: "id",
  organisation: "organisation",
  email: "email",
  role: "role",
  invitedBy: "invited_by",
  createdMs: "created_ms",
  expiresMs: "expires_ms",
});

const MEMBERS = `SELECT ${MEMBER.columns()} FROM members AS m JOIN people AS p ON p.id = m.person WHERE m.organisation = ?1`;
/** Somebody else is an owner too, or this one is none. */
const NOT_LAST_OWNER = `(role <> 'owner' OR EXISTS (SELECT 1 FROM members AS o
  WHERE o.organisation = ?1 AND o.role = 'owner' AND o.person <> ?2))`;

export function createOrganisations(deps: {
  database: Database;
  clock: Clock;
  random: Random;
  disconnect: Pick<Disconnect, "prepare">;
}): Organisations {
  const { database, clock, random, disconnect } = deps;
  const read = async (sql: string, args: Statement["args"] = []) => (await database.batch([{ sql, args }], "read"))[0];
  const write = async (...statements: Statement[]) => await database.batch(statements, "write");

  async function member(at: { organisation: string; person: string }): Promise<Member | undefined> {
    return MEMBER.readOne(await read(`${MEMBERS} AND m.person = ?2`, [at.organisation, at.person]));
  }

  /** `isLess`: may they do less than with the role until then? */
  async function changeMember(
    at: { organisation: string; person: string },
    isLess: (before: Role) => boolean,
    ...changes: Statement[]
  ): Promise<void> {
    const note = await disconnect.prepare(at);
    const sql = "SELECT role FROM members WHERE organisation = ? AND person = ?";
    const role = { sql, args: [at.organisation, at.person] };
    const [, before, changed] = await write(note.statement, role, ...changes);
    if (changed?.rowsAffected) {
      await (isLess(before?.rows[0]?.[0] as Role) ? note.tell() : note.cancel());
      return;
    }
    await note.cancel();
    if (!(await member(at))) throw new AccountsError("not-found", "there is no such member");
    throw new AccountsError("conflict", "an organisation needs an owner: make somebody else one first");
  }

  return {
    async create({ name, owner }) {
      const id = newId(random, "org");
      const nowMs = clock.now();
      const [, made, person] = await write(
        {
          // Whoever is deleted at this moment must not leave an organisation that nobody owns.
          sql: `INSERT INTO members (organisation, person, role, created_ms) SELECT ?1, ?2, 'owner', ?3
            WHERE EXISTS (SELECT 1 FROM people WHERE id = ?2)
              AND (SELECT count(*) FROM members WHERE person = ?2) < ${ORGANISATIONS_MAX}`,
          args: [id, owner, nowMs],
        },
        {
          sql: `INSERT INTO organisations (id, name, created_ms) SELECT ?1, ?2, ?3
            WHERE EXISTS (SELECT 1 FROM members WHERE organisation = ?1) RETURNING ${ORGANISATION.columns()}`,
          args: [id, name, nowMs],
        },
        { sql: "SELECT 1 FROM people WHERE id = ?", args: [owner] },
      );
      const organisation = ORGANISATION.readOne(made);
      if (organisation) return organisation;
      if (!person?.rows.length) throw new AccountsError("unauthenticated", "this person has been deleted");
      throw new AccountsError("limit", `a person is in at most ${ORGANISATIONS_MAX} organisations`);
    },
    find: async (id) =>
      ORGANISATION.readOne(await read(`SELECT ${ORGANISATION.columns()} FROM organisations WHERE id = ?`, [id])),
    async list(ids, query) {
      const sql = `SELECT ${ORGANISATION.columns()} FROM organisations WHERE id IN (SELECT value FROM json_each(?1))
        AND (created_ms, id) > (?2, ?3) ORDER BY created_ms, id LIMIT ?4`;
      const { after, limit } = query;
      const found = await read(sql, [JSON.stringify(ids), after.createdMs, after.id, limit + 1]);
      return pageOf(ORGANISATION.readAll(found), query, (organisation) => organisation);
    },
    async rename(id, name) {
      const sql = `UPDATE organisations SET name = ? WHERE id = ? RETURNING ${ORGANISATION.columns()}`;
      return ORGANISATION.readOne((await write({ sql, args: [name, id] }))[0]);
    },
    async delete(id) {
      const empty = "NOT EXISTS (SELECT 1 FROM clusters WHERE organisation = ?1)";
      const [deleted] = await write(
        { sql: `DELETE FROM organisations WHERE id = ?1 AND ${empty}`, args: [id] },
        ...["members", "invitations", "tokens"].map((table) => ({
          sql: `DELETE FROM ${table} WHERE organisation = ?1 AND ${empty}`,
          args: [id],
        })),
      );
      if (!deleted?.rowsAffected) throw new AccountsError("conflict", "delete its clusters first");
    },

    member,
    async members(organisation, query) {
      const { after, limit } = query;
      const sql = `${MEMBERS} AND (m.created_ms, m.person) > (?2, ?3) ORDER BY m.created_ms, m.person LIMIT ?4`;
      const found = MEMBER.readAll(await read(sql, [organisation, after.createdMs, after.id, limit + 1]));
      return pageOf(found, query, ({ createdMs, person }) => ({ createdMs, id: person }));
    },
    async setRole({ organisation, person, role }) {
      const sql = `UPDATE members SET role = ?3 WHERE organisation = ?1 AND person = ?2 AND (?3 = 'owner' OR ${NOT_LAST_OWNER})`;
      const isLess = (before: Role): boolean => rank(role) < rank(before);
      await changeMember({ organisation, person }, isLess, { sql, args: [organisation, person, role] });
      const changed = await member({ organisation, person });
      if (!changed) throw new AccountsError("not-found", "there is no such member");
      return changed;
    },
    async removeMember({ organisation, person }) {
      const gone = "NOT EXISTS (SELECT 1 FROM members WHERE organisation = ?1 AND person = ?2)";
      await changeMember(
        { organisation, person },
        () => true,
        {
          sql: `DELETE FROM members WHERE organisation = ?1 AND person = ?2 AND ${NOT_LAST_OWNER}`,
          args: [organisation, person],
        },
        {
          sql: `DELETE FROM tokens WHERE kind = 'person' AND person = ?2 AND organisation = ?1 AND ${gone}`,
          args: [organisation, person],
        },
      );
    },

    async invite({ organisation, email, role, invitedBy, expiresMs }) {
      const secret = newInvitation(random);
      const nowMs = clock.now();
      const args = [newId(random, "inv"), organisation, email, role, invitedBy, nowMs, expiresMs, await digest(secret)];
      const [, made] = await write(
        { sql: "DELETE FROM invitations WHERE organisation = ? AND expires_ms <= ?", args: [organisation, nowMs] },
        {
          sql: `INSERT INTO invitations (${INVITATION.columns()}, hash) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
            WHERE (SELECT count(*) FROM invitations WHERE organisation = ?2) < ${INVITATIONS_MAX}
            RETURNING ${INVITATION.columns()}`,
          args,
        },
      );
      const invitation = INVITATION.readOne(made);
      if (invitation) return { invitation, secret };
      throw new AccountsError("limit", `at most ${INVITATIONS_MAX} invitations wait for an answer: withdraw some`);
    },
    async invitations(organisation, query) {
      const { after, limit } = query;
      const sql = `SELECT ${INVITATION.columns()} FROM invitations WHERE organisation = ?1 AND expires_ms > ?2
        AND (created_ms, id) > (?3, ?4) ORDER BY created_ms, id LIMIT ?5`;
      const found = await read(sql, [organisation, clock.now(), after.createdMs, after.id, limit + 1]);
      return pageOf(INVITATION.readAll(found), query, (invitation) => invitation);
    },
    async withdraw({ organisation, id }) {
      const sql = "DELETE FROM invitations WHERE organisation = ? AND id = ?";
      return ((await write({ sql, args: [organisation, id] }))[0]?.rowsAffected ?? 0) > 0;
    },
    async accept({ secret, person }) {
      const args = [await digest(secret), person, clock.now()];
      // The address is that of the person, however it is written: an invitation that was passed on is worth nothing to another.
      const good = `SELECT i.organisation, ?2, i.role, ?3 FROM invitations AS i JOIN people AS p ON p.id = ?2
        WHERE i.hash = ?1 AND i.expires_ms > ?3 AND lower(p.email) = lower(i.email)
          AND (SELECT count(*) FROM members WHERE organisation = i.organisation) < ${MEMBERS_MAX}
          AND (SELECT count(*) FROM members WHERE person = ?2) < ${ORGANISATIONS_MAX}`;
      const [joined] = await write(
        // Who is a member already keeps their role.
        {
          sql: `INSERT INTO members (organisation, person, role, created_ms) ${good}
            ON CONFLICT (organisation, person) DO UPDATE SET role = role RETURNING organisation`,
          args,
        },
        {
          sql: `DELETE FROM invitations WHERE hash = ?1
            AND lower(email) = (SELECT lower(p.email) FROM people AS p WHERE p.id = ?2)
            AND EXISTS (SELECT 1 FROM members AS m WHERE m.organisation = invitations.organisation AND m.person = ?2)`,
          args: args.slice(0, 2),
        },
      );
      const organisation = joined?.rows[0]?.[0];
      if (organisation === undefined) return undefined;
      return ORGANISATION.readOne(
        await read(`SELECT ${ORGANISATION.columns()} FROM organisations WHERE id = ?`, [String(organisation)]),
      );
    },
  };
}
