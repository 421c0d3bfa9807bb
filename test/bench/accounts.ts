/** How long a new cluster takes, from the request to an API that has answered, on files as the embedded process has them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clusterUrl } from "../../src/accounts/front-door.ts";
import { ACCOUNTS_DATABASE, createAccountTokens, createAccounts } from "../../src/accounts/index.ts";
import { DEFAULT_CLUSTER_CONFIG } from "../../src/cluster.ts";
import { createNodeClusterHost } from "../../src/platform/node/cluster-host.ts";
import { createDatabaseFiles } from "../../src/platform/node/database-files.ts";
import { createNodePlatform } from "../../src/platform/node/platform.ts";
import { createUpgrades } from "../../src/platform/node/upgrade.ts";
import { BASE_URL, bearer, callerOf, signUpWithOrganisation } from "../harness/accounts.ts";
import { silentLog } from "../harness/silent-log.ts";
import { run as runOnEdge } from "./accounts-edge.ts";
import { quantile, type BenchRow, type Report } from "./report.ts";

/** Two of them may be slower than the p99. */
const CLUSTERS = 200;
const CLUSTERS_EACH = 100;
const LIMIT_P99_MS = 1_500;
const TOKEN_CALLS = 2_000;

export async function run(report: Report): Promise<void> {
  await runOnNode(report);
  await runOnEdge(report);
}

async function runOnNode(report: Report): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-bench-"));
  const platform = { ...createNodePlatform(), log: silentLog };
  const { clock } = platform;
  const databases = createDatabaseFiles(folder, { writesInThread: true });
  await databases.create(ACCOUNTS_DATABASE);
  const database = await databases.open(ACCOUNTS_DATABASE);
  const masterKey = new Uint8Array(32);
  const host = createNodeClusterHost({
    databases,
    platform,
    upgrades: createUpgrades(platform),
    masterKey,
    configOf(id) {
      const serverUrl = clusterUrl(BASE_URL, id);
      return { ...DEFAULT_CLUSTER_CONFIG, serverUrl, issuer: serverUrl, adminTokenHashes: [] };
    },
    authenticatorsOf: (cluster) => [createAccountTokens({ database, clock, cluster })],
  });
  const limits = { caller: 1e9, address: 1e9, logins: 1e9 };
  const accounts = await createAccounts({
    database,
    host,
    platform,
    masterKey,
    takesCertificateAuthority: true,
    baseUrl: BASE_URL,
    limits,
    clientAddress: () => "",
  });
  const fetch = accounts.inFrontOf(async () => new Response(null, { status: 404 }));
  try {
    const { person, organisation: first } = await signUpWithOrganisation({ fetch }, "bench");
    let organisation = first;
    const token = await person.call("POST", "/v1/tokens", { name: "t", role: "owner" });
    const caller = callerOf(fetch, bearer(token.body["token"]));
    const tookMs: number[] = [];
    let path = "";
    for (let at = 0; at < CLUSTERS; at++) {
      if (at > 0 && at % CLUSTERS_EACH === 0)
        organisation = (await person.call("POST", "/v1/organisations", { name: `more ${at}` })).body["id"] ?? "";
      const startMs = performance.now();
      const made = await caller.call("POST", "/v1/clusters", { name: `c${at}`, organisation });
      path = `/clusters/${made.body["id"]}/api/v1/namespaces`;
      const answer = await caller.call("GET", path);
      if (answer.status !== 200) throw new Error(`${made.text}\n${answer.text}`);
      tookMs.push(performance.now() - startMs);
    }
    const row = { bench: "accounts/cluster creation", case: `until served, ${CLUSTERS} one by one`, unit: "ms" };
    report({ ...row, metric: "first of the process", value: tookMs[0] ?? 0 });
    reportTimes(report, row, tookMs);
    report({ ...row, metric: "limit of the p99", value: LIMIT_P99_MS });

    const startMs = performance.now();
    for (let at = 0; at < TOKEN_CALLS; at++) await caller.call("GET", path);
    const eachUs = ((performance.now() - startMs) * 1_000) / TOKEN_CALLS;
    report({
      bench: "accounts/request",
      case: "by an API token, below a path",
      metric: "time",
      value: eachUs,
      unit: "µs",
    });
  } finally {
    await host.stop();
    await database.close();
    await databases.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function reportTimes(report: Report, row: Omit<BenchRow, "metric" | "value">, tookMs: readonly number[]): void {
  report({ ...row, metric: "p50", value: quantile(tookMs, 0.5) });
  report({ ...row, metric: "p99", value: quantile(tookMs, 0.99) });
  report({ ...row, metric: "max", value: Math.max(...tookMs) });
}
