/** The log over SQL. See tables.ts for the table and storage.ts for the contract. */
import type { Clock, Log } from "../platform/platform.ts";
import { FIRST_AFTER, NEWEST_BEFORE, compactionStatements } from "./compaction-sql.ts";
import type { Database, ResultSet, Statement } from "./database.ts";
import { StorageError, callDatabase } from "./errors.ts";
import { countStatements, liveStatement, mergeByKey, supersededStatement } from "./list-sql.ts";
import { ENTRY_COLUMNS, OBJECT_COLUMNS, createRowDecoder, type RowDecoder } from "./rows.ts";
import { entryNeedsOpening, isCovered, needsOpening, openEntries, openObjects, sealedWrites } from "./opened-rows.ts";
import type {
  ListPage,
  ListQuery,
  LogEntry,
  LogPage,
  ObjectKey,
  PolicyReader,
  PolicyState,
  PreparedWrite,
  Snapshot,
  SnapshotQuery,
  SnapshotReader,
  StorageReader,
  StorageWriter,
  StoredObject,
  WriteOutcome,
} from "./storage.ts";
import { policyChangesSince, POLICY_OBJECTS, POLICY_REVISION } from "./policy-sql.ts";
import { guardStatement, type ValueCipher } from "./value-cipher.ts";
import { companionStatements, reasonOf, reasonStatement, valuesOf, writeStatement } from "./write-sql.ts";

export interface SqlReaderDeps {
  database: Database;
  /**
   * Called when a read begins; what it returns gets the policy revision of the state that was read. It costs a row in each batch, and no
   * round trip.
   */
  watchPolicy?: () => (revision: number) => void;
  /** Without it (tests of the log alone) everything is stored in clear. */
  cipher?: ValueCipher | undefined;
}

/** A reader that can also follow the log by itself: agents' syncs read of it without the hub. */
export type LogReader = StorageReader & PolicyReader & SnapshotReader & Pick<StorageWriter, "changes">;

export interface SqlLogDeps extends Pick<SqlReaderDeps, "database" | "cipher"> {
  clock: Clock;
  log: Log;
}

/** AUTOINCREMENT's own record: the newest revision, without touching the log. */
const POSITION: Statement = {
  sql: `SELECT seq, (SELECT value FROM state WHERE key = 'floor') FROM sqlite_sequence WHERE name = 'log'`,
  single: true,
};

const GET = `SELECT position.seq, ${OBJECT_COLUMNS.replace(/(\w+)/g, "l.$1")}
  FROM sqlite_sequence AS position LEFT JOIN log AS l INDEXED BY log_live
    ON l.resource = ? AND l.namespace = ? AND l.name = ? AND l.superseded IS NULL AND l.deleted = 0
  WHERE position.name = 'log'`;

/** All keys are one parameter: a statement has a hundred at most. */
const GET_MANY = `SELECT ${OBJECT_COLUMNS.replace(/(\w+)/g, "l.$1")}
  FROM json_each(?) AS wanted CROSS JOIN log AS l INDEXED BY log_live
    ON l.resource = wanted.value ->> 0 AND l.namespace = wanted.value ->> 1 AND l.name = wanted.value ->> 2
      AND l.superseded IS NULL AND l.deleted = 0`;

const GET_ONE = `SELECT ${OBJECT_COLUMNS} FROM log INDEXED BY log_live
  WHERE resource = ? AND namespace = ? AND name = ? AND superseded IS NULL AND deleted = 0`;
const GET_WHOLE = `SELECT ${OBJECT_COLUMNS} FROM log INDEXED BY log_live
  WHERE resource = ? AND namespace = ? AND superseded IS NULL AND deleted = 0`;
/** Up to so many keys are statements of their own: the rows of a table of parameters are billed, too. */
const OWN_STATEMENTS_MAX = 4;

/** After a commit: one more than wanted, to know whether more follow. Values of own writes are not read back. */
const TAIL = `SELECT ${ENTRY_COLUMNS}
  FROM log AS l LEFT JOIN log AS p ON p.revision = l.previous AND l.created > 0
  WHERE l.revision > ?2 ORDER BY l.revision LIMIT ?3`;

