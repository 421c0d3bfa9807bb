/**
 * A host of clusters within one isolate, over namespaces of a libSQL server: everything as on the edge but the Durable Objects, which these
 * tests have none of. The hub is an object in the isolate.
 */
import type { ClusterApi, ClusterHost } from "../../src/accounts/accounts.ts";
import { clusterUrl } from "../../src/accounts/front-door.ts";
import { createAudit } from "../../src/audit/audit.ts";
import { clusterAuthenticators } from "../../src/accounts/index.ts";
import type { FetchDocument } from "../../src/authn/oidc/issuer-keys.ts";
import { createApp } from "../../src/app.ts";
import { bootstrapCluster } from "../../src/bootstrap.ts";
import { DEFAULT_CLUSTER_CONFIG, type Cluster } from "../../src/cluster.ts";
import { createHub } from "../../src/hub/cluster-hub.ts";
import { kinds } from "../../src/kinds/index.ts";
import type { Revocation } from "../../src/machinery/opener.ts";
import { loadClusterKeys } from "../../src/pki/load-cluster-keys.ts";
import type { DatabaseProvider, Platform } from "../../src/platform/platform.ts";
import { readersOf } from "../../src/platform/workers/open-cluster.ts";
import { createScheme } from "../../src/registry/scheme.ts";
import { createPresenter } from "../../src/registry/stored-form.ts";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { restoreLog } from "../../src/storage/restore.ts";
import { createSettings } from "../../src/storage/settings.ts";
import { createSqlLog } from "../../src/storage/sql-log.ts";

interface Deps {
  databases: DatabaseProvider;
  /** The accounts'. */
  database: Database;
  platform: Platform;
  baseUrl: string;
  fetchDocument: FetchDocument;
}

interface Open {
  api: ClusterApi;
  revoke(revocation: Revocation): void;
  close(): Promise<void>;
}

export function createIsolateHost(deps: Deps): ClusterHost & { stop(): Promise<void> } {
  const { databases } = deps;
  const opened = new Map<string, Promise<Open>>();
  const made = new Set<string>();

  async function open(cluster: { id: string; organisation: string }): Promise<ClusterApi> {
    const { id } = cluster;
    const one = opened.get(id) ?? openOne(deps, cluster);
    opened.set(id, one);
    try {
      return (await one).api;
    } catch (error) {
      opened.delete(id);
      throw error;
    }
  }

  async function close(id: string): Promise<void> {
    const one = opened.get(id);
    opened.delete(id);
    await (await one?.catch(() => undefined))?.close();
  }

  return {
    async create(cluster) {
      made.add(cluster.id);
      await databases.create(cluster.id);
      return await open(cluster);
    },
    open,
    async destroy(id) {
      await close(id);
      await databases.destroy(id);
      made.delete(id);
    },
    async restore(cluster, toMs) {
      await close(cluster.id);
      return await restoreLog({ database: await databases.open(cluster.id), ...deps.platform }, toMs);
    },
    async disconnect(id, revocation) {
      (await opened.get(id))?.revoke(revocation);
    },
    async stop() {
      for (const id of opened.keys()) await close(id);
      await Promise.all([...made].map((id) => databases.destroy(id)));
    },
  };
}

async function openOne(deps: Deps, asked: { id: string; organisation: string }): Promise<Open> {
  const { databases, platform, baseUrl } = deps;
  const { clock, timers, log } = platform;
  const database = await databases.open(asked.id);
  await migrate(database);
  const keys = await loadClusterKeys({
    settings: createSettings({ database }),
    masterKey: new Uint8Array(32),
    ...platform,
  });
  const storage = createSqlLog({ database, clock, log, cipher: keys.values });
  const hub = createHub({ storage, clock, timers, log, present: createPresenter(createScheme(kinds)) });
  await hub.start();
  const serverUrl = clusterUrl(baseUrl, asked.id);
  const audit = createAudit({ database, clock, timers, log }, DEFAULT_CLUSTER_CONFIG.audit);
  const cluster: Cluster = {
    id: asked.id,
    audit,
    storage,
    hub,
    presence: { lastSeen: async () => ({}) },
    streams: { open: () => Promise.reject(new Error("no node is connected")) },
    keys,
    platform,
    config: { ...DEFAULT_CLUSTER_CONFIG, serverUrl, issuer: serverUrl, adminTokenHashes: [] },
    readerOf: readersOf({ database, cipher: keys.values }),
  };
  const authenticators = clusterAuthenticators({ ...deps, clock, log, cluster: asked });
  const app = createApp(cluster, {
    authenticators,
    agents: { sockets: { tunnel: noSocket, stream: noSocket }, seen: () => {} },
  });
  await bootstrapCluster(cluster, app);
  const close = async () => {
    await audit.trail.flush();
    await hub.stop();
  };
  return { api: app, revoke: (revocation) => hub.revoke(revocation), close };
}

const noSocket = (): Promise<Response> => Promise.reject(new Error("no sockets here"));
