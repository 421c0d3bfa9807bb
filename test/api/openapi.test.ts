/** OpenAPI as kubectl, Terraform and client generators read it. */
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

interface Index {
  paths: Record<string, { serverRelativeURL: string }>;
}
interface Definition {
  description?: string;
  properties?: Record<string, Record<string, unknown>>;
  "x-kubernetes-group-version-kind"?: object[];
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Record<string, unknown>>>;
  components: { schemas: Record<string, Definition> };
}
interface Discovery {
  items: { metadata: { name: string }; versions: { version: string; resources: Resource[] }[] }[];
}
interface Resource {
  resource: string;
  scope: string;
  verbs: string[];
  responseKind: { kind: string };
}

const AGGREGATED = { accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" };
const METHODS: Readonly<Record<string, [method: string, at: "collection" | "object"]>> = {
  list: ["get", "collection"],
  create: ["post", "collection"],
  deletecollection: ["delete", "collection"],
  get: ["get", "object"],
  update: ["put", "object"],
  patch: ["patch", "object"],
  delete: ["delete", "object"],
};

describe("OpenAPI v3", () => {
  it("has a document for every version that discovery names, with an operation for every verb", async () => {
    const { body: index } = await api.call<Index>("/openapi/v3");
    const found: string[] = [];
    for (const root of ["/api", "/apis"]) {
      const { body } = await api.call<Discovery>(root, { headers: AGGREGATED });
      for (const { metadata, versions } of body.items) {
        for (const { version, resources } of versions) {
          const name = root === "/api" ? `api/${version}` : `apis/${metadata.name}/${version}`;
          found.push(name);
          const document = await api.call<Document>(index.paths[name]?.serverRelativeURL ?? "/missing");
          expect(document.status).toBe(200);
          for (const resource of resources) expectOperations(document.body, { name, resource });
        }
      }
    }
    expect(Object.keys(index.paths).toSorted()).toEqual(found.toSorted());
  });

  it("is kept for a year at an address with its hash, and led to from an outdated one", async () => {
    const { body } = await api.call<Index>("/openapi/v3");
    const address = body.paths["apis/apps/v1"]?.serverRelativeURL ?? "";
    expect(address).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/);
    const { headers } = await api.call(address);
    expect(headers.get("cache-control")).toBe("public, immutable");
    expect(Date.parse(headers.get("expires") ?? "")).toBeGreaterThan(
      api.cluster.platform.clock.now() + 364 * 86_400_000,
    );
    const etag = headers.get("etag") ?? "";
    expect(`"${address.split("=")[1]}"`).toBe(etag);
    const again = await api.call(address, { headers: { "if-none-match": etag } });
    expect([again.status, again.text]).toEqual([304, ""]);
    const outdated = await api.call("/openapi/v3/apis/apps/v1?hash=0");
    expect([outdated.status, outdated.headers.get("location")]).toEqual([301, address]);
  });

  it("explains types with prose, defaults and merge rules", async () => {
    const { body } = await api.call<Document>("/openapi/v3/api/v1");
    expect(body.openapi).toBe("3.0.0");
    const { schemas } = body.components;
    expect(schemas["io.k8s.api.core.v1.Pod"]).toMatchObject({
      description: expect.stringContaining("collection of containers"),
      "x-kubernetes-group-version-kind": [{ group: "", kind: "Pod", version: "v1" }],
    });
    expect(schemas["io.k8s.api.core.v1.Container"]?.properties?.["ports"]).toMatchObject({
      "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
      "x-kubernetes-list-type": "map",
    });
    expect(schemas["io.k8s.api.core.v1.ContainerPort"]?.properties?.["protocol"]).toMatchObject({ default: "TCP" });
  });

  it("knows no other document", async () => {
    assertFailure(await api.call("/openapi/v3/apis/none/v1"), { code: 404, reason: "NotFound" });
  });
});

function expectOperations(document: Document, { name, resource }: { name: string; resource: Resource }): void {
  const namespace = resource.scope === "Namespaced" ? "namespaces/{namespace}/" : "";
  const collection = `/${name}/${namespace}${resource.resource}`;
  for (const verb of resource.verbs) {
    const [method, at] = METHODS[verb] ?? [];
    if (method === undefined) continue;
    const operation = document.paths[at === "collection" ? collection : `${collection}/{name}`]?.[method];
    expect(operation?.["x-kubernetes-group-version-kind"], `${verb} ${collection}`).toMatchObject({
      kind: resource.responseKind.kind,
    });
  }
}

describe("OpenAPI v2", () => {
  const PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

  it("comes in JSON, and in protobuf for clients that ask for it", async () => {
    const json = await api.call<{ swagger: string; definitions: object }>("/openapi/v2");
    expect(json.body.swagger).toBe("2.0");
    expect(json.body.definitions).toHaveProperty(["io.k8s.api.apps.v1.Deployment"]);
    const protobuf = await api.fetch("/openapi/v2", { headers: { accept: PROTOBUF } });
    expect(protobuf.headers.get("content-type")).toBe("application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    const bytes = new Uint8Array(await protobuf.arrayBuffer());
    // Member 1, four bytes: "2.0" is the version of the document.
    expect(Array.from(bytes.slice(0, 5))).toEqual([0x0a, 3, 0x32, 0x2e, 0x30]);
    expect(new TextDecoder().decode(bytes)).toContain("io.k8s.api.apps.v1.DeploymentSpec");
    const etag = json.headers.get("etag") ?? "";
    expect((await api.call("/openapi/v2", { headers: { "if-none-match": etag } })).status).toBe(304);
    expect((await api.call("/openapi/v2", { headers: { accept: "text/html" } })).status).toBe(406);
  });

  it("is compressed for who accepts that", async () => {
    const packed = await api.fetch("/openapi/v2", { headers: { "accept-encoding": "gzip" } });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    const text = await new Response(packed.body?.pipeThrough(new DecompressionStream("gzip"))).text();
    expect(text).toBe((await api.call("/openapi/v2")).text);
  });

  it("is for everybody who is somebody", async () => {
    for (const path of ["/openapi/v2", "/openapi/v3", "/openapi/v3/api/v1"]) {
      assertFailure(await api.call(path, { token: null }), { code: 403, reason: "Forbidden" });
      const user = api.app.fetchAs({ name: "someone", groups: ["system:authenticated"] });
      expect((await user(new Request(`https://gantry.test:6443${path}`))).status).toBe(200);
    }
  });
});
