/** A database that an older version of the code has written: rows of an older schema generation and of another stored version. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kinds } from "../../src/kinds/index.ts";
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import { createTestCluster, take, watchEvents, type TestCluster } from "../harness/cluster.ts";
import { versionedKinds, type GaugeV1, type GaugeV2 } from "../harness/versioned-kinds.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster({ kinds: [...kinds, ...versionedKinds] });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const V1 = "/apis/gauges.test/v1/namespaces/default/gauges";
const V2 = "/apis/gauges.test/v2/namespaces/default/gauges";
const RESOURCE = "gauges.gauges.test";
const MERGE = { "content-type": "application/merge-patch+json" };
const TARGET = { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 5 };

const cpu = (averageUtilization: number) => [
  { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } },
];

/** A row as the code of then stored it; `fields` and `labels` are columns of their own. */
async function store(
  row: { name: string; form: string; spec: object; labels?: Record<string, string>; metadata?: object },
  before?: { uid: string; expected: number },
): Promise<{ uid: string; expected: number }> {
  const { name, form, spec, labels = {}, metadata = {} } = row;
  const uid = before?.uid ?? `uid-${name}`;
  const meta = { name, namespace: "default", uid, creationTimestamp: "2026-01-01T00:00:00Z", labels, ...metadata };
  const base = { resource: RESOURCE, namespace: "default", name, uid, form, labels, fields: {} };
  const write = { ...base, writeId: crypto.randomUUID(), value: JSON.stringify({ metadata: meta, spec }) };
  const outcome = await api.hub.write(
    before ? { ...write, op: "update", expected: before.expected } : { ...write, op: "create" },
  );
  if (!outcome.ok) throw new Error(outcome.reason);
  return { uid, expected: outcome.revision };
}

/** Generation 1 of v2 had a field that is gone, and no default of minReplicas. */
const oldGeneration = (name: string, labels: Record<string, string> = {}, metadata: object = {}) => ({
  name,
  form: "v2/1",
  labels,
  metadata,
  spec: { ...TARGET, metrics: cpu(50), smoothing: "high" },
});
/** When v1 was the stored version. */
const oldVersion = (name: string, labels: Record<string, string> = {}) => ({
  name,
  form: "v1/3",
  labels,
  spec: { ...TARGET, targetCPUUtilizationPercentage: 50, smoothing: "high" },
});
const OLD = [
  ["an older generation", oldGeneration, 1],
  ["another version, with its own defaults", oldVersion, 2],
] as const;

const stored = async (name: string) =>
  (await api.storage.get({ resource: RESOURCE, namespace: "default", name })).object;
const get = async <T extends KubeObject>(path: string, name: string) => (await api.call<T>(`${path}/${name}`)).body;

