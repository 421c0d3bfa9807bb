/** The whole control plane in one process: database, hub, relay, API, control loops, one TLS port. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { createApp, type App } from "../../app.ts";
import { bootstrapCluster } from "../../bootstrap.ts";
import { DEFAULT_CLUSTER_CONFIG, type Cluster, type ClusterConfig } from "../../cluster.ts";
import { createHub, type ClusterHub } from "../../hub/cluster-hub.ts";
import { createMaintenanceSchedule } from "../../hub/maintenance-schedule.ts";
import { measuredDatabase } from "../../metrics/measured-database.ts";
import { createMetrics } from "../../metrics/metrics.ts";
import { createLoops } from "../../loops.ts";
import { kinds } from "../../kinds/index.ts";
import { loadClusterKeys } from "../../pki/load-cluster-keys.ts";
import { createCachedReader } from "../../registry/cached-reader.ts";
import { createScheme } from "../../registry/scheme.ts";
import { createPresenter } from "../../registry/stored-form.ts";
import { issueServerIdentity } from "../../pki/server-identity.ts";
import { DatabaseError, type Database } from "../../storage/database.ts";
import { migrate } from "../../storage/migrate.ts";
import { createSettings } from "../../storage/settings.ts";
import { createSqlLog, createSqlReader } from "../../storage/sql-log.ts";
import type { Platform } from "../platform.ts";
import { openDataFolder } from "./data-folder.ts";
import { openDatabase } from "./libsql-database.ts";
import { createServerSockets } from "./server-sockets.ts";
import { startServer, StartupError } from "./server.ts";
import { createNodeStreamBroker, type NodeStreamBroker } from "./stream-broker.ts";
import { createNodeTunnels } from "./tunnels.ts";
import { createUpgrades } from "./upgrade.ts";

export interface ControlPlane {
  url: string;
  /** PEM */
  clusterCa: string;
  /** Bearer token of the administrator. */
  adminToken: string;
  /** Ends watches between events, closes tunnels, finishes writes. Idempotent. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 2_000;

/** @throws StartupError with one line for people */
export async function startControlPlane(options: {
  platform: Platform;
  /** Folder of the data; made when missing. */
  data: string;
  host: string;
  /** 0 lets the system choose. */
  port: number;
  config?: Partial<ClusterConfig>;
  /** Who wants to see what goes to SQL puts himself in between. */
  watchDatabase?: (database: Database) => Database;
}): Promise<ControlPlane> {
  const { platform, host } = options;
  const { clock, random, timers, log } = platform;
  const folder = await openDataFolder(options.data);
  const opened = await openExclusively(join(folder.path, "cluster.db"));
  const database = options.watchDatabase?.(opened) ?? opened;
  const undo: (() => unknown)[] = [() => database.close()];
  const stopAll = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    await migrate(database);
    const metrics = createMetrics();
    const storage = createSqlLog({ database: measuredDatabase(database, { metrics, clock }), clock, log });
    const keys = await loadClusterKeys({
      settings: createSettings({ database }),
      masterKey: folder.masterKey,
      clock,
      random,
    });
    const hub = createHub({ storage, clock, timers, log, present: createPresenter(createScheme(kinds)) });
    await hub.start();
    undo.push(() => hub.stop());

    const upgrades = createUpgrades({ random, log });
    let broker: NodeStreamBroker | undefined;
    const tunnels = createNodeTunnels({ upgrades, clock, timers, log, refused: (answer) => broker?.refused(answer) });
    broker = createNodeStreamBroker({ tunnels, upgrades, timers, random });
    undo.push(hub.onCommit((entries) => tunnels.committed(entries)));

    // Listening comes first: the API's address is part of what it serves. Whoever calls before it is ready waits a moment.
    const ready = Promise.withResolvers<App>();
    ready.promise.catch(() => {});
    const fetch = async (request: Request): Promise<Response> => (await ready.promise).fetch(request);
    const identity = await issueServerIdentity({ keys, clock, cluster: DEFAULT_CLUSTER_CONFIG, hosts: [host] });
    const server = await startServer({
      host,
      port: options.port,
      identity: { key: identity.keyPem, certificate: identity.certificatePem },
      fetch,
    });
    undo.push(() => server.stop(STOP_GRACE_MS));
    undo.push(() => tunnels.close());
    undo.push(upgrades.attach(server.http, fetch));

    const config: ClusterConfig = {
      ...DEFAULT_CLUSTER_CONFIG,
      adminTokenHashes: [createHash("sha256").update(folder.adminToken).digest("hex")],
      serverUrl: `https://${host.includes(":") ? `[${host}]` : host}:${server.port}`,
      issuer: "https://kubernetes.default.svc.cluster.local",
      ...options.config,
    };
    const { stream } = broker;
    // Sound only because this process is the database's sole writer.
    const reader = await createCachedReader({ storage, onCommit: (listener) => hub.onCommit(listener) });
    const cluster: Cluster = {
      id: "default",
      storage: reader,
      hub,
      onCommit: (listener) => undo.push(hub.onCommit(listener)),
      presence: tunnels,
      streams: broker,
      sockets: createServerSockets(upgrades),
      keys,
      platform,
      config,
      metrics,
      readerOf: (watchPolicy) => createSqlReader({ database, ...(watchPolicy ? { watchPolicy } : {}) }),
    };
    const app = createApp(cluster, {
      agents: {
        sockets: { tunnel: async (_request, nodeName) => tunnels.accept(nodeName), stream },
        seen: (nodeName) => tunnels.seen(nodeName),
        changes: (query) => storage.changes(query),
      },
    });
    await bootstrapCluster(cluster, app);
    ready.resolve(app);

    const loops = createLoops({ cluster, app });
    loops.start();
    undo.push(() => loops.stop());
    undo.push(maintain(platform, hub));
    return { url: config.serverUrl, clusterCa: keys.clusterCa, adminToken: folder.adminToken, stop: stopAll };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function openExclusively(path: string) {
  try {
    return await openDatabase({ path, writesInThread: true });
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const why =
      error.code === "in-use" ? "another Gantry is running on this data folder" : "the database cannot be opened";
    throw new StartupError(`${why}: ${path}`, { cause: error });
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
