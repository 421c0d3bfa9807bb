/** A cluster for measurements: the API over a database of the bench's choosing, and objects by the thousand without the API's cost. */
import { getRequestListener } from "@hono/node-server";
import { createHash } from "node:crypto";
import { createApp, type App } from "../../src/app.ts";
import { createNodeCredentials } from "../../src/authn/node-credential.ts";
import { bootstrapCluster } from "../../src/bootstrap.ts";
import { DEFAULT_CLUSTER_CONFIG, type Cluster } from "../../src/cluster.ts";
import { createHub, type ClusterHub } from "../../src/hub/cluster-hub.ts";
import { kinds } from "../../src/kinds/index.ts";
import type { ClusterKeys } from "../../src/pki/cluster-keys.ts";
import { loadClusterKeys } from "../../src/pki/load-cluster-keys.ts";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import type { Clock } from "../../src/platform/platform.ts";
import { createCachedReader } from "../../src/registry/cached-reader.ts";
import type { KindDefinition } from "../../src/registry/kind.ts";
import { createScheme } from "../../src/registry/scheme.ts";
import { createPresenter } from "../../src/registry/stored-form.ts";
import { NODE_KEY_ANNOTATION } from "../../src/relay/protocol.ts";
import type { Database } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { createSettings } from "../../src/storage/settings.ts";
import { createSqlLog, createSqlReader } from "../../src/storage/sql-log.ts";
import type { ObjectKey, PolicyReader, PreparedWrite, StorageWriter, StoredObject } from "../../src/storage/storage.ts";
import { silentLog } from "../harness/silent-log.ts";

export const BENCH_TOKEN = "bench-admin-token";
export const ORIGIN = "https://gantry.bench:6443";
const GROUP_WRITES = 64;
/** All nodes here have one key, so that they can be copies of each other. */
const NODE_KEY = createHash("sha256").update("bench").digest("base64url");

export interface BenchCluster {
  /** Reads from memory what nobody has written since, as the embedded process does. */
  app: App;
  /** Every read asks SQL, as an isolate on the edge does. */
  direct: App;
  /** As `app`, with these kinds alone. */
  appOf(kinds: readonly KindDefinition[]): App;
  hub: ClusterHub;
  storage: StorageWriter & PolicyReader;
  keys: ClusterKeys;
  clock: Clock;
  /** As the administrator, over `direct`. @throws unless the answer has the expected status (default: any 2xx) */
  call: (method: string, path: string, options?: CallOptions) => Promise<{ status: number; text: string }>;
  /** Bearer token of a node whose Node object names the same key. */
  nodeToken(nodeName: string): Promise<string>;
  stop(): Promise<void>;
}

export interface CallOptions {
  body?: object | string;
  headers?: Record<string, string>;
  token?: string;
  status?: number;
}

export async function openBenchCluster(database: Database): Promise<BenchCluster> {
  await migrate(database);
  const platform = { ...createNodePlatform(), log: silentLog };
  const { clock, timers, random, log } = platform;
  const settings = createSettings({ database });
  const keys = await loadClusterKeys({ settings, masterKey: new Uint8Array(32), clock, random });
  const storage = createSqlLog({ database, clock, log, cipher: keys.values });
  const hub = createHub({ storage, clock, timers, log, present: createPresenter(createScheme(kinds)) });
  await hub.start();
  const cluster: Cluster = {
    id: "bench",
    storage,
    hub,
    presence: { lastSeen: async () => ({}) },
    streams: { open: () => Promise.reject(new Error("no node is connected")) },
    keys,
    readerOf: (watchPolicy) =>
      createSqlReader({ database, cipher: keys.values, ...(watchPolicy ? { watchPolicy } : {}) }),
    platform,
    config: {
      ...DEFAULT_CLUSTER_CONFIG,
      serverUrl: ORIGIN,
      issuer: ORIGIN,
      adminTokenHashes: [createHash("sha256").update(BENCH_TOKEN).digest("hex")],
    },
  };
  const sockets = { tunnel: noSocket, stream: noSocket };
  const agents = { sockets, seen: () => {} };
  const direct = createApp(cluster, { agents });
  await bootstrapCluster(cluster, direct);
  const onCommit: ClusterHub["onCommit"] = (listener) => hub.onCommit(listener);
  const reader = await createCachedReader({ storage, onCommit });
  const alone: Cluster = { ...cluster, storage: reader, onCommit };
  const credentials = createNodeCredentials({ keys, clock, issuer: ORIGIN });
  return {
    app: createApp(alone, { agents }),
    direct,
    appOf: (served) => createApp(alone, { agents, kinds: served }),
    hub,
    storage,
    keys,
    clock,
    call: caller(direct),
    nodeToken: async (nodeName) => (await credentials.issue({ nodeName, keyThumbprint: NODE_KEY })).credential,
    stop: () => hub.stop(),
  };
}

