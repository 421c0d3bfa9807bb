/**
 * Every manifest on every way into the cluster and out again: what was sent is what is stored, sending it again changes nothing, an
 * apply never conflicts with itself, a dry run leaves no trace, and a delete leaves nothing.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.ts";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { KindDefinition } from "../../src/registry/kind.ts";
import { createTestCluster, type Answer, type TestCluster } from "../harness/cluster.ts";
import {
  ambiguous,
  changed,
  conflicting,
  conflictingAfterApply,
  manifests,
  type Manifest,
} from "../manifests/index.ts";
import { statuses } from "../manifests/statuses.ts";

let api: TestCluster;
let nowMs = Date.parse("2026-01-01T00:00:00Z");
/** Every look at it is another second: what depends on the time of a request would show. */
const clock = { now: () => (nowMs += 1_000) };
beforeAll(async () => {
  api = await createTestCluster({
    platform: { clock },
    config: { plugins: { enable: [], disable: ["DenyServiceExternalIPs"] } },
  });
  for (const namespace of ["default", "kube-system"]) {
    await api.call(`/api/v1/namespaces/${namespace}/serviceaccounts`, {
      method: "POST",
      body: { metadata: { name: "default" } },
    });
  }
});
afterEach(() => expect(api.errors.splice(0)).toEqual([]));
afterAll(async () => await api.stop());

/** Kinds that are served and have no example yet: a line goes with each example that comes. */
const WITHOUT_EXAMPLE: readonly string[] = [];

const apiVersionOf = ({ group, version }: KindDefinition) => (group === "" ? version : `${group}/${version}`);
const gvkOf = (kind: KindDefinition) => `${apiVersionOf(kind)} ${kind.kind}`;
const served = new Map(kinds.map((kind) => [gvkOf(kind), kind]));

interface Case {
  manifest: Manifest;
  kind: KindDefinition;
  collection: string;
  path: string;
}

const cases = manifests.flatMap((manifest): Case[] => {
  const { object } = manifest;
  const kind = served.get(`${object.apiVersion} ${object.kind}`);
  if (!kind) return [];
  const base = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope = kind.namespaced ? `/namespaces/${object.metadata.namespace ?? "default"}` : "";
  const collection = `${base}${scope}/${kind.plural}`;
  return [{ manifest, kind, collection, path: `${collection}/${object.metadata.name}` }];
});

describe("the manifests", () => {
  it("have names of their own", () => {
    expect(new Set(manifests.map(({ id }) => id)).size).toBe(manifests.length);
    expect(manifests.length).toBeGreaterThanOrEqual(150);
  });

  it("have an example of every kind that can be created", () => {
    const shown = new Set(manifests.map(({ object }) => `${object.apiVersion} ${object.kind}`));
    const creatable = kinds.filter(({ verbs }) => verbs.includes("create") && verbs.includes("get"));
    expect(creatable.map(gvkOf).filter((gvk) => !shown.has(gvk))).toEqual(WITHOUT_EXAMPLE);
  });

  it("differ from what was sent where the list says so, and only of manifests that there are", () => {
    const known = new Set(manifests.map(({ id }) => id));
    expect(Object.keys(changed).filter((id) => !known.has(id))).toEqual([]);
  });
});

