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

const V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const V2_BETA = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
/** What kubectl 1.30 and newer sends. */
const AGGREGATED = `${V2},${V2_BETA},application/json`;

interface NamedResource {
  name: string;
  singularName: string;
  kind: string;
  group?: string;
  version?: string;
  namespaced: boolean;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  storageVersionHash?: string;
}
interface ResourceList {
  groupVersion: string;
  resources: NamedResource[];
}
interface ResponseKind {
  group: string;
  version: string;
  kind: string;
}
interface AggregatedResource {
  resource: string;
  responseKind: ResponseKind;
  scope: "Namespaced" | "Cluster";
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: { subresource: string; responseKind: ResponseKind; verbs: string[] }[];
}
interface Aggregated {
  kind: string;
  apiVersion: string;
  items: {
    metadata: { name: string };
    versions: { version: string; freshness: string; resources: AggregatedResource[] }[];
  }[];
}
interface GroupList {
  kind: string;
  groups: { name: string; versions: { groupVersion: string; version: string }[]; preferredVersion: object }[];
}

describe("the classic documents", () => {
  it("name the versions and groups", async () => {
    const core = await api.call<object>("/api");
    expect(core.body).toEqual({
      kind: "APIVersions",
      versions: ["v1"],
      serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: "gantry.test:6443" }],
    });
    const groups = await api.call<GroupList>("/apis");
    expect(groups.body).toMatchObject({ kind: "APIGroupList", apiVersion: "v1" });
    const apps = groups.body.groups.find(({ name }) => name === "apps");
    const version = { groupVersion: "apps/v1", version: "v1" };
    expect(apps).toEqual({ name: "apps", versions: [version], preferredVersion: version });
    expect(groups.body.groups.map(({ name }) => name)).not.toContain("");
    expect((await api.call("/apis/apps")).body).toEqual({
      kind: "APIGroup",
      apiVersion: "v1",
      name: "apps",
      versions: [version],
      preferredVersion: version,
    });
  });

  it("put the groups in the order of Kubernetes", async () => {
    const { body } = await api.call<GroupList>("/apis");
    const known = ["apps", "authentication.k8s.io", "authorization.k8s.io", "coordination.k8s.io", "discovery.k8s.io"];
    expect(body.groups.map(({ name }) => name).filter((name) => known.includes(name))).toEqual(known);
  });

  it("list resources with verbs, short names and subresources, sorted", async () => {
    const { body, text } = await api.call<ResourceList>("/api/v1");
    // The core group's documents have no apiVersion.
    expect(text).toMatch(/^\{"kind":"APIResourceList","groupVersion":"v1","resources":\[/);
    expect(body.resources.find(({ name }) => name === "pods")).toEqual({
      name: "pods",
      singularName: "pod",
      namespaced: true,
      kind: "Pod",
      verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
      shortNames: ["po"],
      categories: ["all"],
      storageVersionHash: "xPOwRZ+Yhw8=",
    });
    expect(body.resources.find(({ name }) => name === "pods/eviction")).toEqual({
      name: "pods/eviction",
      singularName: "",
      namespaced: true,
      group: "policy",
      version: "v1",
      kind: "Eviction",
      verbs: ["create"],
    });
    expect(body.resources.find(({ name }) => name === "pods/binding")).toEqual({
      name: "pods/binding",
      singularName: "",
      namespaced: true,
      kind: "Binding",
      verbs: ["create"],
    });
    const names = body.resources.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["pods/log", "pods/exec", "pods/status"]));
    expect(names).toEqual(names.toSorted());
    expect(body.resources.find(({ name }) => name === "namespaces")).toMatchObject({ namespaced: false });
    const apps = await api.call<ResourceList>("/apis/apps/v1");
    expect(apps.text).toMatch(/^\{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps\/v1"/);
    expect(apps.body.resources.find(({ name }) => name === "deployments/scale")).toMatchObject({
      group: "autoscaling",
      version: "v1",
      kind: "Scale",
    });
  });

  // The hashes that kube-apiserver publishes for these.
  it.each([
    ["/api/v1", "configmaps", "qFsyl6wFWjQ="],
    ["/api/v1", "namespaces", "Q3oi5N2YM8M="],
    ["/api/v1", "nodes", "XwShjMxG9Fs="],
    ["/api/v1", "services", "0/CO1lhkEBI="],
    ["/apis/authentication.k8s.io/v1", "tokenreviews", undefined],
  ])("%s names the stored version of %s", async (path, resource, hash) => {
    const { body } = await api.call<ResourceList>(path);
    expect(body.resources.find(({ name }) => name === resource)?.storageVersionHash).toBe(hash);
  });

  it("come as YAML for who asks, and never as what is not served", async () => {
    const yaml = await api.call("/api/v1", { headers: { accept: "application/yaml" } });
    expect(yaml.headers.get("content-type")).toBe("application/yaml");
    expect(yaml.text).toMatch(/^kind: APIResourceList\n/);
    const protobuf = await api.call("/apis/apps", { headers: { accept: "application/vnd.kubernetes.protobuf" } });
    assertFailure(protobuf, { code: 406, reason: "NotAcceptable" });
    const either = await api.call("/apis", {
      headers: { accept: "application/vnd.kubernetes.protobuf,application/json" },
    });
    expect(either.headers.get("content-type")).toBe("application/json");
  });
});

