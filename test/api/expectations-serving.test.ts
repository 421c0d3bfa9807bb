/** What stock clients expect of paths, headers and answers. The numbers are those of the list of expectations. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import type { Status } from "../../src/machinery/status-error.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const CORE = "/api/v1/namespaces/default";
const MAPS = `${CORE}/configmaps`;

describe("24: paths and methods", () => {
  const NOT_FOUND = {
    code: 404,
    reason: "NotFound",
    message: "the server could not find the requested resource",
  };
  const NOT_ALLOWED = {
    code: 405,
    reason: "MethodNotAllowed",
    message: "the server does not allow this method on the requested resource",
  };

  it.each([
    ["GET", "/nowhere", NOT_FOUND],
    ["GET", "/api/v1/gadgets", NOT_FOUND],
    ["GET", "/apis/none.example.com/v1/things", NOT_FOUND],
    ["GET", "/apis/apps/v7/deployments", NOT_FOUND],
    ["OPTIONS", "/nowhere", NOT_FOUND],
    ["POST", `${MAPS}/x`, NOT_ALLOWED],
    ["PUT", MAPS, NOT_ALLOWED],
    ["PATCH", MAPS, NOT_ALLOWED],
    ["POST", "/api/v1/configmaps", NOT_ALLOWED],
    ["OPTIONS", MAPS, NOT_ALLOWED],
    ["OPTIONS", `${MAPS}/x`, NOT_ALLOWED],
    ["POST", "/version", NOT_ALLOWED],
  ])("%s %s", async (method, path, expected) => {
    const answer = await api.call<Status>(path, { method });
    const status = assertFailure(answer, expected);
    expect(status.details ?? {}).toEqual({});
    expect(answer.headers.get("content-type")).toBe("application/json");
  });

  it("HEAD of a resource is not allowed, and has no body", async () => {
    for (const path of [MAPS, `${MAPS}/kube-root-ca.crt`]) {
      const { status } = await api.fetch(path, { method: "HEAD" });
      expect(status).toBe(405);
    }
  });
});

describe("25: headers", () => {
  const ALWAYS = ["audit-id", "x-kubernetes-pf-flowschema-uid", "x-kubernetes-pf-prioritylevel-uid"];

  it.each([
    ["a list", MAPS, {}],
    ["a write", `${MAPS}?dryRun=All`, { method: "POST", body: { metadata: { name: "x" } } }],
    ["a refusal", `${MAPS}/ghost`, {}],
    ["a bad body", MAPS, { method: "POST", body: "{" }],
    ["an unknown path", "/nowhere", {}],
    ["a document", "/version", {}],
    ["a watch", `${MAPS}?watch=true&timeoutSeconds=1`, {}],
  ])("of %s", async (_what, path, init) => {
    const { headers, body } = await api.fetch(path, init);
    await body?.cancel();
    for (const name of ALWAYS) expect(headers.get(name), name).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get("cache-control")).toContain("no-cache, private");
  });

  it("differ in their Audit-Id with each request", async () => {
    const ids = await Promise.all(
      Array.from({ length: 10 }, async () => (await api.call(MAPS)).headers.get("audit-id")),
    );
    expect(new Set(ids).size).toBe(10);
  });

  it("say that a large list is compressed, and that a small one is not", async () => {
    const data = { a: "x".repeat(100_000) };
    for (const name of ["big-1", "big-2"]) {
      await api.call(MAPS, { method: "POST", body: { metadata: { name, labels: { big: "1" } }, data } });
    }
    const headers = { "accept-encoding": "gzip" };
    const large = await api.fetch(`${MAPS}?labelSelector=big`, { headers });
    expect([large.headers.get("content-encoding"), large.headers.get("vary")]).toEqual(["gzip", "Accept-Encoding"]);
    const stream = large.body?.pipeThrough(new DecompressionStream("gzip"));
    const list = (await new Response(stream).json()) as KubeList;
    expect(list.items).toHaveLength(2);
    const small = await api.fetch(`${MAPS}?labelSelector=none`, { headers });
    expect(small.headers.get("content-encoding")).toBeNull();
    await small.body?.cancel();
  });
});

describe("29: what every namespace has from the start", () => {
  it("kube-system, kube-public, kube-node-lease and default are there", async () => {
    const { body } = await api.call<KubeList>("/api/v1/namespaces");
    const names = body.items.map(({ metadata }) => metadata.name);
    expect(names).toEqual(["default", "kube-node-lease", "kube-public", "kube-system"]);
  });
});

describe("30: the kubernetes Service", () => {
  it("has the first address of the range", async () => {
    const service = await api.call<KubeObject & { spec: { clusterIP: string } }>(`${CORE}/services/kubernetes`);
    expect(service.body.spec.clusterIP).toBe("10.96.0.1");
  });

  it("has Endpoints that lead to the API", async () => {
    const { body } = await api.call<KubeObject & { subsets: unknown }>(`${CORE}/endpoints/kubernetes`);
    expect(body.subsets).toEqual([
      { addresses: [{ ip: "10.96.0.1" }], ports: [{ name: "https", port: 443, protocol: "TCP" }] },
    ]);
  });

  it("has an EndpointSlice that leads to the API, on no loopback address", async () => {
    const slice = await api.call<KubeObject & { endpoints: { addresses: string[] }[]; ports: { port: number }[] }>(
      "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes",
    );
    expect(slice.body.metadata.labels).toEqual({ "kubernetes.io/service-name": "kubernetes" });
    // Every agent answers there.
    expect(slice.body.endpoints).toMatchObject([{ addresses: ["10.96.0.1"], conditions: { ready: true } }]);
    expect(slice.body.ports).toMatchObject([{ name: "https", port: 443, protocol: "TCP" }]);
  });
});

describe("31: versions", () => {
  it("are integers in strings", async () => {
    const { body } = await api.call<{ major: string; minor: string; gitVersion: string }>("/version");
    expect([body.major, body.minor]).toEqual(["1", "36"]);
    expect(body.gitVersion).toMatch(/^v1\.36\.\d+/);
  });
});
