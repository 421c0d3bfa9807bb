/** The life of an object over HTTP: create, get, list, update, patch, delete. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import type { Status } from "../../src/machinery/status-error.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
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
const PATCH = {
  merge: { "content-type": "application/merge-patch+json" },
  json: { "content-type": "application/json-patch+json" },
  strategic: { "content-type": "application/strategic-merge-patch+json" },
};

function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}): ConfigMap {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

async function create(name: string, data: Record<string, string> = {}, metadata: object = {}): Promise<ConfigMap> {
  const { status, body, text } = await api.call<ConfigMap>(MAPS, {
    method: "POST",
    body: configMap(name, data, metadata),
  });
  if (status !== 201) throw new Error(text);
  return body;
}

describe("create", () => {
  it("answers 201 with identity, time and revision", async () => {
    const { status, body, headers } = await api.call<ConfigMap>(MAPS, {
      method: "POST",
      body: configMap("made", { a: "1" }),
    });
    expect(status).toBe(201);
    expect(headers.get("audit-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(body).toMatchObject({ kind: "ConfigMap", apiVersion: "v1", data: { a: "1" } });
    expect(body.metadata).toMatchObject({ name: "made", namespace: "default" });
    expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.metadata.resourceVersion).toMatch(/^[1-9][0-9]*$/);
    expect(body.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect((await api.call(`${MAPS}/made`)).body).toEqual(body);
  });

  it("ignores what only the system may set", async () => {
    const body = await create(
      "tidy",
      {},
      {
        uid: "mine",
        generation: 7,
        creationTimestamp: "2001-01-01T00:00:00Z",
        deletionTimestamp: "2001-01-01T00:00:00Z",
      },
    );
    expect(body.metadata.uid).not.toBe("mine");
    expect(body.metadata.generation).toBeUndefined();
    expect(body.metadata.creationTimestamp).not.toBe("2001-01-01T00:00:00Z");
    expect(body.metadata.deletionTimestamp).toBeUndefined();
  });

  it("refuses a name that is taken", async () => {
    await create("twice");
    const answer = await api.call(MAPS, { method: "POST", body: configMap("twice") });
    const status = assertFailure(answer, {
      code: 409,
      reason: "AlreadyExists",
      message: 'configmaps "twice" already exists',
    });
    expect(status.details).toEqual({ name: "twice", kind: "configmaps" });
  });

  it("makes names from generateName, each another", async () => {
    const names = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const body = configMap("", {}, { generateName: "gen-" });
      delete body.metadata.name;
      const { body: made } = await api.call<ConfigMap>(MAPS, { method: "POST", body });
      expect(made.metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
      names.add(made.metadata.name ?? "");
    }
    expect(names.size).toBe(3);
  });

  it("refuses objects for a namespace that is not there", async () => {
    const answer = await api.call("/api/v1/namespaces/nowhere/configmaps", { method: "POST", body: configMap("x") });
    assertFailure(answer, { code: 404, reason: "NotFound", message: 'namespaces "nowhere" not found' });
  });

  it("stores nothing in a dry run, and judges as for real", async () => {
    const dry = await api.call<ConfigMap>(`${MAPS}?dryRun=All`, { method: "POST", body: configMap("dry") });
    expect(dry.status).toBe(201);
    expect(dry.body.metadata.uid).toBeDefined();
    expect((await api.call(`${MAPS}/dry`)).status).toBe(404);
    await create("wet");
    const again = await api.call(`${MAPS}?dryRun=All`, { method: "POST", body: configMap("wet") });
    assertFailure(again, { code: 409, reason: "AlreadyExists" });
    const nowhere = await api.call("/api/v1/namespaces/nowhere/configmaps?dryRun=All", {
      method: "POST",
      body: configMap("x"),
    });
    assertFailure(nowhere, { code: 404, reason: "NotFound" });
    const odd = await api.call(`${MAPS}?dryRun=Some`, { method: "POST", body: configMap("odd") });
    assertFailure(odd, { code: 422, reason: "Invalid" });
  });
});

const putItself = (body: ConfigMap) => api.call(`${MAPS}/itself`, { method: "PUT", body });

describe("update", () => {
  it("replaces the object and raises the revision", async () => {
    const made = await create("replaced", { a: "1" });
    const { status, body } = await api.call<ConfigMap>(`${MAPS}/replaced`, {
      method: "PUT",
      body: { ...made, data: { b: "2" } },
    });
    expect(status).toBe(200);
    expect(body.data).toEqual({ b: "2" });
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(Number(made.metadata.resourceVersion));
    expect(body.metadata.uid).toBe(made.metadata.uid);
    // ConfigMaps have none in Kubernetes either: nothing of them is a spec.
    expect(body.metadata.generation).toBeUndefined();
  });

  it("writes nothing when nothing changes", async () => {
    const made = await create("same", { a: "1" });
    const put = await api.call<ConfigMap>(`${MAPS}/same`, { method: "PUT", body: made });
    expect(put.status).toBe(200);
    expect(put.body).toEqual(made);
    const patched = await api.call<ConfigMap>(`${MAPS}/same`, {
      method: "PATCH",
      headers: PATCH.merge,
      body: { data: { a: "1" } },
    });
    expect(patched.body).toEqual(made);
    expect(await api.storage.revision()).toBe(Number(made.metadata.resourceVersion));
  });

  it("refuses a stale revision with the text that clients look for", async () => {
    const made = await create("stale");
    await api.call(`${MAPS}/stale`, { method: "PUT", body: { ...made, data: { a: "1" } } });
    const answer = await api.call(`${MAPS}/stale`, { method: "PUT", body: { ...made, data: { a: "2" } } });
    assertFailure(answer, {
      code: 409,
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on configmaps "stale": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  it("takes a built-in without a revision, whatever is stored", async () => {
    await create("bold", { a: "1" });
    const { status, body } = await api.call<ConfigMap>(`${MAPS}/bold`, {
      method: "PUT",
      body: configMap("bold", { a: "2" }),
    });
    expect([status, body.data]).toEqual([200, { a: "2" }]);
  });

  it("refuses another object's uid, another name and another namespace", async () => {
    const made = await create("itself");
    const uid = await putItself({ ...made, metadata: { ...made.metadata, uid: "other" } });
    assertFailure(uid, {
      code: 409,
      reason: "Conflict",
      message: `Operation cannot be fulfilled on configmaps "itself": Precondition failed: UID in precondition: other, UID in object meta: ${made.metadata.uid}`,
    });
    const name = await putItself(configMap("another"));
    assertFailure(name, {
      code: 400,
      reason: "BadRequest",
      message: "the name of the object (another) does not match the name on the URL (itself)",
    });
    const namespace = await putItself(configMap("itself", {}, { namespace: "kube-system" }));
    assertFailure(namespace, {
      code: 400,
      reason: "BadRequest",
      message: "the namespace of the provided object does not match the namespace sent on the request",
    });
  });

  it("needs a name, and leaves deletions to DELETE", async () => {
    const made = await create("whole", { a: "1" });
    const nameless = { ...made, metadata: { ...made.metadata, name: undefined } };
    assertFailure(await api.call(`${MAPS}/whole`, { method: "PUT", body: nameless }), {
      code: 400,
      reason: "BadRequest",
      message: "the name of the object (whole based on URL) was undeterminable: name must be provided",
    });
    const deletionTimestamp = "2026-01-01T00:00:00Z";
    const doomed = { ...made, metadata: { ...made.metadata, deletionTimestamp, deletionGracePeriodSeconds: 5 } };
    assertFailure(await api.call(`${MAPS}/whole`, { method: "PUT", body: doomed }), {
      code: 422,
      reason: "Invalid",
      message:
        'ConfigMap "whole" is invalid: [metadata.deletionTimestamp: Invalid value: "2026-01-01T00:00:00Z": field is immutable, metadata.deletionGracePeriodSeconds: Invalid value: 5: field is immutable]',
    });
  });

  it("names each owner once, and says so", async () => {
    const owner = { apiVersion: "v1", kind: "ConfigMap", name: "o", uid: "u-1" };
    const other = { ...owner, controller: true };
    const ownerReferences = [owner, other, owner];
    const answer = await api.call<ConfigMap>(MAPS, {
      method: "POST",
      body: configMap("owned", {}, { ownerReferences }),
    });
    expect(answer.body.metadata.ownerReferences).toEqual([owner, other]);
    expect(answer.headers.get("warning")).toBe(
      '299 - ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: u-1"',
    );
    const patched = await api.call<ConfigMap>(`${MAPS}/owned`, {
      method: "PATCH",
      headers: PATCH.merge,
      body: { metadata: { ownerReferences } },
    });
    expect(patched.body).toEqual(answer.body);
    expect(patched.headers.get("warning")).toContain("duplicate entries after mutating admission happens; ");
  });

  it("refuses what is not there", async () => {
    const answer = await api.call(`${MAPS}/ghost`, { method: "PUT", body: configMap("ghost") });
    assertFailure(answer, { code: 404, reason: "NotFound", message: 'configmaps "ghost" not found' });
  });

  it("lets exactly one of many writers of the same revision win", async () => {
    const made = await create("raced");
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        api.call(`${MAPS}/raced`, { method: "PUT", body: { ...made, data: { writer: String(i) } } }),
      ),
    );
    const codes = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(codes).toEqual([200, ...Array.from({ length: 15 }, () => 409)]);
  });
});

const patchOf = (name: string, headers: Record<string, string>, body: unknown) =>
  api.call(`${MAPS}/${name}`, { method: "PATCH", headers, body });

describe("patch", () => {
  it("merges, replaces by path, and merges strategically", async () => {
    await create("patched", { a: "1", b: "2" });
    const merge = await api.call<ConfigMap>(`${MAPS}/patched`, {
      method: "PATCH",
      headers: PATCH.merge,
      body: { data: { a: null, c: "3" } },
    });
    expect([merge.status, merge.body.data]).toEqual([200, { b: "2", c: "3" }]);
    const json = await api.call<ConfigMap>(`${MAPS}/patched`, {
      method: "PATCH",
      headers: PATCH.json,
      body: [{ op: "replace", path: "/data/b", value: "x" }],
    });
    expect([json.status, json.body.data]).toEqual([200, { b: "x", c: "3" }]);
    const strategic = await api.call<ConfigMap>(`${MAPS}/patched`, {
      method: "PATCH",
      headers: PATCH.strategic,
      body: { metadata: { labels: { l: "1" } } },
    });
    expect([strategic.status, strategic.body.metadata.labels]).toEqual([200, { l: "1" }]);
  });

  it("honours a revision in the patch", async () => {
    const made = await create("guarded");
    const stale = await api.call(`${MAPS}/guarded`, {
      method: "PATCH",
      headers: PATCH.merge,
      body: { metadata: { resourceVersion: "1" }, data: { a: "1" } },
    });
    assertFailure(stale, { code: 409, reason: "Conflict", message: /the object has been modified/ });
    const fresh = await api.call(`${MAPS}/guarded`, {
      method: "PATCH",
      headers: PATCH.merge,
      body: { metadata: { resourceVersion: made.metadata.resourceVersion }, data: { a: "1" } },
    });
    expect(fresh.status).toBe(200);
  });

  it("keeps every one of many patches of different fields", async () => {
    await create("shared");
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, i) =>
        api.call(`${MAPS}/shared`, { method: "PATCH", headers: PATCH.merge, body: { data: { [`k${i}`]: "v" } } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const { body } = await api.call<ConfigMap>(`${MAPS}/shared`);
    expect(Object.keys(body.data ?? {}).toSorted()).toEqual(["k0", "k1", "k2", "k3"]);
  });

  it("does not create, does not rename, and knows its media types", async () => {
    assertFailure(await patchOf("ghost", PATCH.merge, {}), { code: 404, reason: "NotFound" });
    await create("fixed");
    assertFailure(await patchOf("fixed", PATCH.merge, { metadata: { name: "moved" } }), {
      code: 400,
      reason: "BadRequest",
    });
    assertFailure(await patchOf("fixed", { "content-type": "application/json" }, {}), {
      code: 415,
      reason: "UnsupportedMediaType",
    });
    assertFailure(await patchOf("fixed", PATCH.merge, "{"), { code: 400, reason: "BadRequest" });
    assertFailure(await patchOf("fixed", PATCH.merge, { data: { a: 1 } }), { code: 422, reason: "Invalid" });
  });
});

const removeGuarded = (preconditions: object) =>
  api.call(`${MAPS}/guarded-delete`, {
    method: "DELETE",
    body: { kind: "DeleteOptions", apiVersion: "v1", preconditions },
  });

describe("delete", () => {
  it("answers a Status with what is gone", async () => {
    const made = await create("doomed");
    const { status, body } = await api.call<Status>(`${MAPS}/doomed`, { method: "DELETE" });
    expect(status).toBe(200);
    expect(body).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name: "doomed", kind: "configmaps", uid: made.metadata.uid },
    });
    assertFailure(await api.call(`${MAPS}/doomed`), { code: 404, reason: "NotFound" });
    assertFailure(await api.call(`${MAPS}/doomed`, { method: "DELETE" }), { code: 404, reason: "NotFound" });
  });

  it("waits for finalizers, and goes with the last of them", async () => {
    await create("held", {}, { finalizers: ["example.com/a", "example.com/b"] });
    const { status, body } = await api.call<ConfigMap>(`${MAPS}/held`, { method: "DELETE" });
    expect([status, body.kind]).toEqual([200, "ConfigMap"]);
    expect(body.metadata.deletionTimestamp).toBeDefined();
    const finalizers = (list: string[]) =>
      api.call(`${MAPS}/held`, { method: "PATCH", headers: PATCH.merge, body: { metadata: { finalizers: list } } });
    assertFailure(await finalizers(["example.com/a", "example.com/c"]), {
      code: 422,
      reason: "Invalid",
      message:
        'ConfigMap "held" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/c"}',
    });
    expect((await finalizers(["example.com/b"])).status).toBe(200);
    expect((await api.call(`${MAPS}/held`)).status).toBe(200);
    expect((await finalizers([])).status).toBe(200);
    expect((await api.call(`${MAPS}/held`)).status).toBe(404);
  });

  it("checks preconditions", async () => {
    const made = await create("guarded-delete");
    assertFailure(await removeGuarded({ uid: "other" }), {
      code: 409,
      reason: "Conflict",
      message: `Operation cannot be fulfilled on configmaps "guarded-delete": Precondition failed: UID in precondition: other, UID in object meta: ${made.metadata.uid}`,
    });
    assertFailure(await removeGuarded({ resourceVersion: "1" }), {
      code: 409,
      reason: "Conflict",
      message: /ResourceVersion in precondition: 1,/,
    });
    expect(
      (await removeGuarded({ uid: made.metadata.uid, resourceVersion: made.metadata.resourceVersion })).status,
    ).toBe(200);
  });

  it("turns propagation policies into finalizers", async () => {
    await create("orphaning");
    const { body } = await api.call<ConfigMap>(`${MAPS}/orphaning?propagationPolicy=Orphan`, { method: "DELETE" });
    expect(body.metadata.finalizers).toEqual(["orphan"]);
    await create("foreground");
    const answer = await api.call<ConfigMap>(`${MAPS}/foreground`, {
      method: "DELETE",
      body: { propagationPolicy: "Foreground" },
    });
    expect(answer.body.metadata.finalizers).toEqual(["foregroundDeletion"]);
    const odd = await api.call(`${MAPS}/foreground?propagationPolicy=Sideways`, { method: "DELETE" });
    assertFailure(odd, { code: 422, reason: "Invalid" });
  });

  it("only says what it would do in a dry run", async () => {
    await create("spared");
    expect((await api.call(`${MAPS}/spared?dryRun=All`, { method: "DELETE" })).status).toBe(200);
    expect((await api.call(`${MAPS}/spared`, { method: "DELETE", body: { dryRun: ["All"] } })).status).toBe(200);
    expect((await api.call(`${MAPS}/spared`)).status).toBe(200);
  });

  it("deletes a collection by selector and leaves the rest", async () => {
    for (const [name, team] of [
      ["c1", "red"],
      ["c2", "red"],
      ["c3", "blue"],
    ] as const) {
      await create(name, {}, { labels: { team } });
    }
    const { status, body } = await api.call<KubeList>(`${MAPS}?labelSelector=team%3Dred`, { method: "DELETE" });
    expect(status).toBe(200);
    expect(body.items.map(({ metadata }) => metadata.name)).toEqual(["c1", "c2"]);
    const left = await api.call<KubeList>(`${MAPS}?labelSelector=team`);
    expect(left.body.items.map(({ metadata }) => metadata.name)).toEqual(["c3"]);
  });
});
