import { describe, expect, it } from "vitest";
import { isStatusError } from "../../../machinery/status-error.ts";
import type { AllocationContext } from "../../../registry/strategy.ts";
import { cellsOf, defaulted, faultsOf, NOW_MS, prepared, updateFaults, type Loose } from "../../testing/prepare.ts";
import { allocateService } from "./allocation.ts";
import { serviceKind } from "./kind.ts";
import type { Service } from "./types.ts";

const port = { port: 80 };

function service(spec: Loose): Loose {
  return { spec: { ports: [port], ...spec } };
}

/** A cluster whose Services hold these values of these fields. Its dice always show the same. */
function cluster(
  held: Record<string, string[]> = {},
  { cidr = "10.96.0.0/12", fraction = 0.5, attempt = 1 } = {},
): AllocationContext {
  return {
    serviceCidr: cidr,
    attempt,
    isUsed: ({ field, value }) => Promise.resolve(held[field]?.includes(value) ?? false),
    exists: ({ name }) => Promise.resolve(held["metadata.name"]?.includes(name) ?? false),
    used: (_resource, field) => Promise.resolve(new Set(held[field] ?? [])),
    random: { fraction: () => fraction, uuid: () => "", bytes: () => new Uint8Array() },
  };
}

async function allocated(
  spec: Loose,
  context = cluster(),
  old?: Service,
): Promise<{ spec: Service["spec"]; conditions: { kind: string }[] }> {
  const object = defaulted(serviceKind, service(spec));
  if (old) serviceKind.strategy.prepareForUpdate?.(object, old, { nowMs: NOW_MS, subresource: "" });
  const conditions = await allocateService(object, old, context);
  return { spec: object.spec, conditions };
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isStatusError(error, "Invalid")) return error.message;
    throw error;
  }
  return "";
}

const asks = (nodePort: number) => ({ type: "NodePort", ports: [{ port: 80, nodePort }] });

describe("defaults of services", () => {
  it("completes a minimal service", () => {
    expect(prepared(serviceKind, service({})).spec).toEqual({
      ports: [{ protocol: "TCP", port: 80, targetPort: 80 }],
      type: "ClusterIP",
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
    });
  });
  it("completes the other types", () => {
    expect(prepared(serviceKind, service({ type: "LoadBalancer", sessionAffinity: "ClientIP" })).spec).toMatchObject({
      externalTrafficPolicy: "Cluster",
      allocateLoadBalancerNodePorts: true,
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
    });
    const external = prepared(serviceKind, { spec: { type: "ExternalName", externalName: "a.b" } }).spec;
    expect(external).toEqual({ type: "ExternalName", externalName: "a.b", sessionAffinity: "None" });
  });
});

