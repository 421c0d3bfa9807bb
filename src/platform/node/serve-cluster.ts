/** One cluster in this process: log, hub, relay, API and control loops over a database that only this process writes. */
import { createApp, type App } from "../../app.ts";
import type { Authenticator } from "../../authn/authenticator.ts";
import { createAudit } from "../../audit/audit.ts";
import { bootstrapCluster } from "../../bootstrap.ts";
import type { Cluster, ClusterConfig } from "../../cluster.ts";
import { createHub, type ClusterHub } from "../../hub/cluster-hub.ts";
import { createMaintenanceSchedule } from "../../hub/maintenance-schedule.ts";
import { revokedByDeletion } from "../../hub/revoked-by-deletion.ts";
import { kinds } from "../../kinds/index.ts";
import { createLoops } from "../../loops.ts";
import type { Revocation } from "../../machinery/opener.ts";
import { measuredDatabase } from "../../metrics/measured-database.ts";
import { createMetrics } from "../../metrics/metrics.ts";
import type { ClusterKeys } from "../../pki/cluster-keys.ts";
import { createCachedReader } from "../../registry/cached-reader.ts";
import { createScheme } from "../../registry/scheme.ts";
import { createPresenter } from "../../registry/stored-form.ts";
import type { Database } from "../../storage/database.ts";
import { reencryptSlice } from "../../storage/reencryption.ts";
import { createSqlLog, createSqlReader } from "../../storage/sql-log.ts";
import type { Platform } from "../platform.ts";
import { clientAddressOf } from "./client-address.ts";
import { createServerSockets } from "./server-sockets.ts";
import { createNodeStreamBroker, type NodeStreamBroker } from "./stream-broker.ts";
import { createNodeTunnels } from "./tunnels.ts";
import type { Upgrades } from "./upgrade.ts";

export interface ServedCluster {
  app: App;
  /** Are watches of clients open, or nodes connected? */
  isUsed(): Promise<boolean>;
  /** Ends what these have opened: watches and streams. */
  revoke(revocation: Revocation): void;
  /** Ends what works by itself: maintenance, control loops, tunnels. Requests are answered still. Idempotent. */
  quiet(): Promise<void>;
  /** Ends streams, and watches between events, and finishes writes, after `quiet`. The database stays open. Idempotent. */
  stop(): Promise<void>;
}

/** The database has been migrated. */
export async function serveCluster(options: {
  id: string;
  database: Database;
  keys: ClusterKeys;
  config: ClusterConfig;
  platform: Platform;
  upgrades: Upgrades;
  /** Beside those that every cluster has. */
  authenticators?: readonly Authenticator[];
  /** Of the cluster whose authority the server asks its clients for. */
  clientCertificate?: Cluster["clientCertificate"];
}): Promise<ServedCluster> {
  const { id, database, keys, config, platform, upgrades, clientCertificate, authenticators = [] } = options;
  const { clock, random, timers, log } = platform;
  const metrics = createMetrics();
  const cipher = keys.values;
  const measured = measuredDatabase(database, { metrics, clock });
  const storage = createSqlLog({ database: measured, clock, log, cipher });
  const hub = createHub({ storage, clock, timers, log, present: createPresenter(createScheme(kinds)) });
  let broker: NodeStreamBroker | undefined;
  const restless: (() => unknown)[] = [];
  const quiet = async (): Promise<void> => {
    for (const step of restless.splice(0).toReversed()) await step();
  };
  const stop = async (): Promise<void> => {
    await quiet();
    broker?.close();
    await hub.stop();
  };
  try {
    await hub.start();
    const tunnels = createNodeTunnels({ upgrades, clock, timers, log, refused: (answer) => broker?.refused(answer) });
    broker = createNodeStreamBroker({ tunnels, upgrades, clock, timers, random });
    const revoke = (revocation: Revocation): void => {
      hub.revoke(revocation);
      broker?.revoke(revocation);
    };
    hub.onCommit((entries) => {
      tunnels.committed(entries);
      const revocation = revokedByDeletion(entries);
      if (revocation) revoke(revocation);
    });
    restless.push(() => tunnels.close());
    const { stream } = broker;
    const audit = createAudit({ database: measured, clock, timers, log }, config.audit);
    restless.push(() => audit.trail.flush());
    const cluster: Cluster = {
      id,
      audit,
      clientAddress: clientAddressOf,
      ...(clientCertificate ? { clientCertificate } : {}),
      // Sound only because this process is the database's sole writer.
      storage: await createCachedReader({ storage, onCommit: (listener) => hub.onCommit(listener) }),
      hub,
      onCommit: (listener) => hub.onCommit(listener),
      presence: tunnels,
      streams: broker,
      sockets: createServerSockets(upgrades),
      keys,
      reencrypt: (slice) => reencryptSlice({ database: measured, cipher }, slice),
      platform,
      config,
      metrics,
      readerOf: (watchPolicy) => createSqlReader({ database, cipher, ...(watchPolicy ? { watchPolicy } : {}) }),
    };
    const app = createApp(cluster, {
      authenticators,
      agents: {
        sockets: { tunnel: async (_request, nodeName) => tunnels.accept(nodeName), stream },
        seen: (nodeName) => tunnels.seen(nodeName),
      },
    });
    await bootstrapCluster(cluster, app);
    const loops = createLoops({ cluster, app });
    loops.start();
    restless.push(() => loops.stop());
    restless.push(maintain(platform, hub));
    const isUsed = async () => hub.stats().clients > 0 || Object.keys(await tunnels.lastSeen()).length > 0;
    return { app, isUsed, revoke, quiet, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Compaction and expiry, as long as there is something to come. */
function maintain({ clock, timers, log }: Platform, hub: ClusterHub): () => void {
  let cancel: (() => void) | undefined;
  let stopped = false;
  const schedule = createMaintenanceSchedule({
    clock,
    log,
    setAlarm: (atMs) => {
      if (stopped) return;
      cancel?.();
      cancel = timers.after(atMs - clock.now(), () => void schedule.alarm());
    },
    run: () => hub.maintain({ nowMs: clock.now() }),
  });
  const unsubscribe = hub.onCommit(() => schedule.committed());
  // For what was written before this start.
  schedule.committed();
  return () => {
    stopped = true;
    unsubscribe();
    cancel?.();
  };
}
