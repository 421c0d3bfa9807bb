/** The audit log of a cluster in its database: one row an event, clustered by time. Bounded in rows, bytes and age. */
import type { Clock } from "../platform/platform.ts";
import type { Database, SqlValue, Statement } from "../storage/database.ts";
import { callDatabase } from "../storage/errors.ts";

export interface AuditRow {
  /** When the request came to the event's stage (Unix ms). */
  atMs: number;
  /** Of the request (Audit-Id) and its stage. */
  id: string;
  user: string;
  verb: string;
  /** "pods/exec", "deployments.apps"; "" for what is no resource. */
  resource: string;
  namespace: string;
  /** JSON of an audit.k8s.io/v1 Event. */
  event: string;
}

export interface AuditLimits {
  rowsMax: number;
  bytesMax: number;
  retentionMs: number;
}

export const DEFAULT_AUDIT_LIMITS: AuditLimits = {
  rowsMax: 100_000,
  bytesMax: 128 * 1024 * 1024,
  retentionMs: 30 * 24 * 3_600_000,
};

export interface AuditQuery {
  user?: string;
  verb?: string;
  resource?: string;
  namespace?: string;
  /** From this time on (Unix ms). */
  sinceMs?: number;
  /** Before this time. */
  untilMs?: number;
  limit: number;
  /** Where the page before ended. */
  after?: AuditPosition;
}

export interface AuditPosition {
  atMs: number;
  id: string;
}

export interface AuditPage {
  /** Newest first: JSON of audit.k8s.io/v1 Events. There may be fewer than asked for, and yet more to come. */
  events: string[];
  /** More may follow. */
  next?: AuditPosition;
}

export interface AuditStore {
  /** Storing rows again is harmless. Makes room for them. @throws StorageError "unavailable" */
  append(rows: readonly AuditRow[]): Promise<void>;
  /** Reads a bounded number of rows, however few of them are asked for. @throws StorageError "unavailable" */
  read(query: AuditQuery): Promise<AuditPage>;
}

/** The counters move with the rows, in one transaction; a batch whose first row is there was stored before. */
const isNew = "NOT EXISTS (SELECT 1 FROM audit WHERE at = ? AND id = ?)";
const COUNT = `UPDATE state SET value = value + ? WHERE key = ? AND ${isNew}`;
const INSERT = `INSERT INTO audit (at, id, user, verb, resource, namespace, bytes, event)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
  FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`;
const SIZE: Statement = {
  sql: `SELECT (SELECT value FROM state WHERE key = 'audit_rows'), (SELECT value FROM state WHERE key = 'audit_bytes'),
    (SELECT min(at) FROM audit)`,
  single: true,
};

const TRIMMED_ROWS = 500;
/** Makes room for many batches at once; what is left comes with the next. */
const TRIMS_MAX = 20;
const OLDEST = "SELECT at, id, bytes FROM audit WHERE at < ? ORDER BY at, id LIMIT ?";
/** Rows are removed in slices of this age, so that not every batch removes a few. Readers never see what is past its time. */
const EXPIRY_SLACK_MS = 3_600_000;

/** Rows that one read looks at. */
const SCANNED_MAX = 2_000;

export function createAuditStore(deps: { database: Database; clock: Clock; limits?: AuditLimits }): AuditStore {
  const { database, clock } = deps;
  const { rowsMax, bytesMax, retentionMs } = deps.limits ?? DEFAULT_AUDIT_LIMITS;
  const run = (statements: readonly Statement[], mode: "read" | "write") =>
    callDatabase(() => database.batch(statements, mode));

  async function trim(size: readonly SqlValue[] | undefined): Promise<void> {
    let [rows, bytes, oldestMs] = (size ?? []) as (number | null)[];
    for (let trims = 0; trims < TRIMS_MAX; trims++) {
      const expiredMs = clock.now() - retentionMs;
      const isExpired = typeof oldestMs === "number" && oldestMs < expiredMs - EXPIRY_SLACK_MS;
      const isFull = Number(rows) > rowsMax || Number(bytes) > bytesMax;
      if (!isExpired && !isFull) return;
      const results = await run(trimStatements(isFull ? Number.MAX_SAFE_INTEGER : expiredMs), "write");
      [rows, bytes, oldestMs] = (results.at(-1)?.rows[0] ?? []) as (number | null)[];
    }
  }

  return {
    async append(rows) {
      const [first] = rows;
      if (!first) return;
      const values = rows.map(({ atMs, id, user, verb, resource, namespace, event }) => [
        atMs,
        id,
        user,
        verb,
        resource,
        namespace,
        event.length,
        event,
      ]);
      const total = rows.reduce((sum, { event }) => sum + event.length, 0);
      const results = await run(
        [
          { sql: COUNT, args: [rows.length, "audit_rows", first.atMs, first.id] },
          { sql: COUNT, args: [total, "audit_bytes", first.atMs, first.id] },
          { sql: INSERT, args: [JSON.stringify(values)] },
          SIZE,
        ],
        "write",
      );
      await trim(results.at(-1)?.rows[0]);
    },

    async read(query) {
      const [found, end] = await run(readStatements(query, clock.now() - retentionMs), "read");
      const rows = (found?.rows ?? []) as [number, string, string][];
      const page = rows.slice(0, query.limit);
      const events = page.map(([, , event]) => event);
      const last = rows.length > query.limit ? page.at(-1) : (end?.rows[0] as [number, string] | undefined);
      return last ? { events, next: { atMs: last[0], id: last[1] } } : { events };
    },
  };
}

function trimStatements(beforeMs: number): Statement[] {
  const args = [beforeMs, TRIMMED_ROWS];
  const less = (what: string, key: string) => ({
    sql: `UPDATE state SET value = value - (SELECT ${what} FROM (${OLDEST})) WHERE key = '${key}'`,
    args,
  });
  return [
    less("count(*)", "audit_rows"),
    less("coalesce(sum(bytes), 0)", "audit_bytes"),
    { sql: `DELETE FROM audit WHERE (at, id) IN (SELECT at, id FROM (${OLDEST}))`, args },
    SIZE,
  ];
}

/** What matches within the next rows, newest first, and where those rows end if there are so many. */
function readStatements(query: AuditQuery, oldestMs: number): Statement[] {
  const { user, verb, resource, namespace, sinceMs = 0, untilMs, limit, after } = query;
  const range = ["at >= ?"];
  const rangeArgs: SqlValue[] = [Math.max(sinceMs, oldestMs)];
  if (untilMs !== undefined) {
    range.push("at < ?");
    rangeArgs.push(untilMs);
  }
  if (after) {
    range.push("(at, id) < (?, ?)");
    rangeArgs.push(after.atMs, after.id);
  }
  const newest = `FROM audit WHERE ${range.join(" AND ")} ORDER BY at DESC, id DESC`;
  const wanted = Object.entries({ user, verb, resource, namespace }).filter(([, value]) => value !== undefined);
  const matching = wanted.map(([column]) => `${column} = ?`).join(" AND ");
  return [
    {
      sql: `SELECT at, id, event FROM (SELECT * ${newest} LIMIT ${SCANNED_MAX})
        ${matching === "" ? "" : `WHERE ${matching}`} ORDER BY at DESC, id DESC LIMIT ?`,
      args: [...rangeArgs, ...wanted.map(([, value]) => value as string), limit + 1],
    },
    { sql: `SELECT at, id ${newest} LIMIT 1 OFFSET ${SCANNED_MAX - 1}`, args: rangeArgs, single: true },
  ];
}