describe("addresses of services", () => {
  it("picks a free one and guards it", async () => {
    const { spec, conditions } = await allocated({});
    expect(spec.clusterIP).toMatch(/^10\.1[0-9]{2}\./);
    expect(spec).toMatchObject({ clusterIPs: [spec.clusterIP], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" });
    expect(conditions).toEqual([
      { kind: "field-unique", resource: "services", field: "spec.clusterIP", value: spec.clusterIP },
      { kind: "absent", resource: "ipaddresses.networking.k8s.io", namespace: "", name: spec.clusterIP },
    ]);
  });
  it("never picks the first, which is the API's own, nor one in use", async () => {
    const small = { cidr: "10.0.0.0/29", fraction: 0, attempt: 4 };
    expect((await allocated({}, cluster({}, small))).spec.clusterIP).toBe("10.0.0.2");
    const context = cluster({ "spec.clusterIP": ["10.0.0.2", "10.0.0.3"] }, small);
    expect((await allocated({}, context)).spec.clusterIP).toBe("10.0.0.4");
    const byHand = cluster({ "metadata.name": ["10.0.0.2"] }, small);
    expect((await allocated({}, byHand)).spec.clusterIP).toBe("10.0.0.3");
    const all = ["2", "3", "4", "5", "6"].map((last) => `10.0.0.${last}`);
    await expect(allocated({}, cluster({ "spec.clusterIP": all }, small))).rejects.toThrow("range is full");
  });
  it("does not read what is in use for a pick that the condition guards anyway", async () => {
    const context = cluster();
    context.used = () => Promise.reject(new Error("all Services were read"));
    for (const attempt of [1, 2, 3])
      expect((await allocated({ type: "NodePort" }, { ...context, attempt })).spec.clusterIP).not.toBe("");
    await expect(allocated({}, { ...context, attempt: 4 })).rejects.toThrow("all Services were read");
  });
  it("gives the first to whoever asks for it by name", async () => {
    expect((await allocated({ clusterIP: "10.96.0.1" })).spec.clusterIP).toBe("10.96.0.1");
  });
  it("refuses one outside of the range or taken", async () => {
    expect(await refusal(allocated({ clusterIP: "1.2.3.4" }))).toBe(
      'Service "x" is invalid: spec.clusterIPs: Invalid value: ["1.2.3.4"]: failed to allocate IP 1.2.3.4: the provided IP (1.2.3.4) is not in the valid range. The range of valid IPs is 10.96.0.0/12',
    );
    const context = cluster({ "spec.clusterIP": ["10.96.0.9"] });
    expect(await refusal(allocated({ clusterIP: "10.96.0.9" }, context))).toContain("provided IP is already allocated");
    const byHand = cluster({ "metadata.name": ["10.96.0.9"] });
    expect(await refusal(allocated({ clusterIP: "10.96.0.9" }, byHand))).toContain("provided IP is already allocated");
  });
  it("headless services have none; without selector they are open to both families", async () => {
    expect(await allocated({ clusterIP: "None", selector: { a: "b" } })).toMatchObject({
      spec: { clusterIP: "None", clusterIPs: ["None"], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" },
      conditions: [],
    });
    expect((await allocated({ clusterIP: "None" })).spec).toMatchObject({
      ipFamilies: ["IPv4", "IPv6"],
      ipFamilyPolicy: "RequireDualStack",
    });
  });
  it("an update that leaves the address out keeps it", async () => {
    const first = (await allocated({})).spec;
    const old = { metadata: { name: "x" }, spec: first };
    const next = await allocated(
      { ports: [{ port: 81 }] },
      cluster({ "spec.clusterIP": [first.clusterIP ?? ""] }),
      old,
    );
    expect(next.spec.clusterIP).toBe(first.clusterIP);
    expect(next.conditions).toEqual([]);
  });
  it("ExternalName gives the address back, and the way back gets one", async () => {
    const old = { metadata: { name: "x" }, spec: (await allocated({})).spec };
    const external = await allocated({ ...old.spec, type: "ExternalName", externalName: "a.b" }, cluster(), old);
    expect(external.spec.clusterIP).toBeUndefined();
    const back = await allocated({}, cluster(), { metadata: { name: "x" }, spec: external.spec });
    expect(back.conditions.map(({ kind }) => kind)).toEqual(["field-unique", "absent"]);
  });
});

describe("node ports", () => {
  it("are allocated and guarded one by one", async () => {
    const ports = [
      { name: "a", port: 53, protocol: "TCP" },
      { name: "b", port: 53, protocol: "UDP" },
      { name: "c", port: 80 },
    ];
    const { spec, conditions } = await allocated({ type: "NodePort", ports }, cluster({}, { fraction: 0 }));
    expect(spec.ports?.map(({ nodePort }) => nodePort)).toEqual([30_086, 30_086, 30_087]);
    expect(conditions.slice(2)).toEqual(
      ["30086", "30087"].map((name) => ({
        kind: "field-unique",
        resource: "services",
        field: `spec.nodePort.${name}`,
        value: "true",
      })),
    );
    expect(serviceKind.strategy.fields?.({ metadata: {}, spec })).toMatchObject({
      "spec.nodePorts": "30086,30087",
      "spec.nodePort.30087": "true",
    });
  });
  it("refuses one outside of the range or taken", async () => {
    expect(await refusal(allocated(asks(80)))).toContain(
      "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    );
    expect(await refusal(allocated(asks(30_001), cluster({ "spec.nodePort.30001": ["true"] })))).toContain(
      "spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated",
    );
  });
  it("stay on update and go with the type", async () => {
    const first = (await allocated({ type: "NodePort" })).spec;
    const old = { metadata: { name: "x" }, spec: first };
    const again = await allocated(
      { type: "NodePort" },
      cluster({ "spec.nodePorts": [String(first.ports?.[0]?.nodePort)] }),
      old,
    );
    expect(again.spec.ports).toEqual(first.ports);
    const without = await allocated({ ...first, type: "ClusterIP" }, cluster(), old);
    expect(without.spec.ports?.[0]?.nodePort).toBeUndefined();
  });
});

describe("validation of services", () => {
  it("accepts an ordinary one", () => {
    const spec = {
      selector: { app: "web" },
      ports: [
        { name: "a", port: 80, targetPort: "http" },
        { name: "b", port: 81 },
      ],
    };
    expect(faultsOf(serviceKind, { spec })).toEqual([]);
  });
  it.each<[string, Loose, string]>([
    ["no ports", { spec: {} }, "spec.ports: Required value"],
    ["ports without names", service({ ports: [port, { port: 81 }] }), "spec.ports[1].name: Required value"],
    [
      "a port of 0",
      service({ ports: [{ port: 0 }] }),
      "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ],
    [
      "an unknown type",
      service({ type: "Magic" }),
      'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
    [
      "a node port of a ClusterIP",
      service({ ports: [{ port: 80, nodePort: 30_000 }] }),
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    [
      "an address that is none",
      service({ clusterIP: "10.096.0.1", clusterIPs: ["10.096.0.1"] }),
      'spec.clusterIPs[0]: Invalid value: "10.096.0.1": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    ["an external name without name", { spec: { type: "ExternalName" } }, "spec.externalName: Required value"],
  ])("refuses %s", (_, object, expected) => expect(faultsOf(serviceKind, object)).toContain(expected));

  it.each<[string, Loose, string]>([
    [
      "addresses without the first alone",
      service({ clusterIPs: ["10.96.0.9"] }),
      'spec.clusterIPs: Invalid value: ["10.96.0.9"]: must be empty when `clusterIP` is not specified',
    ],
    [
      "a second address of the same family",
      service({ clusterIP: "10.96.0.9", clusterIPs: ["10.96.0.9", "10.96.0.8"] }),
      'spec.clusterIPs: Invalid value: ["10.96.0.9","10.96.0.8"]: may specify no more than one IP for each IP family',
    ],
    [
      "an unknown policy of families",
      service({ ipFamilyPolicy: "Both" }),
      'spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
    [
      "a class of a service that is no load balancer",
      service({ loadBalancerClass: "a/b" }),
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      "allocation for no load balancer",
      service({ allocateLoadBalancerNodePorts: true }),
      "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      "a range that is none",
      service({ type: "LoadBalancer", loadBalancerSourceRanges: ["10.0.0.0/8", "x"] }),
      'spec.LoadBalancerSourceRanges[1]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [
      "a health check of a service that needs none",
      service({ type: "NodePort", healthCheckNodePort: 30_000 }),
      "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
    [
      "an external address of the node itself",
      service({ externalIPs: ["127.0.0.1"] }),
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
    [
      "an unknown distribution",
      service({ trafficDistribution: "Far" }),
      'spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
    ],
    [
      "families of an external name",
      { spec: { type: "ExternalName", externalName: "a.b", ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" } },
      "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
    ],
    [
      "a headless one with node ports",
      service({ type: "NodePort", clusterIP: "None", clusterIPs: ["None"] }),
      "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services",
    ],
    [
      "a node port twice for one protocol",
      service({
        type: "NodePort",
        ports: [
          { name: "a", port: 80, nodePort: 30_000 },
          { name: "b", port: 81, nodePort: 30_000 },
        ],
      }),
      "spec.ports[1].nodePort: Duplicate value: 30000",
    ],
    [
      "a port twice for one protocol",
      service({
        ports: [
          { name: "a", port: 80 },
          { name: "b", port: 80 },
        ],
      }),
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
  ])("refuses %s", (_, object, expected) => expect(faultsOf(serviceKind, object)).toContain(expected));

  const balanced = { type: "LoadBalancer", clusterIP: "10.96.0.2", clusterIPs: ["10.96.0.2"] };
  it.each<[string, Loose, Loose, string[]]>([
    [
      "a class that changes",
      service({ ...balanced, loadBalancerClass: "a/b" }),
      service({ ...balanced, loadBalancerClass: "a/c" }),
      ['spec.loadBalancerClass: Invalid value: "a/c": may not change once set'],
    ],
    [
      "a health check that changes",
      service({ ...balanced, externalTrafficPolicy: "Local", healthCheckNodePort: 30_000 }),
      service({ ...balanced, externalTrafficPolicy: "Local", healthCheckNodePort: 30_001 }),
      ["spec.healthCheckNodePort: Forbidden: field is immutable"],
    ],
    [
      "a family that changes",
      service({ ...balanced, ipFamilies: ["IPv4"] }),
      service({ ...balanced, ipFamilies: ["IPv6"] }),
      ['spec.ipFamilies[0]: Invalid value: ["IPv6"]: may not change once set'],
    ],
  ])("an update refuses %s", (_, old, now, expected) =>
    expect(updateFaults(serviceKind, { now, old })).toEqual(expected),
  );

  it.each<[Loose, Loose, string[]]>([
    [
      service({}),
      { ip: "1.2.3.4" },
      ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
    ],
    [
      service(balanced),
      { hostname: "1.2.3.4" },
      ['status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address'],
    ],
    [
      service(balanced),
      { hostname: "a.b", ipMode: "VIP" },
      ["status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set"],
    ],
    [service(balanced), { ip: "1.2.3.4", hostname: "a.b" }, []],
  ])("a status: %j %j", (object, ingress, expected) =>
    expect(
      updateFaults(serviceKind, {
        old: object,
        now: { ...object, status: { loadBalancer: { ingress: [ingress] } } },
        subresource: "status",
      }),
    ).toEqual(expected),
  );

  it("an address may not change", () => {
    const at = (clusterIP: string) => service({ clusterIP, clusterIPs: [clusterIP] });
    expect(updateFaults(serviceKind, { now: at("10.96.0.3"), old: at("10.96.0.2") })).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.3"]: may not change once set',
    ]);
    expect(updateFaults(serviceKind, { now: service({}), old: at("10.96.0.2") })).toEqual([]);
  });
});

describe("columns of services", () => {
  it.each<[string, Loose, Loose]>([
    [
      "ClusterIP",
      service({ clusterIP: "10.96.0.2", selector: { b: "2", a: "1" } }),
      {
        Type: "ClusterIP",
        "Cluster-IP": "10.96.0.2",
        "External-IP": "<none>",
        "Port(s)": "80/TCP",
        Selector: "a=1,b=2",
      },
    ],
    ["NodePort", service({ type: "NodePort", ports: [{ port: 80, nodePort: 30_000 }] }), { "Port(s)": "80:30000/TCP" }],
    ["LoadBalancer", service({ type: "LoadBalancer" }), { "External-IP": "<pending>" }],
    [
      "ExternalName",
      { spec: { type: "ExternalName", externalName: "a.b" } },
      { "Cluster-IP": "<none>", "External-IP": "a.b", "Port(s)": "<none>" },
    ],
  ])("%s", (_, object, expected) => expect(cellsOf(serviceKind, object)).toMatchObject(expected));
});
