/**
 * Back to an earlier state of the log, in one batch. What came after it is removed, and what it had superseded lives again. The sequence
 * goes on far above all that was ever given out, and the floor stands there: whoever watches or lists by a revision of before is told that
 * it is too old, and no revision is met twice. The hub must not run meanwhile, or must be made anew afterwards.
 */
import type { Clock, Log } from "../platform/platform.ts";
import type { Database, Statement } from "./database.ts";
import { StorageError, callDatabase } from "./errors.ts";
import { createSqlLog } from "./sql-log.ts";

/** More than a cluster writes in its life. */
const RAISE = 2 ** 32;

/** Compaction may have come in between. */
const REACHABLE = "(SELECT value FROM state WHERE key = 'floor') <= ?1";

/** @throws StorageError "compacted" where the log does not reach back so far, "unavailable" */
export async function restoreLog(
  { database, clock, log }: { database: Database; clock: Clock; log: Log },
  toMs: number,
): Promise<{ revision: number }> {
  const target = await createSqlLog({ database, clock, log }).revisionAt(toMs);
  if (target === 0) throw new StorageError("compacted", "nothing of then is left");
  const results = await callDatabase(() => database.batch(restoreStatements(target), "write"));
  const revision = results.at(-1)?.rows[0]?.[0];
  if (typeof revision !== "number") throw new StorageError("compacted", "the log does not reach back so far");
  return { revision };
}

function restoreStatements(target: number): Statement[] {
  return [
    `DELETE FROM log WHERE revision > ?1 AND ${REACHABLE}`,
    `UPDATE log SET superseded = NULL WHERE superseded > ?1 AND ${REACHABLE}`,
    // Its triggers follow writes, not their undoing.
    `DELETE FROM lookup WHERE ${REACHABLE}`,
    `INSERT INTO lookup (resource, field, value, namespace, name)
      SELECT l.resource, f.key, f.value, l.namespace, l.name
      FROM log AS l INDEXED BY log_live, json_each(l.fields) AS f
      WHERE ${REACHABLE} AND l.resource IN ('pods', 'services') AND l.superseded IS NULL AND l.deleted = 0 AND f.value <> ''
        AND CASE l.resource
          WHEN 'pods' THEN f.key = 'spec.nodeName'
          ELSE f.key = 'spec.clusterIP' OR f.key GLOB 'spec.nodePort.*' END`,
    `UPDATE sqlite_sequence SET seq = seq + ${RAISE} WHERE name = 'log' AND ${REACHABLE}`,
    // Whoever remembers permissions of before reads them again.
    `UPDATE state SET value = (SELECT seq FROM sqlite_sequence WHERE name = 'log') WHERE key = 'policy' AND ${REACHABLE}`,
    `UPDATE state SET value = (SELECT seq FROM sqlite_sequence WHERE name = 'log')
      WHERE key = 'floor' AND value <= ?1 RETURNING value`,
  ].map((sql) => ({ sql, args: [target] }));
}