describe("the aggregated document", () => {
  it("has everything at once, with an entity tag: expectation 23", async () => {
    for (const path of ["/api", "/apis"]) {
      const { status, body, headers } = await api.call<Aggregated>(path, { headers: { accept: AGGREGATED } });
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe(V2);
      expect(headers.get("vary")).toContain("Accept");
      expect(headers.get("cache-control")).toBe("public");
      expect(body).toMatchObject({ kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2" });
      const names = body.items.map(({ metadata }) => metadata.name);
      expect(names.includes("")).toBe(path === "/api");
      for (const item of body.items) for (const version of item.versions) expect(version.freshness).toBe("Current");
      const etag = headers.get("etag") ?? "";
      expect(etag).toMatch(/^"[0-9A-F]{128}"$/);
      const again = await api.call(path, { headers: { accept: AGGREGATED, "if-none-match": etag } });
      expect([again.status, again.text, again.headers.get("etag")]).toEqual([304, "", etag]);
      const other = await api.call(path, { headers: { accept: AGGREGATED, "if-none-match": '"0"' } });
      expect(other.status).toBe(200);
      const classic = await api.call(path, { headers: { accept: "application/json", "if-none-match": etag } });
      expect(classic.status).toBe(200);
    }
  });

  it.each([
    [V2, "v2"],
    [V2_BETA, "v2beta1"],
    [`${V2_BETA},${V2}`, "v2beta1"],
    [`${V2_BETA};q=0.5,${V2}`, "v2"],
    ["application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", "v2"],
    [`${V2};profile=nopeer,${V2},application/json`, "v2"],
    [`application/json,${V2}`, "v2"],
    ["application/json", undefined],
    ["*/*", undefined],
    ["application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList,application/json", undefined],
    ["application/json;g=meta.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", undefined],
    // goautoneg sorts by q and leaves nothing out.
    [`${V2};q=0,application/json`, "v2"],
  ])("answers %s with %s", async (accept, version) => {
    const { body, headers } = await api.call<{ kind: string; apiVersion: string }>("/apis", { headers: { accept } });
    expect(body.kind).toBe(version === undefined ? "APIGroupList" : "APIGroupDiscoveryList");
    expect(body.apiVersion).toBe(version === undefined ? "v1" : `apidiscovery.k8s.io/${version}`);
    expect(headers.get("content-type")).toBe(
      version === undefined ? "application/json" : V2.replace("v=v2", `v=${version}`),
    );
  });

  it("refuses a client that takes nothing else than an unknown form", async () => {
    const accept = "application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList";
    assertFailure(await api.call("/apis", { headers: { accept } }), { code: 406, reason: "NotAcceptable" });
  });

  it("agrees with the classic documents in every member", async () => {
    for (const root of ["/api", "/apis"]) {
      const { body } = await api.call<Aggregated>(root, { headers: { accept: AGGREGATED } });
      for (const { metadata, versions } of body.items) {
        for (const { version, resources } of versions) {
          const path = root === "/api" ? `/api/${version}` : `/apis/${metadata.name}/${version}`;
          const classic = await api.call<ResourceList>(path);
          const expected = classic.body.resources.map((resource) => ({ ...resource, storageVersionHash: undefined }));
          expect(resources.flatMap(asClassic).toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(expected);
        }
      }
    }
  });

  it("refuses groups and versions that are not served", async () => {
    for (const path of ["/apis/none", "/apis/apps/v9", "/api/v2"]) {
      assertFailure(await api.call(path), { code: 404, reason: "NotFound" });
    }
  });
});

/** How client-go turns the aggregated form into the classic one. */
function asClassic(resource: AggregatedResource): NamedResource[] {
  const { shortNames, categories } = resource;
  const namespaced = resource.scope === "Namespaced";
  return [
    {
      name: resource.resource,
      singularName: resource.singularResource,
      namespaced,
      ...gvk(resource.responseKind),
      verbs: resource.verbs,
      ...(shortNames ? { shortNames } : {}),
      ...(categories ? { categories } : {}),
    },
    ...(resource.subresources ?? []).map(({ subresource, responseKind, verbs }) => ({
      name: `${resource.resource}/${subresource}`,
      singularName: "",
      namespaced,
      ...gvk(responseKind),
      verbs,
    })),
  ];
}

function gvk({ group, version, kind }: ResponseKind): { group?: string; version?: string; kind: string } {
  return { ...(group === "" ? {} : { group }), ...(version === "" ? {} : { version }), kind };
}

describe("what there is beside resources", () => {
  it("is listed at the root", async () => {
    for (const path of ["/", "/index.html"]) {
      const { body } = await api.call<{ paths: string[] }>(path);
      expect(body.paths).toEqual(body.paths.toSorted());
      expect(body.paths).toEqual(
        expect.arrayContaining(
          ["/api", "/api/v1", "/apis", "/apis/", "/apis/apps", "/apis/apps/v1", "/healthz", "/healthz/ping"].concat([
            "/livez",
            "/livez/ping",
            "/metrics",
            "/openapi/v2",
            "/openapi/v3",
            "/openapi/v3/",
            "/readyz",
            "/version",
          ]),
        ),
      );
      for (const listed of body.paths) expect((await api.fetch(listed)).status).toBe(200);
    }
  });

  it.each(["/nothing", "/api/v1beta9", "/apis/none/v1/things", "/healthz/nothing", "/metrics/nothing", "/openapi/v4"])(
    "%s is not found, as a Status: expectation 24",
    async (path) => {
      const answer = await api.call(path, { headers: { accept: "text/html" } });
      assertFailure(answer, {
        code: 404,
        reason: "NotFound",
        message: "the server could not find the requested resource",
      });
      expect(answer.headers.get("content-type")).toBe("application/json");
    },
  );

  it.each(["/api", "/apis", "/apis/apps", "/api/v1", "/version", "/openapi/v2", "/openapi/v3", "/"])(
    "%s is only read: expectation 24",
    async (path) => {
      for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
        assertFailure(await api.call(path, { method }), { code: 405, reason: "MethodNotAllowed" });
      }
      const head = await api.fetch(path, { method: "HEAD" });
      expect([head.status, await head.text()]).toEqual([200, ""]);
    },
  );
});

describe("version", () => {
  it("is that of Kubernetes, in numbers: expectation 31", async () => {
    const { body } = await api.call<Record<string, string>>("/version", { token: null });
    expect(body["major"]).toMatch(/^\d+$/);
    expect(body["minor"]).toMatch(/^\d+$/);
    expect(body["gitVersion"]).toMatch(/^v1\.36\.\d+\+gantry$/);
    expect(body["gitVersion"]).toMatch(new RegExp(`^v${body["major"]}\\.${body["minor"]}\\.`));
    expect(Object.keys(body)).toEqual([
      "major",
      "minor",
      "emulationMajor",
      "emulationMinor",
      "minCompatibilityMajor",
      "minCompatibilityMinor",
      "gitVersion",
      "gitCommit",
      "gitTreeState",
      "buildDate",
      "goVersion",
      "compiler",
      "platform",
    ]);
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

describe("health", () => {
  it("answers everyone in one word", async () => {
    for (const path of ["/healthz", "/livez", "/readyz"]) {
      const { status, text, headers } = await api.call(path, { token: null });
      expect([status, text]).toEqual([200, "ok"]);
      expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  it.each([
    ["/livez?verbose", "[+]ping ok\nlivez check passed\n"],
    ["/readyz?verbose", "[+]ping ok\n[+]storage ok\n[+]hub ok\nreadyz check passed\n"],
    ["/healthz?verbose=true", "[+]ping ok\n[+]storage ok\n[+]hub ok\nhealthz check passed\n"],
    ["/readyz?verbose&exclude=storage", "[+]ping ok\n[+]storage excluded: ok\n[+]hub ok\nreadyz check passed\n"],
    [
      "/livez?verbose&exclude=etcd&exclude=a",
      '[+]ping ok\nwarn: some health checks cannot be excluded: no matches for "a","etcd"\nlivez check passed\n',
    ],
    ["/livez/ping", "ok"],
    ["/readyz/storage", "ok"],
    ["/readyz/hub", "ok"],
    ["/readyz?exclude=storage", "ok"],
  ])("%s", async (path, expected) => {
    expect((await api.call(path)).text).toBe(expected);
  });

  it("knows no other check", async () => {
    for (const path of ["/readyz/nothing", "/livez/storage", "/livez/ping/more"]) {
      assertFailure(await api.call(path), { code: 404, reason: "NotFound" });
    }
  });

  it("says single checks only to who has the right", async () => {
    assertFailure(await api.call("/readyz/storage", { token: null }), { code: 403, reason: "Forbidden" });
  });

  it("is not ready without its database, but alive; the reason stays inside", async () => {
    const broken = await createTestCluster();
    Object.assign(broken.cluster.storage, { revision: async () => Promise.reject(new Error("secret host is gone")) });
    const ready = await broken.call("/readyz");
    expect([ready.status, ready.text]).toEqual([
      500,
      "[+]ping ok\n[-]storage failed: reason withheld\n[+]hub ok\nreadyz check failed\n",
    ]);
    const single = await broken.call("/readyz/storage");
    expect([single.status, single.text]).toEqual([500, "internal server error: storage failed\n"]);
    expect((await broken.call("/readyz?exclude=storage")).status).toBe(200);
    expect((await broken.call("/livez")).status).toBe(200);
    await broken.stop();
  });

  it("is not ready without its hub", async () => {
    const stopped = await createTestCluster();
    await stopped.hub.stop();
    const ready = await stopped.call("/readyz");
    expect([ready.status, ready.text]).toEqual([
      500,
      "[+]ping ok\n[+]storage ok\n[-]hub failed: reason withheld\nreadyz check failed\n",
    ]);
    await stopped.stop();
  });
});
