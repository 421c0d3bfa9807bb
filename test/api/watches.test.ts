/** WATCH: from now, from a revision, from the beginning. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeList, KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, take, watchEvents, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
beforeAll(async () => {
  api = await createTestCluster();
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

let counter = 0;
/** A namespace of its own for each test, so that they do not see one another's events. */
async function namespace(): Promise<string> {
  const name = `watch-${counter++}`;
  const answer = await api.call("/api/v1/namespaces", { method: "POST", body: { metadata: { name } } });
  if (answer.status !== 201) throw new Error(answer.text);
  return `/api/v1/namespaces/${name}/configmaps`;
}

async function create(maps: string, name: string, labels: Record<string, string> = {}): Promise<KubeObject> {
  const { body, status, text } = await api.call(maps, { method: "POST", body: { metadata: { name, labels } } });
  if (status !== 201) throw new Error(text);
  return body;
}

function label(maps: string, name: string, labels: Record<string, string | null>): Promise<unknown> {
  return api.call(`${maps}/${name}`, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: { metadata: { labels } },
  });
}

function short(event: { type: string; object: KubeObject }): string {
  return `${event.type} ${event.object.metadata.name ?? ""}`.trim();
}

async function open(
  path: string,
  headers: Record<string, string> = {},
): Promise<AsyncGenerator<{ type: string; object: KubeObject }>> {
  const response = await api.fetch(path, { headers });
  if (response.status !== 200) throw new Error(await response.text());
  return watchEvents(response);
}

