/** What every isolate and object of a cluster makes of its environment, once. */
import { parsePluginChoice } from "../../admission/plugin-choice.ts";
import { DEFAULT_AUDIT_CONFIG, type AuditConfig } from "../../audit/audit.ts";
import { policyFault } from "../../audit/policy-fault.ts";
import type { AuditPolicy } from "../../audit/policy.ts";
import { DEFAULT_CLUSTER_CONFIG, type ClusterConfig } from "../../cluster.ts";
import type { ClusterKeys } from "../../pki/cluster-keys.ts";
import { loadClusterKeys } from "../../pki/load-cluster-keys.ts";
import type { MasterKeys } from "../../pki/sealing.ts";
import { fromBase64 } from "../../pki/encoding.ts";
import type { Database } from "../../storage/database.ts";
import { migrate } from "../../storage/migrate.ts";
import { createSqlReader, type LogReader } from "../../storage/sql-log.ts";
import type { ValueCipher } from "../../storage/value-cipher.ts";
import { createSettings } from "../../storage/settings.ts";
import { clusterUrl } from "../../accounts/front-door.ts";
import type { DatabaseProvider, Platform } from "../platform.ts";
import { createDatabaseNamespaces } from "./database-namespaces.ts";
import type { Env } from "./env.ts";
import { openRemoteDatabase } from "./libsql-database.ts";
import { ROOT_CLUSTER, ROOT_ISSUER } from "./root-cluster.ts";

export interface OpenedCluster {
  database: Database;
  keys: ClusterKeys;
  config: ClusterConfig;
}

/** @throws StorageError "unavailable"; call it again then */
export async function openCluster(env: Env, platform: Platform, id: string): Promise<OpenedCluster> {
  const database = await openDatabase(env, id);
  await migrate(database);
  const { clock, random } = platform;
  const settings = createSettings({ database });
  const config = configOf(env, id);
  const encrypted = config.encryptedResources;
  const keys = await loadClusterKeys({ settings, ...masterKeysOf(env), clock, random, encrypted });
  return { database, keys, config };
}

function masterKeysOf({ MASTER_KEY, MASTER_KEY_OTHER }: Env): MasterKeys {
  const masterKey = fromBase64(MASTER_KEY);
  return MASTER_KEY_OTHER ? { masterKey, otherMasterKey: fromBase64(MASTER_KEY_OTHER) } : { masterKey };
}

/** Undefined where the deployment has one cluster alone. */
export function databasesOf(env: Env): DatabaseProvider | undefined {
  const { DATABASE_URL: url, DATABASE_TOKEN: authToken, DATABASE_ADMIN_URL: adminUrl } = env;
  if (adminUrl === undefined) return undefined;
  const adminAuthorization = env.DATABASE_ADMIN_AUTHORIZATION;
  return createDatabaseNamespaces({
    url,
    adminUrl,
    ...(authToken === undefined ? {} : { authToken }),
    ...(adminAuthorization === undefined ? {} : { adminAuthorization }),
  });
}

async function openDatabase(env: Env, id: string): Promise<Database> {
  const databases = databasesOf(env);
  if (databases) return await databases.open(id);
  return openRemoteDatabase({
    url: env.DATABASE_URL,
    ...(env.DATABASE_TOKEN === undefined ? {} : { authToken: env.DATABASE_TOKEN }),
  });
}

/** See Cluster.readerOf. */
export function readersOf({
  database,
  cipher,
}: {
  database: Database;
  cipher: ValueCipher;
}): (watchPolicy?: () => (revision: number) => void) => LogReader {
  return (watchPolicy) => createSqlReader({ database, cipher, ...(watchPolicy ? { watchPolicy } : {}) });
}

function configOf(env: Env, id: string): ClusterConfig {
  return {
    ...DEFAULT_CLUSTER_CONFIG,
    ...(id === ROOT_CLUSTER ? atRoot(env) : belowPath(env, id)),
    ...(env.ENCRYPTED_RESOURCES === undefined
      ? {}
      : { encryptedResources: env.ENCRYPTED_RESOURCES.split(",").filter((resource) => resource !== "") }),
    audit: auditOf(env),
    plugins: parsePluginChoice({
      enable: env.ENABLE_ADMISSION_PLUGINS,
      disable: env.DISABLE_ADMISSION_PLUGINS,
    }),
    ...(env.NODE_MONITOR_GRACE_SECONDS ? { nodeMonitorGraceMs: Number(env.NODE_MONITOR_GRACE_SECONDS) * 1000 } : {}),
    ...(env.NOT_READY_TOLERATION_SECONDS
      ? { notReadyTolerationSeconds: Number(env.NOT_READY_TOLERATION_SECONDS) }
      : {}),
  };
}

/** @throws Error when the deployment's policy is none */
function auditOf({ AUDIT_POLICY: text, AUDIT_RETENTION_DAYS: days }: Env): AuditConfig {
  const { policy, limits } = DEFAULT_AUDIT_CONFIG;
  const given: unknown = text === undefined ? undefined : JSON.parse(text);
  const fault = text === undefined ? undefined : policyFault(given);
  if (fault !== undefined) throw new Error(`AUDIT_POLICY is no audit policy: ${fault}`);
  const retentionMs = days === undefined ? limits.retentionMs : Number(days) * 24 * 3_600_000;
  return { policy: given === undefined ? policy : (given as AuditPolicy), limits: { ...limits, retentionMs } };
}

type Placed = Pick<ClusterConfig, "serverUrl" | "issuer" | "adminTokenHashes">;

function atRoot(env: Env): Placed {
  return {
    serverUrl: env.SERVER_URL,
    issuer: ROOT_ISSUER,
    adminTokenHashes: env.ADMIN_TOKEN_HASHES.split(",").filter((hash) => hash !== ""),
  };
}

function belowPath(env: Env, id: string): Placed {
  const serverUrl = clusterUrl(env.SERVER_URL, id);
  return { serverUrl, issuer: serverUrl, adminTokenHashes: [] };
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
