/** Server-side apply and metadata.managedFields over HTTP, held against what a stock API server answers. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject, ManagedFieldsEntry } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type Answer, type TestCluster } from "../harness/cluster.ts";

interface Loose extends KubeObject {
  // Tests read what they have just written.
  // oxlint-disable-next-line typescript/no-explicit-any
  [field: string]: any;
}

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const MAPS = "/api/v1/namespaces/default/configmaps";
const SERVICES = "/api/v1/namespaces/default/services";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const PATCH_TYPES = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
};

interface ApplyOptions {
  by?: string;
  force?: boolean;
  query?: string;
}

function apply(path: string, body: unknown, { by = "tester", force, query = "" }: ApplyOptions = {}) {
  const options = `fieldManager=${by}${force === undefined ? "" : `&force=${force}`}${query}`;
  const headers = { "content-type": "application/apply-patch+yaml" };
  return api.call<Loose>(`${path}?${options}`, { method: "PATCH", body, headers });
}

async function applied(path: string, body: unknown, options?: ApplyOptions): Promise<Loose> {
  const answer = await apply(path, body, options);
  if (answer.status > 201) throw new Error(answer.text);
  return answer.body;
}

function patch(path: string, type: keyof typeof PATCH_TYPES, body: unknown, by = "patcher") {
  const headers = { "content-type": PATCH_TYPES[type], "user-agent": `${by}/1.0` };
  return api.call<Loose>(path, { method: "PATCH", body, headers });
}

function post(path: string, body: unknown, by = "creator") {
  return api.call<Loose>(path, { method: "POST", body, headers: { "user-agent": `${by}/1.0` } });
}

async function read(path: string): Promise<Loose> {
  return (await api.call<Loose>(path)).body;
}

function map(name: string, data: Record<string, string>, metadata: object = {}): Loose {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

function deployment(name: string, container: object = {}, spec: object = { replicas: 3 }): Loose {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels: { app: name } },
    spec: {
      ...spec,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "web", image: "web:1", ...container }] },
      },
    },
  };
}

function service(name: string, ports: object[]): Loose {
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: { a: "b" }, ports } };
}

function scale(name: string, replicas: number): Loose {
  return { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name }, spec: { replicas } };
}

/** The entries without their times, which are checked on the way. */
function managers(object: Loose): ManagedFieldsEntry[] {
  return (object.metadata.managedFields ?? []).map(({ time, ...entry }) => {
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    return entry;
  });
}

function fieldsBy(object: Loose, manager: string): object | undefined {
  return object.metadata.managedFields?.find((entry) => entry.manager === manager)?.fieldsV1;
}

function causes(answer: Answer<unknown>): unknown {
  return (answer.body as { details?: { causes?: unknown } }).details?.causes;
}

