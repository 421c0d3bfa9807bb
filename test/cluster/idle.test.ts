/** What an idle cluster costs: a whole control plane and a whole agent on real sockets, with a clock that the test moves. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { silentLog } from "../harness/silent-log.ts";
import { createManualTime } from "../harness/timers.ts";
import { createBootstrapToken } from "../../src/authn/bootstrap-token.ts";
import { createClient } from "../../src/client/fetch-client.ts";
import type { Client } from "../../src/client/client.ts";
import { deployments } from "../../src/kinds/apps/deployments/types.ts";
import { leases } from "../../src/kinds/coordination/leases/types.ts";
import { nodes } from "../../src/kinds/core/nodes/types.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { startControlPlane } from "../../src/platform/node/control-plane.ts";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import type { Platform } from "../../src/platform/platform.ts";
import type { Database } from "../../src/storage/database.ts";
import { createFakeEngine } from "../../agent/engines/fake/fake-engine.ts";
import { createHttpsFetch } from "../../agent/https-fetch.ts";
import { startAgent } from "../../agent/main.ts";
import { createNoNetwork } from "../../agent/network/pod-network.ts";

const STEP_MS = 1_000;
const HOUR_MS = 3_600_000;
const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

/** Lets everything that has come in be handled; both ends live in this process. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function startCluster() {
  const time = createManualTime(Date.now());
  const platform: Platform = { ...createNodePlatform({ level: "error" }), clock: time, timers: time, log: silentLog };
  const folder = await mkdtemp(join(tmpdir(), "gantry-idle-"));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const writes: string[] = [];
  const watchDatabase = (database: Database): Database => ({
    batch(statements, mode) {
      if (mode === "write") writes.push(statements.map(({ sql }) => sql).join("; "));
      return database.batch(statements, mode);
    },
    close: () => database.close(),
  });
  const plane = await startControlPlane({
    platform,
    data: join(folder, "plane"),
    host: "127.0.0.1",
    port: 0,
    watchDatabase,
  });
  undo.push(() => whileTimePasses(time, plane.stop()));
  const https = createHttpsFetch({ ca: plane.clusterCa });
  undo.push(() => https.close());
  const client = createClient({
    baseUrl: plane.url,
    fetch: https.fetch,
    token: () => plane.adminToken,
    userAgent: "test",
  });
  const engine = createFakeEngine(platform);
  engine.images.set("app:1", { imageRef: "sha256:app" });
  const starting = startAgent({
    platform,
    server: plane.url,
    ca: plane.clusterCa,
    token: await createBootstrapToken({ client, ...platform }, { lifetimeMs: 3 * 3_600_000 }),
    nodeName: "n1",
    dataDirectory: join(folder, "agent"),
    engine,
    createNetwork: createNoNetwork,
    relay: { host: "127.0.0.1", port: 0 },
    nodeAddress: "192.0.2.7",
  });
  const agent = await whileTimePasses(time, starting);
  undo.push(() => whileTimePasses(time, agent.stop({ killPods: true })));
  return { time, client, agent, writes };
}

/** Work that waits for timers gets them. */
async function whileTimePasses<T>(time: { advance(byMs: number): void }, work: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const done = work.finally(() => ended.abort());
  done.catch(() => undefined);
  while (!ended.signal.aborted) {
    time.advance(100);
    await turns(4);
  }
  return done;
}

async function pass(time: { advance(byMs: number): void }, durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += STEP_MS) {
    time.advance(STEP_MS);
    await turns(10);
  }
}

async function runningPods(client: Client): Promise<number | undefined> {
  const web = await client.get<KubeObject>(deployments, { namespace: "default", name: "web" });
  return (web["status"] as { readyReplicas?: number } | undefined)?.readyReplicas;
}

test("an idle cluster with a connected node and running pods writes nothing to SQL for an hour, and knows that the node lives", async () => {
  const { time, client, agent, writes } = await startCluster();
  const labels = { app: "web" };
  const containers = [{ name: "app", image: "app:1", command: ["serve"] }];
  await client.create<KubeObject>(
    deployments,
    {
      metadata: { name: "web", namespace: "default" },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    },
    { namespace: "default" },
  );
  await vi.waitFor(
    async () => {
      time.advance(STEP_MS);
      expect(await runningPods(client)).toBe(2);
    },
    { timeout: 15_000, interval: 5 },
  );
  // What follows a start: last statuses; after an hour its Events expire; then their tombstones and the history are compacted.
  await pass(time, 1.5 * HOUR_MS);
  writes.length = 0;
  await pass(time, HOUR_MS);
  expect(writes).toEqual([]);
  expect(agent.tunnelConnected()).toBe(true);
  const lease = await client.get<KubeObject>(leases, { namespace: "kube-node-lease", name: "n1" });
  const renewedMs = Date.parse((lease["spec"] as { renewTime: string }).renewTime);
  expect(time.now() - renewedMs).toBeLessThan(40_000);
  const node = await client.get<KubeObject>(nodes, { name: "n1" });
  const { conditions } = node["status"] as { conditions: { type: string; status: string }[] };
  expect(conditions.find(({ type }) => type === "Ready")?.status).toBe("True");
}, 120_000);
