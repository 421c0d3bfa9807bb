/**
 * The clusters of organisations. A row says what is to be; making and removing a database may be cut off at any point, so both can be taken
 * up again from the row alone (`finish`).
 */
import { MASTERS_GROUP } from "../authn/authenticator.ts";
import type { Clock, Log, Random } from "../platform/platform.ts";
import type { Database, Statement } from "../storage/database.ts";
import { AccountsError, type ClusterHost, type ClusterRecord } from "./accounts.ts";
import type { Remind } from "./disconnect.ts";
import { prepareCluster } from "./cluster-roles.ts";
import { pageOf, type Page, type PageQuery } from "./pages.ts";
import { shape } from "./rows.ts";
import { isId, newId } from "./secrets.ts";

export interface Clusters {
  /**
   * Resolves when its API answers. `key`: of one wish, which makes one cluster however often it comes; what an earlier try has begun is taken
   * up. @throws AccountsError "conflict" | "limit" | "unavailable"
   */
  create(at: { organisation: string; name: string; key?: string | undefined }): Promise<ClusterRecord>;
  /** Undefined where there is none. */
  find(id: string): Promise<ClusterRecord | undefined>;
  list(organisations: readonly string[], query: PageQuery): Promise<Page<ClusterRecord>>;
  /** @throws AccountsError "conflict" | "not-found" */
  rename(id: string, name: string): Promise<ClusterRecord>;
  /** From the first statement on nobody gets in; resolves when the database is gone. @throws AccountsError "unavailable" */
  delete(id: string): Promise<void>;
  /** Called in this process when one begins to be removed: whoever remembers it forgets it. Returns the undo. */
  onRemoval(listener: (id: string) => void): () => void;
  /** Opens each once, one after the other. @throws what the first that fails throws */
  openAll(): Promise<void>;
  /** Those that have been begun, whoever is at it: what is open in a removed cluster is to end. */
  finishRemovals(): Promise<void>;
  /** Takes up what was left half-way by a process that ended. `forMs`: nobody has been at it for so long. */
  finish(query: { forMs: number }): Promise<void>;
}

/** Nobody works so long on one cluster. */
export const ABANDONED_MS = 60_000;
const FINISHED_AT_ONCE_MAX = 20;
/** A key is remembered for as long as its answer is (api/idempotency.ts). */
const KEY_MS = 24 * 3_600_000;
/** A creation that nobody waits for any more may make its database after the removal of its cluster, but not so many times later. */
const LATE_TIMES = 10;
const OPENED_PAGE = 100;
export const CLUSTERS_MAX = 100;

export const CLUSTER = shape<ClusterRecord>({
  id: "id",
  organisation: "organisation",
  name: "name",
  state: "state",
  createdMs: "created_ms",
  changedMs: "changed_ms",
});
const COLUMNS = CLUSTER.columns();

export interface ClustersDeps {
  database: Database;
  host: ClusterHost;
  clock: Clock;
  random: Random;
  log: Log;
  /** Has `finishRemovals` called; see disconnect.ts. */
  remind?: Remind | undefined;
}

