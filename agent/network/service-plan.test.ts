import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../src/machinery/meta.ts";
import { planRoutes } from "./routes.ts";
import { tableDifference, wholeTable } from "./ruleset.ts";
import { planTable, type Endpoint, type ServicePlanInput } from "./service-plan.ts";

function service(spec: Record<string, unknown>, name = "web"): KubeObject {
  return {
    metadata: { namespace: "default", name },
    spec: { clusterIP: "10.96.0.10", ports: [{ port: 80 }], ...spec },
  };
}

function slice(endpoints: Endpoint[], ports = [{ port: 8080 }] as unknown[]): KubeObject {
  const labels = { "kubernetes.io/service-name": "web" };
  return { metadata: { namespace: "default", name: "web-1", labels }, addressType: "IPv4", ports, endpoints };
}

const ready = (address: string, nodeName = "n1"): Endpoint => ({
  addresses: [address],
  nodeName,
  conditions: { ready: true },
});

function input(changes: Partial<ServicePlanInput> = {}): ServicePlanInput {
  return {
    nodeName: "n1",
    services: [],
    endpointSlices: [],
    podCidr: "10.244.0.0/24",
    peerCidrs: ["10.244.1.0/24"],
    relay: { serviceIp: "10.96.0.1", address: "0.0.0.0", port: 7443 },
    bridgeNetfilter: true,
    ...changes,
  };
}

/** The rule a connection to that element meets. */
function ruleFor(changes: Partial<ServicePlanInput>, key: string): string | undefined {
  const table = planTable(input(changes));
  const verdict = table.maps.service_ports.get(key) ?? table.maps.node_ports.get(key);
  return verdict === undefined ? undefined : table.chains.get(verdict.replace("goto ", ""))?.[0];
}

const CLUSTER_IP = "10.96.0.10 . tcp . 80";

describe("which endpoints a service port leads to", () => {
  const two = [slice([ready("10.244.0.2"), ready("10.244.1.3", "n2")])];
  const ending: Endpoint = {
    addresses: ["10.244.0.9"],
    conditions: { ready: false, serving: true, terminating: true },
  };
  test.each<[string, Record<string, unknown>, KubeObject[], string, string | undefined]>([
    ["one", {}, [slice([ready("10.244.0.2")])], CLUSTER_IP, "meta l4proto tcp dnat to 10.244.0.2:8080"],
    [
      "several, at random",
      {},
      two,
      CLUSTER_IP,
      "meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.0.2 . 8080, 1 : 10.244.1.3 . 8080 }",
    ],
    [
      "by the client's address with affinity",
      { sessionAffinity: "ClientIP" },
      two,
      CLUSTER_IP,
      "meta l4proto tcp dnat ip to jhash ip saddr mod 2 map { 0 : 10.244.0.2 . 8080, 1 : 10.244.1.3 . 8080 }",
    ],
    [
      "only the node's own",
      { internalTrafficPolicy: "Local" },
      two,
      CLUSTER_IP,
      "meta l4proto tcp dnat to 10.244.0.2:8080",
    ],
    [
      "a node port, only the node's own",
      { externalTrafficPolicy: "Local", ports: [{ port: 80, nodePort: 30_000 }] },
      two,
      "tcp . 30000",
      "meta l4proto tcp dnat to 10.244.0.2:8080",
    ],
    [
      "not one that ends while another is ready",
      {},
      [slice([ready("10.244.0.2"), ending])],
      CLUSTER_IP,
      "meta l4proto tcp dnat to 10.244.0.2:8080",
    ],
    [
      "one that ends when there is no other",
      {},
      [slice([ending])],
      CLUSTER_IP,
      "meta l4proto tcp dnat to 10.244.0.9:8080",
    ],
    ["none", {}, [], CLUSTER_IP, undefined],
    ["none of another port name", { ports: [{ name: "http", port: 80 }] }, two, CLUSTER_IP, undefined],
    [
      "a protocol of its own",
      { ports: [{ port: 80, protocol: "UDP" }] },
      [slice([ready("10.244.0.2")], [{ port: 53, protocol: "UDP" }])],
      "10.96.0.10 . udp . 80",
      "meta l4proto udp dnat to 10.244.0.2:53",
    ],
    ["a headless service: nothing", { clusterIP: "None" }, two, CLUSTER_IP, undefined],
    [
      "an external IP",
      { externalIPs: ["198.51.100.7"] },
      [slice([ready("10.244.0.2")])],
      "198.51.100.7 . tcp . 80",
      "meta l4proto tcp dnat to 10.244.0.2:8080",
    ],
  ])("%s", (_name, spec, endpointSlices, key, rule) => {
    expect(ruleFor({ services: [service(spec)], endpointSlices }, key)).toBe(rule);
  });

  test("without endpoints a port is refused", () => {
    expect([...planTable(input({ services: [service({})] })).sets.no_endpoints]).toEqual([CLUSTER_IP]);
  });

  test("the kubernetes service always leads to the relay, whatever its endpoints", () => {
    const kubernetes = service({ clusterIP: "10.96.0.1", ports: [{ port: 443 }] });
    const endpointSlices = [slice([ready("203.0.113.1")])];
    expect(ruleFor({ services: [kubernetes], endpointSlices }, "10.96.0.1 . tcp . 443")).toBe(
      "meta l4proto tcp redirect to :7443",
    );
    const relay = { serviceIp: "10.96.0.1", address: "169.254.1.1", port: 7443 };
    expect(ruleFor({ relay }, "10.96.0.1 . tcp . 443")).toBe("meta l4proto tcp dnat to 169.254.1.1:7443");
  });
});

