/**
 * Ends what is open for whoever is no longer let in: watches, logs that are followed, exec, port-forward. Nothing looks for it; whoever
 * revokes tells the clusters concerned.
 */
import type { Revocation } from "../machinery/opener.ts";
import type { Log } from "../platform/platform.ts";
import type { Database, Statement } from "../storage/database.ts";
import type { ApiToken, ClusterHost } from "./accounts.ts";
import { userName } from "./principals.ts";

export interface Disconnect {
  /** After the token was revoked. Never throws: by then the token is gone, whatever else fails. */
  token(token: Pick<ApiToken, "id" | "kind" | "person" | "organisation" | "cluster">): Promise<void>;
  /** After a person has left an organisation, or may do less in it. */
  member(at: { organisation: string; person: string }): Promise<void>;
}

/** Of one revocation: calls under way at once, and clusters at all (the edge allows a request a thousand calls). */
const AT_ONCE = 16;
const CLUSTERS_MAX = 900;
const TRIES = 3;

const READY = `SELECT id FROM clusters WHERE state <> 'deleting' AND organisation`;

export function createDisconnect(deps: {
  database: Database;
  host: Pick<ClusterHost, "disconnect">;
  log: Log;
}): Disconnect {
  const { database, host, log } = deps;

  async function clustersOf(statement: Statement): Promise<string[]> {
    const [found] = await database.batch([{ ...statement, sql: `${statement.sql} LIMIT ${CLUSTERS_MAX + 1}` }], "read");
    return (found?.rows ?? []).map(([id]) => String(id));
  }

  async function tell(id: string, revocation: Revocation): Promise<void> {
    for (let tried = 1; ; tried++) {
      try {
        return await host.disconnect(id, revocation);
      } catch (error) {
        if (tried === TRIES)
          return log.error("what was opened with a revoked credential may be open still", { cluster: id, error });
      }
    }
  }

  async function tellAll(clusters: () => Promise<string[]>, revocation: Revocation): Promise<void> {
    try {
      const ids = await clusters();
      if (ids.length > CLUSTERS_MAX)
        log.error("too many clusters to be told of a revocation", { clustersMax: CLUSTERS_MAX });
      const rest = ids.slice(0, CLUSTERS_MAX);
      const worker = async (): Promise<void> => {
        for (let id = rest.pop(); id !== undefined; id = rest.pop()) await tell(id, revocation);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    } catch (error) {
      log.error("the clusters of a revoked credential are not known", { error });
    }
  }

  return {
    async token({ id, person, organisation, cluster }) {
      const clusters = async (): Promise<string[]> => {
        if (cluster !== null) return [cluster];
        if (organisation !== null) return await clustersOf({ sql: `${READY} = ?`, args: [organisation] });
        return await clustersOf({
          sql: `${READY} IN (SELECT organisation FROM members WHERE person = ?)`,
          args: [person],
        });
      };
      await tellAll(clusters, { credentials: [id] });
    },
    async member({ organisation, person }) {
      await tellAll(() => clustersOf({ sql: `${READY} = ?`, args: [organisation] }), { users: [userName(person)] });
    },
  };
}
