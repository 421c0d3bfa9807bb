/** Addresses and node ports of Services through the API: taken, kept, given back (pkg/registry/core/service of Kubernetes). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { assertFailure, createTestCluster, type Answer, type TestCluster } from "../harness/cluster.ts";

const SERVICES = "/api/v1/namespaces/default/services";
const ADDRESSES = "/apis/networking.k8s.io/v1/ipaddresses";
const MERGE = { "content-type": "application/merge-patch+json" };

interface Port {
  name?: string;
  port: number;
  protocol?: string;
  nodePort?: number;
}
interface Service extends KubeObject {
  spec: {
    type?: string;
    clusterIP?: string;
    clusterIPs?: string[];
    ipFamilies?: string[];
    ipFamilyPolicy?: string;
    healthCheckNodePort?: number;
    externalTrafficPolicy?: string;
    ports?: Port[];
  };
}

let api: TestCluster;
let made = 0;
let name = "";

beforeAll(async () => {
  api = await createTestCluster({ config: { plugins: { enable: [], disable: ["DenyServiceExternalIPs"] } } });
});
afterAll(async () => {
  expect(api.errors).toEqual([]);
  await api.stop();
});
beforeEach(() => {
  made += 1;
  name = `s${made}`;
});

const post = (spec: object, named = name) =>
  api.call<Service>(SERVICES, { method: "POST", body: { metadata: { name: named }, spec } });
const put = (spec: object) =>
  api.call<Service>(`${SERVICES}/${name}`, { method: "PUT", body: { metadata: { name }, spec } });
const patch = (spec: object) =>
  api.call<Service>(`${SERVICES}/${name}`, { method: "PATCH", headers: MERGE, body: { spec } });
const addressOf = (address: string) => api.call(`${ADDRESSES}/${address}`);
const http = [{ port: 80 }];

function byName(ports: readonly Port[] = []): Map<string | undefined, number | undefined> {
  return new Map(ports.map((port) => [port.name, port.nodePort]));
}

function specOf(answer: Answer<Service>): Service["spec"] {
  if (answer.status !== 200 && answer.status !== 201) throw new Error(answer.text);
  return answer.body.spec;
}

describe("addresses", () => {
  it("are IPAddresses, from the first to the last moment", async () => {
    const { clusterIP = "" } = specOf(await post({ ports: http }));
    const { body } = await addressOf(clusterIP);
    expect(body).toMatchObject({
      kind: "IPAddress",
      apiVersion: "networking.k8s.io/v1",
      metadata: {
        name: clusterIP,
        labels: {
          "ipaddress.kubernetes.io/ip-family": "IPv4",
          "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        },
      },
      spec: { parentRef: { resource: "services", namespace: "default", name } },
    });
    expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.metadata.creationTimestamp).toMatch(/Z$/);
    await api.call(`${SERVICES}/${name}`, { method: "DELETE" });
    expect((await addressOf(clusterIP)).status).toBe(404);
  });

  it("the API's own has one, and the range is a ServiceCIDR", async () => {
    const { body } = await addressOf("10.96.0.1");
    expect(body).toMatchObject({
      spec: { parentRef: { resource: "services", namespace: "default", name: "kubernetes" } },
    });
    const range = await api.call("/apis/networking.k8s.io/v1/servicecidrs/kubernetes");
    expect(range.body).toMatchObject({
      spec: { cidrs: ["10.96.0.0/12"] },
      status: { conditions: [{ type: "Ready", status: "True", message: "Kubernetes default Service CIDR is ready" }] },
    });
  });

  it("one that somebody made an IPAddress of is not given to a Service", async () => {
    const address = "10.96.7.7";
    const parentRef = { group: "gateway.example.com", resource: "gateways", name: "g" };
    const byHand = await api.call(ADDRESSES, {
      method: "POST",
      body: { metadata: { name: address }, spec: { parentRef } },
    });
    expect(byHand.status).toBe(201);
    assertFailure(await post({ clusterIP: address, ports: http }), {
      code: 422,
      reason: "Invalid",
      message: `Service "${name}" is invalid: spec.clusterIPs: Invalid value: ["${address}"]: failed to allocate IP ${address}: provided IP is already allocated`,
    });
  });

  it("a dry run takes none", async () => {
    const dry = await api.call<Service>(`${SERVICES}?dryRun=All`, {
      method: "POST",
      body: { metadata: { name }, spec: { clusterIP: "10.96.8.8", ports: http } },
    });
    expect(dry.status).toBe(201);
    expect((await addressOf("10.96.8.8")).status).toBe(404);
  });

  it.each<[string, object, object]>([
    [
      "headless",
      { clusterIP: "None", selector: { a: "b" } },
      { clusterIPs: ["None"], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" },
    ],
    [
      "headless without selector",
      { clusterIP: "None" },
      { ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "RequireDualStack" },
    ],
    [
      "that would rather have two",
      { ipFamilyPolicy: "PreferDualStack", ports: http },
      { ipFamilies: ["IPv4"], ipFamilyPolicy: "PreferDualStack" },
    ],
  ])("of a Service %s", async (_, spec, expected) => expect(specOf(await post(spec))).toMatchObject(expected));

  it.each<[object, string]>([
    [
      { clusterIP: "192.168.0.1", ports: http },
      'spec.clusterIPs: Invalid value: ["192.168.0.1"]: failed to allocate IP 192.168.0.1: the provided IP (192.168.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/12',
    ],
    [
      { ipFamilies: ["IPv6"], ports: http },
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    ],
    [
      { clusterIP: "2001:db8::1", ports: http },
      'spec.clusterIPs[0]: Invalid value: ["2001:db8::1"]: IPv6 is not configured on this cluster',
    ],
    [
      { ipFamilyPolicy: "RequireDualStack", ports: http },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
  ])("%j is refused", async (spec, why) => {
    assertFailure(await post(spec), {
      code: 422,
      reason: "Invalid",
      message: `Service "${name}" is invalid: ${why}`,
    });
  });

  it("stay through updates that know nothing of them, and never change", async () => {
    const first = specOf(await post({ ports: http }));
    const again = specOf(await put({ ports: [{ port: 81 }] }));
    expect([again.clusterIP, again.clusterIPs, again.ipFamilies]).toEqual([
      first.clusterIP,
      first.clusterIPs,
      ["IPv4"],
    ]);
    assertFailure(await patch({ clusterIP: "10.96.9.9" }), {
      code: 422,
      reason: "Invalid",
      message: `Service "${name}" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set`,
    });
    expect((await addressOf("10.96.9.9")).status).toBe(404);
  });
});

describe("a change of type", () => {
  it("to ExternalName gives everything back, and the way back takes anew", async () => {
    const first = specOf(await post({ type: "NodePort", ports: http }));
    const nodePort = first.ports?.[0]?.nodePort;
    const external = specOf(await patch({ type: "ExternalName", externalName: "example.com" }));
    expect(external).toEqual({
      type: "ExternalName",
      externalName: "example.com",
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
      ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    });
    expect((await addressOf(first.clusterIP ?? "")).status).toBe(404);
    // Others may have both now.
    const taken = specOf(
      await post({ type: "NodePort", clusterIP: first.clusterIP, ports: [{ port: 1, nodePort }] }, `${name}-next`),
    );
    expect([taken.clusterIP, taken.ports?.[0]?.nodePort]).toEqual([first.clusterIP, nodePort]);
    const back = specOf(await patch({ type: "ClusterIP", externalName: null }));
    expect(back.clusterIP).toMatch(/^10\./);
    expect(back.clusterIP).not.toBe(first.clusterIP);
    expect((await addressOf(back.clusterIP ?? "")).status).toBe(200);
  });

  it("from ClusterIP to NodePort to LoadBalancer and back keeps the address and the ports as long as they fit", async () => {
    const first = specOf(await post({ ports: http }));
    const node = specOf(await patch({ type: "NodePort" }));
    const nodePort = node.ports?.[0]?.nodePort ?? 0;
    expect(nodePort).toBeGreaterThanOrEqual(30_000);
    const balanced = specOf(await patch({ type: "LoadBalancer", externalTrafficPolicy: "Local" }));
    expect(balanced.ports?.[0]?.nodePort).toBe(nodePort);
    expect(balanced.healthCheckNodePort).toBeGreaterThanOrEqual(30_000);
    expect(balanced.healthCheckNodePort).not.toBe(nodePort);
    const plain = specOf(await patch({ type: "ClusterIP" }));
    expect(plain).toEqual({ ...first, ports: [{ port: 80, protocol: "TCP", targetPort: 80 }] });
    const health = { type: "NodePort", ports: [{ port: 80, nodePort: balanced.healthCheckNodePort }] };
    expect((await post(health, `${name}-next`)).status).toBe(201);
  });

  it("that brings a node port of its own is told that the type has none", async () => {
    await post({ type: "NodePort", ports: [{ port: 80 }] });
    assertFailure(await patch({ type: "ClusterIP", ports: [{ port: 80, nodePort: 30_014 }] }), {
      code: 422,
      reason: "Invalid",
      message: `Service "${name}" is invalid: spec.ports[0].nodePort: Forbidden: may not be used when \`type\` is 'ClusterIP'`,
    });
  });
});

/** Numbers below 30086 are given only to those who ask for them: the tests that do are not met by what others got. */
describe("node ports", () => {
  it("are shared by ports of one number over several protocols", async () => {
    const ports = [
      { name: "a", port: 53, protocol: "UDP" },
      { name: "b", port: 53, protocol: "TCP" },
    ];
    const [udp, tcp] = specOf(await post({ type: "NodePort", ports })).ports ?? [];
    expect(udp?.nodePort).toBe(tcp?.nodePort);
  });

  it("stay with the name of their port, whatever else of it changes", async () => {
    const first = specOf(
      await post({
        type: "NodePort",
        ports: [
          { name: "a", port: 80 },
          { name: "b", port: 81 },
        ],
      }),
    );
    const next = specOf(
      await put({
        type: "NodePort",
        ports: [
          { name: "b", port: 82 },
          { name: "c", port: 80 },
        ],
      }),
    );
    const [before, after] = [byName(first.ports), byName(next.ports)];
    expect(after.get("b")).toBe(before.get("b"));
    expect(after.get("c")).not.toBe(before.get("a"));
  });

  it("that were given up are free", async () => {
    await post({ type: "NodePort", ports: [{ port: 80, nodePort: 30_010 }] });
    const wanted = { type: "NodePort", ports: [{ port: 80, nodePort: 30_010 }] };
    assertFailure(await post(wanted, `${name}-next`), {
      code: 422,
      reason: "Invalid",
      message: `Service "${name}-next" is invalid: spec.ports[0].nodePort: Invalid value: 30010: provided port is already allocated`,
    });
    specOf(await put({ type: "NodePort", ports: [{ port: 80, nodePort: 30_011 }] }));
    specOf(await post(wanted, `${name}-next`));
  });

  it("of a load balancer that wants none are those it asks for", async () => {
    const spec = { type: "LoadBalancer", allocateLoadBalancerNodePorts: false };
    const { ports } = specOf(
      await post({
        ...spec,
        ports: [
          { name: "a", port: 80 },
          { name: "b", port: 81, nodePort: 30_012 },
        ],
      }),
    );
    expect(ports?.map(({ nodePort }) => nodePort)).toEqual([undefined, 30_012]);
  });

  it("of a health check are claimed like others", async () => {
    await post({ type: "NodePort", ports: [{ port: 80, nodePort: 30_013 }] });
    const spec = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 30_013, ports: http };
    assertFailure(await post(spec, `${name}-next`), {
      code: 500,
      reason: "InternalError",
      message:
        "Internal error occurred: failed to allocate requested HealthCheck NodePort 30013: provided port is already allocated",
    });
  });
});

