/**
 * Somebody has become root on a node, and has its credential. They have the Secrets of the pods that run there, and get nothing more: no
 * other node's Secrets, pods or tokens, no write by which these would come to them, no name or label of another machine.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { make } from "../harness/grants.ts";
import { agentsWithoutSockets, joined } from "../harness/machines.ts";

const CORE = "/api/v1/namespaces/default";
/** In what is not theirs. */
const MARK = "not-for-the-thief";

let api: TestCluster;
let credential: string;
const uids: Record<string, string> = {};

async function podOn(nodeName: string, name: string, spec: object = {}): Promise<void> {
  const { metadata } = await make(api, `${CORE}/pods`, {
    metadata: { name, labels: { mark: MARK } },
    spec: {
      serviceAccountName: name,
      containers: [{ name: "a", image: "i" }],
      volumes: [
        { name: "s", secret: { secretName: name } },
        { name: "c", configMap: { name } },
      ],
      ...spec,
    },
  });
  uids[name] = metadata.uid;
  await make(api, `${CORE}/pods/${name}/binding`, { metadata: { name }, target: { kind: "Node", name: nodeName } });
}

beforeAll(async () => {
  api = await createTestCluster({ agents: agentsWithoutSockets() });
  for (const name of ["mine", "theirs", "unused"]) {
    const marked = { metadata: { name, labels: { mark: name === "mine" ? "mine" : MARK } } };
    for (const plural of ["secrets", "configmaps", "serviceaccounts"]) await make(api, `${CORE}/${plural}`, marked);
  }
  ({ credential } = await joined(api, "n1"));
  await joined(api, "n2");
  await podOn("n1", "mine");
  await podOn("n2", "theirs");
  const { body } = await api.call("/api/v1/nodes/n1");
  uids["n1"] = body.metadata.uid ?? "";
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const ask = (path: string, init: TestRequest = {}) =>
  api.call<{ items?: object[] }>(path, { token: credential, ...init });
const MERGE = { "content-type": "application/merge-patch+json" };
const patch = (body: object): TestRequest => ({ method: "PATCH", headers: MERGE, body });
const post = (body: object): TestRequest => ({ method: "POST", body });
const q = encodeURIComponent;

describe("a node reads", () => {
  it.each([`${CORE}/secrets/mine`, `${CORE}/configmaps/mine`, `${CORE}/pods/mine`, `${CORE}/serviceaccounts/mine`])(
    "what its pods refer to: %s",
    async (path) => {
      expect((await ask(path)).status).toBe(200);
    },
  );

  const onlyMine = `fieldSelector=${q("metadata.name=mine")}`;
  const both = `fieldSelector=${q("metadata.name=mine")}&fieldSelector=${q("metadata.name=theirs")}`;
  it.each([
    ...["secrets", "configmaps"].flatMap((plural) => [
      `${CORE}/${plural}/theirs`,
      `${CORE}/${plural}/unused`,
      `${CORE}/${plural}`,
      `/api/v1/${plural}`,
      `/api/v1/${plural}?${onlyMine}`,
      `${CORE}/${plural}?fieldSelector=${q("metadata.name=theirs")}`,
      `${CORE}/${plural}?fieldSelector=${q("metadata.name!=mine")}`,
      `${CORE}/${plural}?fieldSelector=${q("metadata.name=theirs,metadata.name=mine")}`,
      `${CORE}/${plural}?fieldSelector=${q("metadata.name=theirs")}&fieldSelector=${q("metadata.name=mine")}`,
      `${CORE}/${plural}?labelSelector=mark`,
      `${CORE}/${plural}?watch=true&timeoutSeconds=1&resourceVersion=0`,
      `${CORE}/${plural}?watch=true&timeoutSeconds=1&fieldSelector=${q("metadata.name=theirs")}`,
      `/api/v1/watch/namespaces/default/${plural}/theirs`,
      `/api/v1/watch/namespaces/default/${plural}`,
    ]),
    `${CORE}/serviceaccounts/theirs`,
    `${CORE}/serviceaccounts`,
    `${CORE}/pods/theirs`,
    `${CORE}/pods/theirs/status`,
    `${CORE}/pods/theirs/log`,
    `${CORE}/pods/mine/log`,
    `${CORE}/pods/mine/exec?command=sh`,
    "/api/v1/pods",
    `/api/v1/pods?fieldSelector=${q("spec.nodeName=n2")}`,
    `/api/v1/pods?fieldSelector=${q("spec.nodeName!=n1")}`,
    `/api/v1/pods?fieldSelector=${q("spec.nodeName=n2")}&fieldSelector=${q("spec.nodeName=n1")}`,
    `/api/v1/pods?labelSelector=${q("spec.nodeName=n1")}`,
    `/api/v1/pods?fieldSelector=${q("metadata.name=mine")}`,
    `/api/v1/nodes/n2/proxy/pods`,
    `/api/v1/nodes/n1/proxy/pods`,
    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2",
    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
    "/apis/coordination.k8s.io/v1/namespaces/default/leases/n1",
    "/audit",
    "/metrics",
  ])("nothing else: %s", async (path) => {
    const answer = await ask(path);
    expect(answer.status, answer.text).toBe(403);
    expect(answer.text).not.toContain(MARK);
  });

  it.each([
    `${CORE}/secrets?${onlyMine}`,
    `${CORE}/secrets?${both}`,
    `${CORE}/secrets?fieldSelector=${q("metadata.name=mine,metadata.name=theirs")}`,
    `${CORE}/secrets?fieldSelector=${q("metadata.name=mine,metadata.name!=mine")}`,
    `/api/v1/pods?fieldSelector=${q("spec.nodeName=n1,spec.nodeName=n2")}`,
    `/api/v1/pods?fieldSelector=${q("spec.nodeName=n1,spec.nodeName!=n1")}`,
    `/api/v1/pods?fieldSelector=${q("spec.nodeName=n1")}&fieldSelector=${q("spec.nodeName=n2")}`,
    `${CORE}/secrets?${onlyMine}&watch=true&timeoutSeconds=1&resourceVersion=0`,
  ])("not more by a selector that begins with its own: %s", async (path) => {
    const answer = await ask(path);
    expect([200, 400]).toContain(answer.status);
    expect(answer.text).not.toContain('"name":"theirs"');
  });
});

const requestToken = (account: string, spec: object) => ask(`${CORE}/serviceaccounts/${account}/token`, post({ spec }));
const boundTo = (name: string, more: object = {}) => ({
  boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid: uids[name], ...more },
});

describe("a node gets no token", () => {
  it("but for the accounts of its pods, bound to them", async () => {
    expect((await requestToken("mine", boundTo("mine"))).status).toBe(201);
  });

  it.each<[string, string, () => object]>([
    ["of another pod's account", "theirs", () => boundTo("theirs")],
    ["of another pod's account for its own pod", "theirs", () => boundTo("mine")],
    ["of an account that nothing uses", "unused", () => ({})],
    ["without a pod", "mine", () => ({})],
    [
      "bound to itself",
      "mine",
      () => ({ boundObjectRef: { kind: "Node", apiVersion: "v1", name: "n1", uid: uids["n1"] } }),
    ],
    ["bound to a Secret", "mine", () => ({ boundObjectRef: { kind: "Secret", apiVersion: "v1", name: "mine" } })],
    ["bound to another node's pod", "mine", () => boundTo("theirs")],
  ])("%s", async (_name, account, spec) => {
    const answer = await requestToken(account, spec());
    expect([400, 403], answer.text).toContain(answer.status);
    expect(answer.text).not.toContain("eyJ");
  });
});

const asks = (name: string, audiences: string[]) => requestToken("mine", { ...boundTo(name), audiences });

async function withVolumes(name: string, sources: object[]): Promise<void> {
  const volumes = sources.map((source, at) => ({ name: `v${at}`, ...source }));
  const spec = { nodeName: "n1", serviceAccountName: "mine", containers: [{ name: "a", image: "i" }], volumes };
  uids[name] = (await make(api, `${CORE}/pods`, { metadata: { name }, spec })).metadata.uid;
}

describe("a node gets no token for an audience", () => {
  const SYSTEMS = [{ projected: { sources: [{ serviceAccountToken: { path: "t", audience: "vault" } }] } }];
  const DRIVERS = [{ csi: { driver: "store.example.com" } }];

  beforeAll(async () => {
    const driver = { metadata: { name: "store.example.com" }, spec: { tokenRequests: [{ audience: "store" }] } };
    await api.call("/apis/storage.k8s.io/v1/csidrivers", post(driver));
    await withVolumes("projects", SYSTEMS);
    await withVolumes("stores", DRIVERS);
  });

  it("but for those that its pod has tokens for, in a volume or by a volume's driver", async () => {
    expect((await asks("projects", ["vault"])).status).toBe(201);
    expect((await asks("stores", ["store"])).status).toBe(201);
    expect((await asks("stores", [])).status).toBe(201);
  });

  it.each<[string, string, string[]]>([
    ["of another pod", "mine", ["vault"]],
    ["of another pod's driver", "projects", ["store"]],
    ["that nobody has", "projects", ["bank"]],
    ["more than one, though it may have each", "projects", ["vault", ""]],
  ])("%s", async (_name, pod, audiences) => {
    const answer = await asks(pod, audiences);
    expect(answer.status, answer.text).toBe(403);
    expect(answer.text).toMatch(/not found in pod spec volume|may only request 0 or 1 audiences/);
  });

  it("unless a role lets it", async () => {
    const rules = [{ verbs: ["request-serviceaccounts-token-audience"], apiGroups: [""], resources: ["bank"] }];
    await api.call("/apis/rbac.authorization.k8s.io/v1/clusterroles", post({ metadata: { name: "bank" }, rules }));
    const binding = {
      metadata: { name: "bank" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "bank" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "system:node:n1" }],
    };
    await api.call("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", post(binding));
    expect((await asks("projects", ["bank"])).status).toBe(201);
    expect((await asks("projects", ["other"])).status).toBe(403);
  });
});

