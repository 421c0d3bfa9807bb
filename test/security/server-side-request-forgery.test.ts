/**
 * Making the control plane, or a node, ask what the asker could not reach: cloud metadata, loopback, somebody else's pods. By the proxies of
 * pods, services and nodes; by statuses and endpoints that lie; by URLs of webhooks. The node's half, redirects and names that change
 * between the check and the dial (DNS rebinding) are in server-side-request-forgery.node.test.ts.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { NodeStreams } from "../../src/relay/node-streams.ts";
import { createTestCluster, type TestCluster } from "../harness/cluster.ts";
import { make } from "../harness/grants.ts";

const CORE = "/api/v1/namespaces/default";
const MERGE = "application/merge-patch+json";

type Opened = Parameters<NodeStreams["open"]>[0];

let api: TestCluster;
const opened: Opened[] = [];
const uids: Record<string, string> = {};

const patch = (path: string, body: object) =>
  api.call(path, { method: "PATCH", headers: { "content-type": MERGE }, body });

async function pod(namespace: string, name: string, ip: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const spec = { containers: [{ name: "a", image: "i" }] };
  uids[name] = (await make(api, path, { metadata: { name }, spec })).metadata.uid;
  await make(api, `${path}/${name}/binding`, { metadata: { name }, target: { kind: "Node", name: "n1" } });
  await patch(`${path}/${name}/status`, { status: { phase: "Running", podIP: ip, podIPs: [{ ip }] } });
}

beforeAll(async () => {
  api = await createTestCluster({
    streams: {
      async open(request) {
        opened.push(request);
        return new Response("reached");
      },
    },
  });
  await make(api, "/api/v1/namespaces", { metadata: { name: "other" } });
  for (const namespace of ["default", "other"])
    await make(api, `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "default" } });
  await make(api, "/api/v1/nodes", { metadata: { name: "n1" } });
  await patch("/api/v1/nodes/n1/status", { status: { addresses: [{ type: "InternalIP", address: "10.0.0.1" }] } });
  await pod("default", "web", "10.1.0.2");
  await pod("other", "private", "10.1.0.3");
});
beforeEach(() => {
  opened.length = 0;
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});

describe("a proxy", () => {
  it("leads to the pod that it names", async () => {
    expect((await api.call(`${CORE}/pods/web:80/proxy/x`)).text).toBe("reached");
    expect(opened[0]).toMatchObject({
      node: "n1",
      target: { pod: "web", uid: uids["web"], proxy: { address: "10.1.0.2" } },
    });
  });

  it.each([
    ...["127.0.0.1", "169.254.169.254", "evil.test", "localhost", "2130706433", "0x7f000001", "0177.0.0.1"].flatMap(
      (host) => [host, `${host}:80`, `http:${host}:80`, `https:${host}:443`],
    ),
    "[::1]:80",
    "%5B::1%5D:80",
    "::1",
    "::ffff:127.0.0.1",
    "web@evil.test",
    "web@evil.test:80",
    "web:80@evil.test",
    "web%40evil.test:80",
    "web%2f..%2f..%2fsecrets",
    "web%23@evil.test",
    "web%00.evil.test",
    "web%0d%0aHost:evil.test",
    "ftp:web:80",
    "file:web:80",
    "gopher:web:80",
    "http:web:80:evil.test",
    "web:80%20evil.test",
    "web:0",
    "web:-1",
    "web:65536",
    "web:80.5",
    "web:0x50",
    "web:８０",
    "private",
    "private:80",
    "other%2fprivate",
    "..%2fother%2fpods%2fprivate",
  ])("leads nowhere by the name %s", async (name) => {
    for (const plural of ["pods", "services"]) {
      const answer = await api.call(`${CORE}/${plural}/${name}/proxy/`);
      expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
    }
    expect(opened.filter(({ target }) => target.pod !== "web" || target.proxy?.port !== 80)).toEqual([]);
    expect(opened.map(({ target }) => target.proxy?.address).filter((address) => address !== "10.1.0.2")).toEqual([]);
  });

  it("leads nowhere by the path, the query, or the host that the client names", async () => {
    const paths = [
      "//evil.test/x",
      "/@evil.test",
      "/http://evil.test/",
      "/\\evil.test",
      "/%2f%2fevil.test",
      "/..//evil.test",
      "/?x=//evil.test",
    ];
    for (const path of paths) {
      await api.call(`${CORE}/pods/web:80/proxy${path}`, { headers: { "x-forwarded-host": "evil.test" } });
      const { target, node } = opened.at(-1) ?? {};
      expect([node, target?.pod, target?.proxy?.address, target?.proxy?.port], path).toEqual([
        "n1",
        "web",
        "10.1.0.2",
        80,
      ]);
      expect(target?.proxy?.path).toMatch(/^\/(?!\/)/);
      expect(new Map(target?.proxy?.headers).get("host")).toBe("gantry.test:6443");
    }
  });

  it.each([
    "127.0.0.1",
    "127.9.9.9",
    "169.254.169.254",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "127.1",
    "localhost",
    "metadata.google.internal",
    "127.0.0.1:80",
    "127.0.0.1%eth0",
    " 127.0.0.1",
    "",
  ])("leads nowhere where a pod's status, or a node's, says %j", async (address) => {
    await patch(`${CORE}/pods/web/status`, { status: { podIP: address, podIPs: [{ ip: address }] } });
    await patch("/api/v1/nodes/n1/status", { status: { addresses: [{ type: "InternalIP", address }] } });
    for (const path of [
      `${CORE}/pods/web:80/proxy/`,
      "/api/v1/nodes/n1:9100/proxy/",
      "/api/v1/nodes/https:n1:443/proxy/",
    ])
      await api.call(path);
    const reached = opened.map(({ target }) => target.proxy?.address);
    // What no address may be was not written, and the old one stands.
    expect(reached.filter((one) => one !== "10.1.0.2" && one !== "10.0.0.1")).toEqual([]);
    await patch(`${CORE}/pods/web/status`, { status: { podIP: "10.1.0.2", podIPs: [{ ip: "10.1.0.2" }] } });
    await patch("/api/v1/nodes/n1/status", { status: { addresses: [{ type: "InternalIP", address: "10.0.0.1" }] } });
  });
});

const targetRef = (name: string, namespace = "default") => ({ kind: "Pod", name, namespace });

describe("the proxy of a service", () => {
  const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
  let count = 0;

  async function serviceWith(endpoints: object[]): Promise<string> {
    const name = `s${(count += 1)}`;
    await make(api, `${CORE}/services`, { metadata: { name }, spec: { ports: [{ port: 80 }] } });
    await make(api, SLICES, {
      metadata: { name, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ port: 80 }],
      endpoints,
    });
    return name;
  }

  it("leads to a pod at its own address", async () => {
    const name = await serviceWith([{ addresses: ["10.1.0.2"], targetRef: targetRef("web") }]);
    expect((await api.call(`${CORE}/services/${name}/proxy/x`)).text).toBe("reached");
  });

  it.each<[string, object]>([
    ["an address of nobody's", { addresses: ["10.9.9.9"] }],
    ["another address under a pod's name", { addresses: ["10.9.9.9"], targetRef: targetRef("web") }],
    ["another pod's address under a pod's name", { addresses: ["10.1.0.3"], targetRef: targetRef("web") }],
    ["a pod of another namespace", { addresses: ["10.1.0.3"], targetRef: targetRef("private", "other") }],
    ["a pod of another namespace as one of its own", { addresses: ["10.1.0.3"], targetRef: targetRef("private") }],
    ["a node", { addresses: ["10.0.0.1"], targetRef: { kind: "Node", name: "n1" } }],
    ["a pod that is not there", { addresses: ["10.1.0.2"], targetRef: targetRef("none") }],
  ])("leads nowhere by endpoints with %s", async (_name, endpoint) => {
    const name = await serviceWith([endpoint]);
    for (const target of [name, `${name}:80`, `http:${name}:80`, `https:${name}:80`])
      expect((await api.call(`${CORE}/services/${target}/proxy/x`)).status).toBe(503);
    expect(opened).toEqual([]);
  });

  it.each(["169.254.169.254", "127.0.0.1", "metadata.google.internal", "localhost", "private.other.svc.cluster.local"])(
    "leads nowhere by the external name %s",
    async (externalName) => {
      const name = `e${(count += 1)}`;
      await api.call(`${CORE}/services`, {
        method: "POST",
        body: { metadata: { name }, spec: { type: "ExternalName", externalName, ports: [{ port: 80 }] } },
      });
      for (const target of [name, `${name}:80`]) {
        const answer = await api.call(`${CORE}/services/${target}/proxy/x`);
        expect([404, 503]).toContain(answer.status);
      }
      expect(opened).toEqual([]);
    },
  );
});

describe("a URL in an object", () => {
  const URLS = [
    "https://169.254.169.254/latest/meta-data",
    "https://127.0.0.1:6443/",
    "https://[::1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://localhost/",
    "https://user:password@evil.test/",
    "https://evil.test/hook",
  ];

  it("is asked by nobody here", async () => {
    const asked: string[] = [];
    const real = globalThis.fetch;
    vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
      asked.push(typeof input === "string" ? input : "url" in input ? input.url : input.href);
      return real(input, init);
    });
    for (const [index, url] of URLS.entries()) {
      const webhook = {
        name: "hook.evil.test",
        clientConfig: { url },
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        failurePolicy: "Ignore",
        rules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*"] }],
      };
      const group = "/apis/admissionregistration.k8s.io/v1";
      const metadata = { name: `hook-${index}` };
      const bodies: [string, object][] = [
        [`${group}/validatingwebhookconfigurations`, { metadata, webhooks: [webhook] }],
        [`${group}/mutatingwebhookconfigurations`, { metadata, webhooks: [webhook] }],
      ];
      for (const [path, body] of bodies) await api.call(path, { method: "POST", body });
      await make(api, `${CORE}/configmaps`, { metadata: { name: `map-${index}` }, data: { url } });
      await api.call(`${CORE}/configmaps/map-${index}`);
    }
    const hosts = URLS.map((url) => new URL(url).host);
    expect(asked.filter((url) => hosts.includes(new URL(url).host))).toEqual([]);
    vi.restoreAllMocks();
  });
});