describe("managedFields of plain writes", () => {
  it("names the product of the User-Agent and what it set", async () => {
    const { body } = await post(MAPS, map("tracked", { a: "1" }, { labels: { l: "x" } }), "kubectl-create");
    expect(managers(body)).toEqual([
      {
        manager: "kubectl-create",
        operation: "Update",
        apiVersion: "v1",
        fieldsType: "FieldsV1",
        fieldsV1: {
          "f:data": { ".": {}, "f:a": {} },
          "f:metadata": { "f:labels": { ".": {}, "f:l": {} } },
        },
      },
    ]);
  });

  it("tells containers and ports apart by their keys, defaults included", async () => {
    const { body } = await post(DEPLOYMENTS, deployment("keyed", { ports: [{ containerPort: 80 }] }));
    const fields = fieldsBy(body, "creator");
    expect(fields).toMatchObject({
      "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:strategy": { "f:type": {}, "f:rollingUpdate": { ".": {}, "f:maxSurge": {}, "f:maxUnavailable": {} } },
        "f:template": {
          "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
          "f:spec": {
            "f:containers": {
              'k:{"name":"web"}': {
                ".": {},
                "f:image": {},
                "f:name": {},
                "f:ports": {
                  ".": {},
                  'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {}, "f:protocol": {} },
                },
                "f:resources": {},
              },
            },
            "f:dnsPolicy": {},
          },
        },
      },
    });
    // What only the system sets is nobody's, and neither are the members that are always there.
    expect(fields).not.toHaveProperty(["f:metadata", "f:uid"]);
    expect(fields).not.toHaveProperty(["f:spec", "."]);
    expect(fields).not.toHaveProperty(["f:spec", "f:template", "f:spec", "f:containers", "."]);
    expect(fields).not.toHaveProperty("f:status");
  });

  it.each(["json", "merge", "strategic"] as const)("moves what a %s patch changes to who sent it", async (type) => {
    await post(MAPS, map(`moved-${type}`, { a: "1", b: "1" }));
    const body = type === "json" ? [{ op: "replace", path: "/data/a", value: "2" }] : { data: { a: "2" } };
    const answer = await patch(`${MAPS}/moved-${type}`, type, body);
    expect(answer.status).toBe(200);
    expect(fieldsBy(answer.body, "creator")).toEqual({ "f:data": { ".": {}, "f:b": {} } });
    expect(fieldsBy(answer.body, "patcher")).toEqual({ "f:data": { "f:a": {} } });
  });

  it("merges what one manager does in several requests, and forgets who has nothing left", async () => {
    await post(MAPS, map("merged", { a: "1" }));
    await patch(`${MAPS}/merged`, "merge", { data: { b: "1" } });
    const { body } = await patch(`${MAPS}/merged`, "merge", { data: { a: null, c: "1" } });
    expect(fieldsBy(body, "patcher")).toEqual({ "f:data": { "f:b": {}, "f:c": {} } });
    expect(fieldsBy(body, "creator")).toEqual({ "f:data": {} });
    const gone = await patch(`${MAPS}/merged`, "merge", { data: null });
    expect(gone.body.metadata.managedFields).toBeUndefined();
  });

  it("writes nothing and changes no manager when nothing changes", async () => {
    const made = await post(MAPS, map("same", { a: "1" }));
    const again = await patch(`${MAPS}/same`, "merge", { data: { a: "1" } }, "another");
    expect(again.body).toEqual(made.body);
    const put = await api.call<Loose>(`${MAPS}/same?fieldManager=third`, {
      method: "PUT",
      body: map("same", { a: "1" }),
    });
    expect(put.body).toEqual(made.body);
  });

  it("keeps the status apart", async () => {
    const made = await post(DEPLOYMENTS, deployment("status-apart"));
    const status = { replicas: 1, conditions: [{ type: "Available", status: "True" }] };
    const answer = await patch(
      `${DEPLOYMENTS}/status-apart/status`,
      "merge",
      { spec: { replicas: 9 }, status },
      "loop",
    );
    expect(answer.body.spec.replicas).toBe(3);
    expect(managers(answer.body)).toEqual([
      ...managers(made.body),
      {
        manager: "loop",
        operation: "Update",
        apiVersion: "apps/v1",
        fieldsType: "FieldsV1",
        subresource: "status",
        fieldsV1: {
          "f:status": {
            "f:conditions": { ".": {}, 'k:{"type":"Available"}': expect.objectContaining({ ".": {}, "f:type": {} }) },
            "f:replicas": {},
          },
        },
      },
    ]);
  });

  it("lets a status write annotate, as stock strategies do, and label nothing", async () => {
    await post(DEPLOYMENTS, deployment("annotated-status"));
    const metadata = { annotations: { seen: "yes" }, labels: { app: "other" } };
    const body = { metadata, status: { replicas: 1 } };
    const answer = await patch(`${DEPLOYMENTS}/annotated-status/status`, "merge", body, "loop");
    expect(answer.body.metadata).toMatchObject({
      annotations: { seen: "yes" },
      labels: { app: "annotated-status" },
      generation: 1,
    });
    expect(fieldsBy(answer.body, "loop")).toEqual({
      "f:metadata": { "f:annotations": { ".": {}, "f:seen": {} } },
      "f:status": { "f:replicas": {} },
    });
  });

  it("keeps at most ten managers by update and merges the oldest ones", async () => {
    await post(MAPS, map("crowded", { base: "1" }));
    for (let i = 0; i < 12; i++) await patch(`${MAPS}/crowded`, "merge", { data: { [`k${i}`]: "1" } }, `manager-${i}`);
    const body = await read(`${MAPS}/crowded`);
    expect(body.metadata.managedFields).toHaveLength(10);
    expect(fieldsBy(body, "ancient-changes")).toMatchObject({ "f:data": { ".": {}, "f:base": {} } });
    expect(fieldsBy(body, "manager-11")).toEqual({ "f:data": { "f:k11": {} } });
  });

  it.each([
    ["a".repeat(129), "fieldManager: Too long: may not be more than 128 bytes"],
    ["a%07b", 'fieldManager: Invalid value: "a\\ab": invalid character U+0007 (at position 1)'],
  ])("refuses the manager %s", async (manager, message) => {
    const answer = await api.call(`${MAPS}?fieldManager=${manager}`, { method: "POST", body: map("unnamed", {}) });
    assertFailure(answer, {
      code: 422,
      reason: "Invalid",
      message: `CreateOptions.meta.k8s.io "" is invalid: ${message}`,
    });
  });
});

