/** `ClusterHost` in one process: clusters are opened when they are first used, and those that nobody uses make room for others. */
import type { ClusterApi, ClusterHost } from "../../accounts/accounts.ts";
import type { Authenticator } from "../../authn/authenticator.ts";
import type { ClusterConfig } from "../../cluster.ts";
import type { Revocation } from "../../machinery/opener.ts";
import { loadClusterKeys } from "../../pki/load-cluster-keys.ts";
import { migrate } from "../../storage/migrate.ts";
import { restoreLog } from "../../storage/restore.ts";
import { createSettings } from "../../storage/settings.ts";
import type { DatabaseProvider, Platform } from "../platform.ts";
import { serveCluster, type ServedCluster } from "./serve-cluster.ts";
import type { Upgrades } from "./upgrade.ts";

/** Open at once, unless more of them have nodes or requests under way. Each costs about as much as an embedded Gantry at rest. */
const OPEN_MAX = 32;

export interface NodeClusterHostDeps {
  databases: DatabaseProvider;
  platform: Platform;
  upgrades: Upgrades;
  masterKey: Uint8Array;
  otherMasterKey?: Uint8Array | undefined;
  configOf(id: string): ClusterConfig;
  authenticatorsOf(cluster: { id: string; organisation: string }): readonly Authenticator[];
  openMax?: number;
}

export interface NodeClusterHost extends ClusterHost {
  /** Ends control loops and tunnels of all; their APIs answer still. */
  quiet(): Promise<void>;
  stop(): Promise<void>;
}

interface OpenCluster {
  served: ServedCluster;
  api: ClusterApi;
  /** Requests that have no answer yet. */
  underWay: number;
  close(): Promise<void>;
}

type Asked = { id: string; organisation: string };

export function createNodeClusterHost(deps: NodeClusterHostDeps): NodeClusterHost {
  return new OpenClusters(deps);
}

class OpenClusters implements NodeClusterHost {
  readonly #deps: NodeClusterHostDeps;
  /** In order of use. */
  readonly #open = new Map<string, Promise<OpenCluster>>();
  /** Their files are in use until it is over. */
  readonly #closing = new Map<string, Promise<void>>();
  #stopped = false;

  constructor(deps: NodeClusterHostDeps) {
    this.#deps = deps;
  }

  async create(cluster: Asked): Promise<ClusterApi> {
    await this.#deps.databases.create(cluster.id);
    return await this.open(cluster);
  }

  async open(cluster: Asked): Promise<ClusterApi> {
    if (this.#stopped) throw new Error("the clusters are being closed");
    const { id } = cluster;
    let opened = this.#open.get(id);
    if (opened === undefined) opened = this.#openAnew(cluster);
    else this.#open.delete(id);
    this.#open.set(id, opened);
    try {
      const { api } = await opened;
      // Nobody waits for the end of another cluster.
      this.#makeRoom(id).catch((error: unknown) => this.#deps.platform.log.warn("a cluster stays open", { error }));
      return api;
    } catch (error) {
      if (this.#open.get(id) === opened) this.#open.delete(id);
      throw error;
    }
  }

  async destroy(id: string): Promise<void> {
    await this.#close(id);
    await this.#deps.databases.destroy(id);
  }

  async restore(cluster: Asked, toMs: number): Promise<{ revision: number }> {
    const { databases, platform } = this.#deps;
    await this.#close(cluster.id);
    const database = await databases.open(cluster.id);
    try {
      await migrate(database);
      return await restoreLog({ database, ...platform }, toMs);
    } finally {
      await database.close();
    }
  }

  async disconnect(id: string, revocation: Revocation): Promise<void> {
    // One that is not open serves nobody.
    const opened = await this.#open.get(id)?.catch(() => undefined);
    opened?.served.revoke(revocation);
  }

  async quiet(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#open.values()].map(async (opened) => (await opened).served.quiet()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#open.keys(), ...this.#closing.keys()].map((id) => this.#close(id)));
  }

  /** A cluster that is used goes on: closing it would cut its watches and tunnels. */
  async #makeRoom(but: string): Promise<void> {
    const openMax = this.#deps.openMax ?? OPEN_MAX;
    for (const [id, opened] of this.#open) {
      if (this.#open.size <= openMax) return;
      if (id === but) continue;
      const { underWay, served } = await opened;
      if (underWay > 0 || (await served.isUsed()) || this.#open.get(id) !== opened) continue;
      await this.#close(id);
    }
  }

  async #openAnew(cluster: Asked): Promise<OpenCluster> {
    await this.#closing.get(cluster.id);
    return await openCluster(this.#deps, cluster);
  }

  async #close(id: string): Promise<void> {
    const opened = this.#open.get(id);
    this.#open.delete(id);
    if (opened === undefined) return await this.#closing.get(id);
    const closing = opened.then(
      (open) => open.close(),
      () => {},
    );
    this.#closing.set(id, closing);
    try {
      await closing;
    } finally {
      this.#closing.delete(id);
    }
  }
}

async function openCluster(deps: NodeClusterHostDeps, cluster: Asked): Promise<OpenCluster> {
  const { databases, platform, upgrades, masterKey, otherMasterKey } = deps;
  const { id } = cluster;
  const database = await databases.open(id);
  try {
    await migrate(database);
    const config = deps.configOf(id);
    const encrypted = config.encryptedResources;
    const keys = await loadClusterKeys({
      settings: createSettings({ database }),
      masterKey,
      otherMasterKey,
      ...platform,
      encrypted,
    });
    const authenticators = deps.authenticatorsOf(cluster);
    const served = await serveCluster({ id, database, keys, config, platform, upgrades, authenticators });
    const { app } = served;
    const open: OpenCluster = {
      served,
      underWay: 0,
      api: {
        async fetch(request) {
          open.underWay++;
          try {
            return await app.fetch(request);
          } finally {
            open.underWay--;
          }
        },
        fetchAs: (user) => app.fetchAs(user),
        clientFor: (user) => app.clientFor(user),
      },
      async close() {
        await served.stop();
        await database.close();
      },
    };
    return open;
  } catch (error) {
    await database.close();
    throw error;
  }
}
