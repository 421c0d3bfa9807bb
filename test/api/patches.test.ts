/** PATCH over HTTP: what each kind of patch is refused with, optimistic locking, and what no patch can change. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type Failure, type TestCluster } from "../harness/cluster.ts";

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

const MAPS = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const TYPES = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;
type Kind = keyof typeof TYPES;
const KINDS = Object.keys(TYPES) as Kind[];

let api: TestCluster;
let made: ConfigMap;
beforeAll(async () => {
  api = await createTestCluster();
  made = (await api.call<ConfigMap>(MAPS, { method: "POST", body: { metadata: { name: "m" }, data: { a: "1" } } }))
    .body;
  await api.call(DEPLOYMENTS, {
    method: "POST",
    body: {
      metadata: { name: "d" },
      spec: {
        selector: { matchLabels: { app: "d" } },
        template: {
          metadata: { labels: { app: "d" } },
          spec: { containers: [{ name: "c", image: "i" }], nodeSelector: { a: "b" } },
        },
      },
    },
  });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

function patch<T = KubeObject>(kind: Kind, body: unknown, path = `${MAPS}/m`, query = "") {
  return api.call<T>(`${path}${query}`, { method: "PATCH", headers: { "content-type": TYPES[kind] }, body });
}

const UNPROCESSABLE: Failure = {
  code: 422,
  reason: "Invalid",
  message: "the server rejected our request due to an error in our request",
};
const bad = (message: string | RegExp): Failure => ({ code: 400, reason: "BadRequest", message });

const podSpec = (spec: object): object => ({ spec: { template: { spec } } });

describe("refusals", () => {
  let before: number;
  beforeEach(async () => {
    before = await api.storage.revision();
  });

  it.each<[string, Kind, unknown, Failure, string?]>([
    ["no JSON", "json", "[", bad("invalid JSON patch")],
    ["no JSON", "merge", "{", bad("invalid JSON patch")],
    ["no JSON", "strategic", "x: y", bad("invalid JSON patch")],
    ["nothing", "merge", "", bad("invalid JSON patch")],
    [
      "a map",
      "json",
      {},
      bad("error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
    ],
    [
      "a list",
      "merge",
      [],
      bad("error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"),
    ],
    ["null", "merge", "null", bad("Invalid JSON Patch")],
    ["a test that fails", "json", [{ op: "test", path: "/data/a", value: "2" }], UNPROCESSABLE],
    ["a path that is not there", "json", [{ op: "add", path: "/data/x/y", value: "2" }], UNPROCESSABLE],
    ["removing what is not there", "json", [{ op: "remove", path: "/data/x" }], UNPROCESSABLE],
    ["no such operation", "json", [{ op: "frobnicate", path: "/data" }], UNPROCESSABLE],
    [
      "a path that is a number",
      "json",
      [{ op: "remove", path: 1 }],
      bad("error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string"),
    ],
    [
      "too many operations",
      "json",
      Array.from({ length: 10_001 }, () => ({ op: "remove", path: "/data/a" })),
      {
        code: 413,
        reason: "RequestEntityTooLarge",
        message: "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
      },
    ],
    [
      "copies without end",
      "json",
      [
        { op: "add", path: "/l", value: ["text"] },
        ...Array.from({ length: 60 }, () => ({ op: "copy", from: "/l", path: "/l/-" })),
      ],
      UNPROCESSABLE,
    ],
    [
      "an item without its key",
      "strategic",
      podSpec({ containers: [{ image: "x", env: [1, null] }] }),
      bad("map: map[env:[1 <nil>] image:x] does not contain declared merge key: name"),
      `${DEPLOYMENTS}/d`,
    ],
    [
      "an unknown directive",
      "strategic",
      podSpec({ $patch: "frobnicate", hostname: "x" }),
      bad("unknown patch type: frobnicate in map: map[$patch:frobnicate hostname:x]"),
      `${DEPLOYMENTS}/d`,
    ],
    [
      "an order that does not match",
      "strategic",
      podSpec({ containers: [{ name: "b" }], "$setElementOrder/containers": [{ name: "a" }] }),
      bad("The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n"),
      `${DEPLOYMENTS}/d`,
    ],
    [
      "an order of nothing",
      "strategic",
      podSpec({ $setElementOrder: [] }),
      bad("invalid patch format of setElementOrder list"),
      `${DEPLOYMENTS}/d`,
    ],
    [
      "keys that are not retained",
      "strategic",
      { spec: { strategy: { $retainKeys: ["rollingUpdate"], type: "Recreate" } } },
      bad("invalid patch format of retainKeys"),
      `${DEPLOYMENTS}/d`,
    ],
    [
      "a result that is invalid",
      "merge",
      { spec: { replicas: -1 } },
      {
        code: 422,
        reason: "Invalid",
        message: 'Deployment.apps "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      },
      `${DEPLOYMENTS}/d`,
    ],
    [
      "no such object",
      "merge",
      {},
      { code: 404, reason: "NotFound", message: 'configmaps "ghost" not found' },
      `${MAPS}/ghost`,
    ],
  ])("%s (%s)", async (_title, kind, body, expected, path) => {
    assertFailure(await patch(kind, body, path), expected);
    expect(await api.storage.revision()).toBe(before);
  });

  it.each(["application/json", "text/plain", "application/yaml"])("the media type %s", async (type) => {
    const answer = await api.call(`${MAPS}/m`, { method: "PATCH", headers: { "content-type": type }, body: "{}" });
    assertFailure(answer, {
      code: 415,
      reason: "UnsupportedMediaType",
      message:
        /^the body of the request was in an unknown format - accepted media types include: application\/json-patch\+json, application\/merge-patch\+json, application\/strategic-merge-patch\+json/,
    });
  });
});

/** A change of `metadata` in each kind of patch. */
function metadataPatch(kind: Kind, metadata: Record<string, unknown>): unknown {
  if (kind !== "json") return { metadata };
  return Object.entries(metadata).map(([key, value]) =>
    value === null ? { op: "remove", path: `/metadata/${key}` } : { op: "add", path: `/metadata/${key}`, value },
  );
}