/** First how many fit, by their lengths alone; then those rows. The last column says whether more follow. */
const changesSql = (ofResource: "" | "AND resource = ?5") => `WITH candidates (revision, bytes) AS (
    SELECT revision, octet_length(value) FROM log WHERE revision > ?2 ${ofResource} ORDER BY revision LIMIT ?3
  ), page (revision, at, bytes_before) AS (
    SELECT revision, row_number() OVER (ORDER BY revision), sum(bytes) OVER (ORDER BY revision) - bytes FROM candidates
  )
  SELECT ${ENTRY_COLUMNS}, (SELECT count(*) FROM candidates)
  FROM page CROSS JOIN log AS l ON l.revision = page.revision
    LEFT JOIN log AS p ON p.revision = l.previous AND l.created > 0
  WHERE page.at < ?3 AND page.bytes_before < ?4 ORDER BY page.revision`;
const CHANGES = changesSql("");
const CHANGES_OF_RESOURCE = changesSql("AND resource = ?5");
/** The column after ENTRY_COLUMNS. */
const CANDIDATES_AT = 16;

const LOOKUP = `SELECT write_id, revision FROM log
  WHERE revision > ? AND write_id IN (SELECT value FROM json_each(?))`;

const EXPIRED = `SELECT ${OBJECT_COLUMNS} FROM log INDEXED BY log_expires
  WHERE expires IS NOT NULL AND superseded IS NULL AND deleted = 0 AND expires <= ? ORDER BY expires LIMIT ?`;

const NEXT_EXPIRY: Statement = {
  sql: `SELECT expires FROM log INDEXED BY log_expires
    WHERE expires IS NOT NULL AND superseded IS NULL AND deleted = 0 ORDER BY expires LIMIT 1`,
  single: true,
};

const MARK = `UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'log' RETURNING seq`;

const NO_WRITE_IDS = "[]";

/** What stateless workers need: reads go to the database directly, never through the hub. */
export function createSqlReader(deps: SqlReaderDeps): LogReader {
  return new SqlReader(deps);
}

export function createSqlLog(deps: SqlLogDeps): StorageWriter & PolicyReader & SnapshotReader {
  return new SqlLog(deps);
}

class SqlReader implements LogReader {
  protected readonly database: Database;
  protected readonly cipher: ValueCipher | undefined;
  protected readonly rows: RowDecoder = createRowDecoder();
  private readonly watchPolicy: SqlReaderDeps["watchPolicy"];

  constructor({ database, cipher, watchPolicy }: SqlReaderDeps) {
    this.database = database;
    this.cipher = cipher;
    this.watchPolicy = watchPolicy;
  }

  protected async run(statements: readonly Statement[], mode: "read" | "write"): Promise<ResultSet[]> {
    if (!this.watchPolicy) return await callDatabase(() => this.database.batch(statements, mode));
    const told = this.watchPolicy();
    const results = await callDatabase(() => this.database.batch([...statements, POLICY_REVISION], mode));
    told(firstRow(results.pop())[0] as number);
    return results;
  }

  async policy(query?: { since: number }): Promise<PolicyState> {
    if (query) {
      const changes = policyChangesSince(query.since);
      const [revision, position, live, gone] = await this.run([POLICY_REVISION, POSITION, ...changes], "read");
      if (query.since >= positionOf(position).floor) {
        return { ...(await this.policyOf(revision, live)), removed: (gone?.rows ?? []).map(keyOfRow) };
      }
    }
    const [revision, found] = await this.run([POLICY_REVISION, POLICY_OBJECTS], "read");
    return await this.policyOf(revision, found);
  }

  private async policyOf(revision: ResultSet | undefined, found: ResultSet | undefined): Promise<PolicyState> {
    return { revision: firstRow(revision)[0] as number, objects: await this.objectsOf(found) };
  }

  async policyRevision(): Promise<number> {
    const told = this.watchPolicy?.();
    const [found] = await callDatabase(() => this.database.batch([POLICY_REVISION], "read"));
    const revision = firstRow(found)[0] as number;
    told?.(revision);
    return revision;
  }

  async get({ resource, namespace, name }: ObjectKey): Promise<{ object: StoredObject | undefined; revision: number }> {
    const [result] = await this.run([{ sql: GET, args: [resource, namespace, name], single: true }], "read");
    const row = firstRow(result);
    const revision = row[0] as number;
    if (row[1] === null) return { object: undefined, revision };
    const object = this.rows.object(row, 1);
    if (!needsOpening(object)) return { object, revision };
    return { object: (await openObjects([object], this.cipher))[0], revision };
  }