describe("the difference between two tables", () => {
  const before = planTable(input({ services: [service({})], endpointSlices: [slice([ready("10.244.0.2")])] }));

  test("is nothing for equal ones", () => {
    expect(tableDifference(before, before, "gantry")).toBe("");
  });

  test("of an endpoint touches one chain", () => {
    const after = planTable(input({ services: [service({})], endpointSlices: [slice([ready("10.244.1.2", "n2")])] }));
    const lines = tableDifference(before, after, "gantry").trim().split("\n");
    expect(lines).toEqual([
      "delete element ip gantry hairpins { 10.244.0.2 . 10.244.0.2 }",
      expect.stringMatching(/^flush chain ip gantry svc-\w+-default-web-80-tcp$/),
      expect.stringMatching(/^add rule ip gantry svc-\S+ meta l4proto tcp dnat to 10\.244\.1\.2:8080$/),
    ]);
  });

  test("of a service that goes removes the element before its chain", () => {
    const text = tableDifference(before, planTable(input()), "gantry");
    expect(text.indexOf("delete element ip gantry service_ports")).toBeLessThan(text.indexOf("delete chain"));
    expect(text.indexOf("delete element ip gantry service_ports")).toBeGreaterThanOrEqual(0);
  });

  test("a whole load replaces the table in one transaction", () => {
    const text = wholeTable(before, { name: "gantry2", serviceCidr: "10.96.0.0/12" });
    expect(text.split("\n").slice(0, 3)).toEqual(["table ip gantry2", "delete table ip gantry2", "table ip gantry2 {"]);
  });
});

test("routes go to other nodes, and stale ones are removed", () => {
  const peers = [
    { name: "n1", address: "192.0.2.1", podCidr: "10.244.0.0/24" },
    { name: "n2", address: "192.0.2.2", podCidr: "10.244.1.0/24" },
    { name: "n3", address: "", podCidr: "10.244.2.0/24" },
    { name: "n4", address: "192.0.2.4", podCidr: "" },
  ];
  expect(
    planRoutes({ peers, nodeName: "n1", nodeAddress: "192.0.2.1", current: ["10.244.1.0/24", "10.244.9.0/24"] }),
  ).toEqual({
    set: [{ destination: "10.244.1.0/24", via: ["via", "192.0.2.2"] }],
    remove: ["10.244.9.0/24"],
  });
});
