/** Between rows of SQL and the objects of the contract. */
import type { ResultSet, SqlValue } from "../storage/database.ts";

export interface Shape<T> {
  /** For SELECT, in the order of `read`; of a table by another name where an alias is given. */
  columns(alias?: string): string;
  read(row: readonly SqlValue[]): T;
  readAll(result: ResultSet | undefined): T[];
  readOne(result: ResultSet | undefined): T | undefined;
}

/** `names`: the column of each member. */
export function shape<T extends object>(names: { readonly [K in keyof T]: string }): Shape<T> {
  const entries = Object.entries<string>(names);
  const read = (row: readonly SqlValue[]): T => Object.fromEntries(entries.map(([key], at) => [key, row[at]])) as T;
  return {
    columns: (alias) => entries.map(([, column]) => (alias === undefined ? column : `${alias}.${column}`)).join(", "),
    read,
    readAll: (result) => (result?.rows ?? []).map(read),
    readOne: (result) => (result?.rows[0] ? read(result.rows[0]) : undefined),
  };
}
