/** `Database` on a libSQL server over HTTP: one request a batch. Runs on Workers and, in tests, on Node. */
import { LibsqlError, createClient, type Client, type InStatement } from "@libsql/client/web";
import { DatabaseError, type Database, type ResultSet, type SqlValue, type Statement } from "../../storage/database.ts";

export interface RemoteDatabaseOptions {
  /** http:, https: or libsql: address of one database. It must be the primary: replicas lag. */
  url: string;
  authToken?: string;
  fetch?: typeof fetch;
  /** No answer for this long counts as lost. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

export function openRemoteDatabase(options: RemoteDatabaseOptions): Database {
  const send = options.fetch ?? fetch;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const client = createClient({
    url: options.url,
    ...(options.authToken === undefined ? {} : { authToken: options.authToken }),
    fetch: (request: Request) => sendWithin(timeoutMs, request, send),
    intMode: "number",
    // The hub limits itself; a queue in here would only hide what waits.
    concurrency: 1_000,
  });
  return new RemoteDatabase(client);
}

/**
 * The whole answer, within the time. The timer ends with it: AbortSignal.timeout goes on until it is due, and a runtime has only so many
 * timers (10,000 on Workers, which a busy hub would reach).
 */
async function sendWithin(timeoutMs: number, request: Request, send: typeof fetch): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    const response = await send(request, { signal: late.signal });
    const body = await response.arrayBuffer();
    return new Response(body.byteLength > 0 ? body : null, response);
  } finally {
    clearTimeout(timer);
  }
}

class RemoteDatabase implements Database {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  async batch(statements: readonly Statement[], mode: "read" | "write"): Promise<ResultSet[]> {
    try {
      const results = await this.client.batch(statements.map(toLibsql), mode);
      return results.map(({ rows, columns, rowsAffected }) => ({
        rows: rows.map((row) => columns.map((_, at) => fromLibsql(row[at]))),
        rowsAffected,
      }));
    } catch (cause) {
      throw new DatabaseError(cause instanceof Error ? cause.message : String(cause), {
        cause,
        outcomeUnknown: mode === "write" && !refused(cause),
      });
    }
  }

  // oxlint-disable-next-line typescript/require-await -- the port is asynchronous
  async close(): Promise<void> {
    this.client.close();
  }
}

function toLibsql({ sql, args = [] }: Statement): InStatement {
  return { sql, args: [...args] };
}

function fromLibsql(value: unknown): SqlValue {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : (value as SqlValue);
}

/**
 * Did the server say that the batch was not stored? An error of SQL is in the answer to a batch that was rolled back, and a 4xx is
 * one that never began. Everything else (time-out, broken connection, 5xx) leaves it open.
 */
function refused(cause: unknown): boolean {
  if (!(cause instanceof LibsqlError)) return false;
  if (/^(SQL|TRANSACTION_CLOSED)/.test(cause.code)) return true;
  const status = cause.cause instanceof Error && "status" in cause.cause ? Number(cause.cause.status) : 0;
  return status >= 400 && status < 500;
}
