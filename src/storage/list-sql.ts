/** Lists: the newest state is one indexed range, the state at an earlier revision two. */
import type { SqlValue, Statement } from "./database.ts";
import { lookupOf, type Lookup } from "./lookup-sql.ts";
import { OBJECT_COLUMNS } from "./rows.ts";
import { selectorSql } from "./selector-sql.ts";
import type { ListQuery, StoredObject } from "./storage.ts";

interface Clause {
  sql: string;
  args: SqlValue[];
}

/** Live heads in (namespace, name) order; one more than the limit, to know whether more follow. */
export function liveStatement(query: ListQuery): Statement {
  const lookup = lookupOf(query);
  if (lookup) return lookupStatement(query, lookup);
  const range = rangeOf(query);
  const selector = selectorSql(query.selector);
  const limit = limitOf(query);
  return {
    sql: `SELECT ${OBJECT_COLUMNS} FROM log INDEXED BY log_live
      WHERE resource = ? AND superseded IS NULL AND deleted = 0${range.sql}${selector.sql}
      ORDER BY namespace, name${limit.sql}`,
    args: [query.resource, ...range.args, ...selector.args, ...limit.args],
  };
}

/** The same by a value that is looked up: no other row is read. `log` has its name, so that the selector's columns are its own. */
function lookupStatement(query: ListQuery, { args, rest }: Lookup): Statement {
  const range = rangeOf(query, { namespace: "k.at_namespace", name: "k.at_name" });
  const selector = selectorSql(rest);
  const limit = limitOf(query);
  return {
    sql: `SELECT ${OBJECT_COLUMNS}
      FROM (SELECT namespace AS at_namespace, name AS at_name FROM lookup
          WHERE resource = ? AND field = ? AND value = ?) AS k
        CROSS JOIN log INDEXED BY log_live
      WHERE log.resource = ? AND log.namespace = k.at_namespace AND log.name = k.at_name
        AND superseded IS NULL AND deleted = 0${range.sql}${selector.sql}
      ORDER BY k.at_namespace, k.at_name${limit.sql}`,
    args: [...args, query.resource, ...range.args, ...selector.args, ...limit.args],
  };
}

/**
 * Rows that were live at the revision and have been superseded since. The inner select orders without `value`, which may be large;
 * the outer one sorts a page at most.
 */
export function supersededStatement(query: ListQuery & { revision: number }): Statement {
  const range = rangeOf(query);
  const selector = selectorSql(query.selector);
  const limit = limitOf(query);
  return {
    sql: `SELECT ${OBJECT_COLUMNS} FROM log WHERE revision IN (
        SELECT revision FROM log INDEXED BY log_superseded
        WHERE resource = ? AND superseded IS NOT NULL AND superseded > ? AND deleted = 0${range.sql}${selector.sql}
        ORDER BY namespace, name${limit.sql})
      ORDER BY namespace, name`,
    args: [query.resource, query.revision, ...range.args, ...selector.args, ...limit.args],
  };
}

/** How many objects a list without a selector and without a limit would give. */
export function countStatements(query: ListQuery): Statement[] {
  const range = rangeOf(query);
  const live: Statement = {
    sql: `SELECT count(*) FROM log INDEXED BY log_live
      WHERE resource = ? AND superseded IS NULL AND deleted = 0${range.sql}`,
    args: [query.resource, ...range.args],
    single: true,
  };
  if (query.revision === undefined) return [live];
  const superseded: Statement = {
    sql: `SELECT count(*) FROM log INDEXED BY log_superseded
      WHERE resource = ? AND superseded IS NOT NULL AND superseded > ? AND deleted = 0${range.sql}`,
    args: [query.resource, query.revision, ...range.args],
    single: true,
  };
  return [live, superseded];
}

const KEY_COLUMNS = { namespace: "namespace", name: "name" };

function rangeOf({ namespace, after, revision }: ListQuery, columns = KEY_COLUMNS): Clause {
  const sql: string[] = [];
  const args: SqlValue[] = [];
  const add = (clause: string, ...values: SqlValue[]) => {
    sql.push(` AND ${clause}`);
    args.push(...values);
  };
  if (revision !== undefined) add("revision <= ?", revision);
  if (namespace !== undefined) add(`${columns.namespace} = ?`, namespace);
  if (after !== undefined && namespace === after.namespace) add(`${columns.name} > ?`, after.name);
  else if (after !== undefined) {
    add(`(${columns.namespace}, ${columns.name}) > (?, ?)`, after.namespace, after.name);
  }
  return { sql: sql.join(""), args };
}

function limitOf({ limit }: ListQuery): Clause {
  return limit === undefined ? { sql: "", args: [] } : { sql: " LIMIT ?", args: [limit + 1] };
}

/** Merges two lists in key order, which never share a key. */
export function mergeByKey(a: readonly StoredObject[], b: readonly StoredObject[]): StoredObject[] {
  if (b.length === 0) return [...a];
  return [...a, ...b].toSorted((x, y) => compareUtf8(x.namespace, y.namespace) || compareUtf8(x.name, y.name));
}

/** The order of SQL: by UTF-8 bytes, which is by code points. JavaScript's `<` differs for surrogates. */
export function compareUtf8(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x === y) continue;
    const xHigh = isSurrogate(x);
    return xHigh === isSurrogate(y) ? x - y : xHigh ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