  /** Plain objects as they are; a promise only where something is to be decrypted. */
  protected objectsOf(result: ResultSet | undefined): StoredObject[] | Promise<StoredObject[]> {
    const objects = (result?.rows ?? []).map((row) => this.rows.object(row));
    return objects.some(needsOpening) ? openObjects(objects, this.cipher) : objects;
  }

  private async openedOf(results: readonly ResultSet[]): Promise<StoredObject[][]> {
    const opened: StoredObject[][] = [];
    for (const result of results) opened.push(await this.objectsOf(result));
    return opened;
  }

  async getMany(keys: readonly ObjectKey[], wholes: readonly Omit<ObjectKey, "name">[] = []): Promise<StoredObject[]> {
    const statements: Statement[] = wholes.map((at) => ({ sql: GET_WHOLE, args: [at.resource, at.namespace] }));
    if (keys.length <= OWN_STATEMENTS_MAX) {
      for (const at of keys) statements.push(getOneStatement(at));
    } else {
      const wanted = keys.map(({ resource, namespace, name }) => [resource, namespace, name]);
      statements.push({ sql: GET_MANY, args: [JSON.stringify(wanted)] });
    }
    if (statements.length === 0) return [];
    const results = await this.run(statements, "read");
    const objects = results.flatMap(({ rows }) => rows.map((row) => this.rows.object(row)));
    return objects.some(needsOpening) ? openObjects(objects, this.cipher) : objects;
  }

  async list(query: ListQuery): Promise<ListPage> {
    return query.revision === undefined ? this.listNow(query) : this.listAt({ ...query, revision: query.revision });
  }

  private async listNow(query: ListQuery): Promise<ListPage> {
    const statements = [POSITION, liveStatement(query), ...(counted(query) ? countStatements(query) : [])];
    const [position, live, count] = await this.run(statements, "read");
    const read = this.objectsOf(live);
    const objects = Array.isArray(read) ? read : await read;
    return pageOf(query, objects, { revision: positionOf(position).revision, total: count && countOf(count) });
  }

  private async listAt(query: ListQuery & { revision: number }): Promise<ListPage> {
    const statements = [
      POSITION,
      liveStatement(query),
      supersededStatement(query),
      ...(counted(query) ? countStatements(query) : []),
    ];
    const [position, live, superseded, ...counts] = await this.run(statements, "read");
    const { revision: current, floor } = positionOf(position);
    if (query.revision > current) {
      throw new StorageError("future", `revision ${query.revision} is not written yet`, { current });
    }
    if (query.revision < floor) throw compactedError(query.revision, { current, floor });
    const objects = mergeByKey(await this.objectsOf(live), await this.objectsOf(superseded));
    const total = counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + countOf(count), 0);
    return pageOf(query, objects, { revision: query.revision, total });
  }

  async snapshot({ keys = [], lists, changes }: SnapshotQuery): Promise<Snapshot> {
    const statements = [
      POSITION,
      ...keys.map(getOneStatement),
      ...lists.map(liveStatement),
      ...(changes ? [changesStatement(changes)] : []),
    ];
    const [first, ...results] = await this.run(statements, "read");
    const position = positionOf(first);
    const objects = await this.openedOf(results.splice(0, keys.length));
    const listed = await this.openedOf(results.splice(0, lists.length));
    const snapshot = { revision: position.revision, objects: objects.flat(), lists: listed };
    if (!changes || changes.since < position.floor) return snapshot;
    return { ...snapshot, changes: await this.pageOfChanges(results[0], position) };
  }

  async changes(query: ChangesQuery): Promise<LogPage> {
    const { since } = query;
    const [found, first] = await this.run([changesStatement(query), POSITION], "read");
    const position = positionOf(first);
    const { revision, floor } = position;
    if (since < floor) throw compactedError(since, { current: revision, floor });
    return await this.pageOfChanges(found, position);
  }

  private async pageOfChanges(
    found: ResultSet | undefined,
    { revision, floor }: { revision: number; floor: number },
  ): Promise<LogPage> {
    const rows = found?.rows ?? [];
    const more = Number(rows[0]?.[CANDIDATES_AT] ?? 0) > rows.length;
    return logPage(await this.opened(rows.map((row) => this.rows.entry(row))), more, { revision, floor });
  }

  protected opened(entries: LogEntry[]): LogEntry[] | Promise<LogEntry[]> {
    return entries.some(entryNeedsOpening) ? openEntries(entries, this.cipher) : entries;
  }

  async revision(): Promise<number> {
    const [position] = await this.run([POSITION], "read");
    return positionOf(position).revision;
  }
}

