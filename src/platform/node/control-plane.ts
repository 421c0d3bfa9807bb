/** The whole control plane in one process: database, hub, relay, API, control loops, one TLS port. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Fetch } from "../../client/client.ts";
import { DEFAULT_CLUSTER_CONFIG, type ClusterConfig } from "../../cluster.ts";
import type { ClusterKeys } from "../../pki/cluster-keys.ts";
import { loadClusterKeys } from "../../pki/load-cluster-keys.ts";
import { SealError } from "../../pki/sealing.ts";
import { issueServerIdentity } from "../../pki/server-identity.ts";
import { DatabaseError, type Database } from "../../storage/database.ts";
import { migrate } from "../../storage/migrate.ts";
import { createSettings } from "../../storage/settings.ts";
import type { Log, Platform } from "../platform.ts";
import type { AccountsSettings } from "./accounts.ts";
import { createAccountsOnDemand, type AccountsOnDemand } from "./accounts-on-demand.ts";
import { createConnectionCertificates } from "./client-certificates.ts";
import { configuredIssuers } from "./configured-issuers.ts";
import { forgetPreviousMasterKey, openDataFolder, type DataFolder } from "./data-folder.ts";
import { openDatabase } from "./libsql-database.ts";
import { serveCluster } from "./serve-cluster.ts";
import { startServer, StartupError, type ServerFetch } from "./server.ts";
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
  /** An AuthenticationConfiguration: issuers outside that the cluster at the root believes. */
  authentication?: unknown;
  accounts?: AccountsSettings;
  /** Who wants to see what goes to SQL puts himself in between. */
  watchDatabase?: (database: Database) => Database;
}): Promise<ControlPlane> {
  const { platform, host } = options;
  const { clock, random, log } = platform;
  const folder = await openDataFolder(options.data);
  const opened = await openExclusively(join(folder.path, "cluster.db"));
  const database = options.watchDatabase?.(opened) ?? opened;
  const undo: (() => unknown)[] = [() => database.close()];
  const stopAll = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    await migrate(database);
    const { masterKey, otherMasterKey } = folder;
    const encrypted = options.config?.encryptedResources ?? DEFAULT_CLUSTER_CONFIG.encryptedResources;
    const settings = createSettings({ database });
    const keys = await openKeys({ settings, masterKey, otherMasterKey, clock, random, encrypted }, folder.path);
    const upgrades = createUpgrades({ random, log });

    // Listening comes first: the API's address is part of what it serves. Whoever calls before it is ready waits a moment.
    const ready = Promise.withResolvers<Fetch>();
    ready.promise.catch(() => {});
    const certificates = createConnectionCertificates();
    const fetch: ServerFetch = async (request, incoming) => {
      certificates.received(request, incoming);
      return await (
        await ready.promise
      )(request);
    };
    const identity = await issueServerIdentity({ keys, clock, cluster: DEFAULT_CLUSTER_CONFIG, hosts: [host] });
    const server = await startServer({
      host,
      port: options.port,
      identity: { key: identity.keyPem, certificate: identity.certificatePem },
      clientCa: keys.clusterCa,
      fetch,
    });
    // Writes under way are finished while the server lets open answers finish; so what serves them ends after it.
    const later: (() => unknown)[] = [];
    undo.push(async () => {
      for (const step of later.splice(0).toReversed()) await step();
    });
    undo.push(() => server.stop(STOP_GRACE_MS));
    undo.push(upgrades.attach(server.http, fetch));

    const config: ClusterConfig = {
      ...DEFAULT_CLUSTER_CONFIG,
      adminTokenHashes: [createHash("sha256").update(folder.adminToken).digest("hex")],
      serverUrl: `https://${host.includes(":") ? `[${host}]` : host}:${server.port}`,
      issuer: "https://kubernetes.default.svc.cluster.local",
      ...options.config,
    };
    const { authentication: configuration } = options;
    const { issuer } = config;
    const authenticators = configuration === undefined ? [] : [configuredIssuers({ configuration, issuer, platform })];
    const cluster = await serveCluster({
      id: "default",
      database,
      keys,
      config,
      platform,
      upgrades,
      authenticators,
      clientCertificate: (request) => certificates.of(request),
    });
    later.push(() => cluster.stop());
    undo.push(() => cluster.quiet());
    const given = options.accounts;
    const accounts = createAccountsOnDemand({
      folder,
      platform,
      upgrades,
      config,
      serverCa: keys.clusterCa,
      settings: given,
    });
    later.push(() => accounts.stop());
    undo.push(() => accounts.quiet());
    ready.resolve(accounts.inFrontOf((request) => cluster.app.fetch(request)));
    await accounts.resume();
    if (otherMasterKey) void sealAnew({ folder, accounts, log });
    return { url: config.serverUrl, clusterCa: keys.clusterCa, adminToken: folder.adminToken, stop: stopAll };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/** In the background: there may be many clusters. What cannot be opened keeps the old key alive, until the next start. */
async function sealAnew(at: { folder: DataFolder; accounts: AccountsOnDemand; log: Log }): Promise<void> {
  try {
    await at.accounts.openAll();
    await forgetPreviousMasterKey(at.folder);
  } catch (error) {
    at.log.warn("the master key of before is needed still", { error });
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

async function openKeys(deps: Parameters<typeof loadClusterKeys>[0], path: string): Promise<ClusterKeys> {
  try {
    return await loadClusterKeys(deps);
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    throw new StartupError(`${error.message}: is ${join(path, "master.key")} the one of this database?`, {
      cause: error,
    });
  }
}