describe("managedFields sent by clients", () => {
  it.each([[[]], [[{}]]])("are reset by %j", async (managedFields) => {
    const name = `reset-${managedFields.length}`;
    await post(MAPS, map(name, { a: "1" }));
    const body = map(name, { a: "2" }, { managedFields });
    const reset = await api.call<Loose>(`${MAPS}/${name}`, { method: "PUT", body });
    expect(reset.body.metadata.managedFields).toBeUndefined();
    const patched = await patch(`${MAPS}/${name}`, "merge", { data: { a: "3" } });
    expect(patched.body.metadata.managedFields).toBeUndefined();
    const first = await applied(`${MAPS}/${name}`, map(name, { b: "1" }));
    expect(managers(first).map(({ manager }) => manager)).toEqual(["tester", "before-first-apply"]);
  });

  it("may be changed on purpose, as kubectl does to move from client-side apply", async () => {
    const made = await post(MAPS, map("migrated", { a: "1" }), "kubectl-client-side-apply");
    const [entry] = made.body.metadata.managedFields ?? [];
    const moved = [{ ...entry, manager: "kubectl", operation: "Apply" }];
    const answer = await patch(`${MAPS}/migrated`, "json", [
      { op: "replace", path: "/metadata/managedFields", value: moved },
      { op: "replace", path: "/metadata/resourceVersion", value: made.body.metadata.resourceVersion },
    ]);
    expect(answer.status).toBe(200);
    expect(answer.body.metadata.managedFields).toEqual(moved);
  });

  it.each([
    ["no operation", { manager: "m", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: {} }],
    ["an unknown operation", { operation: "Replace", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: {} }],
    ["no version", { operation: "Update", fieldsType: "FieldsV1", fieldsV1: {} }],
    ["an unknown type", { operation: "Update", apiVersion: "v1", fieldsType: "FieldsV2", fieldsV1: {} }],
    ["fields that are no object", { operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: 7 }],
    ["a bad element", { operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: { data: {} } }],
    ["a bad key", { operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: { "k:{": {} } }],
  ])("with %s are put back", async (name, entry) => {
    const id = name.replaceAll(" ", "-");
    const made = await post(MAPS, map(id, { a: "1" }));
    const body = map(id, { a: "1" }, { managedFields: [entry] });
    const answer = await api.call<Loose>(`${MAPS}/${id}`, { method: "PUT", body });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(made.body);
    const created = await post(MAPS, map(`${id}-new`, { a: "1" }, { managedFields: [entry] }));
    expect(created.status).toBe(201);
    expect(managers(created.body).map(({ manager }) => manager)).toEqual(["creator"]);
  });
});

