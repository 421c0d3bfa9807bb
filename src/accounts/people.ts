/** People: sign-up, login and sessions (better-auth), loaded when first needed. */
import type { Database } from "../storage/database.ts";
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
}

const PERSON = shape<Person>({ id: "id", name: "name", email: "email" });
/** Without it nobody is asked, and nothing is loaded. */
const COOKIE = /(^|;\s*)(__Secure-)?gantry\.session_token=/;

export function createPeople(options: AuthOptions): People {
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
  };
}

async function findPerson(database: Database, id: string): Promise<Person | undefined> {
  const sql = `SELECT ${PERSON.columns()} FROM people WHERE id = ?`;
  const [found] = await database.batch([{ sql, args: [id], single: true }], "read");
  return PERSON.readOne(found);
}
