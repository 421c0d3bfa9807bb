/** What Kubernetes answers to nonsense: the right code, a Status, and nothing changed. Never a 500. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Status } from "../../src/machinery/status-error.ts";
import {
  assertFailure,
  createTestCluster,
  type Failure,
  type TestCluster,
  type TestRequest,
} from "../harness/cluster.ts";

let api: TestCluster;
let before: number;
beforeAll(async () => {
  api = await createTestCluster();
  before = await api.storage.revision();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  expect(await api.storage.revision(), "a refused request wrote something").toBe(before);
  await api.stop();
});

const MAPS = "/api/v1/namespaces/default/configmaps";
const YAML = { "content-type": "application/yaml" };
const post = (body: unknown, rest: TestRequest = {}): TestRequest => ({ method: "POST", body, ...rest });
const map = (name: unknown, more: object = {}): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  ...more,
});

const CASES: [string, string, TestRequest, Failure][] = [
  ["malformed JSON", MAPS, post('{"metadata": {'), { code: 400, reason: "BadRequest" }],
  ["no body", MAPS, post(""), { code: 400, reason: "BadRequest" }],
  ["a JSON array", MAPS, post("[]"), { code: 400, reason: "BadRequest" }],
  ["a JSON string", MAPS, post('"x"'), { code: 400, reason: "BadRequest" }],
  ["malformed YAML", MAPS, post("a: [b", { headers: YAML }), { code: 400, reason: "BadRequest" }],
  [
    "an unknown media type",
    MAPS,
    post("x", { headers: { "content-type": "application/xml" } }),
    { code: 415, reason: "UnsupportedMediaType" },
  ],
  ["an unknown kind", MAPS, post({ ...map("x"), kind: "Gadget" }), { code: 400, reason: "BadRequest" }],
  [
    "another kind",
    MAPS,
    post({ apiVersion: "v1", kind: "Namespace", metadata: { name: "x" } }),
    { code: 400, reason: "BadRequest" },
  ],
  ["another version", MAPS, post({ ...map("x"), apiVersion: "v2" }), { code: 400, reason: "BadRequest" }],
  [
    "a wrong type",
    MAPS,
    post(map("x", { data: { a: 1 } })),
    {
      code: 400,
      reason: "BadRequest",
      message: /cannot unmarshal number into Go struct field ConfigMap\.data of type string/,
    },
  ],
  ["a name of a wrong type", MAPS, post(map(5)), { code: 400, reason: "BadRequest" }],
  [
    "labels of a wrong type",
    MAPS,
    post(map("x", { metadata: { name: "x", labels: [] } })),
    { code: 400, reason: "BadRequest" },
  ],
  [
    "a name that is no DNS subdomain",
    MAPS,
    post(map("Not_A_Name")),
    {
      code: 422,
      reason: "Invalid",
      message:
        /^ConfigMap "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain/,
    },
  ],
  [
    "no name",
    MAPS,
    post({ metadata: {} }),
    { code: 422, reason: "Invalid", message: /metadata\.name: Required value: name or generateName is required/ },
  ],
  [
    "a namespace name with a dot",
    "/api/v1/namespaces",
    post({ metadata: { name: "a.b" } }),
    { code: 422, reason: "Invalid" },
  ],
  [
    "a bad label",
    MAPS,
    post(map("x", { metadata: { name: "x", labels: { "a b": "c" } } })),
    { code: 422, reason: "Invalid" },
  ],
  [
    "a body of 4 MB",
    MAPS,
    post(map("x", { data: { a: "x".repeat(4_000_000) } })),
    { code: 413, reason: "RequestEntityTooLarge", message: "Request entity too large: limit is 3145728" },
  ],
  [
    "a body of 3 MB, which is more than an object may have",
    MAPS,
    post(map("x", { data: { a: "x".repeat(3_000_000) } })),
    {
      code: 422,
      reason: "Invalid",
      message: 'ConfigMap "x" is invalid: []: Too long: may not be more than 1048576 bytes',
    },
  ],
  [
    "an unknown field, strictly",
    `${MAPS}?fieldValidation=Strict`,
    post(map("x", { extra: 1 })),
    { code: 400, reason: "BadRequest", message: /strict decoding error: unknown field "extra"$/ },
  ],
  [
    "a duplicate field, strictly",
    `${MAPS}?fieldValidation=Strict`,
    post('{"metadata":{"name":"x"},"data":{"a":"1","a":"2"}}'),
    { code: 400, reason: "BadRequest", message: /strict decoding error: duplicate field "data.a"$/ },
  ],
  ["an unknown validation", `${MAPS}?fieldValidation=Maybe`, post(map("x")), { code: 422, reason: "Invalid" }],
  [
    "another namespace",
    MAPS,
    post(map("x", { metadata: { name: "x", namespace: "other" } })),
    {
      code: 400,
      reason: "BadRequest",
      message: "the namespace of the provided object does not match the namespace sent on the request",
    },
  ],
  [
    "a revision on create",
    MAPS,
    post(map("x", { metadata: { name: "x", resourceVersion: "5" } })),
    { code: 400, reason: "BadRequest", message: "resourceVersion should not be set on objects to be created" },
  ],
  ["an unknown token", MAPS, { token: "nonsense" }, { code: 401, reason: "Unauthorized", message: "Unauthorized" }],
  ["a token that looks like a JWT", MAPS, { token: "a.b.c" }, { code: 401, reason: "Unauthorized" }],
  [
    "another scheme of authorization",
    MAPS,
    { token: null, headers: { authorization: "Basic eDp5" } },
    { code: 401, reason: "Unauthorized" },
  ],
  [
    "nobody",
    MAPS,
    { token: null },
    {
      code: 403,
      reason: "Forbidden",
      message:
        'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
    },
  ],
  [
    "an unknown path",
    "/nowhere",
    {},
    { code: 404, reason: "NotFound", message: "the server could not find the requested resource" },
  ],
  ["an unknown resource", "/api/v1/gadgets", {}, { code: 404, reason: "NotFound" }],
  ["an unknown group", "/apis/none.example.com/v1/things", {}, { code: 404, reason: "NotFound" }],
  ["an unknown version", "/apis/apps/v7/deployments", {}, { code: 404, reason: "NotFound" }],
  ["an unknown subresource", `${MAPS}/x/log`, {}, { code: 404, reason: "NotFound" }],
  ["a post to an object", `${MAPS}/x`, post(map("x")), { code: 405, reason: "MethodNotAllowed" }],
  ["a put to a collection", MAPS, { method: "PUT", body: map("x") }, { code: 405, reason: "MethodNotAllowed" }],
  [
    "a post of a namespaced kind to no namespace",
    "/api/v1/configmaps",
    post(map("x")),
    { code: 405, reason: "MethodNotAllowed" },
  ],
  [
    "an object that is not there",
    `${MAPS}/ghost`,
    {},
    { code: 404, reason: "NotFound", message: 'configmaps "ghost" not found' },
  ],
  [
    "a prototype's name",
    MAPS,
    post('{"__proto__": {"x": 1}, "metadata": {"name": "x"}}'),
    { code: 400, reason: "BadRequest" },
  ],
  ["nesting without end", MAPS, post("[".repeat(100_000)), { code: 400, reason: "BadRequest" }],
  [
    "broken delete options",
    `${MAPS}/kube-root-ca.crt`,
    { method: "DELETE", body: "{" },
    { code: 400, reason: "BadRequest" },
  ],
  ["a broken path escape", `${MAPS}/%ZZ`, {}, { code: 404, reason: "NotFound" }],
];

describe("bad input", () => {
  it.each(CASES)("%s", async (_name, path, request, expected) => {
    const answer = await api.call<Status>(path, request);
    assertFailure(answer, expected);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("audit-id")).toBeTruthy();
  });

  it("does not say more than it must about what failed inside", async () => {
    const broken = await createTestCluster();
    await broken.call("/api/v1/namespaces");
    Object.assign(broken.cluster.storage, {
      get: async () => {
        throw new Error("password=hunter2");
      },
    });
    const answer = await broken.call(`${MAPS}/x`);
    assertFailure(answer, { code: 500, reason: "InternalError" });
    expect(answer.text).not.toContain("hunter2");
    expect(broken.errors.join()).toContain("hunter2");
    await broken.stop();
  });
});

describe("field validation", () => {
  const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"extra":1,"data":{"a":"1","a":"2"}}';
  const create = (mode: string) => api.call(`${MAPS}?dryRun=All${mode}`, { method: "POST", body });

  it("warns unless told otherwise", async () => {
    for (const mode of ["", "&fieldValidation=Warn"]) {
      const { status, headers } = await create(mode);
      expect(status).toBe(201);
      expect(headers.get("warning")).toBe('299 - "unknown field \\"extra\\"", 299 - "duplicate field \\"data.a\\""');
    }
    const { status, headers } = await create("&fieldValidation=Ignore");
    expect([status, headers.get("warning")]).toEqual([201, null]);
  });
});
