/**
 * The API over loopback against a bare Hono handler that answers the same bytes, on the same kind of server. The two take turns in
 * short rounds, and what is compared is the median of the rounds: other programs on the machine slow both.
 */
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import {
  BENCH_TOKEN,
  configMapBody,
  copyObject,
  createNamespace,
  openBenchCluster,
  podBody,
  type BenchCluster,
} from "./fixture.ts";
import { load, type LoadRequest, type LoadResult } from "./http-load.ts";
import type { Report } from "./report.ts";

const ROUNDS = 3;
const READERS = 32;
const WRITERS = 64;
/** Objects that each kind of write meets; a third of them in each round. */
const WRITTEN = 4_500;
const PODS = 5_000;
const NODES = 100;

export async function run(report: Report): Promise<void> {
  const temporary = await openTemporaryDatabase({ writesInThread: true });
  const cluster = await openBenchCluster(temporary.database);
  const bare = { handler: new Hono() };
  const servers = await Promise.all([
    listen((request) => cluster.app.fetch(request)),
    listen((request) => cluster.direct.fetch(request)),
    listen((request) => bare.handler.fetch(request)),
  ]);
  const [gantry, direct, limit] = servers;
  const ports = { gantry: gantry.port, direct: direct.port, bare: limit.port };
  try {
    const bench = { report, cluster, bare, ports };
    await measureReads(bench);
    await measureWrites(bench);
  } finally {
    for (const server of servers) await server.close();
    await cluster.stop();
    await temporary.close();
  }
}

interface Bench {
  report: Report;
  cluster: BenchCluster;
  /** Made anew for each case: Hono takes no route after its first request. */
  bare: { handler: Hono };
  /** `direct` asks SQL with every read. */
  ports: { gantry: number; direct: number; bare: number };
}

interface Case {
  name: string;
  request: Pick<LoadRequest, "method" | "path" | "body"> & { headers?: Record<string, string> };
  /** In one round. */
  requests: number;
  connections: number;
  /** Otherwise requests are counted. */
  inBytes?: boolean;
  /** Reads are compared without the memory of what was read, too. */
  direct?: boolean;
}

async function measureReads(bench: Bench): Promise<void> {
  const { cluster } = bench;
  await createNamespace(cluster, "one");
  await cluster.call("POST", "/api/v1/namespaces/one/pods", { body: podBody("pod-0") });
  const original = { resource: "pods", namespace: "one", name: "pod-0" };
  for (const [namespace, count] of [
    ["few", 500],
    ["many", PODS],
  ] as const) {
    await createNamespace(cluster, namespace);
    await copyObject(cluster, original, count, (at) => ({
      name: `pod-${at}`,
      namespace,
      labels: { app: `app-${at % 10}` },
      fields: { "spec.nodeName": namespace === "many" ? `node-${at % NODES}` : "", "status.phase": "Running" },
    }));
  }
  await cluster.hub.poll();
  const few = "/api/v1/namespaces/few/pods";
  const many = "/api/v1/namespaces/many/pods";
  const reads: [string, string, number, boolean][] = [
    ["get", "/api/v1/namespaces/one/pods/pod-0", 10_000, false],
    ["list/500 pods", few, 150, true],
    [`list/500 of ${PODS}, a page`, `${many}?limit=500`, 100, true],
    [`list/${PODS} pods`, many, 12, true],
    [`list/by label, 500 of ${PODS}`, `${many}?labelSelector=app%3Dapp-3`, 60, true],
    [`list/by spec.nodeName, 50 of ${PODS}`, `${many}?fieldSelector=spec.nodeName%3Dnode-3`, 300, true],
    ["discovery", "/apis", 3_000, false],
    ["openapi/v3, the index", "/openapi/v3", 2_000, false],
    ["openapi/v3, apps/v1", "/openapi/v3/apis/apps/v1", 150, true],
  ];
  for (const [name, path, requests, inBytes] of reads) {
    const headers = headersOf(path);
    const answer = await bytesOf(cluster, path, headers);
    const plain = path.split("?")[0] ?? "";
    bench.bare.handler = new Hono().get(plain, (context) => context.body(answer.bytes, 200, answer.headers));
    const connections = inBytes ? 8 : READERS;
    await compare(bench, {
      name,
      request: { method: "GET", path, headers },
      requests,
      connections,
      inBytes,
      direct: path.startsWith("/api/"),
    });
  }
}

/** As client-go asks: documents are kept compressed, and sent so. */
function headersOf(path: string): Record<string, string> {
  if (path === "/apis") return { Accept: DISCOVERY_V2 };
  return path.startsWith("/openapi") ? { "Accept-Encoding": "gzip" } : {};
}

async function bytesOf(
  cluster: BenchCluster,
  path: string,
  headers: Record<string, string>,
): Promise<{ bytes: ArrayBuffer; headers: Record<string, string> }> {
  const response = await cluster.direct.fetch(
    new Request(`https://gantry.bench:6443${path}`, {
      headers: { ...headers, Authorization: `Bearer ${BENCH_TOKEN}` },
    }),
  );
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  const encoding = response.headers.get("content-encoding");
  return {
    bytes: await response.arrayBuffer(),
    headers: encoding === null ? JSON_HEADERS : { ...JSON_HEADERS, "Content-Encoding": encoding },
  };
}

