/** WATCH: where it begins, what it shows first, when it ends, and how what cannot be is refused. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { Status } from "../../src/machinery/status-error.ts";
import { assertFailure, createTestCluster, take, watchEvents, type TestCluster } from "../harness/cluster.ts";
import { createManualTime, type ManualTime } from "../harness/timers.ts";

let api: TestCluster;
let time: ManualTime;
/** What the dice show: the part of the spread that a watch gets. */
let fraction = 0.5;

beforeAll(async () => {
  time = createManualTime(Date.now());
  api = await createTestCluster({ platform: { clock: time, timers: time } });
  const { random } = api.cluster.platform;
  api.cluster.platform.random = { ...random, fraction: () => fraction };
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

interface Event {
  type: string;
  object: KubeObject;
}
type Watch = AsyncGenerator<Event>;

const END = "END";
function short({ type, object }: Event): string {
  const isEnd = object.metadata?.annotations?.["k8s.io/initial-events-end"] === "true";
  return isEnd && type === "BOOKMARK" ? END : `${type} ${object.metadata?.name ?? ""}`.trim();
}

let namespaces = 0;
async function namespace(): Promise<string> {
  const name = `start-${namespaces++}`;
  const answer = await api.call("/api/v1/namespaces", { method: "POST", body: { metadata: { name } } });
  if (answer.status !== 201) throw new Error(answer.text);
  return `/api/v1/namespaces/${name}/configmaps`;
}

async function create(maps: string, name: string, labels: Record<string, string> = {}): Promise<number> {
  const { status, text, body } = await api.call(maps, { method: "POST", body: { metadata: { name, labels } } });
  if (status !== 201) throw new Error(text);
  return Number(body.metadata.resourceVersion);
}

async function open(path: string, headers: Record<string, string> = {}): Promise<Watch> {
  const response = await api.fetch(path, { headers });
  if (response.status !== 200) throw new Error(await response.text());
  return watchEvents(response);
}

async function rest(watch: Watch): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of watch) seen.push(short(event));
  return seen;
}

const unsupported = (match: string) => `Unsupported value: "${match}": supported values: "NotOlderThan"`;

