/** What a proxy's path, name and headers mean, and where it may lead. */
import { describe, expect, it } from "vitest";
import type { Node } from "../../../kinds/core/nodes/types.ts";
import type { Pod } from "../../../kinds/core/pods/types.ts";
import type { Service } from "../../../kinds/core/services/types.ts";
import type { EndpointSlice } from "../../../kinds/discovery/endpointslices/types.ts";
import { isGlobalUnicast } from "./addresses.ts";
import { forwardedHeaders, offeredSubprotocols, splitProxiedPath } from "./forwarded.ts";
import { candidatesOf, locateNode, locatePod, servicePortName } from "./location.ts";
import { parseTargetName } from "./target-name.ts";

const forwarded = (headers: Record<string, string>) =>
  Object.fromEntries(
    forwardedHeaders(new Request("https://api.test:6443/x", { headers }), { prefix: "/pre", path: "/a/" }),
  );

const podOf = (ip: string, more: object = {}): Pod => ({
  metadata: { namespace: "n", name: "p", uid: "u" },
  spec: { nodeName: "m", containers: [{ name: "a" }, { name: "b", ports: [{ containerPort: 8080 }] }] },
  status: { podIPs: [{ ip }] },
  ...more,
});

const podAt = (text: string, pod = podOf("10.1.0.2")) => {
  const name = parseTargetName(text);
  if (!name) throw new Error(text);
  return locatePod(pod, name);
};

const endpoint = (more: object) => ({
  addresses: ["10.1.0.2"],
  targetRef: { kind: "Pod", namespace: "n", name: "p" },
  ...more,
});

const node = (address: string, Port?: number): Node =>
  ({
    metadata: { name: "m" },
    status: {
      addresses: [{ type: "InternalIP", address }],
      ...(Port === undefined ? {} : { daemonEndpoints: { kubeletEndpoint: { Port } } }),
    },
  }) as Node;

const nodeAt = (text: string, of: Node) =>
  locateNode(of, parseTargetName(text) ?? { scheme: "http", name: "", port: "" });

describe("names", () => {
  it.each([
    ["p", { scheme: "http", name: "p", port: "" }],
    ["p:80", { scheme: "http", name: "p", port: "80" }],
    ["p:web", { scheme: "http", name: "p", port: "web" }],
    ["https:p:443", { scheme: "https", name: "p", port: "443" }],
    ["http:p:", { scheme: "http", name: "p", port: "" }],
    [":p:80", { scheme: "http", name: "p", port: "80" }],
    ["", undefined],
    [":80", undefined],
    ["ftp:p:21", undefined],
    ["http::80", undefined],
    ["http:p:80:x", undefined],
  ])("%j", (text, expected) => {
    expect(parseTargetName(text)).toEqual(expected);
  });
});

describe("addresses", () => {
  it.each([
    ["10.244.0.7", true],
    ["192.168.1.1", true],
    ["8.8.8.8", true],
    ["fd00::7", true],
    ["2001:db8::1", true],
    ["127.0.0.1", false],
    ["127.9.9.9", false],
    ["169.254.169.254", false],
    ["0.0.0.0", false],
    ["255.255.255.255", false],
    ["224.0.0.1", false],
    ["239.255.255.255", false],
    ["::", false],
    ["::1", false],
    ["fe80::1", false],
    ["febf::1", false],
    ["ff02::1", false],
    ["::ffff:127.0.0.1", false],
    ["::ffff:10.0.0.1", true],
    ["", false],
    ["localhost", false],
    ["10.0.0.1:80", false],
  ])("%j", (address, expected) => {
    expect(isGlobalUnicast(address)).toBe(expected);
  });
});

describe("paths", () => {
  const pod = "/api/v1/namespaces/n/pods/p/proxy";
  it.each([
    [pod, pod, ""],
    [`${pod}/`, pod, "/"],
    [`${pod}/a/b`, pod, "/a/b"],
    [`${pod}/a/b/`, pod, "/a/b/"],
    [`${pod}//a///b`, pod, "/a/b"],
    [`${pod}/../../../../secrets`, pod, "/secrets"],
    [`${pod}/a/./../b`, pod, "/b"],
    [`${pod}/a%2Fb%20c`, pod, "/a%2Fb%20c"],
    [`${pod}/x/proxy/y`, pod, "/x/proxy/y"],
    ["/api/v1/namespaces/n/pods/proxy/proxy/x", "/api/v1/namespaces/n/pods/proxy/proxy", "/x"],
    ["/api/v1/namespaces/n/services/http:s:80/proxy/x", "/api/v1/namespaces/n/services/http:s:80/proxy", "/x"],
    ["/api/v1/nodes/m/proxy/healthz", "/api/v1/nodes/m/proxy", "/healthz"],
    ["/api/v1/nodes/m/%70roxy/healthz", "/api/v1/nodes/m/%70roxy", "/healthz"],
  ])("%s", (path, prefix, rest) => {
    expect(splitProxiedPath(path)).toEqual({ prefix, path: rest });
  });
});

