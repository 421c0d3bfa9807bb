/**
 * One path, two readings: whoever decides may read it as something that the asker has, and whoever serves as something else. Mallory may
 * do everything in his own namespace, and nothing beside it.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { bindRole, make } from "../harness/grants.ts";

const OWN = "mallorys";
const MARK = "not-mallorys-to-see";
const AS_MALLORY = { "Impersonate-User": "mallory" };

let api: TestCluster;
let before: number;

beforeAll(async () => {
  api = await createTestCluster();
  await make(api, "/api/v1/namespaces", { metadata: { name: OWN } });
  await make(api, "/api/v1/namespaces", { metadata: { name: "victim", labels: { mark: MARK } } });
  await make(api, "/api/v1/namespaces/victim/secrets", { metadata: { name: "keys", labels: { mark: MARK } } });
  await make(api, "/api/v1/nodes", { metadata: { name: "n1", labels: { mark: MARK } } });
  await bindRole(api, { user: "mallory", role: "cluster-admin", namespace: OWN });
  before = await api.storage.revision();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  expect(await api.storage.revision(), "something was written").toBe(before);
  await api.stop();
});

const NAMESPACES = `/api/v1/namespaces/${OWN}`;
const RBAC = "/apis/rbac.authorization.k8s.io/v1";

/** What is not in a namespace, asked for as if it were in his. */
const IN_OWN_NAMESPACE = [
  ...["", "/victim", "/victim/status", "/victim/finalize"].map((rest) => `${NAMESPACES}/namespaces${rest}`),
  `${NAMESPACES}/namespaces/victim/secrets`,
  `${NAMESPACES}/namespaces/victim/secrets/keys`,
  `${NAMESPACES}/nodes`,
  `${NAMESPACES}/nodes/n1`,
  `${NAMESPACES}/persistentvolumes`,
  `${RBAC}/namespaces/${OWN}/clusterroles/cluster-admin`,
  `${RBAC}/namespaces/${OWN}/clusterrolebindings`,
];

/** Ways to write the Secret of the other namespace, or all Secrets. */
const ENCODED = [
  `${NAMESPACES}/../victim/secrets/keys`,
  `${NAMESPACES}/%2e%2e/victim/secrets/keys`,
  `${NAMESPACES}/..%2fvictim/secrets/keys`,
  `${NAMESPACES}%2f..%2fvictim/secrets/keys`,
  `${NAMESPACES}/%252e%252e/victim/secrets/keys`,
  `${NAMESPACES}/secrets/..%2f..%2fvictim%2fsecrets%2fkeys`,
  `${NAMESPACES}/secrets/../../victim/secrets/keys`,
  `${NAMESPACES}\\..\\victim\\secrets\\keys`,
  `/api/v1/namespaces/${OWN};/victim/secrets/keys`,
  `/api/v1/namespaces/${OWN},victim/secrets/keys`,
  `/api/v1/namespaces/victim%00/secrets/keys`,
  `/api/v1/namespaces/victim%20/secrets/keys`,
  `/api/v1/namespaces/VICTIM/secrets/keys`,
  `/api/v1/namespaces/ｖｉｃｔｉｍ/secrets/keys`,
  `/api/v1/namespaces/victim/%73ecrets/keys`,
  `/api/v1/%6eamespaces/victim/secrets/keys`,
  `/%61pi/v1/namespaces/victim/secrets/keys`,
  `//api/v1/namespaces/victim/secrets/keys`,
  `/api//v1/namespaces/victim/secrets/keys`,
  `/api/v1//namespaces/victim/secrets/keys`,
  `/api/v1/namespaces//victim/secrets/keys`,
  `/api/v1/namespaces//secrets`,
  `/api/v1/secrets`,
  `/api/v1//secrets`,
  `/api/v1/secrets/`,
  `/api/v1/secrets?namespace=${OWN}`,
  `/api/v1/secrets?fieldSelector=metadata.namespace%3D${OWN}`,
  `/api/v1/namespaces/*/secrets`,
  `/api/v1/namespaces/%2a/secrets`,
  `/api/v1/namespaces/victim/secrets/keys#${NAMESPACES}/secrets/keys`,
  `/api/v1/namespaces/victim/secrets/keys?${NAMESPACES}/secrets/keys`,
  `/api/v1/watch/namespaces/victim/secrets?timeoutSeconds=1`,
  `/api/v1/%77atch/namespaces/victim/secrets?timeoutSeconds=1`,
  `/api/v1/watch/secrets?timeoutSeconds=1`,
  `/apis//v1/namespaces/victim/secrets/keys`,
  `/clusters/test/api/v1/namespaces/victim/secrets/keys`,
];

const METHODS: TestRequest[] = [
  { method: "GET" },
  { method: "HEAD" },
  { method: "POST", body: { metadata: { name: "mallorys-own" } } },
  { method: "PUT", body: { metadata: { name: "victim", labels: { mark: "mallory" } } } },
  {
    method: "PATCH",
    body: { metadata: { labels: { mark: "mallory" } } },
    headers: { "content-type": "application/merge-patch+json" },
  },
  { method: "DELETE" },
  { method: "OPTIONS" },
];

describe("who may do everything in one namespace", () => {
  it("may do everything there", async () => {
    const answer = await api.call(`${NAMESPACES}/secrets`, { headers: AS_MALLORY });
    expect(answer.status).toBe(200);
    expect((await api.call(NAMESPACES, { headers: AS_MALLORY })).status).toBe(200);
  });

  it.each([...IN_OWN_NAMESPACE, ...ENCODED])("reaches nothing else by %s", async (path) => {
    for (const { method = "GET", headers, ...init } of METHODS) {
      const answer = await api.call(path, { ...init, method, headers: { ...headers, ...AS_MALLORY } });
      expect([400, 403, 404, 405], `${method}: ${answer.text}`).toContain(answer.status);
      expect(answer.text, method).not.toContain(MARK);
    }
  });

  it.each([`${NAMESPACES}/namespaces`, `${NAMESPACES}/namespaces/victim`, `${NAMESPACES}/nodes`])(
    "watches nothing else by %s",
    async (path) => {
      for (const watch of [`${path}?watch=true&timeoutSeconds=1`, path.replace("/v1/", "/v1/watch/")]) {
        const answer = await api.call(watch, { headers: AS_MALLORY });
        expect([403, 404]).toContain(answer.status);
      }
    },
  );
});

describe("a method in disguise", () => {
  const READER = { "Impersonate-User": "reader" };
  const SECRET = "/api/v1/namespaces/victim/secrets/keys";

  beforeAll(async () => {
    await bindRole(api, { user: "reader", role: "view", namespace: "victim" });
    before = await api.storage.revision();
  });

  it.each([
    { "X-HTTP-Method-Override": "DELETE" },
    { "X-HTTP-Method": "DELETE" },
    { "X-Method-Override": "DELETE" },
    { "X-Original-URL": SECRET },
    { "X-Rewrite-URL": SECRET },
    { "X-Original-Method": "DELETE" },
  ])("is what the request line says: %j", async (headers) => {
    const maps = "/api/v1/namespaces/victim/configmaps";
    const read = await api.call(maps, { headers: { ...READER, ...headers } });
    expect(read.status).toBe(200);
    expect(read.text).not.toContain(MARK);
    const hidden = await api.call(`${SECRET}?_method=GET`, { method: "DELETE", headers: { ...READER, ...headers } });
    expect(hidden.status).toBe(403);
  });
});
