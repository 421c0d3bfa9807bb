/**
 * The control loops of a cluster as a Durable Object of their own. The hub wakes it after commits; between runs it costs nothing, and an
 * alarm brings it back when something is due later.
 */
import { DurableObject } from "cloudflare:workers";
import { createApp } from "../../app.ts";
import { bootstrapCluster } from "../../bootstrap.ts";
import { createLoops, type Loops } from "../../loops.ts";
import { gatherReads } from "../../storage/gathered-reads.ts";
import { createSqlReader } from "../../storage/sql-log.ts";
import type { Env } from "./env.ts";
import { clusterIdOf } from "./hub-object.ts";
import { once, openCluster, readersOf } from "./open-cluster.ts";
import { createWorkersPlatform } from "./platform.ts";
import { createRemoteHub } from "./remote-hub.ts";

/** A run ends before the runtime would end it. */
const RUN_MS_MAX = 25_000;
/** An alarm is no busy loop, whatever is due. */
const ALARM_DELAY_MS_MIN = 100;

export class ClusterLoops extends DurableObject<Env> {
  readonly #loops: () => Promise<Loops>;
  #running: Promise<void> | undefined;
  #again = false;
  #ended = false;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#loops = once(() => open(env, clusterIdOf(state)));
  }

  /** Resolves when there is nothing left to do now. Calls during a run make it look once more. */
  async wake(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  override async alarm(): Promise<void> {
    await this.wake();
  }

  /** The cluster is being removed: nothing of it comes back by itself. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#running?.catch(() => {});
    await this.ctx.storage.deleteAll();
  }

  async #run(): Promise<void> {
    if (this.#ended) return;
    const loops = await this.#loops();
    while (this.#again && !this.#ended) {
      this.#again = false;
      const { nextDueMs } = await loops.runOnce({ deadline: Date.now() + RUN_MS_MAX });
      if (nextDueMs === undefined) await this.ctx.storage.deleteAlarm();
      else await this.ctx.storage.setAlarm(Math.max(nextDueMs, Date.now() + ALARM_DELAY_MS_MIN));
    }
  }
}

async function open(env: Env, id: string): Promise<Loops> {
  const platform = createWorkersPlatform("loops");
  const opened = await openCluster(env, platform, id);
  const { keys, config } = opened;
  const database = gatherReads(opened.database);
  const hub = createRemoteHub(() => env.CLUSTER_HUB.getByName(id));
  const cluster = {
    id,
    storage: createSqlReader({ database, cipher: keys.values }),
    hub,
    presence: hub,
    streams: {
      open: () => Promise.reject(new Error("control loops open no streams")),
    },
    keys,
    platform,
    config,
    readerOf: readersOf({ database, cipher: keys.values }),
  };
  const app = createApp(cluster);
  await bootstrapCluster(cluster, app);
  return createLoops({ cluster, app });
}
