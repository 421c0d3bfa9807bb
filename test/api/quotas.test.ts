/** Quotas at work: what is charged with the write, refused beyond, and counted by the controller. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Pod } from "../../src/kinds/core/pods/types.ts";
import type { ResourceQuota } from "../../src/kinds/core/resourcequotas/types.ts";
import { createLoops, type Loops } from "../../src/loops.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { eventually } from "../harness/eventually.ts";
import { testRuntime } from "../harness/test-runtime.ts";

let api: TestCluster;
let loops: Loops;
let namespace = "";
let counter = 0;

const at = (resource: string) => `/api/v1/namespaces/${namespace}/${resource}`;
const post = <T extends object>(path: string, body: object, server = api) =>
  server.call<T>(path, { method: "POST", body });

async function created(path: string, body: object): Promise<void> {
  const answer = await post(path, body);
  if (answer.status !== 201) throw new Error(answer.text);
}

function pod(name: string, parts: { resources?: object; spec?: object } = {}): object {
  const container = { name: "c", image: "busybox", ...(parts.resources ? { resources: parts.resources } : {}) };
  return { metadata: { name }, spec: { containers: [container], ...parts.spec } };
}

/** Resolves once the controller has counted what is there. */
async function limited(hard: Record<string, string>, spec: object = {}, name = "quota"): Promise<void> {
  await created(at("resourcequotas"), { metadata: { name }, spec: { hard, ...spec } });
  await held(hard, name);
}

async function held(hard: Record<string, string>, name = "quota"): Promise<void> {
  await soon(async () => expect((await quotaNamed(name)).status?.hard).toEqual(hard));
}

const soon = (attempt: () => Promise<void>) => eventually(attempt, { everyMs: 10 });

async function quotaNamed(name: string): Promise<ResourceQuota> {
  return (await api.call<ResourceQuota>(`${at("resourcequotas")}/${name}`)).body;
}

async function used(name = "quota"): Promise<Record<string, string> | undefined> {
  return (await quotaNamed(name)).status?.used;
}

const service = (name: string, type: string, ports: number[]) => ({
  metadata: { name },
  spec: { type, ports: ports.map((port) => ({ port, name: `p${port}` })) },
});

const claim = (name: string, storageClassName: string, storage: string) => ({
  metadata: { name },
  spec: { storageClassName, accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } },
});

beforeAll(async () => {
  api = await createTestCluster();
  loops = createLoops({ cluster: api.cluster, app: api.app });
  loops.start();
});
afterAll(async () => {
  await loops.stop();
  expect(api.errors).toEqual([]);
  await api.stop();
});
beforeEach(async () => {
  namespace = `quota-${++counter}`;
  await makeNamespace();
});

/** With what controllers put into it. */
async function makeNamespace(): Promise<void> {
  await created("/api/v1/namespaces", { metadata: { name: namespace } });
  await soon(async () => {
    const found = await Promise.all([
      api.fetch(`${at("configmaps")}/kube-root-ca.crt`),
      api.fetch(`${at("serviceaccounts")}/default`),
    ]);
    expect(found.map(({ status }) => status)).toEqual([200, 200]);
  });
}