const DISCOVERY_V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const JSON_HEADERS = { "Content-Type": "application/json" };
const TYPE = (type: string) => ({ "Content-Type": `application/${type}` });
/** An apply must carry its manager. */
const APPLY_QUERY = "?fieldManager=bench&force=true";

async function measureWrites(bench: Bench): Promise<void> {
  const { cluster } = bench;
  await createNamespace(cluster, "written");
  const path = "/api/v1/namespaces/written/configmaps";
  const one = `${path}/map-{n}`;
  const created = configMapBody("map-{n}");
  const writes: { name: string; request: Case["request"] }[] = [
    { name: "create", request: { method: "POST", path, body: JSON.stringify(created) } },
    {
      name: "update",
      request: { method: "PUT", path: one, body: JSON.stringify({ ...created, data: { text: "y".repeat(1_024) } }) },
    },
    {
      name: "patch/json",
      request: {
        method: "PATCH",
        path: one,
        headers: TYPE("json-patch+json"),
        body: JSON.stringify([{ op: "add", path: "/data/json", value: "1" }]),
      },
    },
    {
      name: "patch/merge",
      request: {
        method: "PATCH",
        path: one,
        headers: TYPE("merge-patch+json"),
        body: JSON.stringify({ data: { merge: "1" } }),
      },
    },
    {
      name: "patch/strategic",
      request: {
        method: "PATCH",
        path: one,
        headers: TYPE("strategic-merge-patch+json"),
        body: JSON.stringify({ data: { strategic: "1" } }),
      },
    },
    {
      name: "patch/apply",
      request: {
        method: "PATCH",
        path: one + APPLY_QUERY,
        headers: TYPE("apply-patch+yaml"),
        body: JSON.stringify({ ...created, data: { applied: "1" } }),
      },
    },
    { name: "delete", request: { method: "DELETE", path: one } },
  ];
  for (const { name, request } of writes) {
    const sample = await sampleOf(bench, request);
    if (sample === undefined) {
      bench.report.missing(`api/${name}`, "what the API does not serve yet");
      continue;
    }
    const [bareMethod, barePath] = [request.method, (request.path.split("?")[0] ?? "").replace("map-{n}", ":name")];
    bench.bare.handler = new Hono().on(bareMethod, barePath, async (context) => {
      await context.req.arrayBuffer();
      return context.body(sample.text, sample.status === 201 ? 201 : 200, JSON_HEADERS);
    });
    await compare(bench, { name, request, requests: WRITTEN / ROUNDS, connections: WRITERS });
  }
}

function named(text: string, name: string): string {
  return text.replaceAll("{n}", name);
}

/** The answer to one such request, of an object that no round uses. Undefined: this verb is not served. */
async function sampleOf({ cluster }: Bench, { method, path, body, headers }: Case["request"]) {
  try {
    return await cluster.call(method, named(path, "sample"), {
      ...(headers ? { headers } : {}),
      ...(body === undefined ? {} : { body: named(body, "sample") }),
    });
  } catch (error) {
    if (String(error).includes("answered 415")) return undefined;
    throw error;
  }
}

async function compare(
  bench: Bench,
  { name, request, requests, connections, inBytes = false, direct = false }: Case,
): Promise<void> {
  const { report, ports } = bench;
  const cases = [
    { name: "bare handler", port: ports.bare, results: [] as LoadResult[] },
    { name: "gantry", port: ports.gantry, results: [] as LoadResult[] },
    ...(direct ? [{ name: "gantry, reading SQL", port: ports.direct, results: [] as LoadResult[] }] : []),
  ];
  const headers = { Authorization: `Bearer ${BENCH_TOKEN}`, Accept: "application/json", ...request.headers };
  const warmUp = request.method === "GET" ? Math.ceil(requests / 4) : 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name: server, port, results } of cases) {
      const result = await load({ ...request, headers, port, connections, requests, warmUp, first: round * requests });
      if (result.failures > 0) throw new Error(`api/${name}: ${result.failures} requests to ${server} failed`);
      results.push(result);
    }
  }
  const throughput = (result: LoadResult) => (inBytes ? result.bytesPerSecond / 1e6 : result.requestsPerSecond);
  const [bare] = cases.map(({ results }) => median(results.map(throughput)));
  for (const { name: server, results } of cases) {
    const row = { bench: `api/${name}`, case: server };
    const value = median(results.map(throughput));
    report({ ...row, metric: "throughput", value, unit: inBytes ? "MB/s" : "requests/s" });
    report({ ...row, metric: "p50", value: median(results.map(({ p50Ms }) => p50Ms)), unit: "ms" });
    report({ ...row, metric: "p99", value: median(results.map(({ p99Ms }) => p99Ms)), unit: "ms" });
    if (server !== "bare handler")
      report({ ...row, metric: "of the bare handler", value: value / (bare ?? 0), unit: "" });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
): Promise<{ port: number; close(): Promise<void> }> {
  const server = createAdaptorServer({ fetch });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