describe.each(cases.map((one) => [one.manifest.id, one] as const))("%s", (id, one) => {
  const { manifest, collection, path } = one;
  const { object } = manifest;

  afterEach(async () => await remove(one));

  it("is created as it was sent, put back without a change, and deleted", async () => {
    const dry = await send("POST", `${collection}?dryRun=All&fieldValidation=Strict`, object);
    assertKind(dry, { status: 201, kind: object.kind });
    expect((await api.call(path)).status).toBe(404);

    const made = await send("POST", `${collection}?fieldValidation=Strict`, object);
    assertKind(made, { status: 201, kind: object.kind });
    expect(losses(id, object, made.body)).toEqual([]);
    const read = await api.call(path);
    expect(read.body).toEqual(made.body);

    await assertUnchanged(() => send("PUT", path, read.body));
    await assertUnchanged(() => send("PUT", `${path}?dryRun=All`, labelled(read.body, "put")));
    const put = await send("PUT", path, labelled(read.body, "put"));
    assertKind(put, { status: 200, kind: object.kind });
    expect(put.body.metadata.labels?.["proof"]).toBe("put");
    expect(losses(id, object, put.body)).toEqual([]);

    await assertDeleted(one);
  });

  it("is applied on the server without a conflict, again without a change", async () => {
    const dry = await apply(`${path}?dryRun=All&fieldManager=proof`, object);
    expect([dry.status, (await api.call(path)).status]).toEqual([201, 404]);

    const made = await apply(`${path}?fieldManager=proof&fieldValidation=Strict`, object);
    assertKind(made, { status: 201, kind: object.kind });
    expect(losses(id, object, made.body)).toEqual([]);
    await assertUnchanged(() => apply(`${path}?fieldManager=proof`, object));

    const shared = await applyBeside(one, "another", conflictingAfterApply);
    assertKind(shared, { status: 200, kind: object.kind });
    expect(contentOf(shared.body)).toEqual(contentOf(made.body));
    await assertUnchanged(() => apply(`${path}?fieldManager=another`, object));

    const more = await apply(`${path}?fieldManager=proof&force=true`, labelled(object, "apply"));
    assertKind(more, { status: 200, kind: object.kind });
    expect(more.body.metadata.labels?.["proof"]).toBe("apply");
    const less = await apply(`${path}?fieldManager=proof&force=true`, object);
    assertKind(less, { status: 200, kind: object.kind });
    expect(less.body.metadata.labels?.["proof"]).toBeUndefined();
    expect(contentOf(less.body)).toEqual(contentOf(made.body));
  });

  it("is created by one client and applied by another without a conflict", async () => {
    const made = await send("POST", `${collection}?fieldManager=client`, object);
    const applied = await applyBeside(one, "proof", conflicting);
    assertKind(applied, { status: 200, kind: object.kind });
    expect(contentOf(applied.body)).toEqual(contentOf(made.body));
  });

  it("is patched in each way, and a patch that says nothing new changes nothing", async () => {
    const made = await send("POST", collection, object);
    for (const [type, value, body, nothing] of patches({ ...made.body, ...typeOf(object) })) {
      const options = type === APPLY ? "fieldManager=proof&force=true" : "";
      await assertUnchanged(() => patch(`${path}?dryRun=All&${options}`, type, body));
      const patched = await patch(`${path}?${options}`, type, body);
      assertKind(patched, { status: 200, kind: object.kind });
      expect(patched.body.metadata.labels?.["proof"]).toBe(value);
      expect(losses(id, object, patched.body)).toEqual([]);
      await assertUnchanged(() => patch(`${path}?${options}`, type, nothing));
      if (isWholePatch(manifest, type)) await assertUnchanged(() => patch(path, type, object));
    }
  });
});

describe.each(cases.filter(({ kind }) => hasStatus(kind)).map((one) => [one.manifest.id, one] as const))(
  "the status of %s",
  (id, one) => {
    const { manifest, kind, collection, path } = one;
    const { object } = manifest;
    const status = statuses[`${kind.group}/${kind.plural}`] ?? {};

    afterEach(async () => await remove(one));

    it("comes through its subresource alone, by PUT and each patch, and changes nothing else", async () => {
      const made = await send("POST", collection, object);
      const wanted = { ...made.body, status };
      // The object itself takes no status, and the status nothing of the object.
      const ignored = await send("PUT", path, wanted);
      assertKind(ignored, { status: 200, kind: object.kind });
      expect(ignored.body["status"]).toEqual(made.body["status"]);
      await assertUnchanged(() => send("PUT", `${path}/status?dryRun=All`, wanted));
      const put = await send("PUT", `${path}/status`, labelled(wanted, "status"));
      assertKind(put, { status: 200, kind: object.kind });
      expect(losses(id, { status }, { status: put.body["status"] })).toEqual([]);
      expect(partsOf(put.body)).toEqual(partsOf(made.body));
      await assertUnchanged(() => send("PUT", `${path}/status`, put.body));
      for (const type of [MERGE_PATCH, STRATEGIC_PATCH, JSON_PATCH]) {
        const body = type === JSON_PATCH ? [{ op: "add", path: "/status", value: put.body["status"] }] : { status };
        await assertUnchanged(() => patch(`${path}/status`, type, body));
      }
      await assertUnchanged(() => patch(path, MERGE_PATCH, { status: { conditions: null } }));
      expect((await api.call(`${path}/status`)).body).toEqual((await api.call(path)).body);
    });
  },
);

