/**
 * Ends what is open for whoever is no longer let in: watches, logs that are followed, exec, port-forward. Nothing looks for it; whoever
 * revokes tells the clusters concerned. That it is to be told is written in the batch that revokes, so that it is told whoever dies in between:
 * a note stays until all clusters know, and somebody who does not die with this process has been asked beforehand to look for notes.
 */
import type { Revocation } from "../machinery/opener.ts";
import type { Clock, Log, Random } from "../platform/platform.ts";
import type { Database, Statement } from "../storage/database.ts";
import type { ClusterHost } from "./accounts.ts";
import { userName } from "./principals.ts";
import { shape } from "./rows.ts";
import { newId } from "./secrets.ts";

/** Who is revoked: a token, a member who leaves an organisation or may do less in it, a person in all of theirs. */
export type Revoked = { token: string } | { organisation: string; person: string } | { person: string };

export interface Disconnect {
  /** Before it is revoked. Never throws: whatever else fails, it can be revoked. */
  prepare(revoked: Revoked): Promise<Note>;
  /** Tells what others have left untold. `left`: there is something still. @throws DatabaseError */
  catchUp(): Promise<{ left: boolean }>;
}

export interface Note {
  /** Stands before those that revoke, in their batch. */
  statement: Statement;
  /** It has been revoked: tells the clusters. Never throws: what is not told now is told later. */
  tell(): Promise<void>;
  /** It has not been. */
  cancel(): Promise<void>;
}

/**
 * Has `catchUp` called in a few seconds, and until what is under way now must have ended, though this process may be dead by then. Absent
 * where all that is open dies with the process.
 */
export type Remind = () => Promise<void>;

/** Of one revocation: calls under way at once, and clusters at all (the edge allows a request a thousand calls). */
const AT_ONCE = 16;
const CLUSTERS_MAX = 900;
const TRIES = 3;
const CAUGHT_UP_AT_ONCE_MAX = 20;
/** By then no watch and no stream of before is left (http/watch.ts: an hour at most; streams end with their sockets). */
const GIVEN_UP_MS = 24 * 3_600_000;

const READY = `SELECT id FROM clusters WHERE state <> 'deleting' AND organisation`;

interface Untold {
  id: number;
  credential: string | null;
  person: string;
  organisation: string | null;
  cluster: string | null;
  madeMs: number;
}
const UNTOLD = shape<Untold>({
  id: "id",
  credential: "credential",
  person: "person",
  organisation: "organisation",
  cluster: "cluster",
  madeMs: "made_ms",
});

export interface DisconnectDeps {
  database: Database;
  host: Pick<ClusterHost, "disconnect">;
  clock: Clock;
  random: Random;
  log: Log;
  remind?: Remind | undefined;
}

export function createDisconnect(deps: DisconnectDeps): Disconnect {
  const { database, clock, random, log, remind } = deps;

  async function untold(where: string, args: Statement["args"] = []): Promise<Untold[]> {
    const sql = `SELECT ${UNTOLD.columns()} FROM revocations ${where}`;
    const [found] = await database.batch([{ sql, args: [...args] }], "read");
    return UNTOLD.readAll(found);
  }

  async function tellOf(note: string): Promise<void> {
    try {
      for (const one of await untold("WHERE note = ?", [note])) await settle(deps, one);
    } catch (error) {
      log.error("the clusters of a revoked credential are told later", { error });
    }
  }

  async function cancel(note: string): Promise<void> {
    try {
      await database.batch([{ sql: "DELETE FROM revocations WHERE note = ?", args: [note] }], "write");
    } catch (error) {
      log.warn("somebody who was not revoked may be cut off, and may come again", { error });
    }
  }

  return {
    async prepare(revoked) {
      const note = newId(random, "rev");
      try {
        await remind?.();
      } catch (error) {
        log.error("nobody will see to a revocation if this process ends in it", { error });
      }
      const statement = noteOf(revoked, { note, nowMs: clock.now() });
      return { statement, tell: () => tellOf(note), cancel: () => cancel(note) };
    },
    async catchUp() {
      const found = await untold(`ORDER BY id LIMIT ${CAUGHT_UP_AT_ONCE_MAX}`);
      const settled = [];
      for (const one of found) settled.push(await settle(deps, one));
      return { left: settled.includes(false) || found.length === CAUGHT_UP_AT_ONCE_MAX };
    },
  };
}

const COLUMNS = "INSERT INTO revocations (note, credential, person, organisation, cluster, made_ms)";

function noteOf(revoked: Revoked, { note, nowMs }: { note: string; nowMs: number }): Statement {
  if ("token" in revoked) {
    const sql = `${COLUMNS} SELECT ?1, id, person, organisation, cluster, ?2 FROM tokens WHERE id = ?3`;
    return { sql, args: [note, nowMs, revoked.token] };
  }
  if ("organisation" in revoked) {
    const sql = `${COLUMNS} VALUES (?1, NULL, ?3, ?4, NULL, ?2)`;
    return { sql, args: [note, nowMs, revoked.person, revoked.organisation] };
  }
  const sql = `${COLUMNS} SELECT ?1, NULL, person, organisation, NULL, ?2 FROM members WHERE person = ?3`;
  return { sql, args: [note, nowMs, revoked.person] };
}

/** Resolves with whether it is settled: every cluster was told, or it is too old to matter. */
async function settle(deps: DisconnectDeps, one: Untold): Promise<boolean> {
  const { database, clock, log } = deps;
  const isOver = clock.now() - one.madeMs > GIVEN_UP_MS;
  if (isOver) log.error("clusters were never told of a revocation", { revocation: one.id });
  if (!isOver && !(await tellAll(deps, await clustersOf(database, one), revocationOf(one)))) return false;
  await database.batch([{ sql: "DELETE FROM revocations WHERE id = ?", args: [one.id] }], "write");
  return true;
}

function revocationOf({ credential, person }: Untold): Revocation {
  return credential === null ? { users: [userName(person)] } : { credentials: [credential] };
}

async function clustersOf(database: Database, { cluster, organisation, person }: Untold): Promise<string[]> {
  if (cluster !== null) return [cluster];
  const of =
    organisation === null
      ? { sql: `${READY} IN (SELECT organisation FROM members WHERE person = ?)`, args: [person] }
      : { sql: `${READY} = ?`, args: [organisation] };
  const [found] = await database.batch([{ ...of, sql: `${of.sql} LIMIT ${CLUSTERS_MAX + 1}` }], "read");
  return (found?.rows ?? []).map(([id]) => String(id));
}

/** Resolves with whether all of them know. */
async function tellAll(deps: DisconnectDeps, ids: readonly string[], revocation: Revocation): Promise<boolean> {
  if (ids.length > CLUSTERS_MAX)
    deps.log.error("too many clusters to be told of a revocation", { clustersMax: CLUSTERS_MAX });
  const rest = ids.slice(0, CLUSTERS_MAX);
  let all = true;
  const worker = async (): Promise<void> => {
    for (let id = rest.pop(); id !== undefined; id = rest.pop()) all = (await tell(deps, id, revocation)) && all;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return all;
}

async function tell({ host, log }: DisconnectDeps, id: string, revocation: Revocation): Promise<boolean> {
  for (let tried = 1; ; tried++) {
    try {
      await host.disconnect(id, revocation);
      return true;
    } catch (error) {
      if (tried < TRIES) continue;
      log.error("what was opened with a revoked credential may be open still", { cluster: id, error });
      return false;
    }
  }
}
