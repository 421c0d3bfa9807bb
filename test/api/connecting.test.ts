/** port-forward, and the proxies of pods, services and nodes: what the API decides before a node is asked. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import type { StreamTarget } from "../../src/relay/protocol.ts";
import { assertFailure, createTestCluster, type TestCluster } from "../harness/cluster.ts";

let api: TestCluster;
const asked: { node: string; target: StreamTarget }[] = [];
const NAMESPACE = "/api/v1/namespaces/default";
const MERGE = { "content-type": "application/merge-patch+json" };
const REASONS: Readonly<Record<number, string>> = { 400: "BadRequest", 404: "NotFound", 503: "ServiceUnavailable" };
const SOCKET = { upgrade: "websocket", connection: "Upgrade" };

async function create<T = KubeObject>(path: string, body: object): Promise<T> {
  const answer = await api.call<T>(path, { method: "POST", body });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

async function pod(name: string, { ip, ports = [] }: { ip?: string; ports?: object[] } = {}): Promise<KubeObject> {
  const made = await create(`${NAMESPACE}/pods`, {
    metadata: { name },
    spec: { nodeName: "m", containers: [{ name: "main", image: "i", ports }] },
  });
  const status = { phase: "Running", ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }) };
  const answer = await api.call(`${NAMESPACE}/pods/${name}/status`, {
    method: "PATCH",
    headers: MERGE,
    body: { status },
  });
  if (answer.status !== 200) throw new Error(answer.text);
  return made;
}

function slice(name: string, endpoints: object[], service = "web"): Promise<KubeObject> {
  return create("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    metadata: { name, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080 }],
    endpoints,
  });
}

const endpoint = (ip: string, podName: string, more: object = {}) => ({
  addresses: [ip],
  targetRef: { kind: "Pod", namespace: "default", name: podName },
  ...more,
});

beforeAll(async () => {
  api = await createTestCluster({
    streams: {
      open: async (request) => {
        asked.push({ node: request.node, target: request.target });
        return new Response("from the node");
      },
    },
  });
  await create(`${NAMESPACE}/serviceaccounts`, { metadata: { name: "default" } });
  await create("/api/v1/nodes", { metadata: { name: "m" } });
  const addresses = [{ type: "InternalIP", address: "192.0.2.7" }];
  await api.call("/api/v1/nodes/m/status", { method: "PATCH", headers: MERGE, body: { status: { addresses } } });
  await pod("p", { ip: "10.1.0.2", ports: [{ containerPort: 8080 }] });
  await pod("addressless");
  await pod("local", { ip: "127.0.0.1" });
  const ports = [
    { name: "http", port: 80, targetPort: 8080 },
    { name: "other", port: 81 },
  ];
  await create(`${NAMESPACE}/services`, { metadata: { name: "web" }, spec: { ports } });
  await create(`${NAMESPACE}/services`, { metadata: { name: "empty" }, spec: { ports: [{ port: 80 }] } });
  await slice("web-1", [endpoint("10.1.0.2", "p")]);
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

const forward = (query: string, protocol?: string) =>
  api.call(`${NAMESPACE}/pods/p/portforward${query}`, {
    headers: { ...SOCKET, ...(protocol === undefined ? {} : { "sec-websocket-protocol": protocol }) },
  });

describe("port-forward", () => {
  it("is asked of the pod's node, tunnelled or in channels", async () => {
    expect((await forward("", "SPDY/3.1+portforward.k8s.io")).status).toBe(200);
    expect(asked.at(-1)).toMatchObject({
      node: "m",
      target: { kind: "portforward", pod: "p", query: "ports=", subprotocol: "SPDY/3.1+portforward.k8s.io" },
    });
    await forward("?ports=80,443&ports=8080", "v4.channel.k8s.io");
    expect(asked.at(-1)?.target).toMatchObject({ query: "ports=80%2C443%2C8080", subprotocol: "v4.channel.k8s.io" });
    await forward("?ports=80");
    expect(asked.at(-1)?.target.subprotocol).toBeUndefined();
  });

  it.each([
    ["", 'query parameter "port" is required'],
    ["?ports=", 'query parameter "port" cannot be empty'],
    ["?ports=0", 'port "0" must be > 0'],
    ["?ports=x", 'unable to parse "x" as a port: strconv.ParseUint: parsing "x": invalid syntax'],
    ["?ports=80,70000", 'unable to parse "80,70000" as a port: strconv.ParseUint: parsing "70000": value out of range'],
  ])("in channels with %j", async (query, message) => {
    assertFailure(await forward(query, "v4.channel.k8s.io"), { code: 400, reason: "BadRequest", message });
  });

  it("needs an upgrade, a known protocol, and a pod", async () => {
    assertFailure(await api.call(`${NAMESPACE}/pods/p/portforward`), {
      code: 400,
      reason: "BadRequest",
      message: "Upgrade request required",
    });
    assertFailure(await forward("", "v9.channel.k8s.io"), { code: 400, reason: "BadRequest" });
    assertFailure(await api.call(`${NAMESPACE}/pods/none/portforward`, { headers: SOCKET }), {
      code: 404,
      reason: "NotFound",
    });
  });
});

describe("proxies", () => {
  it("lead to a pod, with what the client asks and nothing of its credentials", async () => {
    const { text } = await api.call(`${NAMESPACE}/pods/p/proxy/a%20b/?c=d`, {
      headers: { "x-own": "1", "impersonate-user": "system:admin", "impersonate-group": "system:masters" },
    });
    expect(text).toBe("from the node");
    const { node, target } = asked.at(-1) ?? {};
    expect(node).toBe("m");
    expect(target).toMatchObject({ kind: "proxy", namespace: "default", pod: "p" });
    const { headers, ...proxy } = target?.proxy ?? { headers: [] };
    expect(proxy).toEqual({
      scheme: "http",
      port: 8080,
      address: "10.1.0.2",
      method: "GET",
      path: "/a%20b/?c=d",
      hasBody: false,
      prefix: `${NAMESPACE}/pods/p/proxy`,
    });
    const names = headers.map(([name]) => name);
    expect(names).toContain("x-own");
    expect(names.filter((name) => /authorization|impersonate/.test(name))).toEqual([]);
    expect(headers).toContainEqual(["x-forwarded-uri", `${NAMESPACE}/pods/p/proxy/a%20b/`]);
  });

  it.each(["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])("take %s", async (method) => {
    const hasBody = method === "POST" || method === "PUT" || method === "PATCH";
    const answer = await api.fetch(`${NAMESPACE}/pods/https:p:8443/proxy/x`, {
      method,
      ...(hasBody ? { body: "text", headers: { "content-type": "text/plain" } } : {}),
    });
    expect(answer.status).toBe(200);
    expect(asked.at(-1)?.target.proxy).toMatchObject({ method, hasBody, scheme: "https", port: 8443, path: "/x" });
  });

  it("lead to a service's pod by the name and the number of its port", async () => {
    for (const id of ["web:http", "web:80", "https:web:80"]) {
      expect((await api.call(`${NAMESPACE}/services/${id}/proxy/`)).status).toBe(200);
      expect(asked.at(-1)).toMatchObject({
        node: "m",
        target: { pod: "p", proxy: { port: 8080, address: "10.1.0.2" } },
      });
    }
  });

  it("of a node lead to what a kubelet serves, or to a port of the node", async () => {
    await api.call("/api/v1/nodes/m/proxy/healthz");
    expect(asked.at(-1)).toMatchObject({ node: "m", target: { pod: "", proxy: { path: "/healthz" } } });
    expect(asked.at(-1)?.target.proxy?.port).toBeUndefined();
    await api.call("/api/v1/nodes/m:9100/proxy/metrics");
    expect(asked.at(-1)?.target.proxy).toMatchObject({ port: 9100, address: "192.0.2.7" });
  });

  it("send a page without its slash to the one with it, and no other method", async () => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await api.fetch(`${NAMESPACE}/pods/p/proxy?a=b`, { method });
      expect([answer.status, answer.headers.get("location")]).toEqual([301, `${NAMESPACE}/pods/p/proxy/?a=b`]);
    }
    expect((await api.call(`${NAMESPACE}/pods/p/proxy`, { method: "DELETE" })).status).toBe(200);
    expect(asked.at(-1)?.target.proxy?.path).toBe("/");
  });

  it("pass on the subprotocols of a WebSocket, and no upgrade but that", async () => {
    const protocols = "base64url.bearer.authorization.k8s.io.eA, v1.chat, v2.chat";
    await api.call(`${NAMESPACE}/pods/p/proxy/ws`, { headers: { ...SOCKET, "sec-websocket-protocol": protocols } });
    const { proxy } = asked.at(-1)?.target ?? {};
    expect(proxy?.upgrade).toEqual({ subprotocols: ["v1.chat", "v2.chat"] });
    expect(proxy?.headers.map(([name]) => name).filter((name) => /websocket|upgrade/.test(name))).toEqual([]);
    assertFailure(
      await api.call(`${NAMESPACE}/pods/p/proxy/x`, { headers: { upgrade: "SPDY/3.1", connection: "Upgrade" } }),
      { code: 400, reason: "BadRequest" },
    );
  });

  it.each([
    ["pods/none/proxy/", 404, 'pods "none" not found'],
    ["pods/ftp:p:80/proxy/", 400, 'invalid pod request "ftp:p:80"'],
    ["pods/addressless/proxy/", 400, "address not allowed"],
    ["pods/local/proxy/", 400, "address not allowed"],
    ["pods/p:x/proxy/", 503, "error trying to reach service: dial tcp: lookup tcp/x: unknown port"],
    ["services/none/proxy/", 404, 'services "none" not found'],
    ["services/a:b:c:d/proxy/", 400, 'invalid service request "a:b:c:d"'],
    ["services/web:82/proxy/", 503, 'no service port 82 found for service "web"'],
    ["services/web/proxy/", 503, 'no endpoints available for service "web"'],
    ["services/web:other/proxy/", 503, 'no endpoints available for service "web:other"'],
    ["services/empty:80/proxy/", 503, 'no endpoints available for service "empty"'],
  ])("%s is refused", async (path, code, message) => {
    assertFailure(await api.call(`${NAMESPACE}/${path}`), { code, reason: REASONS[code] ?? "", message });
  });

  it("never lead where only an endpoint says so", async () => {
    await create(`${NAMESPACE}/services`, {
      metadata: { name: "forged" },
      spec: { ports: [{ name: "http", port: 80 }] },
    });
    await slice(
      "forged-1",
      [
        endpoint("10.9.9.9", "p"),
        endpoint("10.1.0.2", "none"),
        endpoint("10.1.0.2", "p", { targetRef: { kind: "Pod", namespace: "kube-system", name: "p" } }),
        { addresses: ["10.1.0.2"] },
      ],
      "forged",
    );
    const before = asked.length;
    assertFailure(await api.call(`${NAMESPACE}/services/forged:80/proxy/`), {
      code: 503,
      reason: "ServiceUnavailable",
      message: 'no endpoints available for service "forged:80"',
    });
    expect(asked).toHaveLength(before);
  });

  it("are of pods, services and nodes alone, and have no path elsewhere", async () => {
    for (const path of [
      `${NAMESPACE}/configmaps/c/proxy`,
      `${NAMESPACE}/configmaps/c/proxy/x`,
      "/api/v1/pods/p/proxy/x",
      "/apis/apps/v1/namespaces/default/deployments/d/proxy/x",
      `${NAMESPACE}/pods/p/log/x`,
    ])
      assertFailure(await api.call(path), { code: 404, reason: "NotFound" });
    assertFailure(await api.call(`${NAMESPACE}/configmaps/c/proxy`, { method: "OPTIONS" }), {
      code: 405,
      reason: "MethodNotAllowed",
    });
  });
});

describe("permissions", () => {
  it("are needed for every method, and for whatever stands behind a proxy", async () => {
    const answer = await create<{ status: { token: string } }>(`${NAMESPACE}/serviceaccounts/default/token`, {});
    const { token } = answer.status;
    const before = asked.length;
    const verbs = { GET: "get", HEAD: "get", POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };
    for (const [method, verb] of Object.entries({ ...verbs, OPTIONS: "options" })) {
      const response = await api.fetch(`${NAMESPACE}/pods/p/proxy/x/y`, { method, token });
      expect([method, response.status]).toEqual([method, 403]);
      if (method !== "HEAD") expect(await response.text()).toContain(`cannot ${verb} resource \\"pods/proxy\\"`);
    }
    for (const path of [`${NAMESPACE}/services/web:80/proxy/x`, "/api/v1/nodes/m/proxy/pods"])
      expect((await api.call(path, { token })).status).toBe(403);
    expect(asked).toHaveLength(before);
  });
});
