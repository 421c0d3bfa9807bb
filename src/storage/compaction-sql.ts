/**
 * Compaction: rows whose successor is at or before the floor, and tombstones up to it. The index is by (resource, superseded), so
 * the statement steps from resource to resource instead of reading all of it.
 */
import type { Statement } from "./database.ts";

const REMOVABLE = `WITH RECURSIVE kinds (resource) AS (
    SELECT min(resource) FROM log INDEXED BY log_superseded WHERE superseded IS NOT NULL
    UNION ALL
    SELECT (SELECT min(n.resource) FROM log AS n INDEXED BY log_superseded
      WHERE n.superseded IS NOT NULL AND n.resource > kinds.resource)
    FROM kinds WHERE kinds.resource IS NOT NULL
  ), removable (revision) AS (
    SELECT s.revision FROM kinds CROSS JOIN log AS s INDEXED BY log_superseded
      WHERE s.resource = kinds.resource AND s.superseded IS NOT NULL AND s.superseded <= ?1
    UNION ALL
    SELECT t.revision FROM log AS t INDEXED BY log_tombstones
      WHERE t.superseded IS NULL AND t.deleted = 1 AND t.revision <= ?1
  )`;

/** The floor first: it must stand before any row is gone. The second result's rowsAffected says how many were removed. */
export function compactionStatements({ floor, limit }: { floor: number; limit: number }): Statement[] {
  return [
    {
      sql: `UPDATE state SET value = ?1
        WHERE key = 'floor' AND value < ?1 AND EXISTS (${REMOVABLE} SELECT 1 FROM removable)`,
      args: [floor],
    },
    {
      sql: `DELETE FROM log WHERE revision IN (${REMOVABLE} SELECT revision FROM removable LIMIT ?2)`,
      args: [floor, limit],
    },
  ];
}

/** From the newest row down to the first that is old enough. */
export const NEWEST_BEFORE = `SELECT revision FROM log WHERE written <= ? ORDER BY revision DESC LIMIT 1`;

/** From an old row up to the first that is too new. */
export const FIRST_AFTER = `SELECT revision FROM log WHERE revision > ? AND written > ? ORDER BY revision LIMIT 1`;
