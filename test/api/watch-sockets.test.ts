/** WATCH over WebSockets: a text message an event. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { ADMIN_TOKEN, createTestCluster, type TestCluster } from "../harness/cluster.ts";
import type { TestSocket, TestSockets } from "../harness/sockets.ts";
import { testRuntime } from "../harness/test-runtime.ts";

let api: TestCluster;
let client: TestSockets;
const MAPS = "/api/v1/namespaces/sockets/configmaps";
const BEARER = `base64url.bearer.authorization.k8s.io.${btoa(ADMIN_TOKEN).replace(/=+$/, "")}`;

beforeAll(async () => {
  client = testRuntime.createSockets();
  api = await createTestCluster({ sockets: client.sockets });
  await create("/api/v1/namespaces", "sockets");
});
afterAll(async () => {
  await client.close();
  expect(api.errors).toEqual([]);
  await api.stop();
});

async function create(path: string, name: string): Promise<void> {
  const answer = await api.call(path, { method: "POST", body: { metadata: { name } } });
  if (answer.status !== 201) throw new Error(answer.text);
}

interface Event {
  type: string;
  object: KubeObject & { code?: number };
}

const HEADERS = { authorization: `Bearer ${ADMIN_TOKEN}` };
async function dial(query: string, options: Parameters<TestSockets["connect"]>[2] = { headers: HEADERS }) {
  return await client.connect((request) => api.app.fetch(request), `${MAPS}?${query}`, options);
}

async function next(socket: TestSocket): Promise<Event> {
  const message = await socket.next();
  if (message === undefined) throw new Error(`the socket was closed with ${await socket.closed}`);
  // As stock servers: the line end goes with it.
  expect(message.endsWith("\n")).toBe(true);
  expect(message.trim()).not.toContain("\n");
  return JSON.parse(message) as Event;
}

const short = ({ type, object }: Event): string => `${type} ${object.metadata.name ?? ""}`.trim();

describe("a watch over a WebSocket", () => {
  it("shows what is there, its end, and what comes, one message each", async () => {
    await create(MAPS, "a");
    await create(MAPS, "b");
    const socket = await dial("watch=1&allowWatchBookmarks=true");
    const seen = [await next(socket), await next(socket), await next(socket)];
    expect(seen.map(short)).toEqual(["ADDED a", "ADDED b", "BOOKMARK"]);
    await create(MAPS, "c");
    await api.call(`${MAPS}/c`, { method: "DELETE" });
    expect([short(await next(socket)), short(await next(socket))]).toEqual(["ADDED c", "DELETED c"]);
    expect(socket.protocol).toBe("");
    socket.close();
  });

  it("takes a token as a subprotocol, and answers with the other one", async () => {
    const socket = await dial("watch=1", { protocols: [BEARER, "base64.binary.k8s.io"] });
    expect(socket.protocol).toBe("base64.binary.k8s.io");
    expect(short(await next(socket))).toBe("ADDED a");
    socket.close();
  });

  it("shows tables and metadata", async () => {
    const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
    const socket = await dial("watch=1", { headers: { ...HEADERS, accept } });
    expect(await next(socket)).toMatchObject({ type: "ADDED", object: { kind: "Table" } });
    socket.close();
  });

  it("ends with the time it was given", async () => {
    const socket = await dial(`watch=1&timeoutSeconds=1&resourceVersion=${await api.storage.revision()}`);
    expect(await socket.next()).toBeUndefined();
    expect(await socket.closed).toBe(1000);
  });

  it("ends with an error as its last message", async () => {
    const revision = (await api.storage.revision()) + 100;
    const query = `watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=${revision}`;
    const socket = await dial(query);
    expect(await next(socket)).toMatchObject({ type: "ERROR", object: { kind: "Status", code: 504 } });
    expect(await socket.next()).toBeUndefined();
    expect(await socket.closed).toBe(1000);
  });

  it("is cancelled when its client goes", async () => {
    const wait = { timeout: 10_000, interval: 5 };
    await expect.poll(() => api.hub.stats().watchers, wait).toBe(0);
    const socket = await dial(`watch=1&resourceVersion=${await api.storage.revision()}`);
    await expect.poll(() => api.hub.stats().watchers, wait).toBe(1);
    socket.close();
    await expect.poll(() => api.hub.stats().watchers, wait).toBe(0);
  });

  it.each([
    ["without a token", "watch=1", {}, /^40[13]/],
    ["of a revision that is none", "watch=1&resourceVersion=x", { headers: HEADERS }, /^400/],
    ["of what nobody serves", "watch=1", { headers: { ...HEADERS, accept: "text/html" } }, /^406/],
  ])("%s is refused before it is one", async (_what, query, options, error) => {
    await expect(dial(query, options)).rejects.toThrow(error);
  });
});