describe("a PUT of what is not there", () => {
  /** AllowCreateOnUpdate of the strategies in kubernetes/pkg/registry. */
  const CREATED = [
    "clusterrolebindings.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "endpoints",
    "events",
    "events.events.k8s.io",
    "leases.coordination.k8s.io",
    "limitranges",
    "rolebindings.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
    "runtimeclasses.node.k8s.io",
    "services",
  ];
  const firsts = new Map(cases.map((one) => [gvkOf(one.kind), one]));

  it.each([...firsts])("%s", async (_, one) => {
    const { kind, manifest, path } = one;
    const { object } = manifest;
    if (!kind.verbs.includes("update")) return;
    const name = kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
    const answer = await send("PUT", path, { ...object, metadata: { ...object.metadata } });
    expect([name, answer.status]).toEqual([name, CREATED.includes(name) ? 201 : 404]);
    await remove(one);
  });
});

function hasStatus({ subresources }: KindDefinition): boolean {
  return subresources.some(({ name }) => name === "status");
}

/** All but the status and what a server writes down of the writes. */
function partsOf(object: KubeObject): object {
  const { status: _status, ...rest } = contentOf(object) as Record<string, unknown>;
  return rest;
}

function typeOf({ apiVersion, kind }: Manifest["object"]): { apiVersion: string; kind: string } {
  return { apiVersion, kind };
}

const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
const STRATEGIC_PATCH = "application/strategic-merge-patch+json";
const APPLY = "application/apply-patch+yaml";

/** By media type: a body that adds a label, and one that changes nothing after it. */
function patches(object: KubeObject): [type: string, value: string, body: unknown, nothing: unknown][] {
  const { metadata, apiVersion, kind } = object;
  const applied = { apiVersion, kind, metadata: { name: metadata.name, labels: { proof: "apply" } } };
  const add = metadata.labels
    ? { op: "add", path: "/metadata/labels/proof", value: "json" }
    : { op: "add", path: "/metadata/labels", value: { proof: "json" } };
  return [
    [JSON_PATCH, "json", [add], [{ op: "test", path: "/metadata/labels/proof", value: "json" }]],
    [MERGE_PATCH, "merge", { metadata: { labels: { proof: "merge" } } }, {}],
    [STRATEGIC_PATCH, "strategic", { metadata: { labels: { proof: "strategic" } } }, {}],
    [APPLY, "apply", applied, applied],
  ];
}

async function send(method: string, path: string, body: unknown): Promise<Answer> {
  return await api.call(path, { method, body });
}

async function patch(path: string, type: string, body: unknown): Promise<Answer> {
  return await api.call(path, { method: "PATCH", body, headers: { "content-type": type } });
}

async function apply(path: string, object: unknown): Promise<Answer> {
  return await patch(path, APPLY, object);
}

function assertKind(answer: Answer, wanted: { status: number; kind: string }): void {
  if (answer.status === wanted.status && answer.body.kind === wanted.kind) return;
  throw new Error(`${answer.status} instead of ${wanted.status} ${wanted.kind}: ${answer.text}`);
}

