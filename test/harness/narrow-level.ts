/** A priority level that is soon full, and a cluster whose reads of ConfigMaps can be held up: for tests of fairness that count. */
import { expect } from "vitest";
import type { Database } from "../../src/storage/database.ts";
import { createTestCluster, type Answer, type TestCluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import { testRuntime } from "./test-runtime.ts";

export const SCHEMAS = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
export const LEVELS = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations";
export const MAPS = "/api/v1/namespaces/default/configmaps";

/** How many requests of one user the level seats and lets wait: three seats, and a hand of two queues of three places. */
export const SERVED_MAX = 9;

export const as = (name: string) => ({ "impersonate-user": name, "impersonate-group": "system:authenticated" });
export const levelOf = ({ headers }: Pick<Answer, "headers">) => headers.get("x-kubernetes-pf-prioritylevel-uid");

export interface GatedCluster {
  cluster: TestCluster;
  /** A level of three seats and 64 queues of three places, for everybody who is not exempt. Its uid, once it counts. */
  narrow(): Promise<string>;
  /** From now on reads of ConfigMaps wait. */
  close(): void;
  open(): void;
  stop(): Promise<void>;
}

/** `viewers`: users who may read; there is a ConfigMap "a". */
export async function createGatedCluster({ viewers }: { viewers: readonly string[] }): Promise<GatedCluster> {
  let gate: { promise: Promise<void>; resolve(): void } | undefined;
  let aheadMs = 0;
  const opened = await testRuntime.openDatabase();
  const { database } = opened;
  const gated: Database = {
    close: () => database.close(),
    async batch(statements, mode) {
      const isOfMap = statements.some(({ args = [] }) => args[0] === "configmaps");
      if (isOfMap && mode === "read") await gate?.promise;
      return await database.batch(statements, mode);
    },
  };
  const cluster = await createTestCluster({
    database: gated,
    cachesReads: false,
    platform: { clock: { now: () => Date.now() + aheadMs } },
  });
  const create = async (path: string, body: object) => {
    const answer = await cluster.call(path, { method: "POST", body });
    expect(answer.status, answer.text).toBe(201);
    return answer.body;
  };
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" };
  const subjects = viewers.map((name) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "User", name }));
  const binding = { metadata: { name: "viewers" }, roleRef, subjects };
  await create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding);
  await create(MAPS, { metadata: { name: "a" } });

  return {
    cluster,
    async narrow() {
      const queuing = { queues: 64, handSize: 2, queueLengthLimit: 3 };
      const response = { type: "Queue", queuing };
      const shares = { nominalConcurrencyShares: 1, lendablePercent: 0, borrowingLimitPercent: 0 };
      const limited = { ...shares, limitResponse: response };
      const level = await create(LEVELS, { metadata: { name: "narrow" }, spec: { type: "Limited", limited } });
      const everything = { verbs: ["*"], apiGroups: ["*"], resources: ["*"], clusterScope: true, namespaces: ["*"] };
      const group = { kind: "Group", group: { name: "system:authenticated" } };
      const spec = {
        priorityLevelConfiguration: { name: "narrow" },
        matchingPrecedence: 50,
        distinguisherMethod: { type: "ByUser" },
        rules: [{ subjects: [group], resourceRules: [everything] }],
      };
      await create(SCHEMAS, { metadata: { name: "narrow" }, spec });
      // An isolate that hears of no commit looks again after a minute.
      aheadMs = 61_000;
      const { uid = "" } = level.metadata;
      const headers = as(viewers[0] ?? "");
      await eventually(async () => expect(levelOf(await cluster.call(`${MAPS}/a`, { headers }))).toBe(uid));
      return uid;
    },
    close: () => void (gate = Promise.withResolvers<void>()),
    open() {
      gate?.resolve();
      gate = undefined;
    },
    async stop() {
      gate?.resolve();
      await cluster.stop();
      await opened.close();
    },
  };
}
