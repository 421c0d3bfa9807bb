/** WATCH as tables and as metadata alone: for every kind, bookmarks included. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { kinds } from "../../src/kinds/index.ts";
import { assertFailure, createTestCluster, take, watchEvents, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
const MAPS = "/api/v1/namespaces/forms/configmaps";
const END = { "k8s.io/initial-events-end": "true" };

beforeAll(async () => {
  api = await createTestCluster();
  await create("/api/v1/namespaces", { metadata: { name: "forms" } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

async function create(path: string, body: object): Promise<void> {
  const answer = await api.call(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
}

interface TableEvent {
  type: string;
  object: {
    kind: string;
    apiVersion: string;
    metadata: { resourceVersion?: string };
    columnDefinitions: { name: string }[];
    rows: { cells: unknown[]; object?: KubeObject }[];
  };
}

async function watchAs(as: string, path: string): Promise<AsyncGenerator<TableEvent>> {
  const accept = `application/json;as=${as};g=meta.k8s.io;v=v1`;
  const response = await api.fetch(path, { headers: { accept } });
  if (response.status !== 200) throw new Error(await response.text());
  return watchEvents(response) as AsyncGenerator as AsyncGenerator<TableEvent>;
}

const served = kinds
  .filter(({ verbs }) => verbs.includes("watch"))
  .map(({ group, version, plural, kind, columns }) => ({
    path: `${group === "" ? "/api" : `/apis/${group}`}/${version}/${plural}`,
    kind,
    apiVersion: group === "" ? version : `${group}/${version}`,
    columns: columns.map(({ name }) => name),
  }));

describe.each(served)("$apiVersion $kind", ({ path, kind, apiVersion, columns }) => {
  const query = "watch=1&allowWatchBookmarks=true&labelSelector=nobody%3Dhas";

  it("has bookmarks as tables", async () => {
    const watch = await watchAs("Table", `${path}?${query}`);
    const [event] = await take(watch, 1);
    const { resourceVersion = "" } = event?.object.metadata ?? {};
    expect(event).toMatchObject({ type: "BOOKMARK", object: { kind: "Table", apiVersion: "meta.k8s.io/v1" } });
    expect(Number(resourceVersion)).toBeGreaterThan(0);
    expect(event?.object.columnDefinitions.map(({ name }) => name)).toEqual(columns);
    expect(event?.object.rows).toHaveLength(1);
    expect(event?.object.rows[0]?.cells).toHaveLength(columns.length);
    expect(event?.object.rows[0]?.object).toEqual({
      kind: "PartialObjectMetadata",
      apiVersion: "meta.k8s.io/v1",
      metadata: { resourceVersion, annotations: END },
    });
    await watch.return(undefined);
  });

  it("has bookmarks as metadata and as it is", async () => {
    const partial = await watchAs("PartialObjectMetadata", `${path}?${query}`);
    expect(await take(partial, 1)).toMatchObject([
      { type: "BOOKMARK", object: { kind: "PartialObjectMetadata", metadata: { annotations: END } } },
    ]);
    await partial.return(undefined);
    const plain = watchEvents(await api.fetch(`${path}?${query}`));
    expect(await take(plain, 1)).toMatchObject([
      { type: "BOOKMARK", object: { kind, apiVersion, metadata: { annotations: END } } },
    ]);
    await plain.return(undefined);
  });
});

describe("tables", () => {
  it("define their columns in the first event, whatever it is", async () => {
    const watch = await watchAs("Table", `${MAPS}?watch=1&allowWatchBookmarks=true`);
    const events = await take(watch, 1);
    await create(MAPS, { metadata: { name: "a" }, data: { k: "v" } });
    await api.call(`${MAPS}/a`, { method: "DELETE" });
    events.push(...(await take(watch, 2)));
    expect(events.map(({ type, object }) => [type, object.columnDefinitions.length > 0])).toEqual([
      ["BOOKMARK", true],
      ["ADDED", false],
      ["DELETED", false],
    ]);
    for (const { object } of events.slice(1)) {
      expect(object.rows[0]?.cells.slice(0, 2)).toEqual(["a", 1]);
      expect(object.rows[0]?.object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "a" } });
      expect(object.metadata.resourceVersion).toBe(object.rows[0]?.object?.metadata.resourceVersion);
    }
    await watch.return(undefined);
  });

  it.each([
    ["None", undefined],
    ["Metadata", "PartialObjectMetadata"],
    ["Object", "ConfigMap"],
  ])("with includeObject=%s", async (include, kind) => {
    const query = `watch=1&allowWatchBookmarks=true&includeObject=${include}`;
    const watch = await watchAs("Table", `${MAPS}?${query}`);
    await create(MAPS, { metadata: { name: `b-${include.toLowerCase()}` } });
    const events = await take(watch, 2);
    const rows = events.map(({ object }) => object.rows[0]?.object);
    const end = events.findIndex(({ type }) => type === "BOOKMARK");
    // The end of the initial events is told in an annotation, which nobody may miss.
    expect(rows[end]?.metadata.annotations).toEqual(END);
    expect(rows[1 - end]?.kind).toBe(kind);
    await watch.return(undefined);
    await api.call(MAPS, { method: "DELETE" });
  });

  it("with another includeObject are refused", async () => {
    const headers = { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" };
    assertFailure(await api.call(`${MAPS}?watch=1&includeObject=Some`, { headers }), {
      code: 400,
      reason: "BadRequest",
    });
  });

  it("pass errors on as they are", async () => {
    const revision = await api.storage.revision();
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    const watch = await watchAs("Table", `${MAPS}?watch=1&${query}&resourceVersion=${revision + 9}`);
    expect(await take(watch, 2)).toMatchObject([{ type: "ERROR", object: { kind: "Status", code: 504 } }]);
  });
});
