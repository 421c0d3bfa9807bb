/** Priority and fairness by the stored flow schemas and levels: who floods the API waits for himself, not others for him. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../src/storage/database.ts";
import { createTestCluster, type Answer, type TestCluster } from "../harness/cluster.ts";
import { eventually } from "../harness/eventually.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const SCHEMAS = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
const LEVELS = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations";
const MAPS = "/api/v1/namespaces/default/configmaps";

let opened: { database: Database; close(): Promise<void> };
let cluster: TestCluster;
let aheadMs: number;
/** Set: reads of ConfigMaps wait for it. */
let gate: { promise: Promise<void>; resolve(): void } | undefined;

const as = (name: string) => ({ "impersonate-user": name, "impersonate-group": "system:authenticated" });
const uidOf = async (path: string) => (await cluster.call(path)).body.metadata.uid;
const flowOf = ({ headers }: Pick<Answer, "headers">) => [
  headers.get("x-kubernetes-pf-flowschema-uid"),
  headers.get("x-kubernetes-pf-prioritylevel-uid"),
];

/** A level of three seats and eight queues of three places, for everybody who is not exempt. */
async function narrow(): Promise<void> {
  const queuing = { queues: 64, handSize: 2, queueLengthLimit: 3 };
  const limited = {
    nominalConcurrencyShares: 1,
    lendablePercent: 0,
    borrowingLimitPercent: 0,
    limitResponse: { type: "Queue", queuing },
  };
  await cluster.call(LEVELS, {
    method: "POST",
    body: { metadata: { name: "narrow" }, spec: { type: "Limited", limited } },
  });
  const rules = [
    {
      subjects: [{ kind: "Group", group: { name: "system:authenticated" } }],
      resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
    },
  ];
  const spec = {
    priorityLevelConfiguration: { name: "narrow" },
    matchingPrecedence: 50,
    distinguisherMethod: { type: "ByUser" },
    rules,
  };
  await cluster.call(SCHEMAS, { method: "POST", body: { metadata: { name: "narrow" }, spec } });
  // An isolate that hears of no commit looks again after a minute.
  aheadMs = 61_000;
}

describe.skipIf(testRuntime.missing !== undefined)("priority and fairness", () => {
  beforeEach(async () => {
    gate = undefined;
    aheadMs = 0;
    opened = await testRuntime.openDatabase();
    const { database } = opened;
    const gated: Database = {
      close: () => database.close(),
      async batch(statements, mode) {
        const isOfMap = statements.some(({ args = [] }) => args[0] === "configmaps");
        if (isOfMap && mode === "read") await gate?.promise;
        return await database.batch(statements, mode);
      },
    };
    cluster = await createTestCluster({
      database: gated,
      cachesReads: false,
      platform: { clock: { now: () => Date.now() + aheadMs } },
    });
    const role = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" };
    const subjects = ["noisy", "quiet"].map((name) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "User", name }));
    const body = { metadata: { name: "viewers" }, roleRef: role, subjects };
    await cluster.call("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", { method: "POST", body });
    await cluster.call(MAPS, { method: "POST", body: { metadata: { name: "a" } } });
  });
  afterEach(async () => {
    gate?.resolve();
    await cluster.stop();
    await opened.close();
  });

  test("answers and refusals name the schema and the level that judged them", async () => {
    const exempt = [await uidOf(`${SCHEMAS}/exempt`), await uidOf(`${LEVELS}/exempt`)];
    const probes = [await uidOf(`${SCHEMAS}/probes`), exempt[1]];
    const everybody = [await uidOf(`${SCHEMAS}/global-default`), await uidOf(`${LEVELS}/global-default`)];
    const headers = as("quiet");
    expect(flowOf(await cluster.call(MAPS))).toEqual(exempt);
    expect(flowOf(await cluster.call(`${MAPS}/a`, { headers }))).toEqual(everybody);
    expect(flowOf(await cluster.call(MAPS, { headers }))).toEqual(everybody);
    expect(flowOf(await cluster.call(`${MAPS}/none`, { headers }))).toEqual(everybody);
    expect(flowOf(await cluster.call("/api/v1/secrets", { headers }))).toEqual(everybody);
    expect(flowOf(await cluster.call("/version", { headers }))).toEqual(everybody);
    expect(flowOf(await cluster.call("/livez", { token: null }))).toEqual(probes);
  });

  test("a client that floods the API is turned away, and another is served before what it left waiting", async () => {
    await narrow();
    const level = await uidOf(`${LEVELS}/narrow`);
    const headers = as("noisy");
    await eventually(async () => {
      expect(flowOf(await cluster.call(`${MAPS}/a`, { headers }))[1]).toBe(level);
    });
    gate = Promise.withResolvers<void>();
    const order: string[] = [];
    const ask = async (name: string): Promise<Answer> => {
      const answer = await cluster.call(`${MAPS}/a`, { headers: as(name) });
      if (answer.status === 200) order.push(name);
      return answer;
    };
    const flood = Array.from({ length: 40 }, () => ask("noisy"));
    const refused = await Promise.race(flood);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(refused.body).toMatchObject({ kind: "Status", reason: "TooManyRequests", code: 429 });
    expect(flowOf(refused)[1]).toBe(level);
    const quiet = ask("quiet");
    // Masters are exempt: nothing of this is theirs.
    expect((await cluster.call("/api/v1/namespaces/default")).status).toBe(200);
    gate.resolve();
    expect((await quiet).status).toBe(200);
    const statuses = (await Promise.all(flood)).map(({ status }) => status);
    // Three seats, and two queues of three.
    expect(statuses.filter((status) => status === 200)).toHaveLength(9);
    expect(statuses.filter((status) => status === 429)).toHaveLength(31);
    expect(order.indexOf("quiet")).toBeLessThan(6);
  });

  test("a watch holds its seat no longer than until it begins", async () => {
    await narrow();
    const headers = as("quiet");
    const level = await uidOf(`${LEVELS}/narrow`);
    await eventually(async () => {
      expect(flowOf(await cluster.call(`${MAPS}/a`, { headers }))[1]).toBe(level);
    });
    const watches: Response[] = [];
    for (let at = 0; at < 12; at++) watches.push(await cluster.fetch(`${MAPS}?watch=1`, { headers }));
    expect(watches.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200));
    expect((await cluster.call(`${MAPS}/a`, { headers })).status).toBe(200);
    for (const { body } of watches) await body?.cancel();
  });
});