export function createClusters(deps: ClustersDeps): Clusters {
  const { database, clock, random } = deps;
  const listeners = new Set<(id: string) => void>();
  const run = async (...statements: Statement[]) => await database.batch(statements, "write");

  async function find(id: string): Promise<ClusterRecord | undefined> {
    if (!isId(id)) return undefined;
    const sql = `SELECT ${COLUMNS} FROM clusters WHERE id = ?`;
    const [found] = await database.batch([{ sql, args: [id], single: true }], "read");
    return CLUSTER.readOne(found);
  }

  async function begin(at: { organisation: string; name: string; key?: string | undefined }): Promise<ClusterRecord> {
    const { organisation, name, key = null } = at;
    const nowMs = clock.now();
    const ofKey = `organisation = ?1 AND creation_key = ?2 AND created_ms > ?3 AND state <> 'deleting'`;
    const insert = `INSERT INTO clusters (id, organisation, name, state, created_ms, changed_ms, creation_key)
      SELECT ?4, ?1, ?5, 'creating', ?6, ?6, ?2 WHERE EXISTS (SELECT 1 FROM organisations WHERE id = ?1)
        AND NOT EXISTS (SELECT 1 FROM clusters WHERE ${ofKey})
        AND (SELECT count(*) FROM clusters WHERE organisation = ?1) < ${CLUSTERS_MAX}
      ON CONFLICT (organisation, name) DO NOTHING RETURNING ${COLUMNS}`;
    const wish = [organisation, key, nowMs - KEY_MS];
    const [begun, taken, made] = await run(
      { sql: `SELECT ${COLUMNS} FROM clusters WHERE ${ofKey}`, args: wish },
      { sql: "SELECT 1 FROM clusters WHERE organisation = ? AND name = ?", args: [organisation, name] },
      { sql: insert, args: [...wish, newId(random, "cl"), name, nowMs] },
    );
    const record = CLUSTER.readOne(begun) ?? CLUSTER.readOne(made);
    if (record) return record;
    if (taken?.rows.length) throw nameTaken(name);
    throw new AccountsError("limit", `an organisation has at most ${CLUSTERS_MAX} clusters`);
  }

  return {
    async create(at) {
      const record = await begin(at);
      if (record.state === "ready") return record;
      try {
        return await make(deps, record);
      } catch (cause) {
        deps.log.error("a cluster could not be created", { cluster: record.id, error: cause });
        await abandon(deps, record.id).catch((error: unknown) =>
          deps.log.warn("it will be removed later", { cluster: record.id, error }),
        );
        throw new AccountsError("unavailable", "the cluster could not be created now, please try again", { cause });
      }
    },
    find,
    async list(organisations, query) {
      const { limit, after } = query;
      const sql = `SELECT ${COLUMNS} FROM clusters WHERE organisation IN (SELECT value FROM json_each(?1))
        AND (created_ms, id) > (?2, ?3) AND state <> 'deleting' ORDER BY created_ms, id LIMIT ?4`;
      const args = [JSON.stringify(organisations), after.createdMs, after.id, limit + 1];
      const [found] = await database.batch([{ sql, args }], "read");
      return pageOf(CLUSTER.readAll(found), query, (cluster) => cluster);
    },
    async rename(id, name) {
      const sql = `UPDATE OR IGNORE clusters SET name = ?2 WHERE id = ?1 AND state <> 'deleting'`;
      const [, after] = await run(
        { sql, args: [id, name] },
        { sql: `SELECT ${COLUMNS} FROM clusters WHERE id = ? AND state <> 'deleting'`, args: [id] },
      );
      const record = CLUSTER.readOne(after);
      if (!record) throw new AccountsError("not-found", "there is no such cluster");
      if (record.name !== name) throw nameTaken(name);
      return record;
    },
    async delete(id) {
      try {
        await deps.remind?.().catch((error: unknown) => deps.log.warn("a removal is seen to later", { error }));
        await remove(deps, id, listeners);
      } catch (cause) {
        deps.log.error("a cluster could not be removed", { cluster: id, error: cause });
        throw new AccountsError("unavailable", "its data could not be removed yet, which will be done later", {
          cause,
        });
      }
    },
    onRemoval(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async openAll() {
      let after = { createdMs: -1, id: "" };
      for (;;) {
        const sql = `SELECT ${COLUMNS} FROM clusters WHERE (created_ms, id) > (?, ?) AND state = 'ready'
          ORDER BY created_ms, id LIMIT ${OPENED_PAGE}`;
        const [found] = await database.batch([{ sql, args: [after.createdMs, after.id] }], "read");
        const page = CLUSTER.readAll(found);
        for (const record of page) await deps.host.open(record);
        const last = page.at(-1);
        if (!last || page.length < OPENED_PAGE) return;
        after = last;
      }
    },
    async finishRemovals() {
      const sql = `SELECT ${COLUMNS} FROM clusters INDEXED BY clusters_unfinished WHERE state <> 'ready' AND state = 'deleting'
        LIMIT ${FINISHED_AT_ONCE_MAX}`;
      const [found] = await database.batch([{ sql }], "read");
      for (const record of CLUSTER.readAll(found)) await finishOne(deps, record);
    },
    async finish({ forMs }) {
      const abandoned = `SELECT id FROM clusters INDEXED BY clusters_unfinished
        WHERE state <> 'ready' AND changed_ms <= ? LIMIT ${FINISHED_AT_ONCE_MAX}`;
      const nowMs = clock.now();
      // Mostly there is none, and then nothing is written.
      const [seen] = await database.batch([{ sql: abandoned, args: [nowMs - forMs] }], "read");
      if (seen?.rows.length) {
        const sql = `UPDATE clusters SET changed_ms = ? WHERE id IN (${abandoned}) RETURNING ${COLUMNS}`;
        // Whoever takes one up says so in its row; another process that looks at the same time finds nothing.
        const [found] = await run({ sql, args: [nowMs, nowMs - forMs] });
        for (const record of CLUSTER.readAll(found)) await finishOne(deps, record);
      }
      await removeLate(deps, { beforeMs: nowMs - LATE_TIMES * forMs });
    },
  };
}

async function make(deps: ClustersDeps, record: ClusterRecord): Promise<ClusterRecord> {
  const { database, host, clock } = deps;
  const api = await host.create(record);
  await prepareCluster(api.clientFor({ name: "system:apiserver", groups: [MASTERS_GROUP] }), record.organisation);
  const sql = `UPDATE clusters SET state = 'ready', changed_ms = ? WHERE id = ? AND state = 'creating' RETURNING ${COLUMNS}`;
  const [updated] = await database.batch([{ sql, args: [clock.now(), record.id] }], "write");
  const ready = CLUSTER.readOne(updated) ?? (await readyMeanwhile(database, record.id));
  if (!ready) throw new Error("the cluster was removed while it was made");
  return ready;
}

/** Two may have been at it: the same wish twice, or one that was slow and one that took it for dead. */
async function readyMeanwhile(database: Database, id: string): Promise<ClusterRecord | undefined> {
  const sql = `SELECT ${COLUMNS} FROM clusters WHERE id = ? AND state = 'ready'`;
  const [found] = await database.batch([{ sql, args: [id] }], "read");
  return CLUSTER.readOne(found);
}

/** A name is free from the first statement of a removal on; no cluster's name begins like this. */
const DELETING = "state = 'deleting', name = '~' || id, changed_ms = ?2";

/** What could not be made, unless somebody else has made it meanwhile. */
async function abandon(deps: ClustersDeps, id: string): Promise<void> {
  const sql = `UPDATE clusters SET ${DELETING} WHERE id = ?1 AND state = 'creating'`;
  const [abandoned] = await deps.database.batch([{ sql, args: [id, deps.clock.now()] }], "write");
  if (abandoned?.rowsAffected) await remove(deps, id);
}

async function remove(
  { database, host, clock }: ClustersDeps,
  id: string,
  listeners: Iterable<(id: string) => void> = [],
): Promise<void> {
  await database.batch(
    [
      { sql: `UPDATE clusters SET ${DELETING} WHERE id = ?1`, args: [id, clock.now()] },
      { sql: "DELETE FROM tokens WHERE cluster = ?", args: [id] },
    ],
    "write",
  );
  for (const listener of listeners) listener(id);
  await host.destroy(id);
  // Last: as long as there is a row, somebody will see to it.
  await database.batch(
    [
      {
        sql: `INSERT INTO removed_clusters (id, removed_ms) SELECT id, ?2 FROM clusters WHERE id = ?1 AND state = 'deleting'
          ON CONFLICT DO NOTHING`,
        args: [id, clock.now()],
      },
      { sql: "DELETE FROM clusters WHERE id = ? AND state = 'deleting'", args: [id] },
    ],
    "write",
  );
}

/** Once more, for what was made after it was removed. Ids are never given out twice. */
async function removeLate({ database, host, log }: ClustersDeps, { beforeMs }: { beforeMs: number }): Promise<void> {
  const sql = `SELECT id FROM removed_clusters WHERE removed_ms <= ? ORDER BY removed_ms LIMIT ${FINISHED_AT_ONCE_MAX}`;
  const [found] = await database.batch([{ sql, args: [beforeMs] }], "read");
  for (const [value] of found?.rows ?? []) {
    const id = String(value);
    try {
      await host.destroy(id);
      await database.batch([{ sql: "DELETE FROM removed_clusters WHERE id = ?", args: [id] }], "write");
    } catch (error) {
      log.warn("what may be left of a removed cluster stays for now", { cluster: id, error });
    }
  }
}

async function finishOne(deps: ClustersDeps, record: ClusterRecord): Promise<void> {
  try {
    if (record.state === "creating") await make(deps, record);
    else await remove(deps, record.id);
  } catch (error) {
    deps.log.warn("an unfinished cluster stays so for now", { cluster: record.id, state: record.state, error });
  }
}

function nameTaken(name: string): AccountsError {
  return new AccountsError("conflict", `the organisation has a cluster named ${JSON.stringify(name)} already`);
}