describe("apply", () => {
  it("creates, and writes nothing when the same is applied again", async () => {
    const first = await apply(`${DEPLOYMENTS}/twice`, deployment("twice"));
    expect(first.status).toBe(201);
    const again = await apply(`${DEPLOYMENTS}/twice`, deployment("twice"));
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
  });

  it("takes YAML", async () => {
    const body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: one\n";
    expect((await applied(`${MAPS}/yaml`, body))["data"]).toEqual({ a: "one" });
  });

  it("conflicts with whoever changed a field, unless it is forced", async () => {
    await applied(`${DEPLOYMENTS}/fought`, deployment("fought"));
    await patch(`${DEPLOYMENTS}/fought`, "merge", { spec: { replicas: 5 } }, "autoscaler");
    const refused = await apply(`${DEPLOYMENTS}/fought`, deployment("fought"));
    assertFailure(refused, {
      code: 409,
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "autoscaler" using apps/v1: .spec.replicas',
    });
    expect(causes(refused)).toEqual([
      {
        reason: "FieldManagerConflict",
        message: 'conflict with "autoscaler" using apps/v1',
        field: ".spec.replicas",
      },
    ]);
    expect((await read(`${DEPLOYMENTS}/fought`)).spec.replicas).toBe(5);
    const forced = await applied(`${DEPLOYMENTS}/fought`, deployment("fought"), { force: true });
    expect(forced.spec.replicas).toBe(3);
    expect(fieldsBy(forced, "autoscaler")).toBeUndefined();
  });

  it("names every conflict, manager by manager", async () => {
    await applied(`${MAPS}/many`, map("many", { a: "1", b: "1", c: "1" }), { by: "one" });
    await applied(`${MAPS}/many`, map("many", { d: "1" }), { by: "two" });
    const answer = await apply(`${MAPS}/many`, map("many", { a: "2", c: "2", d: "2" }), { by: "three" });
    assertFailure(answer, {
      code: 409,
      reason: "Conflict",
      message:
        'Apply failed with 3 conflicts: conflicts with "one":\n- .data.a\n- .data.c\nconflicts with "two":\n- .data.d',
    });
  });

  it("takes out what is no longer applied and nobody else owns", async () => {
    await applied(
      `${DEPLOYMENTS}/shrinking`,
      deployment("shrinking", { ports: [{ containerPort: 80 }], command: ["a"] }),
    );
    const body = await applied(`${DEPLOYMENTS}/shrinking`, deployment("shrinking"));
    const [container] = body.spec.template.spec.containers;
    expect(container.ports).toBeUndefined();
    expect(container.command).toBeUndefined();
  });

  it("takes out the last label without the rest of the metadata", async () => {
    const plain = map("unlabelled", { a: "1" });
    await apply(`${MAPS}/unlabelled`, map("unlabelled", { a: "1" }, { labels: { l: "x" } }));
    const { status, body } = await apply(`${MAPS}/unlabelled`, plain);
    expect([status, body.metadata.name, body.metadata.labels]).toEqual([200, "unlabelled", undefined]);
  });

  it("leaves what somebody else owns as well", async () => {
    await applied(`${MAPS}/shared`, map("shared", { a: "1", b: "1" }), { by: "one" });
    await applied(`${MAPS}/shared`, map("shared", { b: "1" }), { by: "two" });
    const left = await applied(`${MAPS}/shared`, map("shared", { a: "1" }), { by: "one" });
    expect(left["data"]).toEqual({ a: "1", b: "1" });
    const gone = await applied(
      `${MAPS}/shared`,
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "shared" } },
      { by: "two" },
    );
    expect(gone["data"]).toEqual({ a: "1" });
  });

  it("merges lists by key, defaults included, and keeps items of others", async () => {
    await applied(`${SERVICES}/merging`, service("merging", [{ name: "a", port: 80 }]), { by: "one" });
    const both = await applied(`${SERVICES}/merging`, service("merging", [{ name: "b", port: 81, protocol: "UDP" }]), {
      by: "two",
    });
    expect(both.spec.ports.map(({ name }: { name: string }) => name)).toEqual(["a", "b"]);
    const changed = await applied(
      `${SERVICES}/merging`,
      service("merging", [{ name: "a", port: 80, protocol: "TCP", targetPort: 8080 }]),
      { by: "one" },
    );
    expect(changed.spec.ports).toMatchObject([
      { name: "a", port: 80, targetPort: 8080 },
      { name: "b", port: 81 },
    ]);
  });

  it("owns what was there before anybody applied", async () => {
    await post(MAPS, map("before", { a: "1", b: "1" }, { managedFields: [{}] }));
    await api.call(`${MAPS}/before`, {
      method: "PUT",
      body: map("before", { a: "1", b: "1" }, { managedFields: [{}] }),
    });
    const refused = await apply(`${MAPS}/before`, map("before", { a: "2" }));
    assertFailure(refused, {
      code: 409,
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a',
    });
  });

  it("applies a status by itself", async () => {
    await applied(`${DEPLOYMENTS}/status-applied`, deployment("status-applied"));
    const config = { ...deployment("status-applied"), spec: { replicas: 9 }, status: { replicas: 2 } };
    const body = await applied(`${DEPLOYMENTS}/status-applied/status`, config, { by: "loop" });
    expect(body).toMatchObject({ spec: { replicas: 3 }, status: { replicas: 2 } });
    expect(managers(body)).toContainEqual({
      manager: "loop",
      operation: "Apply",
      apiVersion: "apps/v1",
      fieldsType: "FieldsV1",
      fieldsV1: { "f:status": { "f:replicas": {} } },
      subresource: "status",
    });
    const missing = await apply(`${DEPLOYMENTS}/missing/status`, { ...deployment("missing"), status: { replicas: 1 } });
    assertFailure(missing, { code: 404, reason: "NotFound" });
  });

  it("creates whatever revision the configuration names", async () => {
    const answer = await apply(`${MAPS}/revised`, map("revised", {}, { resourceVersion: "5" }));
    expect(answer.status).toBe(201);
    expect(answer.body.metadata.resourceVersion).not.toBe("5");
  });

  it("stores nothing in a dry run", async () => {
    const dry = await apply(`${MAPS}/dry`, map("dry", { a: "1" }), { query: "&dryRun=All" });
    expect(dry.status).toBe(201);
    expect((await api.call(`${MAPS}/dry`)).status).toBe(404);
  });

  it.each<[string, string, unknown, { code: number; reason: string; message: string | RegExp }]>([
    [
      "no manager",
      "refused?x=",
      map("refused", {}),
      {
        code: 422,
        reason: "Invalid",
        message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      },
    ],
    [
      "managedFields",
      "refused",
      map("refused", {}, { managedFields: [] }),
      { code: 400, reason: "BadRequest", message: "metadata.managedFields must be nil" },
    ],
    [
      "another kind",
      "refused",
      { ...map("refused", {}), kind: "Secret" },
      { code: 400, reason: "BadRequest", message: "invalid object type: /v1, Kind=Secret" },
    ],
    [
      "another version",
      "refused",
      { ...map("refused", {}), apiVersion: "v2" },
      { code: 400, reason: "BadRequest", message: "invalid object type: /v2, Kind=ConfigMap" },
    ],
    [
      "another name",
      "refused",
      map("other", {}),
      {
        code: 400,
        reason: "BadRequest",
        message: "the name of the object (other) does not match the name on the URL (refused)",
      },
    ],
    [
      "no name",
      "refused",
      { ...map("", {}), metadata: {} },
      {
        code: 400,
        reason: "BadRequest",
        message: "the name of the object (refused based on URL) was undeterminable: name must be provided",
      },
    ],
    [
      "another namespace",
      "refused",
      map("refused", {}, { namespace: "kube-system" }),
      {
        code: 400,
        reason: "BadRequest",
        message: "the namespace of the provided object does not match the namespace sent on the request",
      },
    ],
    [
      "an unknown field",
      "refused",
      { ...map("refused", {}), unknownField: 1 },
      {
        code: 400,
        reason: "BadRequest",
        message:
          "failed to create typed patch object (/refused; /v1, Kind=ConfigMap): .unknownField: field not declared in schema",
      },
    ],
    [
      "a wrong type",
      "refused",
      { ...map("refused", {}), data: { a: 1 } },
      {
        code: 400,
        reason: "BadRequest",
        message:
          "failed to create typed patch object (/refused; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:1}",
      },
    ],
    [
      "a uid of nothing",
      "refused",
      map("refused", {}, { uid: "1" }),
      {
        code: 409,
        reason: "Conflict",
        message: /uid mismatch: the provided object specified uid 1, and no existing object was found$/,
      },
    ],
    ["no object", "refused", "[]", { code: 400, reason: "BadRequest", message: /^error decoding patch/ }],
    ["no YAML", "refused", "a: b: c", { code: 400, reason: "BadRequest", message: /^error decoding patch/ }],
  ])("refuses %s", async (_name, path, body, failure) => {
    const url = path.includes("?") ? `${MAPS}/${path}` : `${MAPS}/${path}?fieldManager=m`;
    const headers = { "content-type": "application/apply-patch+yaml" };
    assertFailure(await api.call(url, { method: "PATCH", body, headers }), failure);
    expect((await api.call(`${MAPS}/refused`)).status).toBe(404);
  });

  it("refuses keys that occur twice where fields are validated strictly", async () => {
    const body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: doubled\ndata:\n  a: one\n  a: two\n";
    const strict = await apply(`${MAPS}/doubled`, body, { query: "&fieldValidation=Strict" });
    assertFailure(strict, {
      code: 400,
      reason: "BadRequest",
      message: /^error strict decoding patch: .*already set in map/s,
    });
    const warned = await apply(`${MAPS}/doubled`, body, { query: "&fieldValidation=Warn" });
    expect(warned.status).toBe(201);
    expect(warned.headers.get("warning")).toContain("already set in map");
  });

  it("refuses force where nothing is applied, and CBOR", async () => {
    const forced = await patch(`${MAPS}/x?force=true`, "merge", {});
    assertFailure(forced, {
      code: 422,
      reason: "Invalid",
      message: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    });
    const headers = { "content-type": "application/apply-patch+cbor" };
    const cbor = await api.call(`${MAPS}/x?fieldManager=m`, { method: "PATCH", body: "x", headers });
    assertFailure(cbor, { code: 415, reason: "UnsupportedMediaType" });
  });

  it("changes only the revision and the uid that the configuration names", async () => {
    const made = await applied(`${MAPS}/exact`, map("exact", { a: "1" }));
    const { resourceVersion } = made.metadata;
    const stale = await apply(`${MAPS}/exact`, map("exact", { a: "2" }, { resourceVersion: "1" }));
    assertFailure(stale, { code: 409, reason: "Conflict" });
    const other = await apply(`${MAPS}/exact`, map("exact", { a: "2" }, { uid: "other" }));
    assertFailure(other, {
      code: 422,
      reason: "Invalid",
      message: /metadata\.uid: Invalid value: "other": field is immutable$/,
    });
    const right = await applied(`${MAPS}/exact`, map("exact", { a: "2" }, { resourceVersion }));
    expect(right["data"]).toEqual({ a: "2" });
  });
});

