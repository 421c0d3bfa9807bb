/** Which form answers have, and in which form bodies are taken. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";
const PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
  const made = await api.call(MAPS, {
    method: "POST",
    body: { metadata: { name: "m" }, data: { a: "yes", b: "0777" } },
  });
  if (made.status !== 201) throw new Error(made.text);
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const get = <T = KubeObject>(accept: string, path = `${MAPS}/m`, more: Record<string, string> = {}) =>
  api.call<T>(path, { headers: { accept, ...more } });

describe("answers", () => {
  it.each([
    ["application/json", "application/json", "ConfigMap"],
    ["*/*", "application/json", "ConfigMap"],
    ["application/*", "application/json", "ConfigMap"],
    ["application/vnd.kubernetes.protobuf,application/json", "application/json", "ConfigMap"],
    ["application/vnd.kubernetes.protobuf;q=1, application/json;q=0.1", "application/json", "ConfigMap"],
    ["text/html, */*;q=0.1", "application/json", "ConfigMap"],
    [TABLE, "application/json", "Table"],
    [`${TABLE},application/json`, "application/json", "Table"],
    [PARTIAL, "application/json", "PartialObjectMetadata"],
  ])("for %s are %s, %s", async (accept, type, kind) => {
    const answer = await get(accept);
    expect([answer.status, answer.headers.get("content-type"), answer.body.kind]).toEqual([200, type, kind]);
  });

  it.each(["v1", "v1beta1"])("in meta.k8s.io/%s", async (version) => {
    const apiVersion = `meta.k8s.io/${version}`;
    expect((await get(TABLE.replace("v=v1", `v=${version}`))).body).toMatchObject({ kind: "Table", apiVersion });
    const partial = await get(PARTIAL.replace("v=v1", `v=${version}`));
    expect(partial.body).toEqual({ kind: "PartialObjectMetadata", apiVersion, metadata: partial.body.metadata });
  });

  it("as YAML quote what YAML would read as something else, and list members by name", async () => {
    const { headers, text } = await get("application/yaml");
    expect(headers.get("content-type")).toBe("application/yaml");
    expect(text).toContain("data:\n  a: 'yes'\n  b: '0777'\nkind: ConfigMap\n");
  });

  it("are indented for whoever asks, and for curl", async () => {
    const pretty = JSON.stringify((await get("application/json")).body, undefined, 2);
    const forms = [
      await get("application/json", `${MAPS}/m?pretty=true`),
      await get("application/json;pretty=1"),
      await get("*/*", undefined, { "user-agent": "curl/8.5.0" }),
    ];
    for (const { text } of forms) expect(text).toBe(pretty);
    const plain = await get("*/*", `${MAPS}/m?pretty=false`, { "user-agent": "curl/8.5.0" });
    expect(plain.text).not.toContain("\n");
  });

  it.each([
    "text/html",
    "application/vnd.kubernetes.protobuf",
    "application/json;as=Pod;v=v1;g=meta.k8s.io",
    "application/json;as=Table;v=v2;g=meta.k8s.io",
    "application/json;stream=other",
    "nonsense",
  ])("for %s alone are refused", async (accept) => {
    assertFailure(await get(accept), {
      code: 406,
      reason: "NotAcceptable",
      message:
        "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    });
  });

  it("of one object are no list of metadata", async () => {
    assertFailure(await get("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"), {
      code: 406,
      reason: "NotAcceptable",
      message: "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)",
    });
  });

  it("that are tables say how much of each object they carry", async () => {
    for (const [include, object] of [
      ["Metadata", "PartialObjectMetadata"],
      ["Object", "ConfigMap"],
      ["None", undefined],
    ] as const) {
      const { body } = await get<{ rows: { object?: KubeObject }[] }>(TABLE, `${MAPS}/m?includeObject=${include}`);
      expect(body.rows[0]?.object?.kind).toBe(object);
    }
    assertFailure(await get(TABLE, `${MAPS}/m?includeObject=All`), {
      code: 400,
      reason: "BadRequest",
      message:
        "Unable to convert to Table as requested: includeObject: Invalid value: \"All\": must be 'Metadata', 'Object', 'None', or empty",
    });
  });

  it("of failures follow, too, and are JSON where the client takes nothing that is served", async () => {
    const yaml = await get("application/yaml", `${MAPS}/ghost`);
    expect([yaml.status, yaml.headers.get("content-type")]).toEqual([404, "application/yaml"]);
    expect(yaml.text).toContain('message: configmaps "ghost" not found\n');
    for (const accept of ["text/html", TABLE]) {
      const json = await get(accept, accept === TABLE ? `${MAPS}/ghost` : `${MAPS}/m`);
      expect([json.headers.get("content-type"), json.body.kind]).toEqual(["application/json", "Status"]);
    }
  });

  it("are negotiated before anything is written", async () => {
    const before = await api.storage.revision();
    const body = { metadata: { name: "unwanted" } };
    const answer = await api.call(MAPS, { method: "POST", body, headers: { accept: "text/html" } });
    assertFailure(answer, { code: 406, reason: "NotAcceptable" });
    expect(await api.storage.revision()).toBe(before);
  });
});

const post = (type: string, body: string) =>
  api.call(`${MAPS}?dryRun=All`, { method: "POST", headers: { "content-type": type }, body });

describe("bodies", () => {
  const JSON_BODY = '{"metadata":{"name":"n"}}';

  it.each([
    ["application/json", JSON_BODY],
    ["application/json; charset=utf-8", JSON_BODY],
    ["APPLICATION/JSON", JSON_BODY],
    ["application/yaml", "metadata: {name: x1}"],
    // YAML contains JSON.
    ["application/yaml", JSON_BODY],
  ])("of %s are taken", async (type, body) => {
    expect((await post(type, body)).status).toBe(201);
  });

  it.each(["application/xml", "text/yaml", "application/x-yaml", "nonsense", "application/merge-patch+json"])(
    "of %s are not",
    async (type) => {
      assertFailure(await post(type, JSON_BODY), {
        code: 415,
        reason: "UnsupportedMediaType",
        message:
          "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
      });
    },
  );
});