const noSocket = (): Promise<Response> => Promise.reject(new Error("no sockets here"));

/**
 * Requests as the product's server makes them of what clients send: bodies name their length, and Request and Response are the
 * listener's own, which it puts in the place of Node's.
 */
export function caller(app: Pick<App, "fetch">): BenchCluster["call"] {
  getRequestListener(() => new Response());
  return async (method, path, { body, headers = {}, token = BENCH_TOKEN, status } = {}) => {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const request = new Request(ORIGIN + path, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        "Content-Type": "application/json",
        ...(text === undefined ? {} : { "Content-Length": String(Buffer.byteLength(text)) }),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
    });
    const response = await app.fetch(request);
    const answer = await response.text();
    const expected = status === undefined ? response.ok : response.status === status;
    if (!expected) throw new Error(`${method} ${path} answered ${response.status}: ${answer.slice(0, 500)}`);
    return { status: response.status, text: answer };
  };
}

/** A namespace in which pods can be created. */
export async function createNamespace({ call }: Pick<BenchCluster, "call">, name: string): Promise<void> {
  await call("POST", "/api/v1/namespaces", { body: { metadata: { name } } });
  await call("POST", `/api/v1/namespaces/${name}/serviceaccounts`, { body: { metadata: { name: "default" } } });
}

export function nodeBody(name: string): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, annotations: { [NODE_KEY_ANNOTATION]: NODE_KEY } },
    status: {
      capacity: { cpu: "8", memory: "32Gi", pods: "110" },
      conditions: [{ type: "Ready", status: "True", reason: "KubeletReady", message: "the node is ready" }],
    },
  };
}

/** About 2 KB once it is stored, as pods of Deployments are. */
export function podBody(name: string, spec: object = {}): object {
  const env = Array.from({ length: 8 }, (_, i) => ({
    name: `SETTING_${i}`,
    value: `value number ${i} of this container`,
  }));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      labels: { app: "bench", "pod-template-hash": "5d59d67564" },
      annotations: { note: "n".repeat(100) },
    },
    spec: {
      containers: [
        {
          name: "main",
          image: "registry.example.com/team/application:1.2.3",
          env,
          ports: [{ name: "http", containerPort: 8080 }],
          resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "1", memory: "256Mi" } },
          readinessProbe: { httpGet: { path: "/healthz", port: 8080 } },
        },
      ],
      ...spec,
    },
  };
}

export function configMapBody(name: string): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { text: "x".repeat(1_024) } };
}

/**
 * Stores copies of an object that the API has made, by the log itself. `change` gives each copy its name and what else differs; the
 * text of its value is changed where it names the original.
 */
export async function copyObject(
  { storage }: Pick<BenchCluster, "storage">,
  original: ObjectKey,
  count: number,
  change: (
    at: number,
  ) => Partial<Pick<StoredObject, "resource" | "namespace" | "fields" | "labels">> & { name: string },
): Promise<void> {
  const { object } = await storage.get(original);
  if (!object) throw new Error(`there is no ${original.resource} ${original.name}`);
  const { revision: _revision, ...stored } = object;
  for (let start = 0; start < count; start += GROUP_WRITES) {
    const writes = Array.from({ length: Math.min(GROUP_WRITES, count - start) }, (_, at): PreparedWrite => {
      const uid = crypto.randomUUID();
      const changed = change(start + at);
      const value = stored.value
        .replace(`"name":"${stored.name}"`, `"name":"${changed.name}"`)
        .replace(stored.uid, uid);
      return { ...stored, ...changed, uid, value, op: "create", writeId: uid };
    });
    const { outcomes } = await storage.commit(writes, { since: Number.MAX_SAFE_INTEGER, limit: 1 });
    if (!outcomes.every(({ ok }) => ok)) throw new Error("a copy could not be stored");
  }
}
