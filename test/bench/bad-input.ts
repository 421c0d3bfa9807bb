/**
 * What the costliest bad requests take of the CPU, all threads of the process together, beside the 100 ms that none of them may. Each is
 * sent a few times and the least is told: what else the process does comes on top at random.
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
    let worst = 0;
    for (const request of HOSTILE_REQUESTS) {
      const { method = "GET", headers = {}, body } = request.init();
      const encoded = typeof body === "string" ? new TextEncoder().encode(body) : (body as Uint8Array | undefined);
      const init = { method, headers: { ...headers, authorization: `Bearer ${BENCH_TOKEN}` }, body: encoded ?? null };
      const url = ORIGIN + request.path;
      let leastMs = Number.POSITIVE_INFINITY;
      for (let time = 0; time < TIMES; time += 1) {
        const made = new Request(url, init as RequestInit);
        const before = process.cpuUsage();
        const response = await cluster.app.fetch(made);
        await response.text();
        const { user, system } = process.cpuUsage(before);
        leastMs = Math.min(leastMs, (user + system) / 1_000);
        if (response.status !== request.status) throw new Error(`${request.name} was answered ${response.status}`);
      }
      worst = Math.max(worst, leastMs);
      report({ bench: "bad-input", case: request.name, metric: "CPU", value: leastMs, unit: "ms" });
    }
    report({ bench: "bad-input", case: "the worst", metric: "CPU", value: worst, unit: "ms" });
    report({ bench: "bad-input", case: "limit", metric: "CPU", value: LIMIT_MS, unit: "ms" });
  } finally {
    await cluster.stop();
    await opened.close();
  }
}

async function prepare(cluster: BenchCluster): Promise<void> {
  for (const { path, body } of TARGETS) await cluster.call("POST", path, { body });
  for (let at = 0; at < WARM_UP_REQUESTS; at += 1) {
    const body = { metadata: { name: `warm-${at}` }, data: { a: "1" } };
    await cluster.call("POST", "/api/v1/namespaces/default/configmaps?dryRun=All", { body });
  }
}
