import { describe, expect, it } from "vitest";
import { defineKind, type KindDefinition } from "../registry/kind.ts";
import { createSchema } from "../schema/schema.ts";
import { createOpenApi, createOpenApiPaths } from "./openapi.ts";

const kinds: KindDefinition[] = [
  defineKind({
    group: "",
    version: "v1",
    kind: "Namespace",
    plural: "namespaces",
    namespaced: false,
    schema: "io.k8s.api.core.v1.Namespace",
  }),
  defineKind({
    group: "",
    version: "v1",
    kind: "Pod",
    plural: "pods",
    namespaced: true,
    schema: "io.k8s.api.core.v1.Pod",
    subresources: [
      { name: "status", verbs: ["get", "update", "patch"] },
      { name: "binding", body: { group: "", version: "v1", kind: "Binding" }, verbs: ["create"] },
      { name: "eviction", body: { group: "policy", version: "v1", kind: "Eviction" }, verbs: ["create"] },
    ],
  }),
  defineKind({
    group: "apps",
    version: "v1",
    kind: "Deployment",
    plural: "deployments",
    namespaced: true,
    schema: "io.k8s.api.apps.v1.Deployment",
    subresources: [
      {
        name: "scale",
        body: { group: "autoscaling", version: "v1", kind: "Scale" },
        verbs: ["get", "update", "patch"],
      },
    ],
  }),
];
const openApi = createOpenApi({ kinds, schema: createSchema() });

interface Document {
  paths: Record<string, Record<string, Record<string, unknown>>>;
  components: { schemas: Record<string, Record<string, unknown>> };
  definitions: Record<string, unknown>;
}

async function document(path: string): Promise<Document> {
  const found = await openApi.v3(path);
  if (!found) throw new Error(`nothing at ${path}`);
  return JSON.parse(found.body) as Document;
}

describe("OpenAPI v3", () => {
  it("names a document for each group-version, at an address with its hash", async () => {
    const { paths } = JSON.parse((await openApi.v3Index()).body) as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    expect(Object.keys(paths)).toEqual(["api/v1", "apis/apps/v1"]);
    const etag = (await openApi.v3("apis/apps/v1"))?.etag.replaceAll('"', "");
    expect(paths["apis/apps/v1"]?.serverRelativeURL).toBe(`/openapi/v3/apis/apps/v1?hash=${etag}`);
    expect(await openApi.v3("apis/batch/v1")).toBeUndefined();
  });

  it("says what kubectl apply asks of a patch", async () => {
    const { paths } = await document("apis/apps/v1");
    const patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?.["patch"];
    expect(patch).toMatchObject({
      operationId: "patchAppsV1NamespacedDeployment",
      "x-kubernetes-action": "patch",
      "x-kubernetes-group-version-kind": { group: "apps", version: "v1", kind: "Deployment" },
      parameters: expect.arrayContaining([expect.objectContaining({ name: "fieldValidation", in: "query" })]),
      requestBody: { content: { "application/strategic-merge-patch+json": {} } },
    });
  });

  it("describes types with merge rules, prose and unions", async () => {
    const { schemas } = (await document("api/v1")).components;
    const spec = schemas["io.k8s.api.core.v1.PodSpec"] as { properties: Record<string, Record<string, unknown>> };
    expect(spec.properties["containers"]).toMatchObject({
      description: expect.stringContaining("List of containers"),
      "x-kubernetes-patch-merge-key": "name",
      items: { $ref: "#/components/schemas/io.k8s.api.core.v1.Container" },
    });
    expect(spec.properties["affinity"]).toMatchObject({
      allOf: [{ $ref: "#/components/schemas/io.k8s.api.core.v1.Affinity" }],
    });
    expect(schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]).toMatchObject({
      format: "int-or-string",
      oneOf: [{ type: "integer" }, { type: "string" }],
    });
    expect(schemas).not.toHaveProperty("io.k8s.api.apps.v1.Deployment");
  });

  it.each(["api/v1", "apis/apps/v1"])("resolves every reference within %s", async (path) => {
    const { components, paths } = await document(path);
    const references = JSON.stringify({ components, paths }).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
    for (const [, name] of references) expect(components.schemas).toHaveProperty([name ?? ""]);
  });

  it("lists each path once, subresources with the kind of their body", async () => {
    const { paths } = await document("api/v1");
    expect(Object.keys(paths).toSorted()).toEqual([
      "/api/v1/namespaces",
      "/api/v1/namespaces/{namespace}/pods",
      "/api/v1/namespaces/{namespace}/pods/{name}",
      "/api/v1/namespaces/{namespace}/pods/{name}/binding",
      "/api/v1/namespaces/{namespace}/pods/{name}/eviction",
      "/api/v1/namespaces/{namespace}/pods/{name}/status",
      "/api/v1/namespaces/{name}",
      "/api/v1/pods",
    ]);
    const eviction = paths["/api/v1/namespaces/{namespace}/pods/{name}/eviction"]?.["post"];
    expect(eviction?.["x-kubernetes-group-version-kind"]).toEqual({ group: "policy", version: "v1", kind: "Eviction" });
    const ids = Object.values(paths).flatMap((item) =>
      Object.values(item).map((operation) => operation["operationId"]),
    );
    const named = ids.filter((id) => id !== undefined);
    expect(new Set(named).size).toBe(named.length);
  });
});

describe("OpenAPI v2", () => {
  it("holds all kinds in one document whose references resolve", async () => {
    const { definitions, paths } = JSON.parse((await openApi.v2()).body) as Document;
    expect(Object.keys(paths)).toContain("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale");
    for (const [, name] of JSON.stringify({ definitions, paths }).matchAll(/"#\/definitions\/([^"]+)"/g)) {
      expect(definitions).toHaveProperty([name ?? ""]);
    }
  });
});

describe("the requests", () => {
  const paths = createOpenApiPaths(openApi);

  async function get(url: string, headers: Record<string, string> = {}): Promise<Response> {
    const { pathname, search } = new URL(url, "http://gantry");
    const handler = paths.find(pathname);
    if (!handler) throw new Error(`no handler of ${url}`);
    return handler(new Request(`http://gantry${url}`, { headers }), { path: pathname, query: search.slice(1) });
  }

  it("answers 304 to who has the document and lets hashed addresses be kept", async () => {
    const first = await get("/openapi/v3/api/v1");
    expect(first.headers.get("cache-control")).toBeNull();
    const etag = first.headers.get("etag") ?? "";
    expect((await get("/openapi/v3/api/v1", { "if-none-match": etag })).status).toBe(304);
    const hashed = await get(`/openapi/v3/api/v1?hash=${etag.replaceAll('"', "")}`);
    expect(hashed.headers.get("cache-control")).toContain("immutable");
    expect((await get("/openapi/v3/api/v1?hash=OLD")).headers.get("cache-control")).toBeNull();
  });

  it.each([
    ["/openapi/v3/apis/none/v1", "application/json", 404],
    ["/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf", 406],
    ["/openapi/v2", "application/json", 200],
    ["/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf, */*", 200],
    ["/openapi/v3", "application/json, */*", 200],
  ])("%s as %s → %i", async (url, accept, code) => {
    expect((await get(url, { accept })).status).toBe(code);
  });

  it("leaves other paths alone", () => {
    expect(paths.find("/openapi/v4")).toBeUndefined();
    expect(paths.find("/api/v1")).toBeUndefined();
  });
});
