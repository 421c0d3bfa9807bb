/** The API of one cluster in a stateless isolate: reads go to SQL, writes and watches to the cluster's hub. */
import { waitUntil } from "cloudflare:workers";
import { createApp, type App } from "../../app.ts";
import type { Authenticator } from "../../authn/authenticator.ts";
import type { PolicyMemory } from "../../authz/rbac/policy-memory.ts";
import { createAudit } from "../../audit/audit.ts";
import { bootstrapCluster } from "../../bootstrap.ts";
import type { Cluster } from "../../cluster.ts";
import { measuredDatabase } from "../../metrics/measured-database.ts";
import { createMetrics } from "../../metrics/metrics.ts";
import { reencryptSlice } from "../../storage/reencryption.ts";
import { createSqlReader } from "../../storage/sql-log.ts";
import type { Env } from "./env.ts";
import { openCluster, readersOf } from "./open-cluster.ts";
import { createWorkersPlatform } from "./platform.ts";
import { createRemoteHub } from "./remote-hub.ts";
import { createServerSockets } from "./server-sockets.ts";
import { createWorkersAgentSockets, createWorkersStreams } from "./stream-broker.ts";

/** `authenticators`: beside those of every cluster. @throws StorageError "unavailable"; call it again then */
export async function openApp(
  env: Env,
  id: string,
  options: { policyMemory: PolicyMemory; authenticators?: readonly Authenticator[] },
): Promise<App> {
  const platform = createWorkersPlatform("worker");
  const { clock, timers, random, log } = platform;
  const { database, keys, config } = await openCluster(env, platform, id);
  // The names are made anew for each call: a stub that met an evicted object stays broken.
  const hubObject = () => env.CLUSTER_HUB.getByName(id);
  const metrics = createMetrics();
  const measured = measuredDatabase(database, { metrics, clock });
  const cipher = keys.values;
  const storage = createSqlReader({ database: measured, cipher });
  const hub = createRemoteHub(hubObject);
  const cluster: Cluster = {
    id,
    storage,
    hub,
    presence: hub,
    streams: createWorkersStreams({
      brokers: env.STREAM_BROKER,
      openStream: (nodeName, message, opener) => hubObject().openStream(nodeName, message, opener),
      random,
    }),
    sockets: createServerSockets(),
    keys,
    audit: createAudit({ database: measured, clock, timers, log, keepAlive: waitUntil }, config.audit),
    clientAddress: ({ headers }) => headers.get("cf-connecting-ip") ?? undefined,
    reencrypt: (slice) => reencryptSlice({ database: measured, cipher }, slice),
    platform,
    config,
    metrics,
    readerOf: readersOf({ database: measured, cipher }),
  };
  const app = createApp(cluster, {
    ...options,
    agents: {
      sockets: createWorkersAgentSockets({ brokers: env.STREAM_BROKER, hub: (request) => hubObject().fetch(request) }),
      seen: (nodeName) => hubObject().seen(nodeName),
    },
  });
  await bootstrapCluster(cluster, app);
  return app;
}