describe("the scale", () => {
  it("takes the replicas from whoever had them", async () => {
    await applied(`${DEPLOYMENTS}/scaled`, deployment("scaled"), { by: "owner" });
    const answer = await patch(`${DEPLOYMENTS}/scaled/scale`, "merge", { spec: { replicas: 5 } }, "autoscaler");
    expect(answer.body).toMatchObject({ kind: "Scale", spec: { replicas: 5 } });
    const body = await read(`${DEPLOYMENTS}/scaled`);
    expect(fieldsBy(body, "owner")).not.toHaveProperty(["f:spec", "f:replicas"]);
    expect(managers(body)).toContainEqual({
      manager: "autoscaler",
      operation: "Update",
      apiVersion: "apps/v1",
      fieldsType: "FieldsV1",
      fieldsV1: { "f:spec": { "f:replicas": {} } },
      subresource: "scale",
    });
    const refused = await apply(`${DEPLOYMENTS}/scaled`, deployment("scaled"), { by: "owner" });
    assertFailure(refused, {
      code: 409,
      reason: "Conflict",
      message:
        'Apply failed with 1 conflict: conflict with "autoscaler" with subresource "scale" using apps/v1: .spec.replicas',
    });
    const without = await applied(`${DEPLOYMENTS}/scaled`, deployment("scaled", {}, {}), { by: "owner" });
    expect(without.spec.replicas).toBe(5);
  });

  it("is applied with ownership mapped onto its parent", async () => {
    await applied(`${DEPLOYMENTS}/scale-applied`, deployment("scale-applied"), { by: "owner" });
    const path = `${DEPLOYMENTS}/scale-applied/scale`;
    const refused = await apply(path, scale("scale-applied", 7), { by: "autoscaler" });
    assertFailure(refused, {
      code: 409,
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "owner": .spec.replicas',
    });
    const forced = await applied(path, scale("scale-applied", 7), { by: "autoscaler", force: true });
    expect(forced).toMatchObject({ kind: "Scale", spec: { replicas: 7 } });
    const body = await read(`${DEPLOYMENTS}/scale-applied`);
    expect(body.spec.replicas).toBe(7);
    expect(fieldsBy(body, "owner")).not.toHaveProperty(["f:spec", "f:replicas"]);
    expect(managers(body)).toContainEqual({
      manager: "autoscaler",
      operation: "Apply",
      apiVersion: "apps/v1",
      fieldsType: "FieldsV1",
      fieldsV1: { "f:spec": { "f:replicas": {} } },
      subresource: "scale",
    });
    await applied(path, scale("scale-applied", 7), { by: "autoscaler" });
    expect(await read(`${DEPLOYMENTS}/scale-applied`)).toEqual(body);
    await applied(path, scale("scale-applied", 8), { by: "autoscaler" });
    expect((await read(`${DEPLOYMENTS}/scale-applied`)).spec.replicas).toBe(8);
  });

  it.each<[string, unknown, { code: number; reason: string; message?: string | RegExp }]>([
    [
      "another kind",
      deployment("none"),
      { code: 400, reason: "BadRequest", message: "invalid object type: apps/v1, Kind=Deployment" },
    ],
    [
      "an unknown field",
      { ...scale("none", 1), spec: { size: 1 } },
      { code: 400, reason: "BadRequest", message: /\.spec\.size: field not declared in schema$/ },
    ],
    ["a missing parent", scale("none", 1), { code: 404, reason: "NotFound" }],
  ])("refuses %s", async (_name, body, failure) => {
    assertFailure(await apply(`${DEPLOYMENTS}/none/scale`, body), failure);
  });
});

