/**
 * What the costliest bad requests take of the CPU beside the 100 ms that none of them may: all threads of the process together, and the
 * thread that answers alone, which is what others wait for and what the edge counts (the rest is the compiler and the collector). Each
 * is sent a few times and the least is told: what else the process does comes on top at random.
 */
import { HOSTILE_REQUESTS, TARGETS } from "../harness/hostile/index.ts";
import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { BENCH_TOKEN, openBenchCluster, ORIGIN, type BenchCluster } from "./fixture.ts";
import type { Report } from "./report.ts";

const LIMIT_MS = 100;
const TIMES = 3;
/** Ordinary requests before: the first ones are the compiler's. */
const WARM_UP_REQUESTS = 300;

export async function run(report: Report): Promise<void> {
  const opened = await openTemporaryDatabase();
  const cluster = await openBenchCluster(opened.database);
  try {
    await prepare(cluster);
    const worst = { allMs: 0, threadMs: 0 };
    for (const request of HOSTILE_REQUESTS) {
      const { method = "GET", headers = {}, body } = request.init();
      const encoded = typeof body === "string" ? new TextEncoder().encode(body) : (body as Uint8Array | undefined);
      const init = { method, headers: { ...headers, authorization: `Bearer ${BENCH_TOKEN}` }, body: encoded ?? null };
      const url = ORIGIN + request.path;
      const least = { allMs: Number.POSITIVE_INFINITY, threadMs: Number.POSITIVE_INFINITY };
      for (let time = 0; time < TIMES; time += 1) {
        const made = new Request(url, init as RequestInit);
        const before = { all: process.cpuUsage(), thread: process.threadCpuUsage() };
        const response = await cluster.app.fetch(made);
        await response.text();
        least.allMs = Math.min(least.allMs, milliseconds(process.cpuUsage(before.all)));
        least.threadMs = Math.min(least.threadMs, milliseconds(process.threadCpuUsage(before.thread)));
        if (response.status !== request.status) throw new Error(`${request.name} was answered ${response.status}`);
      }
      worst.allMs = Math.max(worst.allMs, least.allMs);
      worst.threadMs = Math.max(worst.threadMs, least.threadMs);
      tell(report, request.name, least);
    }
    tell(report, "the worst", worst);
    report({ bench: "bad-input", case: "limit", metric: "CPU", value: LIMIT_MS, unit: "ms" });
  } finally {
    await cluster.stop();
    await opened.close();
  }
}

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}

function tell(report: Report, name: string, { allMs, threadMs }: { allMs: number; threadMs: number }): void {
  report({ bench: "bad-input", case: name, metric: "CPU, all threads", value: allMs, unit: "ms" });
  report({ bench: "bad-input", case: name, metric: "CPU, its thread", value: threadMs, unit: "ms" });
}

async function prepare(cluster: BenchCluster): Promise<void> {
  for (const { path, body } of TARGETS) await cluster.call("POST", path, { body });
  for (let at = 0; at < WARM_UP_REQUESTS; at += 1) {
    const body = { metadata: { name: `warm-${at}` }, data: { a: "1" } };
    await cluster.call("POST", "/api/v1/namespaces/default/configmaps?dryRun=All", { body });
  }
}