describe("what else is particular to Services", () => {
  it("a PUT of a missing one creates it", async () => {
    const answer = await put({ ports: http });
    expect(answer.status).toBe(201);
    expect((await addressOf(specOf(answer).clusterIP ?? "")).status).toBe(200);
  });

  it.each<[object, string[]]>([
    [{ ports: http }, []],
    [
      { ports: http, externalIPs: ["1.2.3.4"], externalName: "a.b" },
      [
        "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
        'spec.externalName is ignored when spec.type is not "ExternalName"',
      ],
    ],
    [
      { clusterIP: "None", externalIPs: ["1.2.3.4"], loadBalancerIP: "1.2.3.4", sessionAffinity: "ClientIP" },
      [
        "spec.loadBalancerIP is ignored for headless services",
        "spec.externalIPs is ignored for headless services",
        "spec.SessionAffinity is ignored for headless services",
      ],
    ],
    [
      { type: "ExternalName", externalName: "a.b", externalIPs: ["2001:DB8::1"] },
      [
        'spec.externalIPs[0]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")',
        'spec.externalIPs is ignored when spec.type is "ExternalName"',
      ],
    ],
    [
      { ports: http, trafficDistribution: "PreferClose" },
      ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
    ],
  ])("%j is warned of", async (spec, expected) => {
    const { headers } = await post(spec);
    const said = (headers.get("warning") ?? "").split(/, (?=299 )/).filter(Boolean);
    expect(said.map((text) => JSON.parse(text.replace("299 - ", "")) as string)).toEqual(expected);
  });
});
