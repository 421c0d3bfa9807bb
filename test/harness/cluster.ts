/** A cluster for black-box tests: real database, log, hub and API, no network. The suites use nothing but `fetch`. */
import { createApp, type AgentAccess, type App } from "../../src/app.ts";
import type { Authenticator } from "../../src/authn/authenticator.ts";
import { createAudit } from "../../src/audit/audit.ts";
import { ADDRESS_HEADER } from "../../src/http/identity-headers.ts";
import { bootstrapCluster } from "../../src/bootstrap.ts";
import { DEFAULT_CLUSTER_CONFIG, type Cluster, type ClusterConfig } from "../../src/cluster.ts";
import { revokedByDeletion } from "../../src/hub/revoked-by-deletion.ts";
import { createHub, type ClusterHub, type HubDeps, type HubLimits } from "../../src/hub/cluster-hub.ts";
import type { Presence } from "../../src/hub/hub.ts";
import { kinds } from "../../src/kinds/index.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { StatusError, type Status } from "../../src/machinery/status-error.ts";
import { loadClusterKeys } from "../../src/pki/load-cluster-keys.ts";
import type { Log, Platform } from "../../src/platform/platform.ts";
import type { ServerSockets } from "../../src/platform/sockets.ts";
import type { NodeStreams } from "../../src/relay/node-streams.ts";
import { createCachedReader } from "../../src/registry/cached-reader.ts";
import type { KindDefinition } from "../../src/registry/kind.ts";
import { createScheme } from "../../src/registry/scheme.ts";
import { createPresenter } from "../../src/registry/stored-form.ts";
import type { Database } from "../../src/storage/database.ts";
import { reencryptSlice } from "../../src/storage/reencryption.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { createSqlLog, createSqlReader } from "../../src/storage/sql-log.ts";
import type { StorageWriter } from "../../src/storage/storage.ts";
import { createSettings } from "../../src/storage/settings.ts";
import { testRuntime } from "./test-runtime.ts";

export const ADMIN_TOKEN = "test-admin-token";

export interface TestClusterOptions {
  /** Nodes may join. */
  agents?: AgentAccess;
  /** Requests are recorded. */
  audited?: boolean;
  config?: Partial<ClusterConfig>;
  hubLimits?: Partial<HubLimits>;
  presence?: Presence;
  streams?: NodeStreams;
  sockets?: ServerSockets;
  platform?: Partial<Platform>;
  /** Ways to say who one is, beside those of every cluster. */
  authenticators?: readonly Authenticator[];
  /** Where clients can show certificates: which one has come with a request. */
  clientCertificate?: Cluster["clientCertificate"];
  /** Instead of a plain hub. */
  makeHub?: (deps: HubDeps) => ClusterHub;
  /** Instead of the built-in ones. */
  kinds?: readonly KindDefinition[];
  /** One that others use too, or that fails at times; whoever opened it closes it. By default an empty one of the cluster's own. */
  database?: Database;
  /** False: another cluster over the same database may write too. By default as the runtime does it. */
  cachesReads?: boolean;
}

export interface Answer<T = KubeObject> {
  status: number;
  headers: Headers;
  body: T;
  text: string;
}

export interface TestCluster {
  app: App;
  cluster: Cluster;
  hub: ClusterHub;
  storage: StorageWriter;
  /** What was logged as an error: a test that expects none says so. */
  errors: string[];
  /** As the administrator, unless `init` names another token. A plain object as body becomes JSON. */
  fetch(path: string, init?: TestRequest): Promise<Response>;
  /** The same with the body read and parsed. */
  call<T = KubeObject>(path: string, init?: TestRequest): Promise<Answer<T>>;
  stop(): Promise<void>;
}

export interface TestRequest {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Null: none at all. */
  token?: string | null;
  signal?: AbortSignal;
}

const noStreams: NodeStreams = {
  open: async () => {
    throw new StatusError("ServiceUnavailable", "no node is connected");
  },
};