describe("watch", () => {
  it("continues a list without losing or doubling anything", async () => {
    const maps = await namespace();
    await create(maps, "a");
    const list = await api.call<KubeList>(maps);
    const events = await open(`${maps}?watch=1&resourceVersion=${list.body.metadata.resourceVersion}`);
    const b = await create(maps, "b");
    await label(maps, "a", { x: "1" });
    await api.call(`${maps}/b`, { method: "DELETE" });
    const seen = await take(events, 3);
    expect(seen.map(short)).toEqual(["ADDED b", "MODIFIED a", "DELETED b"]);
    expect(seen[0]?.object).toEqual(b);
    const revisions = seen.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(revisions).toEqual(revisions.toSorted((x, y) => x - y));
    await events.return(undefined);
  });

  it.each(["", "&resourceVersion=0"])("shows what is there first (%j)", async (revision) => {
    const maps = await namespace();
    await create(maps, "a");
    await create(maps, "b");
    const events = await open(`${maps}?watch=true${revision}`);
    expect((await take(events, 2)).map(short)).toEqual(["ADDED a", "ADDED b"]);
    await create(maps, "c");
    expect((await take(events, 1)).map(short)).toEqual(["ADDED c"]);
    await events.return(undefined);
  });

  it("tells objects that stop and begin to match", async () => {
    const maps = await namespace();
    const events = await open(`${maps}?watch=1&labelSelector=team%3Dred`);
    await create(maps, "a", { team: "red" });
    await create(maps, "b", { team: "blue" });
    await label(maps, "a", { team: "blue" });
    await label(maps, "b", { team: "red" });
    expect((await take(events, 3)).map(short)).toEqual(["ADDED a", "DELETED a", "ADDED b"]);
    await events.return(undefined);
  });

  it("follows one object by the old path of watches and by a field selector", async () => {
    const maps = await namespace();
    const byPath = await open(`${maps.replace("/v1/", "/v1/watch/")}/a`);
    const byField = await open(`${maps}?watch=1&fieldSelector=metadata.name%3Da`);
    await create(maps, "b");
    await create(maps, "a");
    expect((await take(byPath, 1)).map(short)).toEqual(["ADDED a"]);
    expect((await take(byField, 1)).map(short)).toEqual(["ADDED a"]);
    await byPath.return(undefined);
    await byField.return(undefined);
  });

  it("marks the end of the initial events for clients that ask for them", async () => {
    const maps = await namespace();
    await create(maps, "a");
    const events = await open(
      `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    const [added, bookmark] = await take(events, 2);
    expect(added && short(added)).toBe("ADDED a");
    expect(bookmark).toMatchObject({
      type: "BOOKMARK",
      object: {
        kind: "ConfigMap",
        apiVersion: "v1",
        metadata: { annotations: { "k8s.io/initial-events-end": "true" } },
      },
    });
    expect(Number(bookmark?.object.metadata.resourceVersion)).toBeGreaterThan(0);
    await create(maps, "b");
    expect((await take(events, 1)).map(short)).toEqual(["ADDED b"]);
    await events.return(undefined);
  });

  it("refuses combinations that mean nothing", async () => {
    const maps = await namespace();
    const refuse = async (query: string, field: string) => {
      const status = assertFailure(await api.call(`${maps}?watch=1&${query}`), { code: 422, reason: "Invalid" });
      expect(status.details?.causes?.map((cause) => cause.field)).toContain(field);
    };
    await refuse("sendInitialEvents=true", "resourceVersionMatch");
    await refuse("resourceVersionMatch=NotOlderThan", "resourceVersionMatch");
    await refuse("sendInitialEvents=true&resourceVersionMatch=Exact", "resourceVersionMatch");
    assertFailure(await api.call(`${maps}?watch=1&resourceVersion=x`), { code: 400, reason: "BadRequest" });
  });

  it("ends cleanly after the time the client gave it", async () => {
    const maps = await namespace();
    await create(maps, "a");
    const events = await open(`${maps}?watch=1&timeoutSeconds=1`);
    const seen: string[] = [];
    for await (const event of events) seen.push(short(event));
    expect(seen).toEqual(["ADDED a"]);
  });

  it("says in the stream that the revision is gone", async () => {
    // A hub that remembers nothing has to ask the log.
    const small = await createTestCluster({ hubLimits: { windowBytesMax: 1 } });
    const maps = "/api/v1/namespaces/default/configmaps";
    for (const name of ["a", "b", "c"]) {
      await small.call(maps, { method: "POST", body: { metadata: { name } } });
      await small.call(`${maps}/${name}`, { method: "DELETE" });
    }
    const floor = await small.storage.revision();
    while (!(await small.storage.compact({ floor, limit: 500 })).done);
    const response = await small.fetch(`${maps}?watch=1&resourceVersion=1`);
    expect(response.status).toBe(200);
    const events = await take(watchEvents(response), 2);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      type: "ERROR",
      object: { kind: "Status", status: "Failure", reason: "Expired", code: 410 },
    });
    await small.stop();
  });

  it("answers before anything happens", async () => {
    const maps = await namespace();
    const revision = await api.storage.revision();
    const response = await api.fetch(`${maps}?watch=1&resourceVersion=${revision}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    await response.body?.cancel();
  });

  it("streams tables: columns in the first event only, rows with metadata", async () => {
    const maps = await namespace();
    await create(maps, "a");
    const events = await open(`${maps}?watch=1`, {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    });
    await create(maps, "b");
    const tables = (await take(events, 2)) as unknown as {
      type: string;
      object: { kind: string; columnDefinitions: unknown[]; rows: { cells: unknown[]; object: KubeObject }[] };
    }[];
    expect(tables.map(({ type, object }) => [type, object.kind, object.columnDefinitions.length > 0])).toEqual([
      ["ADDED", "Table", true],
      ["ADDED", "Table", false],
    ]);
    expect(tables[1]?.object.rows[0]?.cells[0]).toBe("b");
    expect(tables[1]?.object.rows[0]?.object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "b" } });
    await events.return(undefined);
  });

  it("streams metadata alone", async () => {
    const maps = await namespace();
    const events = await open(`${maps}?watch=1`, {
      accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    });
    await api.call(maps, { method: "POST", body: { metadata: { name: "a" }, data: { secret: "x" } } });
    const [event] = await take(events, 1);
    expect(event?.object).toMatchObject({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" });
    expect(event?.object["data"]).toBeUndefined();
    await events.return(undefined);
  });
});
