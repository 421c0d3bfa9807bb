/** DELETE as clients meet it. Numbers in brackets are the lines of the list of what stock clients expect. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import type { Status } from "../../src/machinery/status-error.ts";
import { assertFailure, createTestCluster, take, watchEvents, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
let nowMs = Date.parse("2026-03-01T12:00:00Z");
beforeAll(async () => {
  api = await createTestCluster({ platform: { clock: { now: () => nowMs } } });
  // Pods are let in only where their account is; no loop makes it here.
  await create("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const MAPS = "/api/v1/namespaces/default/configmaps";
const PODS = "/api/v1/namespaces/default/pods";
const MERGE = { "content-type": "application/merge-patch+json" };
const after = (seconds: number) => new Date(nowMs + seconds * 1000).toISOString().replace(".000Z", "Z");

async function create(path: string, body: object): Promise<KubeObject> {
  const answer = await api.call(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

const map = (name: string, metadata: object = {}) => create(MAPS, { metadata: { name, ...metadata } });
const remove = <T = KubeObject>(path: string, body?: object) =>
  api.call<T>(path, { method: "DELETE", ...(body ? { body } : {}) });
const merge = (path: string, body: object) => api.call(path, { method: "PATCH", headers: MERGE, body });
const isGone = async (path: string) => (await api.call(path)).status === 404;

async function pod(name: string, { bound = true, metadata = {} } = {}): Promise<KubeObject> {
  const made = await create(PODS, {
    metadata: { name, ...metadata },
    spec: { containers: [{ name: "c", image: "i" }], terminationGracePeriodSeconds: 20 },
  });
  if (!bound) return made;
  await create(`${PODS}/${name}/binding`, { metadata: { name }, target: { kind: "Node", name: "n1" } });
  return (await api.call(`${PODS}/${name}`)).body;
}

describe("delete of an object", () => {
  it("[7] answers a Status that names it, or the object while a finalizer holds it", async () => {
    const { metadata } = await map("plain");
    const gone = await remove<Status>(`${MAPS}/plain`);
    expect([gone.status, gone.body]).toEqual([
      200,
      {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Success",
        details: { name: "plain", kind: "configmaps", uid: metadata.uid },
      },
    ]);
    await map("held", { finalizers: ["example.dev/hold"] });
    const marked = await remove(`${MAPS}/held`);
    expect([marked.status, marked.body.kind]).toEqual([200, "ConfigMap"]);
    expect(marked.body.metadata).toMatchObject({
      deletionTimestamp: after(0),
      deletionGracePeriodSeconds: 0,
    });
    expect(marked.body.metadata.generation).toBeUndefined();
    // Again: nothing changes and nothing is written.
    const revision = await api.storage.revision();
    nowMs += 5_000;
    const again = await remove(`${MAPS}/held`);
    expect([again.status, again.body]).toEqual([200, marked.body]);
    expect(await api.storage.revision()).toBe(revision);
    const released = await merge(`${MAPS}/held`, { metadata: { finalizers: null } });
    expect(released.status).toBe(200);
    expect(await isGone(`${MAPS}/held`)).toBe(true);
  });

  it("answers the last state of kinds that do so, of others a Status in whatever form", async () => {
    await create("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "robot" } });
    const answer = await remove("/api/v1/namespaces/default/serviceaccounts/robot");
    expect(answer.body).toMatchObject({ kind: "ServiceAccount", metadata: { name: "robot" } });
    expect(answer.body.metadata.deletionTimestamp).toBeUndefined();
    await map("tabled");
    const headers = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
    const table = await api.call(`${MAPS}/tabled`, { method: "DELETE", headers });
    expect(table.body).toMatchObject({ kind: "Status", status: "Success" });
  });

  it("[6] refuses a wrong uid or resourceVersion, from the body as from the query", async () => {
    const { metadata } = await map("guarded");
    const uidMessage = `Operation cannot be fulfilled on configmaps "guarded": Precondition failed: UID in precondition: other, UID in object meta: ${metadata.uid}`;
    const revisionMessage = `Operation cannot be fulfilled on configmaps "guarded": Precondition failed: ResourceVersion in precondition: 1, ResourceVersion in object meta: ${metadata.resourceVersion}`;
    const uid = await remove(`${MAPS}/guarded`, { preconditions: { uid: "other" } });
    assertFailure(uid, { code: 409, reason: "Conflict", message: uidMessage });
    const revision = await remove(`${MAPS}/guarded`, { preconditions: { resourceVersion: "1" } });
    assertFailure(revision, { code: 409, reason: "Conflict", message: revisionMessage });
    assertFailure(await remove(`${MAPS}/guarded?uid=other`), { code: 409, reason: "Conflict", message: uidMessage });
    assertFailure(await remove(`${MAPS}/guarded?resourceVersion=1`), {
      code: 409,
      reason: "Conflict",
      message: revisionMessage,
    });
    const { uid: right, resourceVersion } = metadata;
    const gone = await remove(`${MAPS}/guarded`, { preconditions: { uid: right, resourceVersion } });
    expect(gone.status).toBe(200);
  });

  it("takes options from the body alone where there is one, of any group's DeleteOptions", async () => {
    await map("asked", { finalizers: ["example.dev/hold"] });
    const answer = await remove(`${MAPS}/asked?propagationPolicy=Foreground&dryRun=All`, {
      kind: "DeleteOptions",
      apiVersion: "apps/v1",
      propagationPolicy: "Orphan",
    });
    expect(answer.body.metadata.finalizers).toEqual(["example.dev/hold", "orphan"]);
    expect((await api.call(`${MAPS}/asked`)).body.metadata.deletionTimestamp).toBeDefined();
  });

  it.each<[string, object, string, object]>([
    ["?propagationPolicy=Foreground", {}, "foregroundDeletion", { status: 200 }],
    ["?propagationPolicy=Orphan", {}, "orphan", { status: 200 }],
    ["?orphanDependents=true", {}, "orphan", { status: 200 }],
    ["", { propagationPolicy: "Foreground" }, "foregroundDeletion", { status: 200 }],
    ["", { orphanDependents: true }, "orphan", { status: 200 }],
    // 202 is for those who ask in the old way and must wait.
    ["?orphanDependents=false", {}, "", { status: 202 }],
    ["", { orphanDependents: false }, "", { status: 202 }],
    ["", { propagationPolicy: "Background" }, "", { status: 200 }],
  ])("adds the finalizer of its policy: %s %j", async (query, body, finalizer, { status }: { status?: number }) => {
    const name = `policy-${Math.abs(hash(query + JSON.stringify(body)))}`;
    await map(name, { finalizers: ["example.dev/hold"] });
    const hasBody = Object.keys(body).length > 0;
    const answer = await remove(`${MAPS}/${name}${query}`, hasBody ? body : undefined);
    const expected = ["example.dev/hold", ...(finalizer === "" ? [] : [finalizer])];
    expect([answer.status, answer.body.metadata.finalizers]).toEqual([status, expected]);
  });

  it("refuses options that make no sense, all at once, and changes nothing", async () => {
    const { metadata } = await map("sane");
    const answer = await remove(`${MAPS}/sane`, {
      propagationPolicy: "Sideways",
      orphanDependents: true,
      dryRun: ["Some"],
    });
    const status = assertFailure(answer, {
      code: 422,
      reason: "Invalid",
      message: /^DeleteOptions\.meta\.k8s\.io "" is/,
    });
    expect(status.details?.causes?.map(({ field }) => field)).toEqual([
      "propagationPolicy",
      "propagationPolicy",
      "dryRun",
    ]);
    assertFailure(await remove(`${MAPS}/sane?gracePeriodSeconds=soon`), { code: 400, reason: "BadRequest" });
    assertFailure(await api.call(`${MAPS}/sane`, { method: "DELETE", body: "{" }), { code: 400, reason: "BadRequest" });
    expect((await api.call(`${MAPS}/sane`)).body.metadata).toEqual(metadata);
  });

  it("goes through everything in a dry run and stores nothing", async () => {
    await map("dry");
    await map("dry-held", { finalizers: ["example.dev/hold"] });
    const revision = await api.storage.revision();
    for (const send of [
      (path: string) => remove<Status>(`${path}?dryRun=All`),
      (path: string) => remove<Status>(path, { dryRun: ["All"] }),
    ]) {
      expect((await send(`${MAPS}/dry`)).body).toMatchObject({ kind: "Status", status: "Success" });
      const held = await send(`${MAPS}/dry-held`);
      expect(held.body).toMatchObject({ kind: "ConfigMap", metadata: { deletionTimestamp: after(0) } });
      assertFailure(await send(`${MAPS}/ghost`), {
        code: 404,
        reason: "NotFound",
        message: 'configmaps "ghost" not found',
      });
    }
    expect(await api.storage.revision()).toBe(revision);
  });

  it("shows a watcher the last state, which was never marked", async () => {
    const { metadata } = await map("watched");
    const since = `?watch=1&resourceVersion=${metadata.resourceVersion}&fieldSelector=metadata.name%3Dwatched`;
    const events = watchEvents(await api.fetch(MAPS + since));
    await remove(`${MAPS}/watched`);
    const [event] = await take(events, 1);
    await events.return(undefined);
    expect(event?.type).toBe("DELETED");
    const { resourceVersion, ...meta } = event?.object.metadata ?? {};
    expect({ ...meta, resourceVersion: metadata.resourceVersion }).toEqual(metadata);
    expect(Number(resourceVersion)).toBeGreaterThan(Number(metadata.resourceVersion));
  });

  it("refuses new finalizers on what is going", async () => {
    await map("going", { finalizers: ["example.dev/hold"] });
    await remove(`${MAPS}/going`);
    const answer = await merge(`${MAPS}/going`, { metadata: { finalizers: ["example.dev/hold", "example.dev/more"] } });
    assertFailure(answer, { code: 422, reason: "Invalid", message: /no new finalizers can be added if the object is/ });
  });
});

function hash(text: string): number {
  let value = 7;
  for (const char of text) value = (value * 31 + (char.codePointAt(0) ?? 0)) | 0;
  return value;
}

describe("delete of a pod", () => {
  it("[8] waits for its node, may only be shortened, and ends with the node's delete", async () => {
    const { metadata } = await pod("graceful");
    const first = await remove(`${PODS}/graceful`);
    expect(first.status).toBe(200);
    expect(first.body.metadata).toMatchObject({
      deletionTimestamp: after(20),
      deletionGracePeriodSeconds: 20,
      generation: (metadata.generation ?? 0) + 1,
    });
    const revision = await api.storage.revision();
    for (const body of [{}, { gracePeriodSeconds: 20 }, { gracePeriodSeconds: 60, propagationPolicy: "Foreground" }]) {
      const longer = await remove(`${PODS}/graceful`, body);
      expect([longer.status, longer.body]).toEqual([200, first.body]);
    }
    expect(await api.storage.revision()).toBe(revision);
    const end = after(5);
    nowMs += 2_000;
    const shorter = await remove(`${PODS}/graceful?gracePeriodSeconds=5`);
    expect(shorter.body.metadata).toMatchObject({ deletionTimestamp: end, deletionGracePeriodSeconds: 5 });
    expect(shorter.body.metadata.generation).toBe(first.body.metadata.generation);
    nowMs += 2_000;
    const late = await remove(`${PODS}/graceful?gracePeriodSeconds=3`);
    expect(late.body.metadata).toMatchObject({ deletionTimestamp: after(0), deletionGracePeriodSeconds: 1 });
    const wrong = await remove(`${PODS}/graceful`, { gracePeriodSeconds: 0, preconditions: { uid: "other" } });
    assertFailure(wrong, { code: 409, reason: "Conflict" });
    const last = await remove(`${PODS}/graceful`, { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } });
    expect(last.body).toMatchObject({ kind: "Pod", metadata: { deletionGracePeriodSeconds: 0 } });
    expect(await isGone(`${PODS}/graceful`)).toBe(true);
  });

  it("[8] is immediate where nobody runs it", async () => {
    await pod("unbound", { bound: false });
    const answer = await remove(`${PODS}/unbound`);
    expect(answer.body).toMatchObject({ kind: "Pod", metadata: { deletionGracePeriodSeconds: 0 } });
    expect(await isGone(`${PODS}/unbound`)).toBe(true);
  });

  it("takes a negative grace for one second", async () => {
    await pod("negative");
    const answer = await remove(`${PODS}/negative`, { gracePeriodSeconds: -9 });
    expect(answer.body.metadata).toMatchObject({ deletionTimestamp: after(1), deletionGracePeriodSeconds: 1 });
  });

  it("waits for finalizers after its grace, and for its grace after its finalizers", async () => {
    await pod("both", { metadata: { finalizers: ["example.dev/hold"] } });
    await remove(`${PODS}/both`);
    await remove(`${PODS}/both?gracePeriodSeconds=0`);
    expect((await api.call(`${PODS}/both`)).body.metadata.deletionGracePeriodSeconds).toBe(0);
    await merge(`${PODS}/both`, { metadata: { finalizers: null } });
    expect(await isGone(`${PODS}/both`)).toBe(true);
    await pod("other", { metadata: { finalizers: ["example.dev/hold"] } });
    await remove(`${PODS}/other`);
    await merge(`${PODS}/other`, { metadata: { finalizers: null } });
    expect((await api.call(`${PODS}/other`)).body.metadata.deletionGracePeriodSeconds).toBe(20);
    await remove(`${PODS}/other?gracePeriodSeconds=0`);
    expect(await isGone(`${PODS}/other`)).toBe(true);
  });
});

const names = (list: KubeList) => list.items.map(({ metadata }) => metadata.name);
const left = async () => names((await api.call<KubeList>(`${MAPS}?labelSelector=batch`)).body);

describe("delete of a collection", () => {
  beforeEach(async () => {
    await remove(`${MAPS}?labelSelector=batch`);
    for (const name of ["m1", "m2", "m3"]) await map(name, { labels: { batch: "yes", odd: String(name !== "m2") } });
  });

  it("takes what the selectors match and answers it as it was", async () => {
    const before = (await api.call<KubeList>(`${MAPS}?labelSelector=batch,odd%3Dtrue`)).body;
    const answer = await remove<KubeList>(`${MAPS}?labelSelector=batch,odd%3Dtrue`);
    expect([answer.status, answer.body]).toEqual([200, before]);
    expect(await left()).toEqual(["m2"]);
    const byName = await remove<KubeList>(`${MAPS}?fieldSelector=metadata.name%3Dm2`);
    expect(names(byName.body)).toEqual(["m2"]);
    expect((await remove<KubeList>(`${MAPS}?labelSelector=batch`)).body.items).toEqual([]);
  });

  it("ends after one page where a limit is set, and goes on by its token", async () => {
    const first = await remove<KubeList>(`${MAPS}?labelSelector=batch&limit=2`);
    expect(names(first.body)).toEqual(["m1", "m2"]);
    expect(await left()).toEqual(["m3"]);
    const rest = await remove<KubeList>(`${MAPS}?labelSelector=batch&limit=2&continue=${first.body.metadata.continue}`);
    expect([names(rest.body), rest.body.metadata.continue]).toEqual([["m3"], undefined]);
    expect(await left()).toEqual([]);
  });

  it("writes nothing any more once it has answered that one of them is refused", async () => {
    const classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
    for (const name of ["a-first", "z-last"]) {
      const answer = await api.call(classes, { method: "POST", body: { metadata: { name }, value: 1 } });
      expect(answer.status).toBe(201);
    }
    // The system's own two cannot be deleted.
    expect((await remove(classes)).status).toBe(403);
    const revision = await api.storage.revision();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await api.storage.revision()).toBe(revision);
    const kept = names((await api.call<KubeList>(classes)).body);
    expect(kept).toEqual(expect.arrayContaining(["system-cluster-critical", "system-node-critical"]));
  });

  it("stores nothing in a dry run; takes options for each of its objects; answers in other forms", async () => {
    expect(names((await remove<KubeList>(`${MAPS}?labelSelector=batch&dryRun=All`)).body)).toHaveLength(3);
    expect(await left()).toHaveLength(3);
    const headers = { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" };
    const answer = await api.call<KubeList>(`${MAPS}?labelSelector=batch`, {
      method: "DELETE",
      headers,
      body: { propagationPolicy: "Orphan" },
    });
    expect(answer.body).toMatchObject({ kind: "PartialObjectMetadataList", items: [{}, {}, {}] });
    const { items } = (await api.call<KubeList>(`${MAPS}?labelSelector=batch`)).body;
    expect(items.map(({ metadata }) => metadata.finalizers)).toEqual([["orphan"], ["orphan"], ["orphan"]]);
    for (const { metadata } of items) await merge(`${MAPS}/${metadata.name}`, { metadata: { finalizers: null } });
  });

  it("of a thousand objects is one request", async () => {
    const count = 1_100;
    for (let start = 0; start < count; start += 100) {
      const group = Array.from({ length: 100 }, (_, i) => map(`many-${start + i}`, { labels: { many: "yes" } }));
      await Promise.all(group);
    }
    const answer = await remove<KubeList>(`${MAPS}?labelSelector=many`);
    expect(answer.body.items).toHaveLength(count);
    expect(answer.body.metadata.continue).toBeUndefined();
    expect((await api.call<KubeList>(`${MAPS}?labelSelector=many`)).body.items).toEqual([]);
  });

  it("is not served for namespaces", async () => {
    assertFailure(await remove("/api/v1/namespaces"), { code: 405, reason: "MethodNotAllowed" });
  });
});

describe("delete of a namespace", () => {
  const NAMESPACES = "/api/v1/namespaces";
  const namespace = (name: string) => create(NAMESPACES, { metadata: { name } });
  interface Namespace extends KubeObject {
    spec: { finalizers?: string[] };
    status: { phase: string };
  }

  it("marks it, answers it, and nothing new is let in [21]", async () => {
    await namespace("ending");
    const marked = await remove<Namespace>(`${NAMESPACES}/ending`);
    expect(marked.status).toBe(200);
    expect(marked.body).toMatchObject({ kind: "Namespace", status: { phase: "Terminating" } });
    expect(marked.body.metadata.deletionTimestamp).toBe(after(0));
    expect(marked.body.spec.finalizers).toEqual(["kubernetes"]);
    for (const query of ["", "?dryRun=All"]) {
      const refused = await api.call(`${NAMESPACES}/ending/configmaps${query}`, {
        method: "POST",
        body: { metadata: { name: "late" } },
      });
      const status = assertFailure(refused, {
        code: 403,
        reason: "Forbidden",
        message:
          'configmaps "late" is forbidden: unable to create new content in namespace ending because it is being terminated',
      });
      expect(status.details?.causes).toEqual([
        {
          reason: "NamespaceTerminating",
          message: "namespace ending is being terminated",
          field: "metadata.namespace",
        },
      ]);
      const missing = await api.call(`${NAMESPACES}/nowhere/configmaps${query}`, {
        method: "POST",
        body: { metadata: { name: "x" } },
      });
      assertFailure(missing, { code: 404, reason: "NotFound", message: 'namespaces "nowhere" not found' });
    }
    const again = await remove<Namespace>(`${NAMESPACES}/ending`);
    expect([again.status, again.body]).toEqual([200, marked.body]);
  });

  it("ends with /finalize, which alone may clear what holds it", async () => {
    const made = (await namespace("final")) as Namespace;
    const put = await api.call<Namespace>(`${NAMESPACES}/final`, { method: "PUT", body: { ...made, spec: {} } });
    expect(put.body.spec.finalizers).toEqual(["kubernetes"]);
    const { body: ending } = await remove<Namespace>(`${NAMESPACES}/final`);
    const other = await api.call<Namespace>(`${NAMESPACES}/final/finalize`, {
      method: "PUT",
      body: { ...ending, spec: { finalizers: ["example.dev/mine"] } },
    });
    expect(other.body.spec.finalizers).toEqual(["example.dev/mine"]);
    const stale = await api.call(`${NAMESPACES}/final/finalize`, { method: "PUT", body: ending });
    assertFailure(stale, { code: 409, reason: "Conflict" });
    const finalize = (body: object) => api.call(`${NAMESPACES}/final/finalize`, { method: "PUT", body });
    assertFailure(await finalize({ ...other.body, spec: { finalizers: ["mine"] } }), {
      code: 422,
      reason: "Invalid",
      message:
        'Namespace "final" is invalid: spec.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    });
    assertFailure(await finalize({ ...other.body, metadata: { name: "another" } }), {
      code: 400,
      reason: "BadRequest",
      message: "the name of the object (another) does not match the name on the URL (final)",
    });
    const last = await api.call<Namespace>(`${NAMESPACES}/final/finalize`, {
      method: "PUT",
      body: { ...other.body, spec: {} },
    });
    expect(last.status).toBe(200);
    expect(await isGone(`${NAMESPACES}/final`)).toBe(true);
  });

  it("waits for its own finalizers too", async () => {
    await create(NAMESPACES, { metadata: { name: "kept", finalizers: ["example.dev/hold"] } });
    const { body: ending } = await remove<Namespace>(`${NAMESPACES}/kept`);
    await api.call(`${NAMESPACES}/kept/finalize`, { method: "PUT", body: { ...ending, spec: {} } });
    expect(await isGone(`${NAMESPACES}/kept`)).toBe(false);
    await merge(`${NAMESPACES}/kept`, { metadata: { finalizers: null } });
    expect(await isGone(`${NAMESPACES}/kept`)).toBe(true);
  });

  it("[6] refuses a wrong uid", async () => {
    const { metadata } = await namespace("guarded");
    const answer = await remove(`${NAMESPACES}/guarded`, { preconditions: { uid: "other" } });
    assertFailure(answer, {
      code: 409,
      reason: "Conflict",
      message: `Operation cannot be fulfilled on namespaces "guarded": Precondition failed: UID in precondition: other, UID in object meta: ${metadata.uid}`,
    });
  });
});
