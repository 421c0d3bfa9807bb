/** `fieldValidation` on every writing verb: Ignore, Warn (the default), Strict, with the texts of a stock server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
  const made = await api.call(DEPLOYMENTS, { method: "POST", body: deployment("there") });
  if (made.status !== 201) throw new Error(made.text);
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const JSON_TYPE = "application/json";
const YAML_TYPE = "application/yaml";

function deployment(name: string): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  };
}

/** One unknown and one duplicate field; `name` as in deployment(). */
function faultyJson(name: string): string {
  return JSON.stringify(deployment(name)).replace('"replicas":1', '"unknownField":{"a":1},"replicas":1,"replicas":1');
}

const faultyYaml = (name: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: 1
  replicas: 1
  unknownField: 1
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: c, image: i}]}
`;

const SENT_AS = [
  {
    title: "JSON",
    type: JSON_TYPE,
    body: faultyJson,
    warnings: ['unknown field "spec.unknownField"', 'duplicate field "spec.replicas"'],
    strict: 'unknown field "spec.unknownField", duplicate field "spec.replicas"',
  },
  {
    title: "YAML",
    type: YAML_TYPE,
    body: faultyYaml,
    warnings: ['line 6: key "replicas" already set in map', 'unknown field "spec.unknownField"'],
    strict: 'yaml: unmarshal errors:\n  line 6: key "replicas" already set in map, unknown field "spec.unknownField"',
  },
];

function header(warnings: readonly string[]): string {
  return warnings.map((text) => `299 - "${text.replaceAll('"', '\\"')}"`).join(", ");
}

describe.each(SENT_AS)("$title bodies", ({ title, type, body, warnings, strict }) => {
  const headers = { "content-type": type };
  const name = `made-${title.toLowerCase()}`;
  const requests = {
    POST: (query: string) =>
      api.call(`${DEPLOYMENTS}?dryRun=All${query}`, { method: "POST", headers, body: body(name) }),
    PUT: (query: string) =>
      api.call(`${DEPLOYMENTS}/there?dryRun=All${query}`, { method: "PUT", headers, body: body("there") }),
  };

  it.each(["POST", "PUT"] as const)("%s", async (method) => {
    const send = requests[method];
    for (const mode of ["", "&fieldValidation=Warn"]) {
      const answer = await send(mode);
      expect([answer.status, answer.headers.get("warning")]).toEqual([method === "POST" ? 201 : 200, header(warnings)]);
    }
    const ignored = await send("&fieldValidation=Ignore");
    expect([ignored.status, ignored.headers.get("warning")]).toEqual([method === "POST" ? 201 : 200, null]);
    assertFailure(await send("&fieldValidation=Strict"), {
      code: 400,
      reason: "BadRequest",
      message: `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ${strict}`,
    });
  });
});

const patch = (type: string, body: string, query = "") =>
  api.call(`${DEPLOYMENTS}/there?dryRun=All${query}`, { method: "PATCH", headers: { "content-type": type }, body });

describe("patches", () => {
  it.each([
    {
      type: "application/merge-patch+json",
      body: '{"spec":{"foo":1,"replicas":2,"replicas":3}}',
      warnings: ['duplicate field "spec.replicas"', 'unknown field "spec.foo"'],
      strict:
        /^ "" is invalid: patch: Invalid value: "\{\\"kind\\":\\"Deployment\\",.*: strict decoding error: duplicate field "spec.replicas", unknown field "spec.foo"$/,
    },
    {
      type: "application/json-patch+json",
      body: '[{"op":"add","path":"/spec/foo","value":{"a":1},"op":"add","why":"x"}]',
      warnings: [
        'json patch unknown field "[0].why"',
        'json patch duplicate field "[0].op"',
        'unknown field "spec.foo"',
      ],
      strict:
        /: strict decoding error: json patch unknown field "\[0\].why", json patch duplicate field "\[0\].op", unknown field "spec.foo"$/,
    },
    {
      type: "application/strategic-merge-patch+json",
      body: '{"spec":{"zoo":1,"foo":[1,{"x":null}],"replicas":2,"replicas":3}}',
      warnings: ['duplicate field "spec.replicas"', 'unknown field "spec.foo"', 'unknown field "spec.zoo"'],
      strict:
        ' "" is invalid: patch: Invalid value: "map[spec:map[foo:[1 map[x:<nil>]] replicas:3 zoo:1]]": strict decoding error: duplicate field "spec.replicas", unknown field "spec.foo", unknown field "spec.zoo"',
    },
  ])("$type", async ({ type, body, warnings, strict }) => {
    for (const mode of ["", "&fieldValidation=Warn"]) {
      const answer = await patch(type, body, mode);
      expect([answer.status, answer.headers.get("warning")]).toEqual([200, header(warnings)]);
    }
    const ignored = await patch(type, body, "&fieldValidation=Ignore");
    expect([ignored.status, ignored.headers.get("warning")]).toEqual([200, null]);
    const refused = await patch(type, body, "&fieldValidation=Strict");
    const status = assertFailure(refused, { code: 422, reason: "Invalid", message: strict });
    expect(status.details?.causes?.map(({ reason, field }) => [reason, field])).toEqual([
      ["FieldValueInvalid", "patch"],
    ]);
  });

  it.each([
    [
      "application/merge-patch+json",
      '{"spec":{"replicas":"x"}}',
      /: json: cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32$/,
    ],
    [
      "application/strategic-merge-patch+json",
      '{"spec":{"replicas":"x"}}',
      / "" is invalid: patch: Invalid value: "map\[spec:map\[replicas:x\]\]": unrecognized type: int32$/,
    ],
    ["application/strategic-merge-patch+json", '{"spec":{"paused":1}}', /: unrecognized type: bool$/],
    [
      "application/strategic-merge-patch+json",
      '{"spec":{"strategy":{"type":1}}}',
      /: cannot convert int64 to v1\.DeploymentStrategyType$/,
    ],
    [
      "application/strategic-merge-patch+json",
      '{"spec":{"template":{"spec":{"containers":{}}}}}',
      /: cannot restore slice from map$/,
    ],
    ["application/strategic-merge-patch+json", '{"spec":"x"}', /: cannot restore struct from: string$/],
    ["application/strategic-merge-patch+json", '{"metadata":{"labels":[]}}', /: cannot restore map from slice$/],
    [
      "application/merge-patch+json",
      '{"kind":"Secret","apiVersion":"v1"}',
      /: converting \(v1\.Secret\) to \(apps\.Deployment\): unknown conversion$/,
    ],
    [
      "application/merge-patch+json",
      '{"apiVersion":"apps/v9"}',
      /: no kind "Deployment" is registered for version "apps\/v9" in scheme "gantry"$/,
    ],
  ])("%s of a wrong type: %s", async (type, body, message) => {
    assertFailure(await patch(type, body), { code: 422, reason: "Invalid", message });
  });

  it("of kind and apiVersion do nothing when they are strategic", async () => {
    const answer = await patch("application/strategic-merge-patch+json", '{"kind":"Secret","apiVersion":"v9"}');
    expect(answer).toMatchObject({ status: 200, body: { kind: "Deployment", apiVersion: "apps/v1" } });
  });
});

describe("options", () => {
  it.each([
    [
      "fieldValidation=Maybe",
      'fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn"',
    ],
    ["dryRun=Some", 'dryRun: Unsupported value: ["Some"]: supported values: "All"'],
    ["dryRun=", 'dryRun: Unsupported value: [""]: supported values: "All"'],
    ["dryRun=All&dryRun=None", 'dryRun: Unsupported value: ["All","None"]: supported values: "All"'],
    [`fieldManager=${"x".repeat(129)}`, "fieldManager: Too long: may not be more than 128 bytes"],
    ["fieldManager=%C3%A4%07", 'fieldManager: Invalid value: "ä\\a": invalid character U+0007 (at position 2)'],
    [
      "fieldValidation=x&dryRun=y",
      '[dryRun: Unsupported value: ["y"]: supported values: "All", fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"]',
    ],
  ])("%s", async (query, why) => {
    for (const [method, path, kind] of [
      ["POST", DEPLOYMENTS, "CreateOptions"],
      ["PUT", `${DEPLOYMENTS}/there`, "UpdateOptions"],
    ] as const) {
      const answer = await api.call(`${path}?${query}`, { method, body: deployment("there") });
      assertFailure(answer, { code: 422, reason: "Invalid", message: `${kind}.meta.k8s.io "" is invalid: ${why}` });
    }
    const answer = await api.call(`${DEPLOYMENTS}/there?${query}`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: {},
    });
    assertFailure(answer, { code: 422, reason: "Invalid", message: `PatchOptions.meta.k8s.io "" is invalid: ${why}` });
  });

  it("`force` is for apply alone", async () => {
    const answer = await api.call(`${DEPLOYMENTS}/there?force=true`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: {},
    });
    assertFailure(answer, {
      code: 422,
      reason: "Invalid",
      message: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    });
  });
});
