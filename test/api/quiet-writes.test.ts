/** Writes that must leave no trace: those that change nothing, and those that only ask what would happen. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import {
  assertFailure,
  createTestCluster,
  take,
  watchEvents,
  type Answer,
  type TestCluster,
  type TestRequest,
} from "../harness/cluster.ts";

interface Full extends KubeObject {
  spec: Record<string, unknown>;
  status: Record<string, unknown>;
}

const CORE = "/api/v1/namespaces/default";
const MAPS = `${CORE}/configmaps`;
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const TYPES = {
  merge: { "content-type": "application/merge-patch+json" },
  json: { "content-type": "application/json-patch+json" },
  strategic: { "content-type": "application/strategic-merge-patch+json" },
};

let api: TestCluster;
/** As they are stored. */
let deployment: Full;
let scale: Full;
let namespace: Full;

beforeAll(async () => {
  api = await createTestCluster();
  await create(`${CORE}/serviceaccounts`, { metadata: { name: "default" } });
  await create("/api/v1/nodes", { metadata: { name: "n1" } });
  await create(MAPS, { metadata: { name: "map", labels: { a: "1" } }, data: { k: "v" } });
  await create(`${CORE}/pods`, pod("idle"));
  deployment = await create<Full>(DEPLOYMENTS, deploymentNamed("web"));
  scale = (await api.call<Full>(`${DEPLOYMENTS}/web/scale`)).body;
  namespace = await create<Full>("/api/v1/namespaces", { metadata: { name: "team" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

async function create<T = KubeObject>(path: string, body: object): Promise<T> {
  const answer = await api.call<T>(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

const pod = (name: string): object => ({
  metadata: { name },
  spec: { serviceAccountName: "default", containers: [{ name: "c", image: "i" }] },
});

function deploymentNamed(name: string): object {
  return {
    metadata: { name },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  };
}

const put = (body: unknown): TestRequest => ({ method: "PUT", body });
const patch = (type: keyof typeof TYPES, body: unknown): TestRequest => ({
  method: "PATCH",
  headers: TYPES[type],
  body,
});
const post = (body: unknown): TestRequest => ({ method: "POST", body });

/** Requests are made late: they take the state that beforeAll stored. */
type Row = [string, string, () => TestRequest];

const WEB = `${DEPLOYMENTS}/web`;

/** The same without what only the client may leave out. */
function bare({ metadata, ...rest }: Full): object {
  const { resourceVersion: _revision, uid: _uid, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

const NO_OPS: Row[] = [
  ["PUT", WEB, () => put(deployment)],
  ["PUT without a revision", WEB, () => put(bare(deployment))],
  ["PUT of another status", WEB, () => put({ ...deployment, status: { replicas: 9 } })],
  ["PUT without a status", WEB, () => put({ ...deployment, status: undefined })],
  ["PUT of what reads like it", WEB, () => put({ ...deployment, spec: { ...deployment.spec, paused: false } })],
  ["merge patch", WEB, () => patch("merge", { spec: { replicas: 2 }, metadata: { labels: { gone: null } } })],
  ["empty merge patch", WEB, () => patch("merge", {})],
  ["JSON patch", WEB, () => patch("json", [{ op: "replace", path: "/spec/replicas", value: 2 }])],
  ["empty JSON patch", WEB, () => patch("json", [])],
  ["strategic merge patch", WEB, () => patch("strategic", { spec: deployment.spec })],
  [
    "strategic merge patch of one container",
    WEB,
    () => patch("strategic", { spec: { template: { spec: { containers: [{ name: "c", image: "i" }] } } } }),
  ],
  ["merge patch of an unknown field", WEB, () => patch("merge", { spec: { nonsense: 1 } })],
  ["merge patch of a generation", WEB, () => patch("merge", { metadata: { generation: 7 } })],
  ["PUT of the status", `${WEB}/status`, () => put(deployment)],
  ["PUT of the status with another spec", `${WEB}/status`, () => put({ ...deployment, spec: { replicas: 9 } })],
  ["merge patch of the status", `${WEB}/status`, () => patch("merge", { spec: { replicas: 9 }, status: {} })],
  ["JSON patch of the status", `${WEB}/status`, () => patch("json", [])],
  ["strategic merge patch of the status", `${WEB}/status`, () => patch("strategic", { status: {} })],
  ["PUT of the scale", `${WEB}/scale`, () => put(scale)],
  ["merge patch of the scale", `${WEB}/scale`, () => patch("merge", { spec: { replicas: 2 } })],
  ["JSON patch of the scale", `${WEB}/scale`, () => patch("json", [{ op: "test", path: "/spec/replicas", value: 2 }])],
  ["strategic merge patch of the scale", `${WEB}/scale`, () => patch("strategic", { spec: { replicas: 2 } })],
  ["PUT of a namespace's finalizers", "/api/v1/namespaces/team/finalize", () => put(namespace)],
];

describe("a write that changes nothing", () => {
  it.each(NO_OPS)("%s stores nothing and keeps the revision", async (_title, path, request) => {
    const before = await api.storage.revision();
    const found = await api.call(path.replace("/finalize", ""));
    const answer = await api.call(path, request());
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body.metadata.resourceVersion).toBe(found.body.metadata.resourceVersion);
    expect(await api.storage.revision()).toBe(before);
  });

  it("is seen by no watcher", async () => {
    const since = await api.storage.revision();
    const events = watchEvents(await api.fetch(`${DEPLOYMENTS}?watch=true&resourceVersion=${since}`));
    for (const [, path, request] of NO_OPS) await api.call(path, request());
    await api.call(WEB, patch("merge", { metadata: { annotations: { seen: "yes" } } }));
    const [first] = await take(events, 1);
    expect(first).toMatchObject({ type: "MODIFIED", object: { metadata: { annotations: { seen: "yes" } } } });
    await events.return(undefined);
    deployment = (await api.call<Full>(WEB)).body;
    scale = (await api.call<Full>(`${WEB}/scale`)).body;
  });
});

const changed = (): object => ({ ...deployment, spec: { ...deployment.spec, replicas: 5 } });

/** Path, request and the code that it would have had. */
const DRY_RUNS: [...Row, number][] = [
  ["POST", MAPS, () => post({ metadata: { name: "new" } }), 201],
  ["POST with generateName", MAPS, () => post({ metadata: { generateName: "new-" } }), 201],
  [
    "POST of a Service",
    `${CORE}/services`,
    () => post({ metadata: { name: "s" }, spec: { type: "NodePort", ports: [{ port: 80 }] } }),
    201,
  ],
  ["POST of a Pod", `${CORE}/pods`, () => post(pod("new")), 201],
  ["PUT", WEB, () => put(changed()), 200],
  ["PUT that creates", `${LEASES}/new`, () => put({ metadata: { name: "new" }, spec: { holderIdentity: "a" } }), 201],
  ["merge patch", WEB, () => patch("merge", { spec: { replicas: 5 } }), 200],
  ["JSON patch", WEB, () => patch("json", [{ op: "replace", path: "/spec/replicas", value: 5 }]), 200],
  ["strategic merge patch", WEB, () => patch("strategic", { spec: { replicas: 5 } }), 200],
  ["PUT of the status", `${WEB}/status`, () => put({ ...deployment, status: { replicas: 5 } }), 200],
  ["merge patch of the status", `${WEB}/status`, () => patch("merge", { status: { replicas: 5 } }), 200],
  ["PUT of the scale", `${WEB}/scale`, () => put({ ...scale, spec: { replicas: 5 } }), 200],
  ["merge patch of the scale", `${WEB}/scale`, () => patch("merge", { spec: { replicas: 5 } }), 200],
  [
    "binding",
    `${CORE}/pods/idle/binding`,
    () => post({ metadata: { name: "idle" }, target: { kind: "Node", name: "n1" } }),
    201,
  ],
  ["eviction", `${CORE}/pods/idle/eviction`, () => post({ metadata: { name: "idle" } }), 201],
  ["token", `${CORE}/serviceaccounts/default/token`, () => post({ spec: {} }), 201],
  [
    "finalize",
    "/api/v1/namespaces/team/finalize",
    () => put({ ...namespace, spec: { finalizers: ["kubernetes", "example.com/x"] } }),
    200,
  ],
  ["DELETE", `${MAPS}/map`, () => ({ method: "DELETE" }), 200],
  ["DELETE in the foreground", `${MAPS}/map?propagationPolicy=Foreground`, () => ({ method: "DELETE" }), 200],
  ["DELETE of a collection", MAPS, () => ({ method: "DELETE" }), 200],
];

function dry(path: string): string {
  return `${path}${path.includes("?") ? "&" : "?"}dryRun=All`;
}

describe("a dry run", () => {
  let before: number;
  beforeEach(async () => {
    before = await api.storage.revision();
  });
  const unchanged = async (): Promise<void> => expect(await api.storage.revision()).toBe(before);

  it.each(DRY_RUNS)("of %s answers as for real and stores nothing", async (_title, path, request, code) => {
    const answer = await api.call(dry(path), request());
    expect(answer.status, answer.text).toBe(code);
    await unchanged();
  });

  it.each(DRY_RUNS)("of %s knows one value", async (_title, path, request) => {
    const odd = await api.call(dry(path).replace("dryRun=All", "dryRun=Server"), request());
    assertFailure(odd, {
      code: 422,
      reason: "Invalid",
      message:
        /Options\.meta\.k8s\.io "" is invalid: dryRun: Unsupported value: \["Server"\]: supported values: "All"$/,
    });
    await unchanged();
  });

  it("shows what would be stored", async () => {
    const spec = { type: "NodePort", ports: [{ port: 80 }] };
    const service = await api.call<Full>(dry(`${CORE}/services`), post({ metadata: { name: "s" }, spec }));
    expect(service.body.metadata.uid).toBeDefined();
    expect(service.body.metadata).not.toHaveProperty("resourceVersion");
    expect(service.body.spec["clusterIP"]).toMatch(/^10\./);
    const patched = await api.call<Full>(dry(WEB), patch("merge", { spec: { replicas: 5 } }));
    expect(patched.body.spec["replicas"]).toBe(5);
    expect(patched.body.metadata.generation).toBe((deployment.metadata.generation ?? 0) + 1);
    expect((await api.call<Full>(WEB)).body.spec["replicas"]).toBe(2);
    await unchanged();
  });

  it.each<[string, string, () => TestRequest, [number, string]]>([
    ["a taken name", MAPS, () => post({ metadata: { name: "map" } }), [409, "AlreadyExists"]],
    [
      "no such namespace",
      "/api/v1/namespaces/nowhere/configmaps",
      () => post({ metadata: { name: "x" } }),
      [404, "NotFound"],
    ],
    ["an invalid object", MAPS, () => post({ metadata: { name: "X_" } }), [422, "Invalid"]],
    [
      "a Pod that admission refuses",
      `${CORE}/pods`,
      () => post({ ...pod("x"), spec: { serviceAccountName: "no", containers: [{ name: "c", image: "i" }] } }),
      [403, "Forbidden"],
    ],
    [
      "a stale revision",
      WEB,
      () => put({ ...deployment, metadata: { ...deployment.metadata, resourceVersion: "1" } }),
      [409, "Conflict"],
    ],
    ["a patch that makes it invalid", WEB, () => patch("merge", { spec: { replicas: -1 } }), [422, "Invalid"]],
    ["a patch of nothing", `${MAPS}/ghost`, () => patch("merge", {}), [404, "NotFound"]],
    ["a negative scale", `${WEB}/scale`, () => patch("merge", { spec: { replicas: -1 } }), [422, "Invalid"]],
    [
      "a missing node's binding",
      `${CORE}/pods/ghost/binding`,
      () => post({ metadata: { name: "ghost" }, target: { name: "n1" } }),
      [404, "NotFound"],
    ],
    [
      "an eviction of nothing",
      `${CORE}/pods/ghost/eviction`,
      () => post({ metadata: { name: "ghost" } }),
      [404, "NotFound"],
    ],
    ["a token of nothing", `${CORE}/serviceaccounts/ghost/token`, () => post({ spec: {} }), [404, "NotFound"]],
    [
      "a token for a moment",
      `${CORE}/serviceaccounts/default/token`,
      () => post({ spec: { expirationSeconds: 1 } }),
      [422, "Invalid"],
    ],
    ["a DELETE of nothing", `${MAPS}/ghost`, () => ({ method: "DELETE" }), [404, "NotFound"]],
    [
      "a DELETE of another",
      `${MAPS}/map`,
      () => ({ method: "DELETE", body: { preconditions: { uid: "x" } } }),
      [409, "Conflict"],
    ],
  ])("judges %s", async (_title, path, request, [code, reason]) => {
    const answers: Answer[] = [await api.call(dry(path), request()), await api.call(path, request())];
    for (const answer of answers) assertFailure(answer, { code, reason });
    await unchanged();
  });
});