describe.each(KINDS)("%s patches", (kind) => {
  it("lock by the revision they name", async () => {
    const stale = await patch(kind, metadataPatch(kind, { resourceVersion: "1", labels: { l: kind } }));
    assertFailure(stale, {
      code: 409,
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on configmaps "m": the object has been modified; please apply your changes to the latest version and try again',
    });
    const { resourceVersion } = (await api.call(`${MAPS}/m`)).body.metadata;
    const fresh = await patch(kind, metadataPatch(kind, { resourceVersion, labels: { l: kind } }));
    expect(fresh.status, fresh.text).toBe(200);
  });

  it("go through without one, also when it is taken away", async () => {
    const answer = await patch(kind, metadataPatch(kind, { resourceVersion: null, labels: { l: `${kind}-2` } }));
    expect(answer.status, answer.text).toBe(200);
  });

  it("that lose a race are tried again", async () => {
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, i) =>
        patch(
          kind,
          kind === "json" ? [{ op: "add", path: `/data/${kind}${i}`, value: "x" }] : { data: { [`${kind}${i}`]: "x" } },
        ),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const { body } = await api.call<ConfigMap>(`${MAPS}/m`);
    for (let i = 0; i < 4; i++) expect(body.data?.[`${kind}${i}`]).toBe("x");
  });

  it.each<[string, Record<string, unknown>, Failure]>([
    [
      "the uid",
      { uid: "other" },
      {
        code: 422,
        reason: "Invalid",
        message: 'ConfigMap "m" is invalid: metadata.uid: Invalid value: "other": field is immutable',
      },
    ],
    ["the name", { name: "n" }, bad("the name of the object (n) does not match the name on the URL (m)")],
    [
      "the name away",
      { name: null },
      bad("the name of the object (m based on URL) was undeterminable: name must be provided"),
    ],
    [
      "the namespace",
      { namespace: "kube-system" },
      bad("the namespace of the provided object does not match the namespace sent on the request"),
    ],
  ])("cannot change %s", async (_what, metadata, expected) => {
    assertFailure(await patch(kind, metadataPatch(kind, metadata)), expected);
  });

  it("do not touch what is the system's", async () => {
    const before = (await api.call(`${MAPS}/m`)).body;
    const answer = await patch(
      kind,
      metadataPatch(kind, { creationTimestamp: "2001-01-01T00:00:00Z", generation: 99, selfLink: "/x" }),
    );
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toEqual(before);
    expect(answer.body.metadata.uid).toBe(made.metadata.uid);
  });
});
