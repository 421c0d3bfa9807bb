/**
 * `Database` on a local file, by the native libsql driver: one connection, WAL, statements prepared once. The driver is
 * synchronous, so a batch runs in one go: nothing of this process can come between its statements.
 */
import Libsql from "libsql";
import { DatabaseError, type Database, type ResultSet, type SqlValue, type Statement } from "../../storage/database.ts";

export interface OpenDatabaseOptions {
  /** Created when missing; its folder must exist. */
  path: string;
  /**
   * "full" survives a power cut with everything that was acknowledged: revisions must never be given out twice. "normal" may lose
   * the last commits then, and is for throw-away data.
   */
  durability?: "full" | "normal";
}

/** Lists with different selectors have different texts; the coldest is dropped. */
const PREPARED_MAX = 500;

/** SQLite's own cache of pages; its default of 2 MiB holds less than a small cluster. */
const CACHE_KIB = 16_384;

/** The driver's statement; its published types are another package's and lack what is used here. */
interface Prepared {
  reader: boolean;
  raw(): this;
  get(args: readonly SqlValue[]): SqlValue[] | undefined;
  all(args: readonly SqlValue[]): SqlValue[][];
  run(args: readonly SqlValue[]): { changes: number };
}

interface Connection {
  prepare(sql: string): Prepared;
  exec(sql: string): void;
  close(): void;
}

/**
 * The file is held exclusively, by locks of the operating system that end with the process, however it ends.
 * @throws DatabaseError "in-use" when another process (or another call in this one) has it open
 */
export async function openDatabase({ path, durability = "full" }: OpenDatabaseOptions): Promise<Database> {
  let connection: Connection;
  try {
    connection = new Libsql(path) as unknown as Connection;
  } catch (cause) {
    throw new DatabaseError(`cannot open ${path}: ${messageOf(cause)}`, { cause });
  }
  try {
    // The exclusive mode must be set before the first access: then WAL needs no shared memory, and the lock is never given back.
    connection.prepare("PRAGMA locking_mode = EXCLUSIVE").raw().all([]);
    connection.prepare("PRAGMA journal_mode = WAL").raw().all([]);
    connection.prepare(`PRAGMA synchronous = ${durability}`).run([]);
    connection.prepare(`PRAGMA cache_size = -${CACHE_KIB}`).run([]);
    connection.prepare("PRAGMA temp_store = MEMORY").run([]);
    connection.exec("BEGIN EXCLUSIVE");
    connection.exec("COMMIT");
  } catch (cause) {
    connection.close();
    const inUse = codeOf(cause).startsWith("SQLITE_BUSY");
    throw new DatabaseError(
      inUse ? `${path} is in use by another process` : `cannot open ${path}: ${messageOf(cause)}`,
      inUse ? { cause, code: "in-use" } : { cause },
    );
  }
  return new LibsqlDatabase(connection);
}

class LibsqlDatabase implements Database {
  private readonly connection: Connection;
  private readonly prepared = new Map<string, Prepared>();
  private open = true;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  // oxlint-disable-next-line typescript/require-await -- the port is asynchronous, this driver is not
  async batch(statements: readonly Statement[], mode: "read" | "write"): Promise<ResultSet[]> {
    if (!this.open) throw new DatabaseError("the database is closed");
    // A read batch needs no transaction: nobody else can write, and nothing else runs until it ends.
    const transaction = mode === "write" && statements.length > 1;
    try {
      if (transaction) this.connection.exec("BEGIN IMMEDIATE");
      const results = statements.map((statement) => this.run(statement));
      if (transaction) this.connection.exec("COMMIT");
      return results;
    } catch (cause) {
      if (transaction) this.rollback();
      throw new DatabaseError(messageOf(cause), { cause });
    }
  }

  // oxlint-disable-next-line typescript/require-await -- as above
  async close(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    this.prepared.clear();
    try {
      release(this.connection);
    } catch (cause) {
      throw new DatabaseError(messageOf(cause), { cause });
    }
  }

  private run({ sql, args = [], single }: Statement): ResultSet {
    const statement = this.prepare(sql);
    if (!statement.reader) return { rows: [], rowsAffected: statement.run(args).changes };
    let rows: SqlValue[][];
    if (single) {
      const row = statement.get(args);
      rows = row === undefined ? [] : [row];
    } else {
      rows = statement.all(args);
    }
    return { rows, rowsAffected: /^\s*(SELECT|WITH|PRAGMA)/i.test(sql) ? 0 : rows.length };
  }

  private prepare(sql: string): Prepared {
    const known = this.prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.connection.prepare(sql);
    if (statement.reader) statement.raw();
    if (this.prepared.size >= PREPARED_MAX) {
      const oldest = this.prepared.keys().next().value;
      if (oldest !== undefined) this.prepared.delete(oldest);
    }
    this.prepared.set(sql, statement);
    return statement;
  }

  private rollback(): void {
    try {
      this.connection.exec("ROLLBACK");
    } catch {
      // SQLite has already rolled back by itself (disk full, out of memory): there is no transaction to end.
    }
  }
}

/**
 * The driver closes a connection only when its last statement has been collected as garbage, whenever that is. So the lock is given
 * back by hand; a file that began in exclusive WAL can only do so by leaving WAL.
 */
function release(connection: Connection): void {
  try {
    connection.prepare("PRAGMA journal_mode = DELETE").raw().all([]);
    connection.prepare("PRAGMA locking_mode = NORMAL").raw().all([]);
    connection.prepare("SELECT count(*) FROM sqlite_master").raw().all([]);
  } finally {
    connection.close();
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
