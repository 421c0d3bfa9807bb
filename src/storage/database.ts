/**
 * The port to SQL. One verb: an atomic batch. No interactive transactions: a batch is one round trip over HTTP
 * and cannot deadlock an event loop. Conditions live inside the SQL.
 */

export type SqlValue = string | number | null | Uint8Array;

export interface Statement {
  sql: string;
  /** Positional. At most 100 (a limit of the edge). */
  args?: readonly SqlValue[];
  /** At most one row comes back. A hint: some drivers answer one row much faster than a list. */
  single?: boolean;
}

export interface ResultSet {
  /** One array per row, in the order of the selected columns. */
  rows: readonly (readonly SqlValue[])[];
  /** Rows the statement inserted, updated or deleted. */
  rowsAffected: number;
}

export interface Database {
  /**
   * Runs all statements in order, in one transaction: all or none. A "read" batch sees one snapshot.
   * @throws DatabaseError when any statement fails; nothing of the batch is then stored, unless `outcomeUnknown`.
   */
  batch(statements: readonly Statement[], mode: "read" | "write"): Promise<ResultSet[]>;
  close(): Promise<void>;
}

/** "in-use": another process has this database open. "failed": everything else. */
export type DatabaseErrorCode = "in-use" | "failed";

export class DatabaseError extends Error {
  readonly code: DatabaseErrorCode;
  /** The answer was lost on the way (time-out, broken connection): the batch may or may not have been stored. */
  readonly outcomeUnknown: boolean;
  constructor(message: string, options: { cause?: unknown; outcomeUnknown?: boolean; code?: DatabaseErrorCode } = {}) {
    super(message, { cause: options.cause });
    this.name = "DatabaseError";
    this.code = options.code ?? "failed";
    this.outcomeUnknown = options.outcomeUnknown ?? false;
  }
}