describe("kubectl as the manager", () => {
  const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

  it("takes over what its annotation says, and keeps the annotation up to date", async () => {
    const config = map("annotated", { a: "1", b: "1" });
    const annotations = { [LAST_APPLIED]: JSON.stringify(config) };
    await post(MAPS, { ...config, metadata: { ...config.metadata, annotations } }, "kubectl-client-side-apply");
    const others = await apply(`${MAPS}/annotated`, map("annotated", { a: "2", b: "1" }), { by: "someone" });
    assertFailure(others, { code: 409, reason: "Conflict" });
    const body = await applied(`${MAPS}/annotated`, map("annotated", { a: "2", b: "1" }), { by: "kubectl" });
    expect(body["data"]).toEqual({ a: "2", b: "1" });
    expect(JSON.parse(body.metadata.annotations?.[LAST_APPLIED] ?? "")).toEqual(map("annotated", { a: "2", b: "1" }));
  });

  it("conflicts where somebody changed what it applied last", async () => {
    const config = map("contested", { a: "1", b: "1" });
    const annotations = { [LAST_APPLIED]: JSON.stringify(config) };
    await post(MAPS, { ...config, metadata: { ...config.metadata, annotations } }, "kubectl-client-side-apply");
    await patch(`${MAPS}/contested`, "merge", { data: { b: "5" } }, "someone");
    const refused = await apply(`${MAPS}/contested`, map("contested", { a: "2", b: "2" }), { by: "kubectl" });
    assertFailure(refused, {
      code: 409,
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "someone" using v1: .data.b',
    });
  });
});
