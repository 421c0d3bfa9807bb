/** The API over loopback against a bare Hono handler that answers the same bytes, in the same run and on the same server. */
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { createApp } from "../../src/app.ts";
import { ADMIN_TOKEN, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { load, type LoadRequest, type LoadResult } from "./http-load.ts";
import type { Report } from "./report.ts";

const CONNECTIONS = 32;
const LISTED_PODS = 500;

export async function run(report: Report): Promise<void> {
  const api = await createTestCluster();
  const bare = { handler: new Hono() };
  // The same API without the memory of what was read: every request asks SQL.
  const direct = createApp({ ...api.cluster, storage: api.storage });
  const directServer = await listen((request) => direct.fetch(request));
  const apiServer = await listen((request) => api.app.fetch(request));
  const bareServer = await listen((request) => bare.handler.fetch(request));
  try {
    const ports = { gantry: apiServer.port, direct: directServer.port, bare: bareServer.port };
    const bench = { report, api, bare, ports };
    await measureGet(bench);
    await measureList(bench);
    await measureCreate(bench);
  } finally {
    await apiServer.close();
    await directServer.close();
    await bareServer.close();
    await api.stop();
  }
}

interface Bench {
  report: Report;
  api: TestCluster;
  /** Made anew for each case: Hono takes no route after its first request. */
  bare: { handler: Hono };
  ports: { gantry: number; direct: number; bare: number };
}

const HEADERS = { Authorization: `Bearer ${ADMIN_TOKEN}`, Accept: "application/json" };

async function measureGet(bench: Bench): Promise<void> {
  await createPods(bench.api, "bench-get", 1);
  const path = "/api/v1/namespaces/bench-get/pods/pod-0";
  await sameBytes(bench, path);
  const request = {
    method: "GET" as const,
    path,
    headers: HEADERS,
    connections: CONNECTIONS,
    warmUp: 10_000,
    requests: 40_000,
  };
  await compare(bench, { name: "api/get", request, unit: "requests/s", value: (result) => result.requestsPerSecond });
}

async function measureList(bench: Bench): Promise<void> {
  await createPods(bench.api, "bench-list", LISTED_PODS);
  const path = "/api/v1/namespaces/bench-list/pods";
  await sameBytes(bench, path);
  const request = { method: "GET" as const, path, headers: HEADERS, connections: 8, warmUp: 40, requests: 400 };
  await compare(bench, { name: "api/list", request, unit: "MB/s", value: (result) => result.bytesPerSecond / 1e6 });
}

async function measureCreate(bench: Bench): Promise<void> {
  await bench.api.call("/api/v1/namespaces", { method: "POST", body: { metadata: { name: "bench-create" } } });
  const path = "/api/v1/namespaces/bench-create/configmaps";
  const body = JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "map-{n}" },
    data: { text: "x".repeat(1024) },
  });
  const answer = await bench.api.call(path, { method: "POST", body: body.replace("{n}", "first") });
  bench.bare.handler = new Hono().post(path, async (context) => {
    await context.req.arrayBuffer();
    return context.body(answer.text, 201, { "Content-Type": "application/json" });
  });
  const request = {
    method: "POST" as const,
    path,
    body,
    headers: HEADERS,
    connections: 64,
    warmUp: 2_000,
    requests: 10_000,
  };
  await compare(bench, {
    name: "api/create",
    request,
    unit: "requests/s",
    value: (result) => result.requestsPerSecond,
  });
}

/** Puts what the API answers into the bare handler. */
async function sameBytes({ api, bare }: Bench, path: string): Promise<void> {
  const { text, status } = await api.call(path);
  if (status !== 200) throw new Error(text);
  bare.handler = new Hono().get(path, (context) => context.body(text, 200, { "Content-Type": "application/json" }));
}

async function compare(
  { report, ports }: Bench,
  options: {
    name: string;
    request: Omit<LoadRequest, "port">;
    unit: string;
    value(result: LoadResult): number;
  },
): Promise<void> {
  const cases = [
    ["bare handler", ports.bare],
    ["gantry", ports.gantry],
    ["gantry, without read cache", ports.direct],
  ] as const;
  let limit = 0;
  for (const [name, port] of cases) {
    // A POST would find its objects there already.
    if (port === ports.direct && options.request.method === "POST") continue;
    const result = await load({ ...options.request, port });
    if (result.failures > 0) throw new Error(`${options.name}: ${result.failures} requests to ${name} failed`);
    const throughput = options.value(result);
    if (port === ports.bare) limit = throughput;
    report({ bench: options.name, case: name, metric: "throughput", value: throughput, unit: options.unit });
    report({ bench: options.name, case: name, metric: "p50", value: result.p50Ms, unit: "ms" });
    report({ bench: options.name, case: name, metric: "p99", value: result.p99Ms, unit: "ms" });
    if (port !== ports.bare) {
      report({ bench: options.name, case: name, metric: "of the bare handler", value: throughput / limit, unit: "" });
    }
  }
}

async function createPods(api: TestCluster, namespace: string, count: number): Promise<void> {
  await api.call("/api/v1/namespaces", { method: "POST", body: { metadata: { name: namespace } } });
  const account = { metadata: { name: "default" } };
  await api.call(`/api/v1/namespaces/${namespace}/serviceaccounts`, { method: "POST", body: account });
  for (let start = 0; start < count; start += 50) {
    const group = Array.from({ length: Math.min(50, count - start) }, (_, i) => pod(`pod-${start + i}`));
    const answers = await Promise.all(
      group.map((body) => api.call(`/api/v1/namespaces/${namespace}/pods`, { method: "POST", body })),
    );
    const failed = answers.find(({ status }) => status !== 201);
    if (failed) throw new Error(failed.text);
  }
}

function pod(name: string): object {
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
    },
  };
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