const owner = (name: string, uid: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Node",
  name,
  uid,
  controller: true,
  ...more,
});
const mirror = (spec: object = {}, metadata: object = {}) => ({
  metadata: {
    name: "mirror",
    annotations: { "kubernetes.io/config.mirror": "x", "kubernetes.io/config.hash": "x" },
    ownerReferences: [owner("n1", uids["n1"] ?? "")],
    ...metadata,
  },
  spec: { nodeName: "n1", containers: [{ name: "a", image: "i" }], ...spec },
});
const volume = (source: object) => ({ volumes: [{ name: "v", ...source }] });
const container = (more: object) => ({ containers: [{ name: "a", image: "i", ...more }] });
const secretRef = { secretKeyRef: { name: "theirs", key: "k" } };
const gone = { apiVersion: "v1", kind: "ConfigMap", name: "gone", uid: "gone" };

/** Every body is made when it is sent: uids are known by then. */
const WRITES: [string, string, () => TestRequest][] = [
  ["a pod that is no mirror", `${CORE}/pods`, () => post({ ...mirror(), metadata: { name: "mirror" } })],
  ["a mirror with a Secret", `${CORE}/pods`, () => post(mirror(volume({ secret: { secretName: "theirs" } })))],
  [
    "a mirror with a projected Secret",
    `${CORE}/pods`,
    () => post(mirror(volume({ projected: { sources: [{ secret: { name: "theirs" } }] } }))),
  ],
  [
    "a mirror with a Secret in its environment",
    `${CORE}/pods`,
    () => post(mirror(container({ env: [{ name: "K", valueFrom: secretRef }] }))),
  ],
  [
    "a mirror with all of a Secret in the environment of what runs first",
    `${CORE}/pods`,
    () => post(mirror({ initContainers: [{ name: "i", image: "i", envFrom: [{ secretRef: { name: "theirs" } }] }] })),
  ],
  ["a mirror that pulls by a Secret", `${CORE}/pods`, () => post(mirror({ imagePullSecrets: [{ name: "theirs" }] }))],
  [
    "a mirror whose driver has a Secret",
    `${CORE}/pods`,
    () => post(mirror(volume({ csi: { driver: "d.test", nodePublishSecretRef: { name: "theirs" } } }))),
  ],
  [
    "a mirror whose file server has a Secret",
    `${CORE}/pods`,
    () => post(mirror(volume({ cephfs: { monitors: ["m"], secretRef: { name: "theirs" } } }))),
  ],
  ["a mirror with a ConfigMap", `${CORE}/pods`, () => post(mirror(volume({ configMap: { name: "theirs" } })))],
  ["a mirror as an account", `${CORE}/pods`, () => post(mirror({ serviceAccountName: "theirs" }))],
  ["a mirror as an account by its old name", `${CORE}/pods`, () => post(mirror({ serviceAccount: "theirs" }))],
  [
    "a mirror with a claim",
    `${CORE}/pods`,
    () => post(mirror(volume({ persistentVolumeClaim: { claimName: "theirs" } }))),
  ],
  ["a mirror on another node", `${CORE}/pods`, () => post(mirror({ nodeName: "n2" }))],
  ["a mirror on no node", `${CORE}/pods`, () => post(mirror({ nodeName: undefined }))],
  ["a mirror of nobody", `${CORE}/pods`, () => post(mirror({}, { ownerReferences: [] }))],
  [
    "a mirror of another node",
    `${CORE}/pods`,
    () => post(mirror({}, { ownerReferences: [owner("n2", uids["n1"] ?? "")] })),
  ],
  [
    "a mirror that holds up its owner's end",
    `${CORE}/pods`,
    () => post(mirror({}, { ownerReferences: [owner("n1", uids["n1"] ?? "", { blockOwnerDeletion: true })] })),
  ],
  [
    "another Secret for its own pod",
    `${CORE}/pods/mine`,
    () => patch({ spec: volume({ secret: { secretName: "theirs" } }) }),
  ],
  ["its own pod", `${CORE}/pods/mine`, () => patch({ metadata: { labels: { a: "b" } } })],
  [
    "a container for its own pod",
    `${CORE}/pods/mine/ephemeralcontainers`,
    () =>
      patch({ spec: { ephemeralContainers: [{ name: "e", image: "i", env: [{ name: "K", valueFrom: secretRef }] }] } }),
  ],
  [
    "a binding",
    `${CORE}/pods/theirs/binding`,
    () => post({ metadata: { name: "theirs" }, target: { kind: "Node", name: "n1" } }),
  ],
  [
    "labels of its pod by its status",
    `${CORE}/pods/mine/status`,
    () => patch({ metadata: { labels: { app: "victim" } } }),
  ],
  ["the status of another's pod", `${CORE}/pods/theirs/status`, () => patch({ status: { phase: "Failed" } })],
  ["the end of another's pod", `${CORE}/pods/theirs`, () => ({ method: "DELETE" })],
  ["the end of all pods", `${CORE}/pods?fieldSelector=${q("spec.nodeName=n1")}`, () => ({ method: "DELETE" })],
  ["the eviction of another's pod", `${CORE}/pods/theirs/eviction`, () => post({ metadata: { name: "theirs" } })],
  ["another Node", "/api/v1/nodes", () => post({ metadata: { name: "n3" } })],
  ["a generated Node", "/api/v1/nodes", () => post({ metadata: { generateName: "n" } })],
  ["another's Node", "/api/v1/nodes/n2", () => patch({ metadata: { labels: { a: "b" } } })],
  [
    "another's Node's key",
    "/api/v1/nodes/n2",
    () => patch({ metadata: { annotations: { "gantry.dev/node-key": "x" } } }),
  ],
  ["another's Node's status", "/api/v1/nodes/n2/status", () => patch({ status: { addresses: [] } })],
  ["its Node's end", "/api/v1/nodes/n1", () => ({ method: "DELETE" })],
  ["its owners", "/api/v1/nodes/n1", () => patch({ metadata: { ownerReferences: [gone] } })],
  ["its owners by its status", "/api/v1/nodes/n1/status", () => patch({ metadata: { ownerReferences: [gone] } })],
  ["its taints", "/api/v1/nodes/n1", () => patch({ spec: { taints: [{ key: "k", effect: "NoSchedule" }] } })],
  ...[
    "node-restriction.kubernetes.io/vault",
    "sub.node-restriction.kubernetes.io/vault",
    "node-role.kubernetes.io/control-plane",
    "kubernetes.io/anything",
    "example.k8s.io/anything",
  ].flatMap((label): typeof WRITES => [
    [`the label ${label}`, "/api/v1/nodes/n1", () => patch({ metadata: { labels: { [label]: "x" } } })],
    [
      `the label ${label} by its status`,
      "/api/v1/nodes/n1/status",
      () => patch({ metadata: { labels: { [label]: "x" } } }),
    ],
  ]),
  [
    "another's Lease",
    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2",
    () => patch({ spec: { holderIdentity: "n1" } }),
  ],
  [
    "another's Lease anew",
    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
    () => post({ metadata: { name: "n3" }, spec: {} }),
  ],
  [
    "a Lease elsewhere",
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
    () => post({ metadata: { name: "n1" }, spec: {} }),
  ],
  [
    "another's CSINode",
    "/apis/storage.k8s.io/v1/csinodes",
    () => post({ metadata: { name: "n2" }, spec: { drivers: [] } }),
  ],
  ["a Secret", `${CORE}/secrets`, () => post({ metadata: { name: "x" } })],
  ["its pod's Secret", `${CORE}/secrets/mine`, () => patch({ stringData: { a: "b" } })],
  ["an account", `${CORE}/serviceaccounts/mine`, () => patch({ metadata: { labels: { a: "b" } } })],
  ["a Service", `${CORE}/services`, () => post({ metadata: { name: "x" }, spec: { ports: [{ port: 80 }] } })],
  [
    "a role",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    () =>
      post({
        metadata: { name: "x" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      }),
  ],
];

/** 200: a status takes nothing but the status; what else was sent is left out, and nothing is written. */
const REFUSALS = [200, 403, 404, 405, 422];

describe("a node writes nothing by which it would get more", () => {
  it.each(WRITES)("%s", async (_name, path, request) => {
    const before = await api.storage.revision();
    const answer = await ask(path, request());
    expect(REFUSALS, answer.text).toContain(answer.status);
    expect(await api.storage.revision(), answer.text).toBe(before);
  });

  it.each(WRITES.filter(([, path]) => path.startsWith("/api/v1/nodes/n1") || path.startsWith(`${CORE}/pods`)))(
    "as an apply: %s",
    async (_name, path, request) => {
      const { method, body } = request();
      if (method !== "PATCH") return;
      const before = await api.storage.revision();
      const [, , , , , name = ""] = path.startsWith("/api/v1/nodes")
        ? ["", "", "", "", "", "n1"]
        : path.split("/").slice(1);
      const whole = { apiVersion: "v1", kind: path.includes("/nodes/") ? "Node" : "Pod", ...(body as object) };
      const metadata = { name, ...(body as { metadata?: object }).metadata };
      const answer = await ask(`${path}?fieldManager=thief&force=true`, {
        method: "PATCH",
        headers: { "content-type": "application/apply-patch+yaml" },
        body: { ...whole, metadata },
      });
      expect(REFUSALS, answer.text).toContain(answer.status);
      expect(await api.storage.revision(), answer.text).toBe(before);
    },
  );
});

const sync = (more: object = {}) =>
  ask(
    "/agent/v1/sync",
    post({ since: 0, digest: "", podStatuses: [], holds: { secrets: [], configMaps: [] }, ...more }),
  );

describe("a sync", () => {
  it("tells of its own pods, and what they refer to", async () => {
    const names = [{ namespace: "default", name: "theirs" }];
    for (const more of [{}, { holds: { secrets: names, configMaps: names } }, { since: 1 }, { nodeName: "n2" }]) {
      const { status, text } = await sync(more);
      expect(status, text).toBe(200);
      expect(text).not.toContain('"name":"theirs"');
      expect(text).toContain('"name":"mine"');
    }
  });

  it("writes no status but its own", async () => {
    const before = await api.storage.revision();
    const one = (name: string, uid = uids[name]) => ({ namespace: "default", name, uid, status: { phase: "Failed" } });
    const answer = await api.call<{ statusResults: { code: number }[] }>("/agent/v1/sync", {
      token: credential,
      ...post({
        since: 0,
        digest: "",
        holds: { secrets: [], configMaps: [] },
        podStatuses: [one("theirs"), one("mine", uids["theirs"]), one("../kube-system/x", "u")],
      }),
    });
    expect(answer.body.statusResults.map(({ code }) => code)).toEqual([404, 409, 404]);
    expect(await api.storage.revision()).toBe(before);
  });
});
