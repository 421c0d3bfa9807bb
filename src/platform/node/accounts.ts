/** People and their clusters in one process: a database of accounts and one for each cluster, all files of the data folder. */
import { ACCOUNTS_DATABASE, clusterAuthenticators, createAccounts, type Accounts } from "../../accounts/index.ts";
import { clusterUrl } from "../../accounts/front-door.ts";
import { createMailWebhook, type MailWebhook } from "../../accounts/mail-webhook.ts";
import { repeatSweeps } from "../../accounts/sweeps.ts";
import type { ClusterConfig } from "../../cluster.ts";
import type { Platform } from "../platform.ts";
import { clientAddressOf } from "./client-address.ts";
import { createNodeClusterHost } from "./cluster-host.ts";
import type { DataFolder } from "./data-folder.ts";
import { createDatabaseFiles } from "./database-files.ts";
import { createFetchDocument } from "./fetch-document.ts";
import type { Upgrades } from "./upgrade.ts";

export interface NodeAccounts extends Pick<Accounts, "inFrontOf"> {
  /** Opens each cluster once, which seals its keys under the master key of now. */
  openAll(): Promise<void>;
  /** Ends control loops and tunnels of all clusters; their APIs answer still. */
  quiet(): Promise<void>;
  stop(): Promise<void>;
}

export interface NodeAccountsDeps {
  folder: DataFolder;
  platform: Platform;
  upgrades: Upgrades;
  /** Of the cluster at the root; the others differ in where they are. */
  config: ClusterConfig;
  /** PEM: the authority that signed the server's certificate. */
  serverCa: string;
  settings?: AccountsSettings | undefined;
}

/** What people's accounts need of the world outside. */
export interface AccountsSettings {
  mail?: MailWebhook;
  /** Of an OAuth app: then people may log in by GitHub. */
  github?: { clientId: string; clientSecret: string };
}

export async function openAccounts(deps: NodeAccountsDeps): Promise<NodeAccounts> {
  const { folder, platform, upgrades, config, serverCa, settings = {} } = deps;
  const { mail, github } = settings;
  const { masterKey, otherMasterKey } = folder;
  const { clock, log } = platform;
  const databases = createDatabaseFiles(folder.databases, { writesInThread: true });
  await databases.create(ACCOUNTS_DATABASE);
  const database = await databases.open(ACCOUNTS_DATABASE);
  const baseUrl = config.serverUrl;
  const fetchDocument = createFetchDocument({ publicAddressesOnly: true });
  const host = createNodeClusterHost({
    databases,
    platform,
    upgrades,
    masterKey,
    otherMasterKey,
    configOf(id) {
      const serverUrl = clusterUrl(baseUrl, id);
      return { ...config, serverUrl, issuer: serverUrl, adminTokenHashes: [] };
    },
    authenticatorsOf: (cluster) => clusterAuthenticators({ database, clock, log, cluster, baseUrl, fetchDocument }),
  });
  let stopSweeps: (() => Promise<void>) | undefined;
  const stop = async (): Promise<void> => {
    await stopSweeps?.();
    await host.stop();
    await database.close();
    await databases.close();
  };
  try {
    const accounts = await createAccounts({
      database,
      host,
      platform,
      masterKey,
      baseUrl,
      serverCa,
      takesCertificateAuthority: true,
      ...(mail ? { sendMail: createMailWebhook({ ...mail, ...platform, fetch }) } : {}),
      github,
      clientAddress: clientAddressOf,
    });
    // No other process works on them: whatever is unfinished was left by one that ended.
    accounts.clusters
      .finish({ forMs: 0 })
      .then(() => accounts.catchUp())
      .catch((error: unknown) => log.warn("unfinished clusters stay so for now", { error }));
    // What fails after the start is left by this one itself.
    stopSweeps = repeatSweeps({ sweep: () => accounts.sweep(), timers: platform.timers, log });
    return {
      openAll: () => accounts.clusters.openAll(),
      inFrontOf: (root) => accounts.inFrontOf(root),
      quiet: () => host.quiet(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
