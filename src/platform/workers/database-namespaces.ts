/** `DatabaseProvider` on the namespaces of a libSQL server: each is a database of its own, made and removed over its admin API. */
import { DatabaseError } from "../../storage/database.ts";
import { DATABASE_NAME, type DatabaseProvider } from "../platform.ts";
import { openRemoteDatabase } from "./libsql-database.ts";

export interface DatabaseNamespacesOptions {
  /** Where databases are used. */
  url: string;
  authToken?: string;
  /** Where they are made and removed. */
  adminUrl: string;
  /** Sent as `Authorization` to the admin API. */
  adminAuthorization?: string;
}

/** The server says so of a name that is there, or not there. */
const THERE_ALREADY = 400;
const NOT_THERE = 404;

export function createDatabaseNamespaces(options: DatabaseNamespacesOptions): DatabaseProvider {
  const { url, authToken, adminUrl, adminAuthorization } = options;

  async function ask(name: string, method: "POST" | "DELETE", path: string): Promise<Response> {
    assertName(name);
    const headers = new Headers({ "content-type": "application/json" });
    if (adminAuthorization !== undefined) headers.set("authorization", adminAuthorization);
    const body = method === "POST" ? "{}" : null;
    try {
      return await fetch(`${adminUrl}/v1/namespaces/${name}${path}`, { method, headers, body });
    } catch (cause) {
      throw new DatabaseError("the libSQL server cannot be reached", { cause, outcomeUnknown: true });
    }
  }

  return {
    // oxlint-disable-next-line typescript/require-await -- the port is asynchronous
    async open(name) {
      assertName(name);
      return openRemoteDatabase({ url, ...(authToken === undefined ? {} : { authToken }), fetch: inNamespace(name) });
    },
    async create(name) {
      const answer = await ask(name, "POST", "/create");
      const text = await answer.text();
      if (answer.ok || (answer.status === THERE_ALREADY && text.includes("already exists"))) return;
      throw refused("made no", name, `${answer.status} ${text}`);
    },
    async destroy(name) {
      const answer = await ask(name, "DELETE", "");
      const text = await answer.text();
      if (answer.ok || answer.status === NOT_THERE || text.includes("doesn't exist")) return;
      throw refused("did not remove the", name, `${answer.status} ${text}`);
    },
  };
}

function assertName(name: string): void {
  if (!DATABASE_NAME.test(name)) throw new DatabaseError(`no name of a database: ${JSON.stringify(name)}`);
}

function refused(what: string, name: string, answer: string): DatabaseError {
  return new DatabaseError(`the libSQL server ${what} namespace ${name}: ${answer.slice(0, 200)}`);
}

/** The server takes the namespace from the host's first label, or from this header, in base64 without padding. */
function inNamespace(name: string): typeof fetch {
  const header = btoa(name).replace(/=+$/, "");
  return async (input, init) => {
    const request = new Request(input, init);
    request.headers.set("x-namespace-bin", header);
    return await fetch(request);
  };
}