class SqlLog extends SqlReader implements StorageWriter {
  private readonly clock: Clock;
  private readonly log: Log;

  constructor({ database, cipher, clock, log }: SqlLogDeps) {
    super({ database, cipher });
    this.clock = clock;
    this.log = log;
  }

  async commit(
    writes: readonly PreparedWrite[],
    tail: { since: number; limit: number },
  ): Promise<{ outcomes: WriteOutcome[]; tail: LogPage }> {
    const { cipher } = this;
    if (!isCovered(writes, cipher)) return await this.store(writes, { writes, tail, guard: [] });
    try {
      return await this.storeSealed(writes, { cipher, tail });
    } catch (error) {
      // Perhaps the guard refused it: the keys were rotated.
      const stored = error instanceof StorageError && error.outcomeUnknown;
      if (stored || !(await cipher.reload())) throw error;
      return await this.storeSealed(writes, { cipher, tail });
    }
  }

  private async storeSealed(
    writes: readonly PreparedWrite[],
    { cipher, tail }: { cipher: ValueCipher; tail: { since: number; limit: number } },
  ): Promise<{ outcomes: WriteOutcome[]; tail: LogPage }> {
    const guard = [guardStatement(cipher.writingKey())];
    return await this.store(await sealedWrites(writes, cipher), { writes, tail, guard });
  }

  /** `stored` are the writes as they go to SQL, `writes` as they were given: their values need not be read back. */
  private async store(
    stored: readonly PreparedWrite[],
    rest: { writes: readonly PreparedWrite[]; tail: { since: number; limit: number }; guard: readonly Statement[] },
  ): Promise<{ outcomes: WriteOutcome[]; tail: LogPage }> {
    const { writes, guard } = rest;
    const { since, limit } = rest.tail;
    const writtenMs = this.clock.now();
    const values = valuesOf(writes);
    const own = stored.map((write) => [writeStatement(write, writtenMs), ...companionStatements(write, writtenMs)]);
    const statements = [
      ...guard,
      ...own.flat(),
      { sql: TAIL, args: [writes.length === 0 ? NO_WRITE_IDS : JSON.stringify([...values.keys()]), since, limit + 1] },
      POSITION,
    ];
    const results = await this.run(statements, writes.length === 0 ? "read" : "write");
    const rows = results.at(-2)?.rows ?? [];
    const read = this.opened(rows.slice(0, limit).map((row) => this.rows.entry(row, (writeId) => values.get(writeId))));
    const entries = Array.isArray(read) ? read : await read;
    const tail = logPage(entries, rows.length > limit, positionOf(results.at(-1)));
    let next = guard.length;
    const answers = own.map(({ length }) => results[(next += length) - length]);
    return { outcomes: await this.outcomesOf(writes, answers), tail };
  }

  /** Asks for the reasons of what lost in one extra read: losing is rare, and winners should not pay for it. */
  private async outcomesOf(
    writes: readonly PreparedWrite[],
    results: readonly (ResultSet | undefined)[],
  ): Promise<WriteOutcome[]> {
    const outcomes = writes.map((_, at): WriteOutcome | undefined => {
      const revision = results[at]?.rows[0]?.[0];
      return typeof revision === "number" ? { ok: true, revision } : undefined;
    });
    const lost = writes.filter((_, at) => outcomes[at] === undefined);
    if (lost.length === 0) return outcomes.filter((outcome) => outcome !== undefined);
    const reasons = await this.reasonsOf(lost);
    return outcomes.map((outcome) => outcome ?? reasons.shift() ?? { ok: false, reason: "conflict" });
  }

  /** Never fails: the batch is committed, and its winners must learn of it. */
  private async reasonsOf(lost: readonly PreparedWrite[]): Promise<WriteOutcome[]> {
    try {
      const answers = await this.run(lost.map(reasonStatement), "read");
      return lost.map((write, at) => reasonOf(write, firstRow(answers[at])));
    } catch (error) {
      this.log.warn("could not read why writes lost", { error });
      return lost.map(({ op }) => ({ ok: false, reason: op === "create" ? "exists" : "conflict" }));
    }
  }

