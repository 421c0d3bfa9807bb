/**
 * From a write to what its watchers read, over TLS on the server that `npm start` uses. Beside it a bare handler that writes the same
 * bytes to as many open answers: what TLS, sockets and the client's own thread take.
 */
import { Hono } from "hono";
import { DEFAULT_CLUSTER_CONFIG } from "../../src/cluster.ts";
import { issueServerIdentity } from "../../src/pki/server-identity.ts";
import { startServer, type RunningServer } from "../../src/platform/node/server.ts";
import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { BENCH_TOKEN, configMapBody, createNamespace, openBenchCluster, type BenchCluster } from "./fixture.ts";
import type { Report } from "./report.ts";
import { watchLoad } from "./watch-load.ts";

const CASES = [
  { watchers: 1, writes: 200 },
  { watchers: 100, writes: 100 },
  { watchers: 1_000, writes: 50 },
];
const STOP_GRACE_MS = 100;

export async function run(report: Report): Promise<void> {
  const temporary = await openTemporaryDatabase({ writesInThread: true });
  const cluster = await openBenchCluster(temporary.database);
  try {
    for (const { watchers, writes } of CASES) await measure({ report, cluster, watchers, writes });
  } finally {
    await cluster.stop();
    await temporary.close();
  }
}

async function measure(options: {
  report: Report;
  cluster: BenchCluster;
  watchers: number;
  writes: number;
}): Promise<void> {
  const { report, cluster, watchers, writes } = options;
  const namespace = `fanout-${watchers}`;
  await createNamespace(cluster, namespace);
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const revision = await cluster.storage.revision();
  const watchPath = `${path}?watch=true&resourceVersion=${revision}`;
  const load = { watchPath, writePath: path, token: BENCH_TOKEN, watchers, writes };
  const body = JSON.stringify(configMapBody("w-{n}"));
  const bare = await bareLatencies(cluster, load, body);
  const gantry = await withServer(
    cluster,
    (request) => cluster.app.fetch(request),
    ({ port }) => watchLoad({ ...load, port, ca: cluster.keys.clusterCa, body }),
  );
  const row = { bench: "api/watch-fanout", unit: "ms" };
  for (const [name, sorted] of [
    ["bare handler", bare],
    ["gantry", gantry.latenciesMs.toSorted((a, b) => a - b)],
  ] as const) {
    for (const [metric, share] of [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const) {
      const value = sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
      report({ ...row, case: `${watchers} watchers, ${name}`, metric: `write to read, ${metric}`, value });
    }
  }
}

/** The same sockets and the same bytes, without a cluster behind them. */
async function bareLatencies(
  cluster: BenchCluster,
  load: { watchPath: string; writePath: string; token: string; watchers: number; writes: number },
  body: string,
): Promise<number[]> {
  const sample = await cluster.call("POST", load.writePath, { body: body.replace("{n}", "sample") });
  const event = `{"type":"ADDED","object":${sample.text}}\n`;
  const watchers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const encoder = new TextEncoder();
  const handler = new Hono();
  handler.get("/watch", (context) => {
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        watchers.add(controller);
        // A stream that says nothing keeps its headers back.
        controller.enqueue(encoder.encode("\n"));
      },
    });
    return context.body(stream, 200, { "Content-Type": "application/json" });
  });
  handler.post("/write", async (context) => {
    const { metadata } = await context.req.json<{ metadata: { name: string } }>();
    const bytes = encoder.encode(event.replace("w-sample", metadata.name));
    for (const controller of watchers) controller.enqueue(bytes);
    return context.body(sample.text, 201, { "Content-Type": "application/json" });
  });
  const { latenciesMs } = await withServer(
    cluster,
    async (request) => handler.fetch(request),
    ({ port }) =>
      watchLoad({ ...load, watchPath: "/watch", writePath: "/write", port, ca: cluster.keys.clusterCa, body }),
  );
  return latenciesMs.toSorted((a, b) => a - b);
}

async function withServer<T>(
  { keys, clock }: BenchCluster,
  fetch: (request: Request) => Promise<Response>,
  use: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const host = "127.0.0.1";
  const { keyPem, certificatePem } = await issueServerIdentity({
    keys,
    clock,
    cluster: DEFAULT_CLUSTER_CONFIG,
    hosts: [host],
  });
  const server = await startServer({ host, port: 0, identity: { key: keyPem, certificate: certificatePem }, fetch });
  try {
    return await use(server);
  } finally {
    await server.stop(STOP_GRACE_MS);
  }
}