export async function createTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const errors: string[] = [];
  const platform: Platform = { ...testRuntime.createPlatform(), log: recordingLog(errors), ...options.platform };
  const { clock, timers, random, log } = platform;
  const opened = options.database
    ? { database: options.database, close: async () => {} }
    : await testRuntime.openDatabase();
  const { database } = opened;
  await migrate(database);
  const masterKey = new Uint8Array(32);
  const encrypted = options.config?.encryptedResources ?? DEFAULT_CLUSTER_CONFIG.encryptedResources;
  const settings = createSettings({ database });
  const keys = await loadClusterKeys({ settings, masterKey, clock, random, encrypted });
  const storage = createSqlLog({ database, clock, log, cipher: keys.values });
  const served = options.kinds ?? kinds;
  const present = createPresenter(createScheme(served));
  const hub = (options.makeHub ?? createHub)({
    storage,
    clock,
    timers,
    log,
    present,
    ...(options.hubLimits ? { limits: options.hubLimits } : {}),
  });
  const isAlone = options.cachesReads ?? testRuntime.cachesReads;
  const onCommit: ClusterHub["onCommit"] = (listener) => hub.onCommit(listener);
  // As both platforms do.
  hub.onCommit((entries) => {
    const revocation = revokedByDeletion(entries);
    if (revocation) hub.revoke(revocation);
  });
  const config: ClusterConfig = {
    ...DEFAULT_CLUSTER_CONFIG,
    serverUrl: "https://gantry.test:6443",
    issuer: "https://gantry.test:6443",
    adminTokenHashes: [await sha256Hex(ADMIN_TOKEN)],
    ...options.config,
  };
  const cluster: Cluster = {
    id: "test",
    storage: isAlone ? await createCachedReader({ storage, onCommit }) : storage,
    ...(isAlone ? { onCommit } : {}),
    readerOf: (watchPolicy) =>
      createSqlReader({ database, cipher: keys.values, ...(watchPolicy ? { watchPolicy } : {}) }),
    hub,
    presence: options.presence ?? { lastSeen: async () => ({}) },
    streams: options.streams ?? noStreams,
    ...(options.sockets ? { sockets: options.sockets } : {}),
    keys,
    ...(options.audited ? { audit: createAudit({ database, clock, timers, log }, config.audit) } : {}),
    clientAddress: ({ headers }) => headers.get(ADDRESS_HEADER) ?? undefined,
    ...(options.clientCertificate ? { clientCertificate: options.clientCertificate } : {}),
    reencrypt: (slice) => reencryptSlice({ database, cipher: keys.values }, slice),
    platform,
    config,
  };
  const app = createApp(cluster, {
    kinds: served,
    ...(options.agents ? { agents: options.agents } : {}),
    ...(options.authenticators ? { authenticators: options.authenticators } : {}),
  });
  await bootstrapCluster(cluster, app);
  const { fetch, call } = callers(app);
  return {
    app,
    cluster,
    hub,
    storage,
    errors,
    fetch,
    call,
    async stop() {
      await hub.stop();
      await opened.close();
    },
  };
}

async function sha256Hex(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function recordingLog(errors: string[]): Log {
  return {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (message, fields) => errors.push(`${message} ${JSON.stringify(fields)}`),
  };
}

function callers(app: App): Pick<TestCluster, "fetch" | "call"> {
  const send: TestCluster["fetch"] = async (path, init = {}) => {
    const { method = "GET", body, headers = {}, token = ADMIN_TOKEN, signal } = init;
    const all = new Headers(headers);
    if (token !== null && !all.has("authorization")) all.set("authorization", `Bearer ${token}`);
    const raw = typeof body === "string" || body instanceof Uint8Array;
    if (body !== undefined && !all.has("content-type")) all.set("content-type", "application/json");
    return await app.fetch(
      new Request(`https://gantry.test:6443${path}`, {
        method,
        headers: all,
        ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      }),
    );
  };
  return {
    fetch: send,
    async call<T>(path: string, init?: TestRequest): Promise<Answer<T>> {
      const response = await send(path, init);
      const text = await response.text();
      const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
      const body = (isJson && text !== "" ? JSON.parse(text) : undefined) as T;
      return { status: response.status, headers: response.headers, body, text };
    },
  };
}

/** What a test expects of a failure. */
export interface Failure {
  code: number;
  reason: string;
  message?: string | RegExp;
}

/** Throws unless the answer is exactly this Status. */
export function assertFailure(answer: Answer<unknown>, expected: Failure): Status {
  const status = answer.body as Status;
  const found = { http: answer.status, kind: status?.kind, code: status?.code, reason: status?.reason };
  const wanted = { http: expected.code, kind: "Status", code: expected.code, reason: expected.reason };
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`expected ${JSON.stringify(wanted)}, got ${JSON.stringify(found)}: ${answer.text}`);
  }
  const { message } = expected;
  const text = status.message ?? "";
  if (typeof message === "string" ? text !== message : message && !message.test(text)) {
    throw new Error(`expected the message ${String(message)}, got ${JSON.stringify(text)}`);
  }
  return status;
}

/** Lines of a watch as they come. */
export async function* watchEvents(response: Response): AsyncGenerator<{ type: string; object: KubeObject }> {
  if (!response.body) return;
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") yield JSON.parse(line) as { type: string; object: KubeObject };
    }
  } finally {
    await reader.cancel();
  }
}

/** The next `count` events. */
export async function take<T>(events: AsyncGenerator<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const next = await events.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}
