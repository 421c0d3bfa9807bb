/** What every isolate and object of a cluster makes of its environment, once. */
import { DEFAULT_CLUSTER_CONFIG, type ClusterConfig } from "../../cluster.ts";
import type { ClusterKeys } from "../../pki/cluster-keys.ts";
import { loadClusterKeys } from "../../pki/load-cluster-keys.ts";
import { fromBase64 } from "../../pki/encoding.ts";
import type { Database } from "../../storage/database.ts";
import { migrate } from "../../storage/migrate.ts";
import { createSqlReader, type LogReader } from "../../storage/sql-log.ts";
import { createSettings } from "../../storage/settings.ts";
import type { Platform } from "../platform.ts";
import type { Env } from "./env.ts";
import { openRemoteDatabase } from "./libsql-database.ts";

export interface OpenedCluster {
  database: Database;
  keys: ClusterKeys;
  config: ClusterConfig;
}

/** @throws StorageError "unavailable"; call it again then */
export async function openCluster(env: Env, platform: Platform): Promise<OpenedCluster> {
  const database = openRemoteDatabase({
    url: env.DATABASE_URL,
    ...(env.DATABASE_TOKEN === undefined ? {} : { authToken: env.DATABASE_TOKEN }),
  });
  await migrate(database);
  const { clock, random } = platform;
  const settings = createSettings({ database });
  const keys = await loadClusterKeys({ settings, masterKey: fromBase64(env.MASTER_KEY), clock, random });
  return { database, keys, config: configOf(env) };
}

/** See Cluster.readerOf. */
export function readersOf(database: Database): (watchPolicy?: () => (revision: number) => void) => LogReader {
  return (watchPolicy) => createSqlReader({ database, ...(watchPolicy ? { watchPolicy } : {}) });
}

function configOf(env: Env): ClusterConfig {
  return {
    ...DEFAULT_CLUSTER_CONFIG,
    serverUrl: env.SERVER_URL,
    issuer: "https://kubernetes.default.svc.cluster.local",
    adminTokenHashes: env.ADMIN_TOKEN_HASHES.split(",").filter((hash) => hash !== ""),
    ...(env.NODE_MONITOR_GRACE_SECONDS ? { nodeMonitorGraceMs: Number(env.NODE_MONITOR_GRACE_SECONDS) * 1000 } : {}),
    ...(env.NOT_READY_TOLERATION_SECONDS
      ? { notReadyTolerationSeconds: Number(env.NOT_READY_TOLERATION_SECONDS) }
      : {}),
  };
}

/** Runs `open` once; a failure is forgotten, so that the next call tries again. */
export function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
}
