/**
 * What it costs to know who asks and whether he may: processor time a request, with ten bindings and with ten thousand, of users whose
 * rights are those of a role. And what a policy of that size costs to read and to keep.
 */
import { createRequestAuthenticator } from "../../src/authn/index.ts";
import { createServiceAccountTokens } from "../../src/authn/service-account.ts";
import type { Attributes } from "../../src/authz/authorizer.ts";
import { createAuthorizer } from "../../src/authz/index.ts";
import { createAnnouncedPolicy } from "../../src/authz/rbac/policy.ts";
import { createObjectLookup } from "../../src/http/lookups.ts";
import { isPolicy } from "../../src/storage/policy-sql.ts";
import { openTemporaryDatabase } from "../harness/temporary-database.ts";
import { configMapBody, createNamespace, openBenchCluster, type BenchCluster } from "./fixture.ts";
import type { Report } from "./report.ts";

const SIZES = [10, 10_000];
const REQUESTS = 20_000;
const ROUNDS = 5;
const AT_ONCE = 64;
const NAMESPACE = "authz";
const RBAC = `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}`;
const ORIGIN = "https://gantry.bench:6443";

export async function run(report: Report): Promise<void> {
  for (const size of SIZES) {
    const temporary = await openTemporaryDatabase({ writesInThread: true });
    const cluster = await openBenchCluster(temporary.database);
    try {
      await measure(report, cluster, size);
    } finally {
      await cluster.stop();
      await temporary.close();
    }
  }
}

async function measure(report: Report, cluster: BenchCluster, size: number): Promise<void> {
  const token = await fill(cluster, size);
  const row = { bench: "authz", case: `${size.toLocaleString("en")} bindings` };
  const { storage, hub, keys, clock } = cluster;
  const random = {
    uuid: () => crypto.randomUUID(),
    fraction: Math.random,
    bytes: (length: number) => new Uint8Array(length),
  };
  const tokens = createServiceAccountTokens({
    keys,
    clock,
    random,
    issuer: ORIGIN,
    lookup: createObjectLookup(storage),
    labelSecret: async () => {},
  });
  const authenticator = createRequestAuthenticator({ chain: [tokens], clock });
  const policy = createAnnouncedPolicy({
    read: () => storage.policy(),
    onCommit: (listener) => hub.onCommit((entries) => listener(entries.filter(isPolicy))),
  });
  const authorizer = createAuthorizer({ nodeReferences, policy });

  const begun = performance.now();
  const index = await policy.current();
  report({ ...row, metric: "policy read", value: performance.now() - begun, unit: "ms" });
  report({ ...row, metric: "policy in memory", value: index.bytes / 1024, unit: "KiB" });

  const asked: [metric: string, verb: string, verdict: string][] = [
    ["who and whether, allowed", "list", "allow"],
    ["who and whether, refused", "escalate", "none"],
  ];
  for (const [metric, verb, verdict] of asked) {
    const value = await bestOf(async () => {
      const user = await authenticator.authenticate(token);
      const resource = {
        group: "",
        version: "v1",
        resource: "configmaps",
        subresource: "",
        namespace: NAMESPACE,
        name: "",
      };
      const attributes: Attributes = { user, verb, path: "", resource };
      const decision = await authorizer.authorize(attributes);
      if (decision.verdict !== verdict) throw new Error(`${verb}: ${decision.verdict}`);
    });
    report({ ...row, metric, value, unit: "µs of CPU" });
  }
  const headers = { Authorization: `Bearer ${token}` };
  const path = `${ORIGIN}/api/v1/namespaces/${NAMESPACE}/configmaps/sample`;
  const whole = await bestOf(async () => {
    const response = await cluster.app.fetch(new Request(path, { headers }));
    if (response.status !== 200) throw new Error(await response.text());
    await response.text();
  });
  report({ ...row, metric: "a GET, with all else", value: whole, unit: "µs of CPU" });
}

const nodeReferences = () => Promise.reject(new Error("nobody here is a node"));

/** The round that other programs on the machine disturbed least; the first is the compiler's. */
async function bestOf(request: () => Promise<void>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let at = 0; at < REQUESTS; at++) await request();
    const { user, system } = process.cpuUsage(before);
    if (round > 0) best = Math.min(best, (user + system) / REQUESTS);
  }
  return best;
}

/** A token of the account that is asked for, among bindings for others. */
async function fill(cluster: BenchCluster, size: number): Promise<string> {
  await createNamespace(cluster, NAMESPACE);
  await cluster.call("POST", `/api/v1/namespaces/${NAMESPACE}/configmaps`, { body: configMapBody("sample") });
  for (let start = 0; start < size; start += AT_ONCE) {
    const group = Array.from({ length: Math.min(AT_ONCE, size - start) }, (_, at) => start + at);
    await Promise.all(
      group.map((at) =>
        cluster.call("POST", `${RBAC}/rolebindings`, { body: bindingBody(at === 0 ? "default" : `a-${at}`) }),
      ),
    );
  }
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default/token`;
  const { text } = await cluster.call("POST", path, { body: {} });
  return (JSON.parse(text) as { status: { token: string } }).status.token;
}

function bindingBody(account: string): object {
  return {
    metadata: { name: account },
    subjects: [{ kind: "ServiceAccount", name: account, namespace: NAMESPACE }],
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
  };
}
