/**
 * JSON that is deeper than a stack: everything that reads a body, a patch or a token is given some, and answers with a Status. Whatever calls
 * itself for each level would end in a 500, or in the end of the process.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { agentsWithoutSockets, joined } from "../harness/machines.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const DEEP = 100_000;

let api: TestCluster;
let credential: string;
let before: number;
beforeAll(async () => {
  api = await createTestCluster({ agents: agentsWithoutSockets() });
  await api.call(MAPS, { method: "POST", body: { metadata: { name: "target" }, data: { a: "1" } } });
  ({ credential } = await joined(api, "n1"));
  before = await api.storage.revision();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  expect(await api.storage.revision(), "something was written").toBe(before);
  await api.stop();
});

const lists = (inner = "1"): string => "[".repeat(DEEP) + inner + "]".repeat(DEEP);
const maps = (inner = "1"): string => '{"a":'.repeat(DEEP) + inner + "}".repeat(DEEP);
const mixed = (): string => '[{"a":'.repeat(DEEP / 2) + "1" + "}]".repeat(DEEP / 2);

/** Fewer levels than an object may have values: what counts those alone lets it through. */
const SOME = 20_000;

const SHAPES: [string, string][] = [
  ["some lists", "[".repeat(SOME) + "]".repeat(SOME)],
  ["some maps", `${'{"a":'.repeat(SOME)}1${"}".repeat(SOME)}`],
  ["lists", lists()],
  ["maps", maps()],
  ["both", mixed()],
  ["lists without an end", "[".repeat(DEEP * 10)],
  ["maps without an end", '{"a":'.repeat(DEEP * 5)],
  ["lists in strings in lists", `["${"\\u005b".repeat(DEEP)}",${lists()}]`],
];

const encode = (text: string): string => btoa(text).replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");
const META = '"metadata":{"name":"deep"}';
const JSON_TYPE = "application/json";
/** Where the deep value stands. */
const PLACES: [string, (deep: string) => [method: string, path: string, type: string, body: string]][] = [
  ["the whole body", (deep) => ["POST", MAPS, JSON_TYPE, deep]],
  [
    "an unknown field",
    (deep) => ["POST", `${MAPS}?dryRun=All&fieldValidation=Strict`, JSON_TYPE, `{${META},"u":${deep}}`],
  ],
  ["the data", (deep) => ["POST", MAPS, JSON_TYPE, `{${META},"data":{"k":${deep}}}`]],
  ["the labels", (deep) => ["POST", MAPS, JSON_TYPE, `{"metadata":{"name":"deep","labels":${deep}}}`]],
  [
    "managed fields",
    (deep) => [
      "POST",
      MAPS,
      JSON_TYPE,
      `{"metadata":{"name":"deep","managedFields":[{"manager":"x","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":${deep}}]}}`,
    ],
  ],
  [
    "a schema",
    (deep) => [
      "POST",
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
      JSON_TYPE,
      `{"metadata":{"name":"deeps.x.test"},"spec":{"group":"x.test","scope":"Cluster","names":{"plural":"deeps","kind":"Deep"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","default":${deep}}}}]}}`,
    ],
  ],
  ["a merge patch", (deep) => ["PATCH", `${MAPS}/target`, "application/merge-patch+json", `{"data":${deep}}`]],
  [
    "a strategic merge patch",
    (deep) => ["PATCH", `${MAPS}/target`, "application/strategic-merge-patch+json", `{"data":${deep}}`],
  ],
  [
    "the value of a JSON patch",
    (deep) => [
      "PATCH",
      `${MAPS}/target`,
      "application/json-patch+json",
      `[{"op":"add","path":"/data","value":${deep}}]`,
    ],
  ],
  [
    "the test of a JSON patch",
    (deep) => [
      "PATCH",
      `${MAPS}/target`,
      "application/json-patch+json",
      `[{"op":"test","path":"/data","value":${deep}}]`,
    ],
  ],
  [
    "an apply",
    (deep) => [
      "PATCH",
      `${MAPS}/target?fieldManager=x`,
      "application/apply-patch+yaml",
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"target"},"data":${deep}}`,
    ],
  ],
  ["options of a deletion", (deep) => ["DELETE", `${MAPS}/target`, JSON_TYPE, `{"preconditions":${deep}}`]],
  [
    "a review",
    (deep) => ["POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", JSON_TYPE, `{"spec":${deep}}`],
  ],
  ["YAML", (deep) => ["POST", MAPS, "application/yaml", `${META.replaceAll('"', "")}\n u: ${deep}`]],
  [
    "a scale",
    (deep) => ["PUT", "/apis/apps/v1/namespaces/default/deployments/none/scale", JSON_TYPE, `{"spec":${deep}}`],
  ],
];

const cases = PLACES.flatMap(([place, make]) =>
  SHAPES.map(([shape, deep]) => [place, shape, () => make(deep)] as const),
);

describe("JSON that is deep", () => {
  it.each(cases)("as %s, of %s, is refused", async (_place, _shape, make) => {
    const [method, path, type, body] = make();
    const answer = await api.call(path, { method, body, headers: { "content-type": type } });
    expect([400, 404, 413, 422], answer.text.slice(0, 1_000)).toContain(answer.status);
    expect(answer.text.length).toBeLessThan(100_000);
  });

  it.each(SHAPES)("is refused to agents, too: %s", async (_shape, deep) => {
    const nodeStatus = `{"since":0,"digest":"","podStatuses":[],"holds":{"secrets":[],"configMaps":[]},"nodeStatus":`;
    for (const [path, token, body] of [
      ["/agent/v1/sync", credential, deep],
      ["/agent/v1/sync", credential, `${nodeStatus}{"addresses":${deep}}}`],
      ["/agent/v1/join", "abcdef.0123456789abcdef", deep],
      ["/agent/v1/renew", credential, `{"publicKey":${deep}}`],
    ] as const) {
      const answer = await api.call<{ nodeStatusResult?: { code: number } }>(path, { method: "POST", token, body });
      const code = answer.status === 200 ? answer.body.nodeStatusResult?.code : answer.status;
      expect([400, 401, 413, 422], answer.text.slice(0, 1_000)).toContain(code);
    }
  });

  it("in a continue token is refused", async () => {
    for (const deep of ["[".repeat(50_000), '{"a":'.repeat(20_000)]) {
      const token = btoa(`{"v":"meta.k8s.io/v1","rv":1,"start":${deep}`).replaceAll("=", "");
      expect((await api.call(`${MAPS}?limit=1&continue=${token}`)).status).toBe(400);
    }
  });

  it("in a token is no token", async () => {
    for (const deep of ["[".repeat(5_000), '{"a":'.repeat(2_000)]) {
      const head = encode(`{"alg":"ES256","kid":${deep}}`);
      expect((await api.call("/api", { token: `${head}.${encode(deep)}.AAAA` })).status).toBe(401);
    }
  });
});