describe("a quota", () => {
  it("counts what is there, then what comes, and refuses more", async () => {
    await created(at("pods"), pod("before"));
    await limited({ pods: "2" });
    expect(await used()).toEqual({ pods: "1" });
    const second = await post<Pod>(at("pods"), pod("second"));
    const { metadata, status } = await quotaNamed("quota");
    expect(status?.used).toEqual({ pods: "2" });
    // It was charged with the very write.
    expect(Number(metadata.resourceVersion)).toBe(Number(second.body.metadata.resourceVersion) + 1);
    assertFailure(await post(at("pods"), pod("third")), {
      code: 403,
      reason: "Forbidden",
      message: 'pods "third" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=2, limited: pods=2',
    });
    expect(await used()).toEqual({ pods: "2" });
  });

  it("is released by what goes, and by pods that end", async () => {
    await limited({ pods: "2", "count/pods": "5" });
    await created(at("pods"), pod("a"));
    await created(at("pods"), pod("b"));
    await api.call(`${at("pods")}/a`, { method: "DELETE", body: { gracePeriodSeconds: 0 } });
    await soon(async () => expect(await used()).toEqual({ "count/pods": "1", pods: "1" }));
    const ended = await api.call(`${at("pods")}/b/status`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { status: { phase: "Succeeded" } },
    });
    expect(ended.status).toBe(200);
    await soon(async () => expect(await used()).toEqual({ "count/pods": "1", pods: "0" }));
  });

  it("wants containers to name what it limits", async () => {
    await limited({ "requests.cpu": "1", "limits.memory": "1Gi" });
    assertFailure(await post(at("pods"), pod("silent")), {
      code: 403,
      reason: "Forbidden",
      message:
        'pods "silent" is forbidden: failed quota: quota: must specify limits.memory for: c; requests.cpu for: c',
    });
    await created(at("pods"), pod("loud", { resources: { requests: { cpu: "600m" }, limits: { memory: "256Mi" } } }));
    expect(await used()).toEqual({ "limits.memory": "256Mi", "requests.cpu": "600m" });
    const large = pod("large", { resources: { requests: { cpu: "500m" }, limits: { memory: "1Gi" } } });
    assertFailure(await post(at("pods"), large), {
      code: 403,
      reason: "Forbidden",
      message:
        'pods "large" is forbidden: exceeded quota: quota, requested: limits.memory=1Gi,requests.cpu=500m, used: limits.memory=256Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1',
    });
  });

  it("counts objects of every kind, by both names", async () => {
    await limited({ configmaps: "3", "count/secrets": "1", "count/deployments.apps": "0" });
    const maps = Number((await used())?.["configmaps"]);
    await created(at("configmaps"), { metadata: { name: "one" } });
    expect((await used())?.["configmaps"]).toBe(String(maps + 1));
    await created(at("secrets"), { metadata: { name: "one" } });
    assertFailure(await post(at("secrets"), { metadata: { name: "two" } }), {
      code: 403,
      reason: "Forbidden",
      message:
        'secrets "two" is forbidden: exceeded quota: quota, requested: count/secrets=1, used: count/secrets=1, limited: count/secrets=1',
    });
    const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "x" }] } };
    const deployment = { metadata: { name: "web" }, spec: { selector: { matchLabels: { a: "b" } }, template } };
    const answer = await post(`/apis/apps/v1/namespaces/${namespace}/deployments`, deployment);
    expect(assertFailure(answer, { code: 403, reason: "Forbidden" }).message).toMatch(
      /^deployments\.apps "web" is forbidden: exceeded quota: quota, requested: count\/deployments\.apps=1/,
    );
  });

  it("counts services by what they take, when they change too", async () => {
    await limited({ services: "5", "services.nodeports": "1", "services.loadbalancers": "0" });
    await created(at("services"), service("web", "ClusterIP", [80, 81]));
    const patch = await api.call(`${at("services")}/web`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { spec: { type: "NodePort" } },
    });
    assertFailure(patch, {
      code: 403,
      reason: "Forbidden",
      message:
        'services "web" is forbidden: exceeded quota: quota, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1',
    });
    await created(at("services"), service("small", "NodePort", [80]));
    expect(await used()).toEqual({ services: "2", "services.loadbalancers": "0", "services.nodeports": "1" });
  });

  it("counts storage by class, and claims that grow", async () => {
    const ofGold = "gold.storageclass.storage.k8s.io/requests.storage";
    await limited({ "requests.storage": "10Gi", [ofGold]: "2Gi" });
    await created(at("persistentvolumeclaims"), claim("a", "gold", "1Gi"));
    await created(at("persistentvolumeclaims"), claim("b", "iron", "3Gi"));
    expect(await used()).toEqual({ "requests.storage": "4Gi", [ofGold]: "1Gi" });
    assertFailure(await post(at("persistentvolumeclaims"), claim("c", "gold", "2Gi")), {
      code: 403,
      reason: "Forbidden",
      message: `persistentvolumeclaims "c" is forbidden: exceeded quota: quota, requested: ${ofGold}=2Gi, used: ${ofGold}=1Gi, limited: ${ofGold}=2Gi`,
    });
  });

  it("is about pods in its scope alone", async () => {
    await limited({ pods: "1" }, { scopes: ["BestEffort"] }, "besteffort");
    const scopeSelector = {
      matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["system-node-critical"] }],
    };
    await limited({ pods: "0" }, { scopeSelector }, "critical");
    await created(at("pods"), pod("a"));
    await created(at("pods"), pod("big", { resources: { requests: { cpu: "1" } } }));
    expect(await used("besteffort")).toEqual({ pods: "1" });
    assertFailure(await post(at("pods"), pod("b")), {
      code: 403,
      reason: "Forbidden",
      message: /exceeded quota: besteffort/,
    });
    const critical = pod("c", {
      resources: { requests: { cpu: "1" } },
      spec: { priorityClassName: "system-node-critical" },
    });
    assertFailure(await post(at("pods"), critical), {
      code: 403,
      reason: "Forbidden",
      message: /exceeded quota: critical/,
    });
  });

  it("answers a dry run without charging", async () => {
    await limited({ configmaps: "2", pods: "0" });
    assertFailure(await post(`${at("pods")}?dryRun=All`, pod("dry")), {
      code: 403,
      reason: "Forbidden",
      message: /exceeded quota/,
    });
    const before = await used();
    expect((await post(`${at("configmaps")}?dryRun=All`, { metadata: { name: "dry" } })).status).toBe(201);
    expect(await used()).toEqual(before);
  });

  it("holds from the write on that makes it, and when it changes", async () => {
    await limited({ pods: "1" });
    await created(at("pods"), pod("a"));
    await api.call(`${at("resourcequotas")}/quota`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { spec: { hard: { pods: "2" } } },
    });
    await held({ pods: "2" });
    await created(at("pods"), pod("b"));
    expect((await post(at("pods"), pod("c"))).status).toBe(403);
    await api.call(`${at("resourcequotas")}/quota`, { method: "DELETE" });
    expect((await post(at("pods"), pod("c"))).status).toBe(201);
  });
});

