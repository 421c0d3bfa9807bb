import { describe, expect, it } from "vitest";
import { defineKind } from "../../registry/kind.ts";
import { createSchema } from "../../schema/schema.ts";
import { createOpenApi, type OpenApiDocument } from "./documents.ts";
import { createOpenApiPaths } from "./requests.ts";
import type { RoutedKind } from "./routes.ts";

const kinds: RoutedKind[] = [
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
  components: { schemas: Record<string, Definition> };
  definitions: Record<string, unknown>;
}
interface Definition {
  properties: Record<string, Record<string, unknown>>;
}

async function unpacked(made: OpenApiDocument | undefined): Promise<string> {
  if (!made) throw new Error("there is no such document");
  return await new Response(new Blob([made.compressed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

async function document(path: string): Promise<Document> {
  return JSON.parse(await unpacked(await openApi.v3(path))) as Document;
}

describe("OpenAPI v3", () => {
  it("names a document for each group-version, at an address with its hash", async () => {
    const { paths } = JSON.parse(await unpacked(await openApi.v3Index())) as {
      paths: Record<string, { serverRelativeURL: string }>;
    };
    expect(Object.keys(paths)).toEqual(["api/v1", "apis/apps/v1"]);
    const hash = (await openApi.v3("apis/apps/v1"))?.hash;
    expect(hash).toMatch(/^[0-9A-F]{128}$/);
    expect(paths["apis/apps/v1"]?.serverRelativeURL).toBe(`/openapi/v3/apis/apps/v1?hash=${hash}`);
    expect(await openApi.v3("apis/batch/v1")).toBeUndefined();
  });

  it("has hashes that follow from the kinds", async () => {
    const changed = createOpenApi({
      kinds: kinds.map((kind) => (kind.plural === "namespaces" ? { ...kind, verbs: ["get"] } : kind)),
      schema: createSchema(),
    });
    expect(await changed.v3Hash("apis/apps/v1")).toBe(await openApi.v3Hash("apis/apps/v1"));
    expect(await changed.v3Hash("api/v1")).not.toBe(await openApi.v3Hash("api/v1"));
  });

  it("says what kubectl apply asks of a patch", async () => {
    const { paths } = await document("apis/apps/v1");
    const path = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
    expect(path?.["patch"]).toMatchObject({
      operationId: "patchAppsV1NamespacedDeployment",
      "x-kubernetes-action": "patch",
      "x-kubernetes-group-version-kind": { group: "apps", version: "v1", kind: "Deployment" },
      parameters: expect.arrayContaining([
        expect.objectContaining({
          name: "fieldValidation",
          in: "query",
          schema: { type: "string", uniqueItems: true },
        }),
      ]),
      requestBody: { required: true, content: { "application/apply-patch+yaml": {} } },
      responses: { 200: {}, 201: {}, 401: { description: "Unauthorized" } },
    });
    expect(path?.["parameters"]).toEqual([
      expect.objectContaining({ name: "name", in: "path", required: true, description: "name of the Deployment" }),
      expect.objectContaining({ name: "namespace", in: "path", required: true }),
      expect.objectContaining({ name: "pretty", in: "query" }),
    ]);
  });

  it("describes types with merge rules, prose and unions", async () => {
    const { schemas } = (await document("api/v1")).components;
    const spec = schemas["io.k8s.api.core.v1.PodSpec"];
    expect(spec?.properties["containers"]).toMatchObject({
      description: expect.stringContaining("List of containers"),
      "x-kubernetes-patch-merge-key": "name",
      items: { allOf: [{ $ref: "#/components/schemas/io.k8s.api.core.v1.Container" }], default: {} },
    });
    expect(spec?.properties["affinity"]).toMatchObject({
      allOf: [{ $ref: "#/components/schemas/io.k8s.api.core.v1.Affinity" }],
    });
    expect(schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]).toMatchObject({
      format: "int-or-string",
      oneOf: [{ type: "integer" }, { type: "string" }],
    });
    expect(schemas).not.toHaveProperty("io.k8s.api.apps.v1.Deployment");
  });

  // As Kubernetes publishes them in api/openapi-spec/v3.
  it.each([
    ["Pod", "metadata", "", {}],
    ["ContainerPort", "protocol", "", "TCP"],
    ["ContainerPort", "containerPort", "", 0],
    ["ContainerPort", "hostPort", "", undefined],
    ["Container", "name", "", ""],
    ["Container", "image", "", undefined],
    ["Container", "args", "items", ""],
    ["Container", "args", "", undefined],
    ["Container", "resources", "", {}],
    ["Container", "livenessProbe", "", undefined],
    ["PodSpec", "nodeSelector", "additionalProperties", ""],
    ["PodSpec", "containers", "items", {}],
    ["ConfigMapKeySelector", "name", "", ""],
    ["GRPCAction", "service", "", ""],
    ["HTTPGetAction", "port", "", undefined],
    ["ResourceRequirements", "limits", "additionalProperties", undefined],
    ["PodCondition", "status", "", ""],
    ["PodCondition", "lastProbeTime", "", undefined],
  ])("gives the default of %s.%s %s: %j", async (name, field, inner, expected) => {
    const { schemas } = (await document("api/v1")).components;
    const found = schemas[`io.k8s.api.core.v1.${name}`]?.properties[field];
    const place = inner === "" ? found : (found?.[inner] as Record<string, unknown> | undefined);
    expect(place).toBeDefined();
    expect(place?.["default"]).toEqual(expected);
  });

  it.each([
    ["ContainerPort", "protocol", "", ["SCTP", "TCP", "UDP"]],
    ["Container", "imagePullPolicy", "", ["Always", "IfNotPresent", "Never"]],
    [
      "PersistentVolumeClaimSpec",
      "accessModes",
      "items",
      ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"],
    ],
    ["Container", "image", "", undefined],
  ])("names the values of %s.%s %s", async (name, field, inner, expected) => {
    const { schemas } = (await document("api/v1")).components;
    const found = schemas[`io.k8s.api.core.v1.${name}`]?.properties[field];
    const place = inner === "" ? found : (found?.[inner] as Record<string, unknown> | undefined);
    expect(place).toBeDefined();
    expect(place?.["enum"]).toEqual(expected);
  });

  it.each(["api/v1", "apis/apps/v1"])("resolves every reference within %s", async (path) => {
    const { components, paths } = await document(path);
    const references = JSON.stringify({ components, paths }).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
    for (const [, name] of references) expect(components.schemas).toHaveProperty([name ?? ""]);
  });

  it("lists each path once, subresources with the kind of their body", async () => {
    const { paths } = await document("api/v1");
    expect(Object.keys(paths)).toEqual([
      "/api/v1/",
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
  });

  // Clients keep a document at a hashed address for a year. When this fails on purpose, raise FORM in documents.ts and write the
  // new hash here.
  it("has the form that its hash stands for", async () => {
    const text = await unpacked(await openApi.v3("apis/apps/v1"));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    expect(Array.from(digest.slice(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("")).toBe(
      "6976282a739b157b",
    );
  });
});

describe("OpenAPI v2", () => {
  it("holds all kinds in one document whose references resolve", async () => {
    const { definitions, paths } = JSON.parse(await unpacked(await openApi.v2("json"))) as Document;
    expect(Object.keys(paths)).toContain("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale");
    for (const [, name] of JSON.stringify({ definitions, paths }).matchAll(/"#\/definitions\/([^"]+)"/g)) {
      expect(definitions).toHaveProperty([name ?? ""]);
    }
  });
});

describe("the requests", () => {
  const nowMs = Date.parse("2026-11-26T12:00:00Z");
  const paths = createOpenApiPaths(openApi, { clock: { now: () => nowMs } });

  async function get(url: string, headers: Record<string, string> = {}): Promise<Response> {
    const { pathname, search } = new URL(url, "http://gantry");
    const handler = paths.find(pathname);
    if (!handler) throw new Error(`no handler of ${url}`);
    return handler(new Request(`http://gantry${url}`, { headers }), { path: pathname, query: search.slice(1) });
  }

  it("lets hashed addresses be kept, and leads from an old hash to the new one", async () => {
    const first = await get("/openapi/v3/api/v1");
    expect(first.headers.get("cache-control")).toBeNull();
    const etag = first.headers.get("etag") ?? "";
    const hash = etag.replaceAll('"', "");
    expect((await get("/openapi/v3/api/v1", { "if-none-match": etag })).status).toBe(304);
    const hashed = await get(`/openapi/v3/api/v1?hash=${hash}`);
    expect(hashed.headers.get("cache-control")).toBe("public, immutable");
    expect(hashed.headers.get("expires")).toBe("Fri, 26 Nov 2027 12:00:00 GMT");
    const old = await get("/openapi/v3/api/v1?hash=OLD");
    expect([old.status, old.headers.get("location")]).toEqual([301, `/openapi/v3/api/v1?hash=${hash}`]);
  });

  it("sends it compressed or plain, the same text", async () => {
    const plain = await get("/openapi/v3/apis/apps/v1");
    const packed = await get("/openapi/v3/apis/apps/v1", { "accept-encoding": "gzip" });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect(packed.headers.get("vary")).toBe("Accept, Accept-Encoding");
    const text = await new Response(packed.body?.pipeThrough(new DecompressionStream("gzip"))).text();
    expect(text).toBe(await plain.text());
    expect(JSON.parse(text)).toHaveProperty("openapi", "3.0.0");
  });

  const OLD_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
  const PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
  it.each([
    ["/openapi/v2", OLD_PROTOBUF, 200, PROTOBUF],
    ["/openapi/v2", PROTOBUF, 200, PROTOBUF],
    ["/openapi/v2", "application/json", 200, "application/json"],
    [
      "/openapi/v2",
      "application/json;q=0.5, application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
      200,
      PROTOBUF,
    ],
    ["/openapi/v2", `application/json, ${OLD_PROTOBUF}`, 200, "application/json"],
    ["/openapi/v2", "*/*", 200, "application/json"],
    ["/openapi/v2", "text/html", 406, null],
    ["/openapi/v3", "application/json, */*", 200, "application/json"],
    ["/openapi/v3/api/v1", "application/json", 200, "application/json"],
    ["/openapi/v3/api/v1", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf", 406, null],
  ])("%s as %s → %i", async (url, accept, code, type) => {
    const response = await get(url, { accept });
    expect([response.status, response.headers.get("content-type")]).toEqual([code, type]);
  });

  it("knows no other path", async () => {
    await expect(get("/openapi/v3/apis/none/v1")).rejects.toMatchObject({ reason: "NotFound" });
    expect(paths.find("/openapi/v4")).toBeUndefined();
    expect(paths.find("/api/v1")).toBeUndefined();
  });
});
