/** The audit log: who did what, from where, and was it allowed; without what secrets hold. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuditStore, type AuditRow } from "../../src/audit/audit-store.ts";
import { KUBECTL_BODIES } from "../../src/encoding/kubectl-bodies.fixture.ts";
import { migrate } from "../../src/storage/migrate.ts";
import type { Database } from "../../src/storage/database.ts";
import { assertFailure, createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { testRuntime } from "../harness/test-runtime.ts";

interface AuditEvent {
  level: string;
  auditID: string;
  stage: string;
  requestURI: string;
  verb: string;
  user: { username?: string; groups?: string[] };
  impersonatedUser?: { username: string };
  sourceIPs?: string[];
  userAgent?: string;
  objectRef?: Record<string, string>;
  responseStatus: { code: number; reason?: string; message?: string };
  annotations?: Record<string, string>;
  requestObject?: object;
  responseObject?: object;
}
interface EventList {
  kind: string;
  metadata: { continue?: string };
  items: AuditEvent[];
}

const PODS = "/api/v1/namespaces/default/pods";
const MAPS = "/api/v1/namespaces/default/configmaps";
const SECRETS = "/api/v1/namespaces/default/secrets";
const map = (name: string) => ({ metadata: { name }, data: { text: "plain" } });

let opened: { database: Database; close(): Promise<void> };
let cluster: TestCluster;

const audit = async (query = ""): Promise<EventList> => (await cluster.call<EventList>(`/audit${query}`)).body;
const sorted = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).toSorted();
async function sent(path: string, init: { type: string; method?: string; body: string | Uint8Array }): Promise<void> {
  const { type, method = "POST", body } = init;
  const answer = await cluster.call(path, { method, body, headers: { "content-type": type } });
  expect(answer.status, answer.text).toBeLessThan(300);
}
const send = (path: string, init: TestRequest) => cluster.call(path, init);

describe.skipIf(testRuntime.missing !== undefined)("the audit log", () => {
  beforeEach(async () => {
    opened = await testRuntime.openDatabase();
    cluster = await createTestCluster({ database: opened.database, audited: true });
  });
  afterEach(async () => {
    await cluster.stop();
    await opened.close();
  });

  test("a write says who, what, when, from where, and that it was allowed", async () => {
    const headers = { "user-agent": "kubectl/v1", "gantry-client-address": "192.0.2.7" };
    const created = await send(MAPS, { method: "POST", body: map("a"), headers });
    const { kind, items } = await audit();
    expect(kind).toBe("EventList");
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: created.headers.get("audit-id"),
      stage: "ResponseComplete",
      requestURI: MAPS,
      verb: "create",
      user: { username: "admin", groups: ["system:masters", "system:authenticated"] },
      sourceIPs: ["192.0.2.7"],
      userAgent: "kubectl/v1",
      objectRef: {
        resource: "configmaps",
        namespace: "default",
        name: "a",
        apiVersion: "v1",
        uid: created.body.metadata.uid,
      },
      responseStatus: { metadata: {}, code: 201 },
      annotations: { "authorization.k8s.io/decision": "allow" },
    });
  });

  test("a create names what it made, also where the server chose the name and people read the answer", async () => {
    const body = { metadata: { generateName: "a-" } };
    for (const path of [MAPS, `${MAPS}?pretty=true`]) {
      const { metadata } = (await send(path, { method: "POST", body })).body;
      const found = (await audit()).items.map(({ objectRef }) => [objectRef?.["name"], objectRef?.["uid"]]);
      expect(found).toContainEqual([metadata.name, metadata.uid]);
    }
  });

  test("refusals are recorded with their reason, and whom one acted as", async () => {
    await send(MAPS, { method: "POST", body: map("a") });
    await send(MAPS, { method: "POST", body: map("a") });
    await send(MAPS, { method: "POST", body: map("b"), headers: { "impersonate-user": "ann" } });
    await send(MAPS, { method: "POST", body: map("c"), token: null });
    await send(MAPS, { method: "POST", body: map("d"), token: "wrong" });
    const { items } = await audit();
    const shown = items.map(({ user, impersonatedUser, responseStatus, annotations }) => [
      user.username,
      impersonatedUser?.username,
      responseStatus.code,
      responseStatus.reason,
      annotations?.["authorization.k8s.io/decision"],
    ]);
    // Within a millisecond there is no order.
    expect(sorted(shown)).toEqual(
      sorted([
        ["admin", undefined, 201, undefined, "allow"],
        ["admin", undefined, 409, "AlreadyExists", "allow"],
        ["admin", "ann", 403, "Forbidden", "forbid"],
        ["system:anonymous", undefined, 403, "Forbidden", "forbid"],
        [undefined, undefined, 401, "Unauthorized", undefined],
      ]),
    );
  });

  test("it says by which binding something was allowed, or why not", async () => {
    const ROLES = "/apis/rbac.authorization.k8s.io/v1";
    const subject = { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "ann" };
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" };
    await send(`${ROLES}/namespaces/default/rolebindings`, {
      method: "POST",
      body: { metadata: { name: "editors" }, roleRef, subjects: [subject] },
    });
    const lost = { ...roleRef, name: "lost" };
    await send(`${ROLES}/namespaces/kube-system/rolebindings`, {
      method: "POST",
      body: { metadata: { name: "lost" }, roleRef: lost, subjects: [subject] },
    });
    const headers = { "impersonate-user": "ann" };
    await send(MAPS, { method: "POST", body: map("a"), headers });
    await send(MAPS.replace("default", "kube-system"), { method: "POST", body: map("b"), headers });
    await send(PODS, { method: "POST", body: {}, headers: { ...headers, "impersonate-uid": "1" }, token: null });
    const { items } = await audit("?verb=create");
    const noted = items.filter(({ objectRef }) => !objectRef?.["resource"]?.startsWith("role"));
    expect(sorted(noted.map(({ annotations }) => annotations))).toEqual(
      sorted([
        {
          "authorization.k8s.io/decision": "allow",
          "authorization.k8s.io/reason":
            'RBAC: allowed by RoleBinding "editors/default" of ClusterRole "edit" to User "ann"',
        },
        {
          "authorization.k8s.io/decision": "forbid",
          "authorization.k8s.io/reason": 'RBAC: clusterrole.rbac.authorization.k8s.io "lost" not found',
        },
        // Whoever may not act as another was not asked what that one may.
        undefined,
      ]),
    );
  });

  test("a watch has an event when it begins, and another when it ends", async () => {
    const stages = async () => (await audit("?verb=watch")).items.map(({ stage }) => stage).toSorted();
    const watch = await cluster.fetch(`${SECRETS}?watch=true`);
    expect(await stages()).toEqual(["ResponseStarted"]);
    await watch.body?.cancel();
    expect(await stages()).toEqual(["ResponseComplete", "ResponseStarted"]);
    const ended = await cluster.fetch(`${SECRETS}?watch=true&timeoutSeconds=-1`);
    expect(await ended.text()).toBe("");
    const { items } = await audit("?verb=watch");
    expect(items).toHaveLength(4);
    expect(new Set(items.map(({ auditID }) => auditID)).size).toBe(2);
  });

  test("what is recorded of a list names no object, and a deletion says what went", async () => {
    await send(SECRETS, { method: "POST", body: { metadata: { name: "a" } } });
    await send(SECRETS, {});
    await send(SECRETS, { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } });
    const { items } = await audit("?verb=list");
    expect(items.map(({ objectRef }) => objectRef)).toEqual(
      Array.from({ length: 2 }, () => ({ resource: "secrets", namespace: "default", apiVersion: "v1" })),
    );
    await send(`${SECRETS}/a`, { method: "DELETE" });
    const [deleted] = (await audit("?verb=delete")).items;
    expect(deleted?.responseStatus).toMatchObject({ status: "Success", details: { name: "a", kind: "secrets" } });
  });

  test("what a pod is held to, what it violates, and what is deprecated is noted", async () => {
    const labels = {
      "pod-security.kubernetes.io/enforce": "baseline",
      "pod-security.kubernetes.io/audit": "restricted",
    };
    await send("/api/v1/namespaces", { method: "POST", body: { metadata: { name: "held", labels } } });
    const account = { metadata: { name: "default" } };
    await send("/api/v1/namespaces/held/serviceaccounts", { method: "POST", body: account });
    const containers = [{ name: "c", image: "i", securityContext: { privileged: true } }];
    await send("/api/v1/namespaces/held/pods", {
      method: "POST",
      body: { metadata: { name: "a" }, spec: { containers } },
    });
    const [pod] = (await audit("?resource=pods")).items;
    expect(pod?.annotations).toMatchObject({
      "authorization.k8s.io/decision": "allow",
      "pod-security.kubernetes.io/enforce-policy": "baseline:latest",
      "pod-security.kubernetes.io/audit-violations": expect.stringContaining(
        'would violate PodSecurity "restricted:latest": privileged',
      ),
    });
    const body = { metadata: { name: "a" } };
    const { headers } = await send("/api/v1/namespaces/default/endpoints", { method: "POST", body });
    expect(headers.get("warning")).toContain("v1 Endpoints is deprecated in v1.33+");
    expect((await send("/api/v1/namespaces/default/endpoints/a", {})).headers.get("warning")).toContain("v1.33+");
    expect((await audit("?resource=endpoints")).items[0]?.annotations).toMatchObject({ "k8s.io/deprecated": "true" });
  });

  test("a policy may ask for every stage, and leave out managed fields", async () => {
    const policy = { omitManagedFields: true, rules: [{ level: "RequestResponse" as const, verbs: ["create"] }] };
    await cluster.stop();
    const config = { audit: { ...cluster.cluster.config.audit, policy } };
    cluster = await createTestCluster({ database: opened.database, audited: true, config });
    const body = { metadata: { name: "robot", managedFields: [] } };
    await send("/api/v1/namespaces/default/serviceaccounts", { method: "POST", body });
    const { items } = await audit();
    expect(items.map(({ stage }) => stage)).toEqual(["ResponseComplete", "RequestReceived"]);
    expect(items[0]?.requestObject).toEqual({ metadata: { name: "robot" } });
    expect(items[0]?.responseObject).not.toHaveProperty("metadata.managedFields");
    expect(items[1]).not.toHaveProperty("responseStatus");
    expect(items[1]).not.toHaveProperty("requestObject");
  });

  test("reads are not recorded but those of Secrets; nor is what the control plane does by itself", async () => {
    await send(SECRETS, {});
    await send(`${SECRETS}/none`, {});
    await send(PODS, {});
    await send("/readyz", {});
    await cluster.app.fetchAs({ name: "system:serviceaccount:kube-system:a", groups: [] })(
      new Request("https://gantry.test:6443/api/v1/namespaces", { method: "POST", body: "{}" }),
    );
    const { items } = await audit();
    expect(items.map(({ verb, requestURI }) => `${verb} ${requestURI}`).toSorted()).toEqual([
      `get ${SECRETS}/none`,
      `list ${SECRETS}`,
    ]);
  });

  test("no body of a Secret, a token or a ConfigMap is in it, at any level, refused or not", async () => {
    const config = {
      audit: { ...cluster.cluster.config.audit, policy: { rules: [{ level: "RequestResponse" as const }] } },
    };
    await cluster.stop();
    cluster = await createTestCluster({ database: opened.database, audited: true, config });
    const mark = "xyzzy-plugh";
    const body = { metadata: { name: "a" }, stringData: { mark } };
    await send(SECRETS, { method: "POST", body });
    await send(SECRETS, { method: "POST", body: { ...body, metadata: { name: "b" }, type: "kubernetes.io/tls" } });
    await send(SECRETS, { method: "POST", body: { ...body, data: { [`${mark}!`]: 1 } } });
    await send(MAPS, { method: "POST", body: { metadata: { name: "a" }, data: { mark } } });
    await send("/api/v1/namespaces/default/serviceaccounts", { method: "POST", body: { metadata: { name: "robot" } } });
    const path = "/api/v1/namespaces/default/serviceaccounts/robot/token";
    const token = (await send(path, { method: "POST", body: { spec: {} } })).body as unknown as {
      status: { token: string };
    };
    const review = { spec: { token: token.status.token } };
    await send("/apis/authentication.k8s.io/v1/tokenreviews", { method: "POST", body: review });
    await cluster.call(SECRETS);
    const text = (await cluster.call("/audit")).text;
    expect(text).not.toContain(mark);
    expect(text).not.toContain(btoa(mark));
    expect(text).not.toContain(token.status.token);
    const { items } = await audit("?resource=serviceaccounts");
    expect(items[0]?.requestObject).toMatchObject({ metadata: { name: "robot" } });
    expect(items[0]?.responseObject).toMatchObject({ kind: "ServiceAccount", metadata: { name: "robot" } });
  });

  test("bodies are recorded of resources, whatever form they come in, and of nothing else", async () => {
    const config = {
      audit: { ...cluster.cluster.config.audit, policy: { rules: [{ level: "RequestResponse" as const }] } },
    };
    await cluster.stop();
    cluster = await createTestCluster({ database: opened.database, audited: true, config });
    const deployments = "/apis/apps/v1/namespaces/default/deployments";
    const binary = Uint8Array.from(KUBECTL_BODIES.createDeployment.match(/../g) ?? [], (byte) =>
      Number.parseInt(byte, 16),
    );
    await sent(deployments, { type: "application/vnd.kubernetes.protobuf", body: binary });
    await sent(`${deployments}/web?fieldManager=a`, {
      type: "application/apply-patch+yaml",
      method: "PATCH",
      body: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {a: b}}\n",
    });
    await sent("/gantry/v1/keys/rotate", { type: "application/json", body: '{"mark":1}' });
    const { items } = await audit();
    const of = (what: string) => items.find(({ verb, stage }) => verb === what && stage === "ResponseComplete");
    expect(of("create")?.requestObject).toMatchObject({ kind: "Deployment", metadata: { name: "web" } });
    expect(of("create")?.requestObject).not.toHaveProperty("metadata.uid");
    expect(of("patch")?.requestObject).toMatchObject({ metadata: { name: "web", labels: { a: "b" } } });
    expect(of("patch")?.responseObject).toMatchObject({ kind: "Deployment", metadata: { name: "web" } });
    expect(of("post")).toMatchObject({ requestURI: "/gantry/v1/keys/rotate", level: "RequestResponse" });
    expect(of("post")).not.toHaveProperty("requestObject");
    expect(of("post")).not.toHaveProperty("responseObject");
  });

  test("it is filtered by user, verb, resource and time, and comes in pages, newest first", async () => {
    for (const name of ["a", "b", "c"]) await send(MAPS, { method: "POST", body: map(name) });
    await send(`${MAPS}/b`, { method: "DELETE" });
    await send(SECRETS, {});
    const names = async (query: string) =>
      (await audit(query)).items.map(({ objectRef }) => objectRef?.["name"] ?? "").toSorted();
    expect(await names("?resource=configmaps")).toEqual(["a", "b", "b", "c"]);
    expect(await names("?verb=delete")).toEqual(["b"]);
    expect(await names("?user=nobody")).toEqual([]);
    expect(await names("?namespace=kube-system")).toEqual([]);
    expect(await names("?since=2099-01-01T00:00:00Z")).toEqual([]);
    expect(await names("?until=2001-01-01T00:00:00Z")).toEqual([]);
    const first = await audit("?limit=3&user=admin");
    expect(first.items).toHaveLength(3);
    const rest = await audit(`?limit=3&user=admin&continue=${first.metadata.continue}`);
    expect(rest.items).toHaveLength(2);
    expect(rest.metadata.continue).toBeUndefined();
    const ids = [...first.items, ...rest.items].map(({ auditID }) => auditID);
    expect(new Set(ids).size).toBe(5);
    for (const bad of ["limit=0", "limit=x", "since=then", "continue=1"]) {
      assertFailure(await cluster.call(`/audit?${bad}`), { code: 400, reason: "BadRequest" });
    }
  });

  test("who may not do everything does not read it", async () => {
    assertFailure(await cluster.call("/audit", { token: null }), { code: 403, reason: "Forbidden" });
    const headers = { "impersonate-user": "ann", "impersonate-group": "system:authenticated" };
    assertFailure(await cluster.call("/audit", { headers }), { code: 403, reason: "Forbidden" });
    assertFailure(await cluster.call("/audit", { method: "POST" }), { code: 405, reason: "MethodNotAllowed" });
  });
});

const size = async () => {
  const sql = `SELECT count(*), coalesce(sum(bytes), 0), (SELECT value FROM state WHERE key = 'audit_rows'),
    (SELECT value FROM state WHERE key = 'audit_bytes') FROM audit`;
  return (await opened.database.batch([{ sql }], "read"))[0]?.rows[0];
};

describe.skipIf(testRuntime.missing !== undefined)("the store of the audit log", () => {
  const DAY_MS = 24 * 3_600_000;
  let nowMs: number;
  const row = (at: number, text = "x".repeat(98)): AuditRow => ({
    atMs: nowMs,
    id: at.toString(16).padStart(8, "0"),
    user: at % 2 === 0 ? "even" : "odd",
    verb: "get",
    resource: "pods",
    namespace: "",
    event: JSON.stringify(text),
  });
  const open = (limits: { rowsMax?: number; bytesMax?: number }) =>
    createAuditStore({
      database: opened.database,
      clock: { now: () => nowMs },
      limits: { rowsMax: 1_000, bytesMax: 1_000_000, retentionMs: 10 * DAY_MS, ...limits },
    });

  beforeEach(async () => {
    nowMs = 1_000 * DAY_MS;
    opened = await testRuntime.openDatabase();
    await migrate(opened.database);
  });
  afterEach(() => opened.close());

  test("it is bounded in rows and in bytes, the oldest go first, and it knows its size", async () => {
    const store = open({ rowsMax: 1_000 });
    for (let at = 0; at < 1_500; at += 100) await store.append(Array.from({ length: 100 }, (_, i) => row(at + i)));
    expect(await size()).toEqual([1_000, 100_000, 1_000, 100_000]);
    const { events } = await store.read({ limit: 500 });
    expect(events).toHaveLength(500);
    await open({ bytesMax: 50_000 }).append([row(2_000)]);
    const [rows, bytes, ...counted] = (await size()) as number[];
    expect(bytes).toBeLessThanOrEqual(50_000);
    expect(counted).toEqual([rows, bytes]);
  });

  test("a batch that is stored twice is there once", async () => {
    const store = open({});
    const batch = [row(1), row(2)];
    await store.append(batch);
    await store.append(batch);
    expect(await size()).toEqual([2, 200, 2, 200]);
  });

  test("what is past its time is shown to nobody, and goes with the next batch", async () => {
    const store = open({});
    await store.append([row(1)]);
    nowMs += 10 * DAY_MS + 1;
    expect(await store.read({ limit: 10 })).toEqual({ events: [] });
    nowMs += DAY_MS;
    await store.append([row(2)]);
    expect(await size()).toEqual([1, 100, 1, 100]);
  });

  test("a read looks at a bounded number of rows, and says where it ended", async () => {
    const store = open({ rowsMax: 10_000 });
    await store.append([{ ...row(0), user: "rare" }]);
    nowMs++;
    for (let at = 0; at < 2_500; at += 500) await store.append(Array.from({ length: 500 }, (_, i) => row(at + i)));
    const first = await store.read({ user: "rare", limit: 10 });
    expect(first.events).toEqual([]);
    if (!first.next) throw new Error("the read went on to the end");
    expect((await store.read({ user: "rare", limit: 10, after: first.next })).events).toHaveLength(1);
  });
});