async function race(servers: readonly TestCluster[], most: number): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, index) => {
      const server = servers[index % servers.length] ?? api;
      return post<Pod>(`/api/v1/namespaces/${namespace}/pods`, pod(`racer-${index}`), server);
    }),
  );
  const won = answers.filter(({ status }) => status === 201).length;
  const lost = answers.filter(({ status }) => status !== 201);
  expect(won).toBe(most);
  for (const answer of lost) {
    assertFailure(answer, {
      code: 403,
      reason: "Forbidden",
      message: /is forbidden: exceeded quota: quota, requested: pods=1, used: pods=\d+, limited: pods=\d+$/,
    });
  }
  expect(await used()).toEqual({ pods: String(most) });
  const { body } = await api.call<{ items: Pod[] } & Pod>(at("pods"));
  expect(body.items).toHaveLength(most);
  await api.call(`${at("pods")}/${body.items[0]?.metadata.name}`, {
    method: "DELETE",
    body: { gracePeriodSeconds: 0 },
  });
  await soon(async () => expect(await used()).toEqual({ pods: String(most - 1) }));
}

describe("64 creates at once", () => {
  let other: TestCluster | undefined;
  afterEach(async () => {
    await other?.stop();
    other = undefined;
  });

  it("are charged exactly", async () => {
    await limited({ pods: "20" });
    await race([api], 20);
  });

  it("are charged exactly by two servers over one database", async () => {
    const opened = await testRuntime.openDatabase();
    const before = { api, loops };
    try {
      api = await createTestCluster({ database: opened.database, cachesReads: false });
      other = await createTestCluster({ database: opened.database, cachesReads: false });
      loops = createLoops({ cluster: api.cluster, app: api.app });
      loops.start();
      await makeNamespace();
      await limited({ pods: "20" });
      await race([api, other], 20);
    } finally {
      await loops.stop();
      await api.stop();
      await other?.stop();
      other = undefined;
      ({ api, loops } = before);
      await opened.close();
    }
  });
});
