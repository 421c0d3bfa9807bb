/**
 * A client that plays the proxy in front (`X-Remote-User`), the load balancer (`X-Forwarded-For`) or our own platform: nobody is believed
 * about himself, neither who he is nor where he comes from. What the platform takes off is tried on its own sockets on Node; the edge's
 * is in src/platform/workers/as-received.workers.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isIdentityHeader } from "../../src/http/identity-headers.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { make } from "../harness/grants.ts";
import type { ServedCluster } from "../harness/served-cluster.ts";
import { testRuntime } from "../harness/test-runtime.ts";

const SOMEWHERE = "203.0.113.7";

/** As they are written: clients choose the case. */
const FORGED: [string, string][] = [
  ["X-Remote-User", "admin"],
  ["x-remote-user", "admin"],
  ["X-REMOTE-USER", "system:admin"],
  ["X-Remote-Group", "system:masters"],
  ["X-Remote-Extra-Scopes", "all"],
  ["X-Remote-Extra-", "all"],
  ["X-Remote-Uid", "0"],
  ["X-Forwarded-For", SOMEWHERE],
  ["X-Forwarded-For", "127.0.0.1"],
  ["X-Forwarded-Host", SOMEWHERE],
  ["X-Forwarded-Proto", "https"],
  ["X-Forwarded-User", "admin"],
  ["X-Forwarded-Client-Cert", "Subject=CN=admin,O=system:masters"],
  ["X-Forwarded-Access-Token", "x"],
  ["Forwarded", `for=${SOMEWHERE}`],
  ["X-Real-Ip", SOMEWHERE],
  ["X-Client-Ip", SOMEWHERE],
  ["True-Client-Ip", SOMEWHERE],
  ["Gantry-Client-Address", SOMEWHERE],
];
/** Others' words for the same, which nothing here reads. */
const UNREAD: [string, string][] = [
  ["X-Authenticated-User", "admin"],
  ["Remote-User", "admin"],
  ["X-Auth-Request-Groups", "system:masters"],
  ["X-Ssl-Client-S-Dn", "CN=admin,O=system:masters"],
  ["X_Remote_User", "admin"],
  ["Cf-Access-Authenticated-User-Email", "admin@example.test"],
];

interface Me {
  status: { userInfo: { username: string; groups: string[] } };
}

describe("whoever says of himself that he is somebody", () => {
  let api: TestCluster;
  let token: string;
  beforeAll(async () => {
    api = await createTestCluster();
    const accounts = "/api/v1/namespaces/default/serviceaccounts";
    await make(api, accounts, { metadata: { name: "plain" } });
    token = (await make<{ status: { token: string } }>(api, `${accounts}/plain/token`, {})).status.token;
  });
  afterAll(async () => {
    expect(api.errors).toEqual([]);
    await api.stop();
  });

  it.each([...FORGED, ...UNREAD])("by %s: %s is who he is", async (name, value) => {
    const headers = { [name]: value };
    const me = await api.call<Me>("/apis/authentication.k8s.io/v1/selfsubjectreviews", {
      method: "POST",
      body: {},
      token,
      headers,
    });
    expect(me.body.status.userInfo.username).toBe("system:serviceaccount:default:plain");
    expect(me.body.status.userInfo.groups).not.toContain("system:masters");
    for (const who of [token, null]) {
      const answer = await api.call("/api/v1/namespaces/kube-system/secrets", { token: who, headers });
      expect(answer.status).toBe(403);
      expect(answer.text).toContain(who === null ? "system:anonymous" : "system:serviceaccount:default:plain");
    }
  });

  it("and the platforms take all of them off", () => {
    for (const [name] of FORGED) expect(isIdentityHeader(name.toLowerCase()), name).toBe(true);
  });
});

describe.skipIf(testRuntime.name !== "Node")("on Node's own sockets", () => {
  let served: ServedCluster;
  beforeAll(async () => {
    const { serveTestCluster } = await import("../harness/served-cluster.ts");
    served = await serveTestCluster({ audited: true });
  });
  afterAll(() => served.stop());

  const PATH = "/api/v1/namespaces/default/configmaps";

  /** The status of a POST, by what the connection is spoken in. */
  async function overHttp1(name: string, headers: [string, string][]): Promise<number> {
    const { connect } = await import("node:tls");
    const { default: events } = await import("node:events");
    const body = JSON.stringify({ metadata: { name } });
    const socket = connect({ host: served.host, port: served.port, ca: served.ca });
    await events.once(socket, "secureConnect");
    const lines = [`POST ${PATH} HTTP/1.1`, "Host: x", `Authorization: Bearer ${served.token}`];
    lines.push(...headers.map((pair) => pair.join(": ")), "Content-Type: application/json", "Connection: close");
    socket.write(`${lines.join("\r\n")}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    let text = "";
    socket.on("data", (chunk: { toString(): string }) => (text += chunk.toString()));
    await events.once(socket, "close");
    return Number(text.split(" ")[1]);
  }

  async function overHttp2(name: string, headers: [string, string][]): Promise<number> {
    const { connect } = await import("node:http2");
    const { default: events } = await import("node:events");
    const session = connect(served.url, { ca: served.ca });
    const all: Record<string, string | string[]> = {};
    for (const [key, value] of headers) all[key.toLowerCase()] = [all[key.toLowerCase()] ?? [], value].flat();
    const stream = session.request({
      ...all,
      ":method": "POST",
      ":path": PATH,
      authorization: `Bearer ${served.token}`,
      "content-type": "application/json",
    });
    stream.end(JSON.stringify({ metadata: { name } }));
    const [answer] = (await events.once(stream, "response")) as [{ ":status"?: number }];
    stream.resume();
    await events.once(stream, "close");
    session.close();
    return answer[":status"] ?? 0;
  }

  it.each([
    ["HTTP/1.1", "one", overHttp1],
    ["HTTP/2", "two", overHttp2],
  ])("over %s nothing of it is written down", async (_name, name, send) => {
    // Again and again in one request: whoever looks at the first alone, or at the last, finds one.
    expect(await send(name, [...FORGED, ...FORGED])).toBe(201);
    const { items } = (
      await served.api.call<{ items: { sourceIPs?: string[]; user: { username: string } }[] }>("/audit")
    ).body;
    expect(items[0]).toMatchObject({ sourceIPs: ["127.0.0.1"], user: { username: "admin" } });
    expect(JSON.stringify(items)).not.toContain(SOMEWHERE);
  });
});
