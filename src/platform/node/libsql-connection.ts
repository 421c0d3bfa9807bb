/**
 * One connection to a local file, by the native libsql driver: WAL, statements prepared once. The driver is synchronous, so a batch runs
 * in one go: nothing of this thread can come between its statements.
 */
import Libsql from "libsql";
import { DatabaseError, type ResultSet, type SqlValue, type Statement } from "../../storage/database.ts";

export interface ConnectionOptions {
  /** Created when missing; its folder must exist. */
  path: string;
  /**
   * "full" survives a power cut with everything that was acknowledged: revisions must never be given out twice. "normal" may lose
   * the last commits then, and is for throw-away data.
   */
  durability: "full" | "normal";
  /**
   * "alone": no other connection can open the file, in this process or another, by locks of the operating system that end with the
   * process, however it ends. "writes" and "reads" share it with each other; the second cannot write.
   */
  access: "alone" | "writes" | "reads";
}

/** Lists with different selectors have different texts; the coldest is dropped. */
const PREPARED_MAX = 500;

/** SQLite's own caches of pages, together; its default of 2 MiB holds less than a small cluster. */
const CACHE_KIB = { alone: 16_384, writes: 8_192, reads: 8_192 };

/** The other connection holds its locks for microseconds, when it opens or starts the WAL anew. */
const BUSY_TIMEOUT_MS = 1_000;

/** The driver's statement; its published types are another package's and lack what is used here. */
interface Prepared {
  reader: boolean;
  raw(): this;
  get(args: readonly SqlValue[]): SqlValue[] | undefined;
  all(args: readonly SqlValue[]): SqlValue[][];
  run(args: readonly SqlValue[]): { changes: number };
}

interface Driver {
  prepare(sql: string): Prepared;
  exec(sql: string): void;
  close(): void;
}

/** @throws DatabaseError "in-use" when another process (or another connection that does not share it) has it open */
export function openConnection(options: ConnectionOptions): LibsqlConnection {
  const { path } = options;
  const driver = openDriver(path);
  try {
    prepareFile(driver, options);
  } catch (cause) {
    driver.close();
    throw openingError(path, cause);
  }
  return new LibsqlConnection(driver, options);
}

function openDriver(path: string): Driver {
  try {
    return new Libsql(path) as unknown as Driver;
  } catch (cause) {
    throw new DatabaseError(`cannot open ${path}: ${messageOf(cause)}`, { cause });
  }
}

function prepareFile(driver: Driver, { durability, access }: ConnectionOptions): void {
  if (access === "alone") {
    // Must be set before the first access: then WAL needs no shared memory, and the lock is never given back.
    driver.prepare("PRAGMA locking_mode = EXCLUSIVE").raw().all([]);
  } else {
    driver.prepare(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`).raw().all([]);
  }
  driver.prepare("PRAGMA journal_mode = WAL").raw().all([]);
  driver.prepare(`PRAGMA synchronous = ${durability}`).run([]);
  driver.prepare(`PRAGMA cache_size = -${CACHE_KIB[access]}`).run([]);
  driver.prepare("PRAGMA temp_store = MEMORY").run([]);
  if (access === "reads") driver.prepare("PRAGMA query_only = ON").run([]);
  if (access !== "alone") return;
  driver.exec("BEGIN EXCLUSIVE");
  driver.exec("COMMIT");
}

/**
 * Holds a file for this process, by a lock of the operating system that ends with the process, however it ends. Returns the undo.
 * @throws DatabaseError "in-use"
 */
export function lockFile(path: string): () => void {
  const driver = openDriver(`${path}-lock`);
  try {
    // Without a journal beside it: nothing is ever written.
    driver.prepare("PRAGMA journal_mode = MEMORY").raw().all([]);
    driver.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    driver.close();
    throw openingError(path, cause);
  }
  return () => {
    driver.exec("ROLLBACK");
    driver.close();
  };
}

function openingError(path: string, cause: unknown): DatabaseError {
  const inUse = codeOf(cause).startsWith("SQLITE_BUSY");
  return new DatabaseError(
    inUse ? `${path} is in use by another process` : `cannot open ${path}: ${messageOf(cause)}`,
    inUse ? { cause, code: "in-use" } : { cause },
  );
}

export class LibsqlConnection {
  private readonly driver: Driver;
  private readonly access: ConnectionOptions["access"];
  private readonly prepared = new Map<string, Prepared>();
  private open = true;

  constructor(driver: Driver, { access }: Pick<ConnectionOptions, "access">) {
    this.driver = driver;
    this.access = access;
  }

  /** As the port's. @throws DatabaseError */
  batch(statements: readonly Statement[], mode: "read" | "write"): ResultSet[] {
    if (!this.open) throw new DatabaseError("the database is closed");
    // Alone, a batch that only reads needs no transaction: nobody else can write, and nothing else runs until it ends.
    const transaction = statements.length > 1 && (mode === "write" || this.access !== "alone");
    try {
      if (transaction) this.driver.exec(mode === "write" ? "BEGIN IMMEDIATE" : "BEGIN");
      const results = statements.map((statement) => this.run(statement));
      if (transaction) this.driver.exec("COMMIT");
      return results;
    } catch (cause) {
      if (transaction) this.rollback();
      throw new DatabaseError(messageOf(cause), { cause });
    }
  }

  /** @throws DatabaseError */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.prepared.clear();
    try {
      if (this.access === "alone") release(this.driver);
      else this.driver.close();
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
    const statement = this.driver.prepare(sql);
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
      this.driver.exec("ROLLBACK");
    } catch {
      // SQLite has already rolled back by itself (disk full, out of memory): there is no transaction to end.
    }
  }
}

/**
 * The driver closes a connection only when its last statement has been collected as garbage, whenever that is. So the lock is given
 * back by hand; a file that began in exclusive WAL can only do so by leaving WAL.
 */
function release(driver: Driver): void {
  try {
    driver.prepare("PRAGMA journal_mode = DELETE").raw().all([]);
    driver.prepare("PRAGMA locking_mode = NORMAL").raw().all([]);
    driver.prepare("SELECT count(*) FROM sqlite_master").raw().all([]);
  } finally {
    driver.close();
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
