/**
 * The hub of a cluster as a Durable Object: the sequencer of its writes, the fan-out of its log and the nodes' tunnels. It may be
 * evicted at any moment: everything here is made anew from SQL and from the sockets that the runtime kept.
 */
import { DurableObject } from "cloudflare:workers";
import { createHub, type ClusterHub as Hub } from "../../hub/cluster-hub.ts";
import type { HubStatistics, WatchQuery } from "../../hub/hub.ts";
import { createMaintenanceSchedule, type MaintenanceSchedule } from "../../hub/maintenance-schedule.ts";
import { revokedByDeletion } from "../../hub/revoked-by-deletion.ts";
import { kinds } from "../../kinds/index.ts";
import { createRevocations, type Opener, type Revocation, type Revocations } from "../../machinery/opener.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { createScheme } from "../../registry/scheme.ts";
import { createPresenter } from "../../registry/stored-form.ts";
import type { PreparedWrite, WriteOutcome } from "../../storage/storage.ts";
import { restoreLog } from "../../storage/restore.ts";
import { createSqlLog } from "../../storage/sql-log.ts";
import type { Env } from "./env.ts";
import { createHubStreams, type HubStreams } from "./hub-streams.ts";
import { createHubTunnels, type HubTunnels } from "./hub-tunnels.ts";
import { createWaker, type Waker } from "./loops-waker.ts";
import { once, openCluster } from "./open-cluster.ts";
import { createWorkersPlatform } from "./platform.ts";
import { tunnelNodeOf, type OpenMessage, type StreamOpened } from "./stream-broker.ts";

export class ClusterHub extends DurableObject<Env> {
  readonly #platform = createWorkersPlatform("hub");
  #hub: () => Promise<Hub>;
  readonly #tunnels: HubTunnels;
  readonly #streams: HubStreams;
  readonly #revocations: Revocations;
  #opened: Hub | undefined;
  readonly #loops: Waker;
  /** A cluster in which nothing is written, and nothing is left to expire, sets no alarm. */
  readonly #maintenance: MaintenanceSchedule;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    const { clock, timers, log } = this.#platform;
    this.#loops = createWaker({ wake: () => env.CLUSTER_LOOPS.getByName(clusterIdOf(state)).wake(), timers, log });
    this.#tunnels = createHubTunnels({ state, clock, timers, log, refused: (answer) => this.#refused(answer) });
    this.#revocations = createRevocations({ now: () => clock.now() });
    const { storage } = state;
    const brokerOf = (id: string) => env.STREAM_BROKER.get(env.STREAM_BROKER.idFromString(id));
    this.#streams = createHubStreams({ storage, brokerOf, revocations: this.#revocations, clock, log });
    this.#maintenance = createMaintenanceSchedule({
      clock,
      log,
      setAlarm: (atMs) => void state.storage.setAlarm(atMs),
      run: async () => (await this.#hub()).maintain({ nowMs: clock.now() }),
    });
    this.#hub = once(() => this.#open());
  }

  async #open(): Promise<Hub> {
    const { clock, timers, log } = this.#platform;
    const { database, keys } = await openCluster(this.env, this.#platform, clusterIdOf(this.ctx));
    const present = createPresenter(createScheme(kinds));
    const storage = createSqlLog({ database, clock, log, cipher: keys.values });
    const hub = createHub({ storage, clock, timers, log, present, revocations: this.#revocations });
    hub.onCommit((entries) => {
      this.#tunnels.committed(entries);
      const revocation = revokedByDeletion(entries);
      if (revocation) this.ctx.waitUntil(this.revoke(revocation));
      this.#loops.wake();
      this.#maintenance.committed();
    });
    await hub.start();
    this.#opened = hub;
    return hub;
  }

  /** Watches end, and the hub is made anew from what is stored then. @throws StorageError */
  async restore(toMs: number): Promise<{ revision: number }> {
    const { clock, log } = this.#platform;
    const hub = await this.#hub();
    await hub.stop();
    try {
      const { database } = await openCluster(this.env, this.#platform, clusterIdOf(this.ctx));
      return await restoreLog({ database, clock, log }, toMs);
    } finally {
      this.#hub = once(() => this.#open());
      this.#loops.wake();
    }
  }

  /** The cluster is being removed: nothing of it comes back by itself. */
  async end(): Promise<void> {
    const hub = await this.#hub().catch(() => undefined);
    await hub?.stop();
    await this.#streams.endAll();
    for (const socket of this.ctx.getWebSockets()) socket.close(1001, "the cluster is gone");
    await this.ctx.storage.deleteAll();
  }

  async write(write: PreparedWrite): Promise<WriteOutcome> {
    return (await this.#hub()).write(write);
  }

  async watch(query: WatchQuery): Promise<ReadableStream<Uint8Array>> {
    return (await this.#hub()).watch(query);
  }

  async ready(): Promise<void> {
    await (await this.#hub()).ready();
  }

  async statistics(): Promise<HubStatistics> {
    return (await this.#hub()).statistics();
  }

  async mark(): Promise<number> {
    return (await this.#hub()).mark();
  }

  lastSeen(): Promise<Record<string, number>> {
    return this.#tunnels.lastSeen();
  }

  /** A node without a tunnel polled. */
  seen(nodeName: string): void {
    this.#tunnels.seen(nodeName);
  }

  async openStream(nodeName: string, message: OpenMessage, opener: Opener | undefined): Promise<StreamOpened> {
    const begun = await this.#streams.begin(message.id, { opener, nodeName });
    if (begun !== "begun") return begun;
    if (this.#tunnels.openStream(nodeName, message)) return "asked";
    await this.#streams.over(message.id);
    return "away";
  }

  /** Ends what these have opened: watches and streams. */
  async revoke(revocation: Revocation): Promise<void> {
    this.#revocations.add(revocation);
    this.#opened?.revoke(revocation);
    await this.#streams.revoke(revocation);
  }

  /** The tunnel of a node; the worker has authenticated it. */
  override async fetch(request: Request): Promise<Response> {
    const nodeName = tunnelNodeOf(request);
    if (nodeName === undefined)
      return Response.json(new StatusError("NotFound", "no such path").toStatus(), { status: 404 });
    const response = this.#tunnels.accept(nodeName);
    // A node that comes is news for the control loops: its lease is alive again.
    this.#loops.wake();
    return response;
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (this.#tunnels.owns(socket)) this.#tunnels.message(socket, message);
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    if (this.#tunnels.owns(socket)) this.#tunnels.socketClosed(socket);
    // 1005 and 1006 say that there was no code; they may not be sent.
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
    // The node's grace period begins: the loops set their alarm by it.
    this.#loops.wake();
  }

  override alarm(): Promise<void> {
    return this.#maintenance.alarm();
  }

  #refused({ id, ...refusal }: { id: string; nodeName: string; code: number; message: string }): void {
    const { STREAM_BROKER } = this.env;
    // An agent that names no stream of ours is only logged.
    const refused = (async () => STREAM_BROKER.get(STREAM_BROKER.idFromString(id)).refuse(refusal))();
    refused.catch((error: unknown) => this.#platform.log.warn("a refusal reached no stream", { error }));
  }
}

/** Objects are named by their cluster. To guess would be to serve somebody else's. */
export function clusterIdOf({ id }: Pick<DurableObjectState, "id">): string {
  if (id.name === undefined) throw new Error("an object without the name of its cluster");
  return id.name;
}
