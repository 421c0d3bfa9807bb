/** People: sign-up, login and sessions (better-auth), loaded when first needed. */
import type { Database, Statement } from "../storage/database.ts";
import { AccountsError } from "./accounts.ts";
import type { Disconnect } from "./disconnect.ts";
import { shape } from "./rows.ts";
import type { AuthOptions } from "./better-auth.ts";

export interface Person {
  id: string;
  name: string;
  email: string;
}

export interface People {
  /** Serves everything below `basePath`. */
  handle(request: Request): Promise<Response>;
  /** Whose session the request's cookie is; undefined for none. */
  ofSession(headers: Headers): Promise<string | undefined>;
  find(id: string): Promise<Person | undefined>;
  /**
   * Gone, with logins, sessions, own tokens and memberships; what they have made stays with the organisations.
   * @throws AccountsError "conflict" as long as an organisation would be left without an owner
   */
  delete(id: string): Promise<void>;
}

const PERSON = shape<Person>({ id: "id", name: "name", email: "email" });
/** Without it nobody is asked, and nothing is loaded. */
const COOKIE = /(^|;\s*)(__Secure-)?gantry\.session_token=/;

/** An organisation of which this person is the only owner. */
const OWNED_ALONE = `SELECT o.name FROM members AS m JOIN organisations AS o ON o.id = m.organisation
  WHERE m.person = ?1 AND m.role = 'owner' AND NOT EXISTS (SELECT 1 FROM members AS other
    WHERE other.organisation = m.organisation AND other.role = 'owner' AND other.person <> ?1)`;
const NAMED_MAX = 5;

export interface PeopleOptions extends AuthOptions {
  disconnect: Pick<Disconnect, "prepare">;
}

export function createPeople({ disconnect, ...options }: PeopleOptions): People {
  const { database } = options;
  type Auth = ReturnType<typeof import("./better-auth.ts").createAuth>;
  let loaded: Promise<Auth> | undefined;
  const auth = () => (loaded ??= import("./better-auth.ts").then(({ createAuth }) => createAuth(options)));
  return {
    handle: async (request) => await (await auth()).handler(request),
    async ofSession(headers) {
      if (!COOKIE.test(headers.get("cookie") ?? "")) return undefined;
      const found = await (await auth()).api.getSession({ headers });
      return found?.user.id;
    },
    find: (id) => findPerson(database, id),
    async delete(id) {
      const note = await disconnect.prepare({ person: id });
      try {
        await deletePerson(database, id, note.statement);
      } catch (error) {
        if (error instanceof AccountsError) await note.cancel();
        throw error;
      }
      await note.tell();
    },
  };
}

async function findPerson(database: Database, id: string): Promise<Person | undefined> {
  const sql = `SELECT ${PERSON.columns()} FROM people WHERE id = ?`;
  const [found] = await database.batch([{ sql, args: [id], single: true }], "read");
  return PERSON.readOne(found);
}

/** `first`: stands before all else in the batch. */
async function deletePerson(database: Database, id: string, first: Statement): Promise<void> {
  const gone = "NOT EXISTS (SELECT 1 FROM people WHERE id = ?1)";
  const [, ownedAlone, deleted] = await database.batch(
    [
      first,
      { sql: `${OWNED_ALONE} ORDER BY o.name LIMIT ${NAMED_MAX}`, args: [id] },
      { sql: `DELETE FROM people WHERE id = ?1 AND NOT EXISTS (${OWNED_ALONE})`, args: [id] },
      ...["sessions", "logins", "members", "tokens"].map((table) => ({
        sql: `DELETE FROM ${table} WHERE person = ?1 AND ${gone}${table === "tokens" ? " AND kind = 'person'" : ""}`,
        args: [id],
      })),
      // A new password that was asked for and not chosen.
      { sql: `DELETE FROM verifications WHERE value = ?1 AND ${gone}`, args: [id] },
    ],
    "write",
  );
  if (!deleted?.rowsAffected) {
    const names = (ownedAlone?.rows ?? []).map(([name]) => JSON.stringify(name)).join(", ");
    throw new AccountsError(
      "conflict",
      `you are the only owner of ${names}: make somebody else one, or delete it first`,
    );
  }
}
