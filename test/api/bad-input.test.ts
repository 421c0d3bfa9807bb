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
  [
    "a type that is a prototype's name",
    "/api/v1/namespaces/default/secrets",
    post(map("X", { kind: "Secret", type: "__proto__" })),
    { code: 422, reason: "Invalid" },
  ],
  [
    "a negative integer beyond what a double tells apart",
    "/apis/apps/v1/namespaces/default/controllerrevisions",
    post('{"metadata":{"name":"x"},"data":{},"revision":-9007199254740993}'),
    {
      code: 422,
      reason: "Invalid",
      message: /: revision: Invalid value: -900719925474099[23]: must be greater than or equal to 0$/,
    },
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

const PODS = "/api/v1/namespaces/default/pods";
const revision = (digits: string) => `{"metadata":{"name":"x"},"data":{},"revision":${digits}}`;
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** Bodies that cost more to answer than to send, unless somebody takes care. */
const COSTLY: [string, string, TestRequest, Failure][] = [
  [
    "a million brackets",
    MAPS,
    post("[".repeat(1_000_000)),
    { code: 400, reason: "BadRequest", message: /exceeded max depth/ },
  ],
  [
    "a million maps",
    MAPS,
    post('{"a":'.repeat(500_000)),
    { code: 400, reason: "BadRequest", message: /exceeded max depth/ },
  ],
  [
    "maps within maps that end",
    MAPS,
    post(`${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`),
    { code: 400, reason: "BadRequest", message: /exceeded max depth/ },
  ],
  [
    "a number of a million digits",
    MAPS,
    post(`{"metadata":{"generation":${"9".repeat(1_000_000)}}}`),
    {
      code: 400,
      reason: "BadRequest",
      message: /^ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number 9/,
    },
  ],
  ["a number beyond all bounds", MAPS, post('{"metadata":{"generation":1e999}}'), { code: 400, reason: "BadRequest" }],
  [
    "a quantity of a million digits",
    PODS,
    post(`{"spec":{"overhead":{"cpu":"${"9".repeat(1_000_000)}"},"containers":[]}}`),
    { code: 400, reason: "BadRequest", message: /quantities must match the regular expression/ },
  ],
  [
    "a bomb of YAML",
    MAPS,
    post(yamlBomb(), { headers: YAML }),
    { code: 400, reason: "BadRequest", message: /excessive aliasing/ },
  ],
  ["nesting YAML", MAPS, post("- ".repeat(500_000), { headers: YAML }), { code: 400, reason: "BadRequest" }],
  [
    "more YAML than can be read in time",
    MAPS,
    post("a: 1\n".repeat(300_000), { headers: YAML }),
    { code: 413, reason: "RequestEntityTooLarge", message: "Request entity too large: limit is 1048576" },
  ],
  [
    "blank lines before an indented word",
    MAPS,
    post(`${"\n".repeat(1_000)} a`, { headers: YAML }),
    { code: 400, reason: "BadRequest" },
  ],
  [
    "more labels than fields fit an object",
    MAPS,
    post(map("x", { metadata: { name: "x", labels: Object.fromEntries(many(100_000, (i) => [`a b${i}`, "c d"])) } })),
    {
      code: 413,
      reason: "RequestEntityTooLarge",
      message: "Request entity too large: limit is 40000 fields and items",
    },
  ],
  [
    "more labels than entries fit an object",
    MAPS,
    post(map("x", { metadata: { name: "x", labels: Object.fromEntries(many(30_000, (i) => [`a b${i}`, "c d"])) } })),
    {
      code: 413,
      reason: "RequestEntityTooLarge",
      message: "Request entity too large: limit is 10000 list items and map entries",
    },
  ],
  [
    "nine thousand labels",
    MAPS,
    post(map("x", { metadata: { name: "x", labels: Object.fromEntries(many(9_000, (i) => [`a b${i}`, "c d"])) } })),
    { code: 422, reason: "Invalid" },
  ],
  [
    "thousands of faults",
    PODS,
    post({
      metadata: { name: "x" },
      spec: {
        containers: [{ name: "c", image: "i", env: many(9_000, () => ({ name: "=" })) }],
        serviceAccountName: "x",
      },
    }),
    { code: 403, reason: "Forbidden" },
  ],
  [
    "thousands of owners that all control it",
    MAPS,
    post(map("x", { metadata: { name: "x", ownerReferences: many(4_000, (i) => owner(i)) } })),
    { code: 422, reason: "Invalid", message: /Only one reference can have Controller set to true/ },
  ],
  [
    "annotations of 300 kB",
    MAPS,
    post(map("x", { metadata: { name: "x", annotations: { a: "x".repeat(300_000) } } })),
    {
      code: 422,
      reason: "Invalid",
      message: 'ConfigMap "x" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
    },
  ],
  [
    "a label of 64 characters",
    MAPS,
    post(map("x", { metadata: { name: "x", labels: { a: "b".repeat(64) } } })),
    {
      code: 422,
      reason: "Invalid",
      message: /metadata\.labels: Invalid value: "b{64}": must be no more than 63 (?:bytes|characters)/,
    },
  ],
  [
    "a name of 254 characters",
    MAPS,
    post(map("n".repeat(254))),
    { code: 422, reason: "Invalid", message: /must be no more than 253 (?:bytes|characters)/ },
  ],
];

function owner(at: number): object {
  return { apiVersion: "v1", kind: "ConfigMap", name: "a", uid: `u${at}`, controller: true };
}

/** A few lines that stand for ten to the ninth nodes. */
function yamlBomb(): string {
  const lines = ["a0: &a0 [x]"];
  for (let i = 1; i < 10; i += 1) lines.push(`a${i}: &a${i} [${`*a${i - 1},`.repeat(10)}]`);
  return lines.join("\n");
}

describe("costly input", () => {
  it.each(COSTLY)("%s", async (_name, path, request, expected) => {
    assertFailure(await api.call<Status>(path, request), expected);
  });

  it("that is more than the store takes of one object is refused", async () => {
    const cluster = await createTestCluster();
    const path = "/apis/apps/v1/namespaces/default/deployments";
    const containers = [{ name: "c", image: "i", args: ["x".repeat(1_700_000)] }];
    const template = { metadata: { labels: { a: "b" } }, spec: { containers } };
    const spec = { selector: { matchLabels: { a: "b" } }, template };
    const answer = await cluster.call(path, post({ metadata: { name: "x" }, spec }));
    assertFailure(answer, {
      code: 413,
      reason: "RequestEntityTooLarge",
      message: "Request entity too large: limit is 1572864",
    });
    expect((await cluster.call(`${path}/x`)).status).toBe(404);
    await cluster.stop();
  });

  it("has at most a thousand faults told of it", async () => {
    const cluster = await createTestCluster();
    const env = many(150_000, () => ({ name: "=" }));
    const containers = [{ name: "c", image: "i", env }];
    await cluster.call("/api/v1/namespaces/default/serviceaccounts", post({ metadata: { name: "default" } }));
    const drowned = await cluster.call<Status>(PODS, post({ metadata: { name: "x" }, spec: { containers } }));
    assertFailure(drowned, {
      code: 413,
      reason: "RequestEntityTooLarge",
      message: "Request entity too large: limit is 40000 fields and items",
    });
    const some = { name: "c", image: "i", env: env.slice(0, 9_000) };
    const told = await cluster.call<Status>(PODS, post({ metadata: { name: "x" }, spec: { containers: [some] } }));
    expect(assertFailure(told, { code: 422, reason: "Invalid" }).details?.causes).toHaveLength(1_000);
    expect(cluster.errors).toEqual([]);
    await cluster.stop();
  });

  it("that names JavaScript's own things is taken by its name", async () => {
    const cluster = await createTestCluster();
    const data = { constructor: "a", toString: "b", hasOwnProperty: "c", valueOf: "d" };
    const made = await cluster.call<{ data: object }>(MAPS, post(map("x", { data })));
    expect([made.status, made.body.data]).toEqual([201, data]);
    const unknown = await cluster.call(
      `${MAPS}?dryRun=All`,
      post({ metadata: { name: "y" }, constructor: 1, toString: 2 }),
    );
    expect(unknown.headers.get("warning")).toBe(
      '299 - "unknown field \\"constructor\\"", 299 - "unknown field \\"toString\\""',
    );
    await cluster.stop();
  });

  it("has integers beyond what a double tells apart in every kind of write", async () => {
    const cluster = await createTestCluster();
    const path = "/apis/apps/v1/namespaces/default/controllerrevisions";
    const answers = [
      await cluster.call(path, post(revision("1"))),
      await cluster.call(`${path}/x`, { method: "PUT", body: revision("9007199254740993") }),
      await cluster.call(`${path}/x`, {
        method: "PATCH",
        body: '{"revision":9007199254740995}',
        headers: { "content-type": "application/merge-patch+json" },
      }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200]);
    expect((await cluster.call(`${path}/x`)).text).toContain('"revision":9007199254740995');
    await cluster.stop();
  });

  it("that is no UTF-8 is stored with replacement characters", async () => {
    const cluster = await createTestCluster();
    const text = new TextEncoder().encode('{"metadata":{"name":"x"},"data":{"a":"?"}}');
    text[text.lastIndexOf(63)] = 0xff;
    const made = await cluster.call<{ data: object }>(MAPS, post(text));
    expect([made.status, made.body.data]).toEqual([201, { a: "\ufffd" }]);
    await cluster.stop();
  });
});

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
