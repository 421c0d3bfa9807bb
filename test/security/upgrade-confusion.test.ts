/**
 * An upgrade that is none, or is another's: who asks for one gets no more than the request would have got, its credentials stay behind, and
 * only what is a WebSocket is passed on. (What a pod answers instead of an upgrade, CVE-2018-1002105, is tried over real sockets on both
 * brokers: agent/streams/proxy.test.ts and relay/edge-proxy.test.ts.)
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { NodeStreams } from "../../src/relay/node-streams.ts";
import { createTestCluster, type TestCluster, type TestRequest } from "../harness/cluster.ts";
import { grantRules, make } from "../harness/grants.ts";

const PODS = "/api/v1/namespaces/default/pods";
const TOKEN = "c2VjcmV0LXRva2Vu";

type Opened = Parameters<NodeStreams["open"]>[0];
let api: TestCluster;
const opened: Opened[] = [];

const rule = (verbs: string[], ...resources: string[]) => ({ verbs, apiGroups: [""], resources });

beforeAll(async () => {
  api = await createTestCluster({
    streams: {
      async open(request) {
        opened.push(request);
        return new Response("reached");
      },
    },
  });
  await make(api, "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  await make(api, "/api/v1/nodes", { metadata: { name: "n1" } });
  await make(api, PODS, { metadata: { name: "p" }, spec: { containers: [{ name: "a", image: "i" }] } });
  await make(api, `${PODS}/p/binding`, { metadata: { name: "p" }, target: { kind: "Node", name: "n1" } });
  await api.call(`${PODS}/p/status`, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: { status: { phase: "Running", podIP: "10.1.0.2", podIPs: [{ ip: "10.1.0.2" }] } },
  });
  await grantRules(api, {
    user: "reader",
    rules: [rule(["get", "list", "watch"], "pods", "pods/log", "services", "nodes")],
  });
  await grantRules(api, {
    user: "getter",
    rules: [rule(["get"], "pods", "pods/proxy", "pods/exec", "pods/attach", "pods/portforward")],
  });
});
beforeEach(() => {
  opened.length = 0;
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const WEBSOCKET = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-protocol": "v5.channel.k8s.io" };
const UPGRADES: Record<string, string>[] = [
  WEBSOCKET,
  { upgrade: "WebSocket", connection: "keep-alive, Upgrade" },
  { upgrade: "SPDY/3.1", connection: "Upgrade" },
  { upgrade: "h2c", connection: "Upgrade, HTTP2-Settings" },
  { upgrade: "websocket, h2c", connection: "upgrade" },
  { upgrade: "TLS/1.0", connection: "Upgrade" },
];

describe("an upgrade gets no more than its request", () => {
  const STREAMS = [
    `${PODS}/p/exec?command=sh`,
    `${PODS}/p/attach?stdin=true`,
    `${PODS}/p/portforward?ports=80`,
    `${PODS}/p/proxy/`,
    `${PODS}/p:80/proxy/x`,
    "/api/v1/nodes/n1/proxy/pods",
  ];

  it.each(UPGRADES)("for who may read pods: %j", async (headers) => {
    for (const path of STREAMS)
      for (const method of ["GET", "POST"]) {
        const answer = await api.call(path, { method, headers: { ...headers, "Impersonate-User": "reader" } });
        expect(answer.status, `${method} ${path}`).toBe(403);
      }
    for (const path of [PODS, `${PODS}/p`, "/api/v1/nodes"]) {
      const answer = await api.call(path, { headers: { ...headers, "Impersonate-User": "reader" } });
      // As without it, or told that this is none to be upgraded.
      expect([200, 400], path).toContain(answer.status);
    }
    expect(opened).toEqual([]);
  });

  it("for who may get a stream, and not make one", async () => {
    for (const path of STREAMS.slice(0, 3)) {
      const answer = await api.call(path, { headers: { ...WEBSOCKET, "Impersonate-User": "getter" } });
      expect(answer.status, `${path}: ${answer.text}`).toBe(403);
    }
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const answer = await api.call(`${PODS}/p:80/proxy/x`, {
        method,
        headers: { ...WEBSOCKET, "Impersonate-User": "getter" },
      });
      expect(answer.status, method).toBe(403);
    }
    expect(opened).toEqual([]);
    expect((await api.call(`${PODS}/p:80/proxy/x`, { headers: { "Impersonate-User": "getter" } })).text).toBe(
      "reached",
    );
  });
});

const proxied = (headers: Record<string, string>, init: TestRequest = {}) =>
  api.call(`${PODS}/p:80/proxy/x`, { ...init, headers });

describe("what goes on to a pod", () => {
  it.each([
    { upgrade: "SPDY/3.1", connection: "Upgrade" },
    { upgrade: "h2c", connection: "Upgrade" },
    { upgrade: "websocket, h2c", connection: "Upgrade" },
    { upgrade: "websocket\u00a0", connection: "Upgrade" },
  ])("is no other upgrade: %j", async (headers) => {
    expect((await proxied(headers)).status).toBe(400);
    expect(opened).toEqual([]);
  });

  it("is no upgrade of a request with a body, or without its connection's word", async () => {
    expect((await proxied(WEBSOCKET, { method: "POST", body: "x" })).status).toBe(400);
    expect(opened).toEqual([]);
    await proxied({ upgrade: "websocket" });
    await proxied({ upgrade: "websocket", connection: "keep-alive, X-Upgrade" });
    expect(opened.map(({ target }) => target.proxy?.upgrade)).toEqual([undefined, undefined]);
    for (const { target } of opened) expect(new Map(target.proxy?.headers).has("upgrade")).toBe(false);
  });

  it.each<[string, Record<string, string>]>([
    ["a plain request", {}],
    ["an upgrade", WEBSOCKET],
    [
      "an upgrade with a token among its protocols",
      { ...WEBSOCKET, "sec-websocket-protocol": `chat, base64url.bearer.authorization.k8s.io.${TOKEN}, v2` },
    ],
    [
      "a connection that names what is to stay",
      { connection: "Upgrade, Authorization, Host, X-Forwarded-Uri", upgrade: "websocket" },
    ],
    ["the words of a tunnel", { "proxy-authorization": "Basic x", te: "trailers", trailer: "x", "keep-alive": "x" }],
  ])("is never the client's credential, by %s", async (_name, headers) => {
    const answer = await proxied({
      "Impersonate-User": "getter",
      "Impersonate-Extra-scopes": "x",
      authorization: "Bearer test-admin-token",
      ...headers,
    });
    // Whoever is impersonated may need rights of the extras: the administrator has them all.
    expect(answer.status, answer.text).toBe(200);
    const target = opened[0]?.target;
    const sent = JSON.stringify(target);
    for (const secret of ["test-admin-token", TOKEN, "bearer.authorization", "impersonate", "Basic x"])
      expect(sent.toLowerCase()).not.toContain(secret.toLowerCase());
    const names = (target?.proxy?.headers ?? []).map(([name]) => name);
    for (const name of ["authorization", "proxy-authorization", "connection", "upgrade", "te", "trailer", "keep-alive"])
      expect(names).not.toContain(name);
  });
});