describe.each(OLD)("an object stored in %s", (title, row, minReplicas) => {
  const prefix = title.includes("generation") ? "gen" : "ver";
  const specV2 = { ...TARGET, minReplicas, metrics: cpu(50) };
  const specV1 = { ...TARGET, minReplicas, targetCPUUtilizationPercentage: 50 };

  it("is read decoded, converted, defaulted and pruned in every version", async () => {
    const { expected } = await store(row(`${prefix}-read`));
    const v2 = await get<GaugeV2>(V2, `${prefix}-read`);
    expect(v2.spec).toEqual(specV2);
    expect(v2).toMatchObject({
      apiVersion: "gauges.test/v2",
      metadata: { uid: `uid-${prefix}-read`, resourceVersion: String(expected) },
    });
    const v1 = await get<GaugeV1>(V1, `${prefix}-read`);
    expect(v1.spec).toEqual(specV1);
    expect(v1.metadata).toEqual(v2.metadata);
    // Reading writes nothing.
    expect((await stored(`${prefix}-read`))?.form).not.toBe("v2/2");
  });

  it("is listed and watched in order among current ones", async () => {
    const set = `${prefix}-mixed`;
    await store(row(`${set}-a`, { set }));
    await api.call(V1, {
      method: "POST",
      body: { metadata: { name: `${set}-b`, labels: { set } }, spec: specV1 },
    });
    await store(row(`${set}-c`, { set }));
    const query = `?labelSelector=set%3D${set}`;
    const v1 = (await api.call<KubeList<GaugeV1>>(V1 + query)).body;
    expect(v1.items.map(({ metadata }) => metadata.name)).toEqual([`${set}-a`, `${set}-b`, `${set}-c`]);
    expect(v1.items.map(({ spec }) => spec)).toEqual([specV1, specV1, specV1]);
    const first = (await api.call<KubeList<GaugeV2>>(`${V2}${query}&limit=2`)).body;
    const rest = (await api.call<KubeList<GaugeV2>>(`${V2}${query}&limit=2&continue=${first.metadata.continue}`)).body;
    expect([...first.items, ...rest.items].map(({ spec }) => spec)).toEqual([specV2, specV2, specV2]);
    const events = watchEvents(await api.fetch(`${V2}${query}&watch=1&resourceVersion=0`));
    const initial = await take(events, 3);
    expect(initial.map(({ object }) => (object as GaugeV2).spec)).toEqual([specV2, specV2, specV2]);
    expect(initial.map(({ object }) => object.metadata.name)).toEqual([`${set}-a`, `${set}-b`, `${set}-c`]);
    await events.return(undefined);
  });

  it("is shown to watches in their form: what they catch up on, what comes, and what it was before", async () => {
    const set = `${prefix}-watched`;
    const since = await api.storage.revision();
    const query = `?watch=1&resourceVersion=${since}&labelSelector=set%3D${set}`;
    const early = watchEvents(await api.fetch(V1 + query));
    let at = await store(row(set, { set }));
    // Older code, which still runs beside this one, takes the label away: what matched last is the row before.
    at = await store({ ...row(set, { set: "other" }) }, at);
    const late = watchEvents(await api.fetch(V2 + query));
    const seen = [await take(early, 2), await take(late, 2)];
    await Promise.all([early.return(undefined), late.return(undefined)]);
    for (const [index, spec] of [specV1, specV2].entries()) {
      expect(seen[index]?.map(({ type }) => type)).toEqual(["ADDED", "DELETED"]);
      expect(seen[index]?.map(({ object }) => object["spec"])).toEqual([spec, spec]);
      expect(seen[index]?.[1]?.object.metadata.labels).toEqual({ set });
    }
    // Current code takes the label on again: the state before is of the older form, this one of the current.
    const third = watchEvents(
      await api.fetch(`${V2}?watch=1&resourceVersion=${at.expected}&labelSelector=set%3Dother`),
    );
    await api.call(`${V2}/${set}`, { method: "PATCH", headers: MERGE, body: { metadata: { labels: { set } } } });
    const [left] = await take(third, 1);
    await third.return(undefined);
    expect(left).toMatchObject({ type: "DELETED", object: { spec: specV2, metadata: { labels: { set: "other" } } } });
    expect(left?.object["spec"]).toEqual(specV2);
  });

  it("is stored in the current form by its next write, whichever that is", async () => {
    const writes: [string, (path: string, name: string) => Promise<unknown>][] = [
      ["patch", (path, name) => api.call(`${path}/${name}`, { method: "PATCH", headers: MERGE, body: { spec: {} } })],
      ["put", async (path, name) => api.call(`${path}/${name}`, { method: "PUT", body: await get(path, name) })],
      [
        "status",
        (path, name) =>
          api.call(`${path}/${name}/status`, {
            method: "PATCH",
            headers: MERGE,
            body: { status: { desiredReplicas: 3 } },
          }),
      ],
    ];
    for (const [verb, write] of writes) {
      for (const path of [V1, V2]) {
        const name = `${prefix}-${verb}-${path === V1 ? "v1" : "v2"}`;
        const { expected } = await store(row(name));
        await write(path, name);
        const now = await stored(name);
        expect(now?.form, name).toBe("v2/2");
        expect(now?.fields, name).toEqual({ "spec.metrics.cpu": "50" });
        expect(JSON.parse(now?.value ?? ""), name).toMatchObject({ spec: specV2, metadata: { uid: `uid-${name}` } });
        // Even where nothing else changes, as a storage migration counts on.
        expect(now?.revision, name).toBeGreaterThan(expected);
        await write(path, name);
        expect((await stored(name))?.revision, name).toBe(now?.revision);
      }
    }
  });

  it("is stored anew also by the delete that only marks it, and goes with its last state", async () => {
    const name = `${prefix}-deleted`;
    await store({ ...row(name), metadata: { finalizers: ["example.dev/hold"] } });
    const marked = await api.call<GaugeV1>(`${V1}/${name}`, { method: "DELETE" });
    expect(marked.body.spec).toEqual(specV1);
    expect((await stored(name))?.form).toBe("v2/2");
    const gone = `${prefix}-gone`;
    const { expected } = await store(row(gone));
    const query = `?watch=1&resourceVersion=${expected}&fieldSelector=metadata.name%3D${gone}`;
    const events = watchEvents(await api.fetch(V2 + query));
    await api.call(`${V2}/${gone}`, { method: "DELETE" });
    const [event] = await take(events, 1);
    await events.return(undefined);
    expect([event?.type, event?.object["spec"]]).toEqual(["DELETED", specV2]);
  });
});

it("a version that is not served any more is read as the stored one", async () => {
  await store({ ...oldGeneration("unknown"), form: "v1beta1/1" });
  expect((await get<GaugeV2>(V2, "unknown")).spec).toEqual({ ...TARGET, minReplicas: 1, metrics: cpu(50) });
});

it("rows of the current form are served as they are stored, byte for byte", async () => {
  // A member that no schema knows would be pruned by any decoding.
  await store({ ...oldGeneration("verbatim"), form: "v2/2" });
  expect((await get(V2, "verbatim"))["spec"]).toHaveProperty("smoothing", "high");
});