  async lookup(writeIds: readonly string[], { since }: { since: number } = { since: 0 }): Promise<Map<string, number>> {
    const [found] = await this.run([{ sql: LOOKUP, args: [since, JSON.stringify(writeIds)] }], "read");
    return new Map((found?.rows ?? []).map(([writeId, revision]) => [writeId as string, revision as number]));
  }

  async compact(request: { floor: number; limit: number }): Promise<{ removed: number; done: boolean }> {
    const [, deleted] = await this.run(compactionStatements(request), "write");
    const removed = deleted?.rowsAffected ?? 0;
    return { removed, done: removed < request.limit };
  }

  async expired({ nowMs, limit }: { nowMs: number; limit: number }): Promise<StoredObject[]> {
    const [found] = await this.run([{ sql: EXPIRED, args: [nowMs, limit] }], "read");
    return this.objectsOf(found);
  }

  async nextExpiry(): Promise<number | undefined> {
    const [next] = await this.run([NEXT_EXPIRY], "read");
    const expiresMs = next?.rows[0]?.[0];
    return typeof expiresMs === "number" ? expiresMs : undefined;
  }

  async mark(): Promise<number> {
    const [marked] = await this.run([{ sql: MARK, single: true }], "write");
    return firstRow(marked)[0] as number;
  }

  async floor(): Promise<number> {
    const [position] = await this.run([POSITION], "read");
    return positionOf(position).floor;
  }

  async revisionAt(timeMs: number, query?: { since: number }): Promise<number> {
    if (query === undefined) {
      const [newest] = await this.run([{ sql: NEWEST_BEFORE, args: [timeMs], single: true }], "read");
      return Number(newest?.rows[0]?.[0] ?? 0);
    }
    const first = { sql: FIRST_AFTER, args: [query.since, timeMs], single: true };
    const [position, after] = await this.run([POSITION, first], "read");
    const revision = after?.rows[0]?.[0];
    return typeof revision === "number" ? revision - 1 : positionOf(position).revision;
  }
}

interface ChangesQuery {
  since: number;
  limit: number;
  bytesMax?: number;
  resource?: string;
}

function changesStatement({ since, limit, bytesMax = Number.MAX_SAFE_INTEGER, resource }: ChangesQuery): Statement {
  const args = [NO_WRITE_IDS, since, limit + 1, bytesMax];
  return resource === undefined ? { sql: CHANGES, args } : { sql: CHANGES_OF_RESOURCE, args: [...args, resource] };
}

function getOneStatement({ resource, namespace, name }: ObjectKey): Statement {
  return { sql: GET_ONE, args: [resource, namespace, name], single: true };
}

function logPage(entries: LogEntry[], more: boolean, position: { revision: number; floor: number }): LogPage {
  const last = entries.at(-1);
  return { entries, more, floor: position.floor, revision: more && last ? last.revision : position.revision };
}

function firstRow(result: ResultSet | undefined) {
  const row = result?.rows[0];
  if (row === undefined) throw new StorageError("unavailable", "the database has no schema: it was never migrated");
  return row;
}

function positionOf(result: ResultSet | undefined): { revision: number; floor: number } {
  const [revision, floor] = firstRow(result);
  return { revision: revision as number, floor: floor as number };
}

function keyOfRow([resource, namespace, name]: ResultSet["rows"][number]): ObjectKey {
  return { resource: resource as string, namespace: namespace as string, name: name as string };
}

function countOf(result: ResultSet): number {
  return result.rows[0]?.[0] as number;
}

function counted({ limit, selector, following, counted: wanted = true }: ListQuery): boolean {
  return (
    wanted &&
    limit !== undefined &&
    following === undefined &&
    (selector === undefined || selector.labels.length + selector.fields.length === 0)
  );
}

function pageOf(
  { limit, following }: ListQuery,
  found: StoredObject[],
  { revision, total }: { revision: number; total: number | undefined },
): ListPage {
  if (limit === undefined || found.length <= limit) return { objects: found, revision, more: false };
  const page = { objects: found.slice(0, limit), revision, more: true };
  const all = total ?? following;
  return all === undefined ? page : { ...page, remaining: all - limit };
}

function compactedError(since: number, { current, floor }: { current: number; floor: number }): StorageError {
  return new StorageError("compacted", `revision ${since} is older than ${floor}, the oldest kept`, { current, floor });
}