describe("headers", () => {
  const added = { host: "api.test:6443", "x-forwarded-uri": "/pre/a/" };

  it("keeps the client's own, with the host it asked", () => {
    expect(forwarded({ accept: "text/html", cookie: "a=b", "x-custom": "1", "x-forwarded-for": "192.0.2.1" })).toEqual({
      ...added,
      accept: "text/html",
      cookie: "a=b",
      "x-custom": "1",
      "x-forwarded-for": "192.0.2.1",
    });
  });

  it("withholds credentials, and whom the client acts as", () => {
    expect(
      forwarded({
        authorization: "Bearer secret",
        "impersonate-user": "jane",
        "impersonate-extra-scopes": "x",
        "proxy-authorization": "Basic x",
        "sec-websocket-protocol": "base64url.bearer.authorization.k8s.io.c2VjcmV0",
      }),
    ).toEqual(added);
  });

  it("drops what is of the connection, and what the connection names", () => {
    expect(
      forwarded({
        connection: "close, X-Hop",
        "x-hop": "1",
        te: "trailers",
        "keep-alive": "x",
        upgrade: "websocket",
        trailer: "x",
        "x-forwarded-uri": "/forged",
      }),
    ).toEqual(added);
  });

  it("offers the pod the client's subprotocols without its token", () => {
    const headers = new Headers({
      "sec-websocket-protocol": "chat, base64url.bearer.authorization.k8s.io.c2VjcmV0, v2.chat",
    });
    expect(offeredSubprotocols(headers)).toEqual(["chat", "v2.chat"]);
    expect(offeredSubprotocols(new Headers())).toEqual([]);
  });
});

describe("pods", () => {
  const location = { node: "m", pod: { namespace: "n", name: "p", uid: "u" }, address: "10.1.0.2", scheme: "http" };

  it("means the first port that a container declares, or the scheme's", () => {
    expect(podAt("p")).toEqual({ ...location, port: 8080 });
    expect(podAt("p:1234")).toEqual({ ...location, port: 1234 });
    const bare = podOf("10.1.0.2", { spec: { nodeName: "m", containers: [{ name: "a" }] } });
    expect(podAt("p", bare)).toEqual({ ...location, port: 80 });
    expect(podAt("https:p:", bare)).toEqual({ ...location, scheme: "https", port: 443 });
  });

  it.each([
    ["p:web", "error trying to reach service: dial tcp: lookup tcp/web: unknown port"],
    ["p:70000", "error trying to reach service: dial tcp: address 70000: invalid port"],
    ["p:0", "error trying to reach service: dial tcp: address 0: invalid port"],
    ["p:80@evil", "error trying to reach service: dial tcp: lookup tcp/80@evil: unknown port"],
  ])("%s is no port", (text, message) => {
    expect(() => podAt(text)).toThrow(expect.objectContaining({ code: 503, message }));
  });

  it.each(["127.0.0.1", "169.254.169.254", "::1", "nonsense"])("never leads to %s", (ip) => {
    expect(() => podAt("p", podOf(ip))).toThrow(expect.objectContaining({ code: 400, message: "address not allowed" }));
  });

  it("needs an address and a node", () => {
    expect(() => podAt("p", podOf("10.1.0.2", { status: {} }))).toThrow("address not allowed");
    expect(() => podAt("p", podOf("10.1.0.2", { spec: { containers: [{ name: "a" }] } }))).toThrow(
      "address not allowed",
    );
  });
});

describe("services", () => {
  const service = { spec: { ports: [{ name: "http", port: 80 }, { port: 443 }] } } as Service;
  const name = (text: string) =>
    servicePortName(service, parseTargetName(text) ?? { scheme: "http", name: "", port: "" });

  it("names a port by its name or by its number", () => {
    expect([name("s:http"), name("s:80"), name("s:443"), name("s"), name("s:x")]).toEqual([
      "http",
      "http",
      "",
      "",
      "x",
    ]);
    expect(() => name("s:81")).toThrow(
      expect.objectContaining({ code: 503, message: 'no service port 81 found for service "s"' }),
    );
  });

  it("takes endpoints that are ready pods of its own namespace only", () => {
    const slices = [
      {
        ports: [{ name: "http", port: 8080 }, { port: 9 }],
        endpoints: [
          endpoint({}),
          endpoint({ conditions: { ready: false } }),
          endpoint({ targetRef: undefined }),
          endpoint({ targetRef: { kind: "Node", name: "m" } }),
          endpoint({ targetRef: { kind: "Pod", namespace: "other", name: "p" } }),
        ],
      },
      { ports: [{ name: "other", port: 1 }], endpoints: [endpoint({})] },
      { ports: [{ name: "http", port: 8081 }] },
    ] as unknown as EndpointSlice[];
    expect(candidatesOf(slices, "http", "n")).toEqual([{ address: "10.1.0.2", podName: "p", port: 8080 }]);
    expect(candidatesOf(slices, "", "n")).toEqual([{ address: "10.1.0.2", podName: "p", port: 9 }]);
  });
});

describe("nodes", () => {
  it("is the kubelet at no port and at its own", () => {
    for (const text of ["m", "m:10250", "https:m:10250"])
      expect(nodeAt(text, node("127.0.0.1"))).toMatchObject({ node: "m", port: undefined });
    expect(nodeAt("m:10350", node("10.0.0.1", 10350))).toMatchObject({ port: undefined });
  });

  it("is a server on the node at another port, unless the node is at a local address", () => {
    expect(nodeAt("m:9100", node("10.0.0.1"))).toMatchObject({ port: 9100, address: "10.0.0.1" });
    expect(() => nodeAt("m:9100", node("127.0.0.1"))).toThrow("address not allowed");
    expect(() => nodeAt("m:9100", node("169.254.0.1"))).toThrow("address not allowed");
  });
});