/** What another manager has: without a conflict, unless the manifest is one of those where a stock server finds some, too. */
async function applyBeside(
  { manifest: { id, object }, path }: Case,
  manager: string,
  conflicts: readonly string[],
): Promise<Answer> {
  const answer = await apply(`${path}?fieldManager=${manager}`, object);
  if (!conflicts.includes(id)) return answer;
  expect([answer.status, (answer.body as { reason?: string }).reason]).toEqual([409, "Conflict"]);
  return await apply(`${path}?fieldManager=${manager}&force=true`, object);
}

/** Can the manifest itself be a patch of this type that changes nothing? A merge patch replaces lists, and what admission added to them. */
function isWholePatch({ id, object }: Manifest, type: string): boolean {
  if (type === JSON_PATCH || type === APPLY) return false;
  if (type.includes("strategic")) return !ambiguous.includes(id);
  return !id.startsWith("v1 Pod/") && !(id.startsWith("v1 PersistentVolume/") && object.metadata.finalizers);
}

/** Succeeds and writes nothing at all. */
async function assertUnchanged(request: () => Promise<Answer>): Promise<Answer> {
  const before = await api.storage.revision();
  const answer = await request();
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  const after = await api.storage.revision();
  if (after !== before) throw new Error(`${after - before} revisions from ${before} on were written: ${answer.text}`);
  return answer;
}

function labelled<T extends KubeObject>(object: T, value: string): T {
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, proof: value } } };
}

/** Without what a server writes down of the writes themselves. */
function contentOf({ metadata, ...rest }: KubeObject): object {
  const { managedFields: _fields, resourceVersion: _revision, generation: _generation, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

/** Every value that was sent and is not what came back, as "path: sent, stored". */
function losses(id: string, sent: unknown, stored: unknown, path = ""): string[] {
  const expected = changed[id];
  const wanted = expected && Object.hasOwn(expected, path) ? expected[path] : sent;
  if (Array.isArray(wanted) && Array.isArray(stored) && isComplete(path, wanted, stored)) {
    return wanted.flatMap((item, index) => losses(id, item, stored[index], `${path}[${index}]`));
  }
  if (isObject(wanted) && isObject(stored)) {
    return Object.entries(wanted).flatMap(([key, value]) =>
      losses(id, value, stored[key], path === "" ? key : `${path}.${key}`),
    );
  }
  if (wanted === stored || (isZero(wanted) && stored === undefined)) return [];
  return [`${path}: ${JSON.stringify(wanted)}, ${JSON.stringify(stored)}`];
}

/** Admission adds to some lists of a pod, and to the finalizers of storage, at their end. */
function isComplete(path: string, wanted: readonly unknown[], stored: readonly unknown[]): boolean {
  if (wanted.length === stored.length) return true;
  return (
    /^(metadata\.finalizers|spec\.(volumes|tolerations|(initC|c)ontainers\[\d+\]\.volumeMounts))$/.test(path) &&
    wanted.length < stored.length
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is not stored where Go's type is no pointer: sent or not, it means the same. */
function isZero(value: unknown): boolean {
  return value === false || value === "" || value === 0 || (Array.isArray(value) && value.length === 0);
}

async function assertDeleted(one: Case): Promise<void> {
  await assertUnchanged(() => send("DELETE", `${one.path}?dryRun=All`, undefined));
  const answer = await send("DELETE", `${one.path}?gracePeriodSeconds=0`, undefined);
  expect([200, 202]).toContain(answer.status);
  const left = await api.call(one.path);
  if (left.status === 200) expect(left.body.metadata.deletionTimestamp).toBeDefined();
  await remove(one);
  expect((await api.call(one.path)).status).toBe(404);
}

/** Deletes it and does what the holders of its finalizers would. */
async function remove({ path, kind }: Case): Promise<void> {
  await send("DELETE", `${path}?gracePeriodSeconds=0`, undefined);
  const left = await api.call(path);
  if (left.status === 404) return;
  if (kind.kind === "Namespace") await send("PUT", `${path}/finalize`, { ...left.body, spec: { finalizers: [] } });
  else await patch(path, "application/merge-patch+json", { metadata: { finalizers: null } });
}
