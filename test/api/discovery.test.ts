/** What clients ask before anything else: version, health, groups, resources, keys. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const AGGREGATED =
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

interface ResourceList {
  groupVersion: string;
  resources: { name: string; kind: string; namespaced: boolean; verbs: string[]; shortNames?: string[] }[];
}
interface Aggregated {
  kind: string;
  apiVersion: string;
  items: {
    metadata: { name: string };
    versions: {
      version: string;
      freshness: string;
      resources: { resource: string; scope: string; subresources?: object[] }[];
    }[];
  }[];
}

describe("discovery", () => {
  it("names the versions and groups in the classic documents", async () => {
    const core = await api.call<{ kind: string; versions: string[] }>("/api");
    expect(core.body).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
    const groups = await api.call<{ kind: string; groups: { name: string; preferredVersion: object }[] }>("/apis");
    expect(groups.body.kind).toBe("APIGroupList");
    const apps = groups.body.groups.find(({ name }) => name === "apps");
    expect(apps?.preferredVersion).toEqual({ groupVersion: "apps/v1", version: "v1" });
    expect(groups.body.groups.map(({ name }) => name)).not.toContain("");
    expect((await api.call("/apis/apps")).body).toMatchObject({ kind: "APIGroup", name: "apps" });
  });

  it("lists resources with verbs, short names and subresources", async () => {
    const { body } = await api.call<ResourceList>("/api/v1");
    expect(body).toMatchObject({ kind: "APIResourceList", groupVersion: "v1" });
    const pods = body.resources.find(({ name }) => name === "pods");
    expect(pods).toMatchObject({ kind: "Pod", namespaced: true });
    expect(pods?.verbs).toEqual(
      expect.arrayContaining(["create", "delete", "get", "list", "patch", "update", "watch"]),
    );
    expect(body.resources.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["pods/log", "pods/exec", "pods/status"]),
    );
    expect(body.resources.find(({ name }) => name === "namespaces")).toMatchObject({ namespaced: false });
    const apps = await api.call<ResourceList>("/apis/apps/v1");
    expect(apps.body.resources.find(({ name }) => name === "deployments/scale")).toMatchObject({
      group: "autoscaling",
      version: "v1",
      kind: "Scale",
    });
  });

  it("has everything in one document, with an entity tag", async () => {
    for (const path of ["/api", "/apis"]) {
      const { status, body, headers } = await api.call<Aggregated>(path, { headers: { accept: AGGREGATED } });
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
      expect(body).toMatchObject({ kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2" });
      const names = body.items.map(({ metadata }) => metadata.name);
      expect(names.includes("")).toBe(path === "/api");
      for (const item of body.items) for (const version of item.versions) expect(version.freshness).toBe("Current");
      const etag = headers.get("etag") ?? "";
      expect(etag).toMatch(/^"[0-9A-F]+"$/);
      const again = await api.call(path, { headers: { accept: AGGREGATED, "if-none-match": etag } });
      expect([again.status, again.text]).toEqual([304, ""]);
      const other = await api.call(path, { headers: { accept: AGGREGATED, "if-none-match": '"0"' } });
      expect(other.status).toBe(200);
    }
  });

  it("agrees in both forms", async () => {
    const { body } = await api.call<Aggregated>("/apis", { headers: { accept: AGGREGATED } });
    for (const { metadata, versions } of body.items) {
      for (const { version, resources } of versions) {
        const classic = await api.call<ResourceList>(`/apis/${metadata.name}/${version}`);
        const whole = classic.body.resources.map(({ name }) => name).filter((name) => !name.includes("/"));
        expect(resources.map(({ resource }) => resource).toSorted()).toEqual(whole.toSorted());
      }
    }
  });

  it("refuses groups and versions that are not served", async () => {
    for (const path of ["/apis/none", "/apis/apps/v9", "/api/v2"]) {
      assertFailure(await api.call(path), { code: 404, reason: "NotFound" });
    }
  });
});

describe("version and health", () => {
  it("is that of Kubernetes, in numbers", async () => {
    const { body } = await api.call<{ major: string; minor: string; gitVersion: string }>("/version", { token: null });
    expect(body.major).toMatch(/^\d+$/);
    expect(body.minor).toMatch(/^\d+$/);
    expect(body.gitVersion).toMatch(/^v\d+\.\d+\.\d+\+gantry$/);
  });

  it("answers everyone", async () => {
    for (const path of ["/healthz", "/livez", "/readyz"]) {
      const { status, text, headers } = await api.call(path, { token: null });
      expect([status, text]).toEqual([200, "ok"]);
      expect(headers.get("content-type")).toContain("text/plain");
    }
    const { text } = await api.call("/readyz?verbose");
    expect(text).toBe("[+]ping ok\n[+]storage ok\nreadyz check passed\n");
    expect((await api.call("/readyz/storage")).text).toBe("ok");
    assertFailure(await api.call("/readyz/nothing"), { code: 404, reason: "NotFound" });
  });

  it("is not ready without its database, but alive", async () => {
    const broken = await createTestCluster();
    Object.assign(broken.cluster.storage, { revision: async () => Promise.reject(new Error("gone")) });
    expect((await broken.call("/readyz")).status).toBe(500);
    expect((await broken.call("/livez")).status).toBe(200);
    await broken.stop();
  });

  it("publishes the keys that verify its tokens", async () => {
    const { body } = await api.call<{ issuer: string; jwks_uri: string }>("/.well-known/openid-configuration");
    expect(body.jwks_uri).toBe("https://gantry.test:6443/openid/v1/jwks");
    const keys = await api.call<{ keys: Record<string, string>[] }>("/openid/v1/jwks");
    const set = JSON.parse(keys.text) as { keys: Record<string, string>[] };
    expect(set.keys[0]).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", use: "sig" });
    expect(set.keys[0]).not.toHaveProperty("d");
  });
});
