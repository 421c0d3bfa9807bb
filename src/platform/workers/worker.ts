/** The stateless worker: every request of every client and agent. What it opens once it keeps for as long as its isolate lives. */
import { createApp, type App } from "../../app.ts";
import { bootstrapCluster } from "../../bootstrap.ts";
import { measuredDatabase } from "../../metrics/measured-database.ts";
import { createMetrics } from "../../metrics/metrics.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { createSqlReader } from "../../storage/sql-log.ts";
import { asSent } from "./as-sent.ts";
import { CLUSTER_ID, type Env } from "./env.ts";
import { once, openCluster, readersOf } from "./open-cluster.ts";
import { createWorkersPlatform } from "./platform.ts";
import { createRemoteHub } from "./remote-hub.ts";
import { createServerSockets } from "./server-sockets.ts";
import { createWorkersAgentSockets, createWorkersStreams } from "./stream-broker.ts";

export { ClusterHub } from "./hub-object.ts";
export { ClusterLoops } from "./loops-object.ts";
export { StreamBroker } from "./stream-broker.ts";

/** Per isolate, which the runtime shares between requests. */
const apps = new WeakMap<Env, () => Promise<App>>();

export default {
  async fetch(request, env, context) {
    let open = apps.get(env);
    if (open === undefined) {
      open = once(() => openApp(env));
      apps.set(env, open);
    }
    const opened = open();
    // Others wait for it too: it goes on when this client has gone.
    context.waitUntil(opened.catch(() => {}));
    try {
      return asSent(await (await opened).fetch(request));
    } catch (error) {
      createWorkersPlatform("worker").log.error("the cluster cannot be opened", { error });
      const status = new StatusError("ServiceUnavailable", "the cluster cannot be opened now", {
        details: { retryAfterSeconds: 1 },
      }).toStatus();
      return Response.json(status, { status: 503, headers: { "retry-after": "1" } });
    }
  },
} satisfies ExportedHandler<Env>;

async function openApp(env: Env): Promise<App> {
  const platform = createWorkersPlatform("worker");
  const { clock, random } = platform;
  const { database, keys, config } = await openCluster(env, platform);
  // The names are made anew for each call: a stub that met an evicted object stays broken.
  const hubObject = () => env.CLUSTER_HUB.getByName(CLUSTER_ID);
  const metrics = createMetrics();
  const measured = measuredDatabase(database, { metrics, clock });
  const storage = createSqlReader({ database: measured });
  const hub = createRemoteHub(hubObject);
  const cluster = {
    id: CLUSTER_ID,
    storage,
    hub,
    presence: hub,
    streams: createWorkersStreams({
      brokers: env.STREAM_BROKER,
      openStream: (nodeName, message) => hubObject().openStream(nodeName, message),
      random,
    }),
    sockets: createServerSockets(),
    keys,
    platform,
    config,
    metrics,
    readerOf: readersOf(measured),
  };
  const app = createApp(cluster, {
    agents: {
      sockets: createWorkersAgentSockets({ brokers: env.STREAM_BROKER, hub: (request) => hubObject().fetch(request) }),
      seen: (nodeName) => hubObject().seen(nodeName),
      changes: (query) => storage.changes(query),
    },
  });
  await bootstrapCluster(cluster, app);
  return app;
}