const oldPath = (path: string): string => path.replace(/^\/(api\/v1|apis\/[^/]+\/[^/]+)\//, "/$1/watch/");

/** Lets everything run that needs no time to pass. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

async function quiet(query: string): Promise<{ maps: string; watch: Watch; ended: () => boolean; seen: Event[] }> {
  const maps = await namespace();
  const revision = await api.storage.revision();
  const watch = await open(`${maps}?watch=1&resourceVersion=${revision}&${query}`);
  let over = false;
  const seen: Event[] = [];
  void (async () => {
    for await (const event of watch) seen.push(event);
    over = true;
  })();
  return { maps, watch, seen, ended: () => over };
}

/** A watch beside the others: what it has been told, all have been. */
async function witness(): Promise<(maps: string, name: string) => Promise<number>> {
  const watch = await open(`/api/v1/configmaps?watch=1&resourceVersion=${await api.storage.revision()}`);
  return async (maps, name) => {
    const revision = await create(maps, name);
    await take(watch, 1);
    return revision;
  };
}

describe("begins", () => {
  /** After "a", then "b" were created; "then" stands for the revision of "a", and "c" comes once the watch is open. */
  it.each<[query: string, seen: string[]]>([
    ["", ["ADDED a", "ADDED b", "ADDED c"]],
    ["resourceVersion=0", ["ADDED a", "ADDED b", "ADDED c"]],
    ["resourceVersion=", ["ADDED a", "ADDED b", "ADDED c"]],
    // Servers since 1.34 mark the end without being asked, for whoever takes bookmarks.
    ["allowWatchBookmarks=true", ["ADDED a", "ADDED b", END, "ADDED c"]],
    ["allowWatchBookmarks=1&resourceVersion=0", ["ADDED a", "ADDED b", END, "ADDED c"]],
    ["allowWatchBookmarks=false", ["ADDED a", "ADDED b", "ADDED c"]],
    ["resourceVersion=then", ["ADDED b", "ADDED c"]],
    ["resourceVersion=then&allowWatchBookmarks=true", ["ADDED b", "ADDED c"]],
    ["sendInitialEvents=true&resourceVersionMatch=NotOlderThan", ["ADDED a", "ADDED b", "ADDED c"]],
    [
      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
      ["ADDED a", "ADDED b", END, "ADDED c"],
    ],
    [
      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=0",
      ["ADDED a", "ADDED b", END, "ADDED c"],
    ],
    [
      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=then",
      ["ADDED a", "ADDED b", END, "ADDED c"],
    ],
    [
      "sendInitialEvents=&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
      ["ADDED a", "ADDED b", END, "ADDED c"],
    ],
    [
      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=pick%3Dme",
      ["ADDED b", END, "ADDED c"],
    ],
    ["sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=pick,x", [END]],
    ["sendInitialEvents=false&resourceVersionMatch=NotOlderThan", ["ADDED c"]],
    ["sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=0", ["ADDED c"]],
    [
      "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=then&allowWatchBookmarks=true",
      ["ADDED b", "ADDED c"],
    ],
  ])("%s", async (query, expected) => {
    const maps = await namespace();
    const old = await create(maps, "a");
    const revision = await create(maps, "b", { pick: "me" });
    const watch = await open(`${maps}?watch=true&${query.replace("then", String(old))}`);
    const events = await take(watch, expected.length - 1);
    if (expected.at(-1) === "ADDED c") await create(maps, "c", { pick: "me" });
    events.push(...(await take(watch, 1)));
    expect(events.map(short)).toEqual(expected);
    const end = events.find((event) => short(event) === END);
    if (end) {
      expect(end.object).toMatchObject({ kind: "ConfigMap", apiVersion: "v1" });
      expect(Number(end.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(revision);
    }
    await watch.return(undefined);
  });

  it("with its end where there is nothing", async () => {
    const maps = await namespace();
    const revision = await api.storage.revision();
    const watch = await open(`${maps}?watch=1&allowWatchBookmarks=true`);
    const [end] = await take(watch, 1);
    expect(end).toEqual({
      type: "BOOKMARK",
      object: {
        kind: "ConfigMap",
        apiVersion: "v1",
        metadata: { resourceVersion: String(revision), annotations: { "k8s.io/initial-events-end": "true" } },
      },
    });
    await watch.return(undefined);
  });

  it("at a revision that is yet to come: nothing is shown until it has passed, no bookmark either", async () => {
    const maps = await namespace();
    const future = (await api.storage.revision()) + 2;
    const watch = await open(`${maps}?watch=1&resourceVersion=${future}&allowWatchBookmarks=true`);
    time.advance(61_000);
    for (const name of ["a", "b", "c"]) await create(maps, name);
    expect((await take(watch, 1)).map(short)).toEqual(["ADDED c"]);
    await watch.return(undefined);
  });

  it("with initial events not older than what is yet to come: an error in the stream", async () => {
    const maps = await namespace();
    const current = await api.storage.revision();
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const watch = await open(`${maps}?watch=1&${query}&resourceVersion=${current + 10}`);
    const [error, ...more] = await take(watch, 2);
    expect(more).toEqual([]);
    expect(error).toEqual({
      type: "ERROR",
      object: {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message: `Timeout: Too large resource version: ${current + 10}, current: ${current}`,
        reason: "Timeout",
        details: {
          causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
          retryAfterSeconds: 1,
        },
        code: 504,
      },
    });
  });

  it("at a revision that was compacted: a 410 in the stream", async () => {
    // A hub that remembers nothing has to ask the log.
    const small = await createTestCluster({ hubLimits: { windowBytesMax: 1 } });
    const maps = "/api/v1/namespaces/default/configmaps";
    await small.call(maps, { method: "POST", body: { metadata: { name: "a" } } });
    await small.call(`${maps}/a`, { method: "DELETE" });
    const floor = await small.storage.revision();
    await small.call(maps, { method: "POST", body: { metadata: { name: "b" } } });
    while (!(await small.storage.compact({ floor, limit: 500 })).done);
    for (const suffix of ["", "&allowWatchBookmarks=true", "&labelSelector=x"]) {
      const response = await small.fetch(`${maps}?watch=1&resourceVersion=1${suffix}`);
      expect(response.status).toBe(200);
      const events = (await take(watchEvents(response), 2)) as unknown as { type: string; object: Status }[];
      expect(events.map(({ type }) => type)).toEqual(["ERROR"]);
      expect(events[0]?.object).toMatchObject({
        kind: "Status",
        status: "Failure",
        reason: "Expired",
        code: 410,
        message: `too old resource version: 1 (${floor})`,
      });
    }
    expect(small.errors).toEqual([]);
    await small.stop();
  });
});

describe("refuses", () => {
  const MATCH = "resourceVersionMatch";
  const REQUIRES = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
  const UNLESS = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
  const CONTINUED = "Forbidden: resourceVersionMatch is forbidden when continue is provided";

  it.each([
    ["sendInitialEvents=true", [REQUIRES]],
    ["sendInitialEvents=false", [REQUIRES]],
    ["sendInitialEvents=true&resourceVersionMatch=Exact", [REQUIRES, unsupported("Exact")]],
    ["resourceVersionMatch=NotOlderThan", [UNLESS]],
    ["resourceVersionMatch=NotOlderThan&resourceVersion=5", [UNLESS]],
    ["resourceVersionMatch=Sometimes", [UNLESS, unsupported("Sometimes")]],
    ["sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x", [CONTINUED]],
  ])("%s with 422", async (query, messages) => {
    const answer = await api.call(`/api/v1/configmaps?watch=1&${query}`);
    const status = assertFailure(answer, { code: 422, reason: "Invalid" });
    expect(status.details?.causes?.map(({ field, message }) => [field, message])).toEqual(
      messages.map((message) => [MATCH, message]),
    );
  });

  it.each([
    ["resourceVersion=x", 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'],
    ["resourceVersion=-5", 'resourceVersion: Invalid value: "-5": strconv.ParseUint: parsing "-5": invalid syntax'],
    ["timeoutSeconds=x", 'strconv.ParseInt: parsing "x": invalid syntax'],
  ])("%s with 400", async (query, message) => {
    assertFailure(await api.call(`/api/v1/configmaps?watch=1&${query}`), { code: 400, reason: "BadRequest", message });
  });

  it("to stream YAML", async () => {
    const { status, text } = await api.call("/api/v1/configmaps?watch=1", { headers: { accept: "application/yaml" } });
    expect(status).toBe(406);
    expect(text).toContain("only the following media types are accepted: application/json;stream=watch, application/");
  });

  it("to stream what nobody serves", async () => {
    const answer = await api.call("/api/v1/configmaps?watch=1", { headers: { accept: "text/html" } });
    const message = /^only the following media types are accepted: application\/json, application\/yaml, /;
    assertFailure(answer, { code: 406, reason: "NotAcceptable", message });
  });
});

describe("headers", () => {
  it.each(["application/json", "application/json;stream=watch", "*/*", "application/yaml;q=0.1,application/json"])(
    "come before the first event, for %s",
    async (accept) => {
      const maps = await namespace();
      const revision = await api.storage.revision();
      const response = await api.fetch(`${maps}?watch=1&resourceVersion=${revision}`, { headers: { accept } });
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(response.headers.get("audit-id")).not.toBe("");
      await response.body?.cancel();
    },
  );
});

describe("by the paths of before ?watch=true", () => {
  it("follows a namespace, all of them, and one object", async () => {
    const maps = await namespace();
    const [, , , , name = ""] = maps.split("/");
    await create(maps, "a");
    const watches = await Promise.all([
      open(oldPath(maps)),
      open(`${oldPath("/api/v1/configmaps")}?fieldSelector=metadata.namespace%3D${name}`),
      open(`${oldPath(maps)}/a`),
      open(`${oldPath(maps)}/a?fieldSelector=metadata.name%3Da`),
      // Bookmarks come, but no end of initial events: nobody asked for those.
      open(`${oldPath(maps)}?allowWatchBookmarks=true`),
    ]);
    for (const watch of watches) expect((await take(watch, 1)).map(short)).toEqual(["ADDED a"]);
    await create(maps, "b");
    await api.call(`${maps}/a`, { method: "DELETE" });
    const all = ["ADDED b", "DELETED a"];
    const one = ["DELETED a"];
    for (const [index, watch] of watches.entries()) {
      const expected = index === 2 || index === 3 ? one : all;
      expect((await take(watch, expected.length)).map(short)).toEqual(expected);
      await watch.return(undefined);
    }
  });

  it("follows namespaces, and kinds of other groups", async () => {
    const space = await open(oldPath("/api/v1/namespaces/default"));
    expect((await take(space, 1)).map(short)).toEqual(["ADDED default"]);
    await space.return(undefined);
    const revision = await api.storage.revision();
    const response = await api.fetch(`${oldPath("/apis/apps/v1/deployments")}?resourceVersion=${revision}`);
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });

  it("is checked as a list is", async () => {
    const maps = oldPath(await namespace());
    const twice = await api.call(`${maps}/a?fieldSelector=metadata.name%3Db`);
    const message = "fieldSelector metadata.name doesn't match requested name";
    assertFailure(twice, { code: 400, reason: "BadRequest", message });
    const initial = await api.call(`${maps}?sendInitialEvents=true`);
    assertFailure(initial, { code: 422, reason: "Invalid", message: /sendInitialEvents is forbidden for list$/ });
  });

  it("is not what ?watch=true means on one object: that is a GET", async () => {
    const maps = await namespace();
    await create(maps, "a");
    const answer = await api.call(`${maps}/a?watch=true`);
    expect(answer.body).toMatchObject({ kind: "ConfigMap", metadata: { name: "a" } });
  });
});

describe("time", () => {
  const WAIT = { timeout: 10_000, interval: 5 };

  it.each([
    ["timeoutSeconds=60", 0.5, 60],
    ["timeoutSeconds=0", 0, 1_800],
    ["", 0, 1_800],
    ["", 0.5, 2_700],
    ["", 0.999, 3_598.2],
  ])("%j with dice at %d ends after %d s", async (query, dice, seconds) => {
    fraction = dice;
    const { ended } = await quiet(query);
    time.advance(seconds * 1000 - 1);
    await settle();
    expect(ended()).toBe(false);
    time.advance(1);
    await expect.poll(ended, WAIT).toBe(true);
  });

  it("that is over before it began ends the watch at once", async () => {
    const maps = await namespace();
    await create(maps, "a");
    expect(await rest(await open(`${maps}?watch=1&timeoutSeconds=-1`))).toEqual([]);
  });

  it("brings a bookmark every minute and before the end, of the newest revision", async () => {
    const elsewhere = await namespace();
    const { maps, seen, ended } = await quiet("timeoutSeconds=200&allowWatchBookmarks=true");
    const told = await witness();
    const first = await told(elsewhere, "a");
    time.advance(60_000);
    const own = await told(maps, "b");
    const second = await told(elsewhere, "c");
    time.advance(60_000);
    const third = await told(elsewhere, "d");
    time.advance(80_000);
    await expect.poll(ended, WAIT).toBe(true);
    expect(seen.map(({ type, object }) => [type, Number(object.metadata.resourceVersion)])).toEqual([
      ["BOOKMARK", first],
      ["ADDED", own],
      ["BOOKMARK", second],
      ["BOOKMARK", third],
      ["BOOKMARK", third],
    ]);
    expect(seen[0]?.object).toEqual({
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: { resourceVersion: String(first) },
    });
  });

  it("brings no bookmarks to who did not ask", async () => {
    const { maps, seen, ended } = await quiet("timeoutSeconds=130");
    const told = await witness();
    await told(maps, "a");
    time.advance(130_000);
    await expect.poll(ended, WAIT).toBe(true);
    expect(seen.map(short)).toEqual(["ADDED a"]);
  });
});

describe("a watch of the control plane's own", () => {
  it("has a bookmark as soon as it has caught up, and one of a client has none before its time", async () => {
    const maps = await namespace();
    const first = await create(maps, "first");
    await create(maps, "behind");
    const path = `${maps}?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion=${first}`;
    const own = api.app.fetchAs({ name: "system:kube-scheduler", groups: ["system:masters"] });
    const watches = [watchEvents(await own(new Request(`https://gantry.invalid${path}`))) as Watch, await open(path)];
    const seen = watches.map(rest);
    time.advance(2_000);
    // The last one is that of the end.
    expect(await Promise.all(seen)).toEqual([
      ["ADDED behind", "BOOKMARK", "BOOKMARK"],
      ["ADDED behind", "BOOKMARK"],
    ]);
  });
});
