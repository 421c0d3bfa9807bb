import { describe, expect, it } from "vitest";
import { fieldFacts } from "../encoding/field-facts.ts";
import type { KubeObject } from "../machinery/meta.ts";
import { ageColumn, defineKind, nameColumn } from "../registry/kind.ts";
import { createScheme } from "../registry/scheme.ts";
import { leaseKind } from "./coordination/leases/kind.ts";
import { configMapKind } from "./core/configmaps/kind.ts";
import { eventKind } from "./core/events/kind.ts";
import { namespaceKind } from "./core/namespaces/kind.ts";
import { nodeKind } from "./core/nodes/kind.ts";
import { secretKind } from "./core/secrets/kind.ts";
import { endpointSliceKind } from "./discovery/endpointslices/kind.ts";
import { kinds } from "./index.ts";
import { cellsOf, defaulted, faultsOf, prepared, updateFaults, type Loose } from "./testing/prepare.ts";

const withPodCidr = (podCIDR: string) => ({ spec: { podCIDR, podCIDRs: [podCIDR] } });

const about = (namespace: string) => ({ involvedObject: { kind: "Pod", name: "p", namespace } });

describe("every kind", () => {
  it.each(kinds.map((kind) => [kind.plural, kind] as const))(
    "%s: an empty object goes all the way without an exception",
    (_, kind) => {
      expect(fieldFacts.struct(kind.schema)).toBeDefined();
      const object = prepared(kind, {});
      expect(Array.isArray(kind.strategy.validate?.(object) ?? [])).toBe(true);
      for (const column of kind.columns) column.value(object, 0);
      for (const value of Object.values(kind.strategy.fields?.(object) ?? {})) expect(value).toBeTypeOf("string");
      const twice = structuredClone(object);
      kind.strategy.default?.(twice);
      expect(twice).toEqual(object);
    },
  );

  it("is found by path, by kind and by its name in the log", () => {
    const scheme = createScheme(kinds);
    const names = scheme.resources.map(({ storageName }) => storageName);
    expect(names).toEqual(expect.arrayContaining(["pods", "deployments.apps", "leases.coordination.k8s.io"]));
    expect(names).toHaveLength(kinds.length);
    expect(scheme.findKind({ group: "apps", version: "v1", kind: "Deployment" })?.plural).toBe("deployments");
  });

  it("can be data only", () => {
    const kind = defineKind({
      group: "",
      version: "v1",
      kind: "Limit",
      plural: "limits",
      namespaced: true,
      schema: "io.k8s.api.core.v1.LimitRange",
    });
    const resource = createScheme([...kinds, kind]).find({ group: "", version: "v1", plural: "limits" });
    expect(resource).toMatchObject({ listKind: "LimitList", hasStatus: false, form: "v1/1" });
    expect(kind.columns).toEqual([nameColumn, ageColumn]);
    const limits = [{ type: "Pod", max: { cpu: "2000m" } }];
    expect(prepared<KubeObject>(kind, { spec: { limits } })).toMatchObject({
      spec: { limits: [{ max: { cpu: "2" } }] },
    });
  });
});

describe("namespaces", () => {
  it("start active, held and labelled with their name", () => {
    expect(prepared(namespaceKind, { metadata: { name: "a", labels: { b: "c" } } })).toEqual({
      metadata: { name: "a", labels: { b: "c", "kubernetes.io/metadata.name": "a" } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  });
  it("lose what holds them only through /finalize", () => {
    const old = prepared(namespaceKind, {});
    const next = { ...structuredClone(old), spec: {} };
    namespaceKind.strategy.prepareForUpdate?.(next, old, { nowMs: 0, subresource: "" });
    expect(next.spec).toEqual({ finalizers: ["kubernetes"] });
  });
});

describe("nodes", () => {
  it.each<[string, Loose, Loose]>([
    ["unheard of", {}, { Status: "Unknown", Roles: "<none>" }],
    [
      "ready and cordoned",
      {
        metadata: { name: "n", labels: { "node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge" } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: "Ready", status: "True" }],
          addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
          nodeInfo: { kubeletVersion: "v1.36.0+gantry" },
        },
      },
      {
        Status: "Ready,SchedulingDisabled",
        Roles: "edge,worker",
        Version: "v1.36.0+gantry",
        "Internal-IP": "10.0.0.1",
        "External-IP": "<none>",
      },
    ],
    ["gone", { status: { conditions: [{ type: "Ready", status: "Unknown" }] } }, { Status: "NotReady" }],
  ])("are shown when %s", (_, object, expected) => expect(cellsOf(nodeKind, object)).toMatchObject(expected));

  it("have what they can give for allocatable", () => {
    const { status } = defaulted(nodeKind, { status: { capacity: { cpu: "4" } } });
    expect(status?.allocatable).toEqual({ cpu: "4" });
  });
  it("have one taint for a key and effect", () => {
    const taint = { key: "a", effect: "NoSchedule" };
    expect(faultsOf(nodeKind, { spec: { taints: [taint, { ...taint, value: "b" }] } })).toEqual([
      'spec.taints[1]: Duplicate value: {"key":"a","value":"b","effect":"NoSchedule"}: taints must be unique by key and effect pair',
    ]);
    expect(faultsOf(nodeKind, { spec: { taints: [{ key: "a", effect: "Sometimes" }] } })).toEqual([
      'spec.taints[0].effect: Unsupported value: "Sometimes": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ]);
  });
  it("keep their pods' addresses", () => {
    expect(updateFaults(nodeKind, { now: withPodCidr("10.1.0.0/24"), old: withPodCidr("10.2.0.0/24") })).toHaveLength(
      1,
    );
    expect(updateFaults(nodeKind, { now: withPodCidr("10.1.0.0/24"), old: {} })).toEqual([]);
  });
});

describe("config maps and secrets", () => {
  it("refuse keys that are no file names", () => {
    expect(faultsOf(configMapKind, { data: { "a b": "" } })).toEqual([
      "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ]);
    expect(faultsOf(secretKind, { data: { "..": "" } })).toEqual(["data[..]: Invalid value: \"..\": must not be '..'"]);
  });
  it("refuse more than a megabyte", () => {
    const big = "x".repeat(1024 * 1024 + 1);
    expect(faultsOf(configMapKind, { data: { a: big } })).toEqual(["[]: Too long: may not be more than 1048576 bytes"]);
    expect(faultsOf(secretKind, { stringData: { a: big } })).toEqual([
      "data: Too long: may not be more than 1048576 bytes",
    ]);
    expect(faultsOf(secretKind, { stringData: { a: big.slice(1) } })).toEqual([]);
  });
  it("stay as they are once immutable", () => {
    const old = { data: { a: "1" }, immutable: true };
    expect(updateFaults(configMapKind, { now: { data: { a: "2" } }, old })).toEqual([
      "immutable: Forbidden: field is immutable when `immutable` is set",
      "data: Forbidden: field is immutable when `immutable` is set",
    ]);
    expect(updateFaults(configMapKind, { now: old, old })).toEqual([]);
  });
  it("a secret's strings become its data", () => {
    const secret = prepared(secretKind, { data: { a: "MQ==", b: "Mg==" }, stringData: { a: "zwölf" } });
    expect(secret).toEqual({
      metadata: { name: "x", namespace: "default" },
      data: { a: "enfDtmxm", b: "Mg==" },
      type: "Opaque",
    });
  });
  it("secrets of built-in types hold what they must", () => {
    expect(faultsOf(secretKind, { type: "kubernetes.io/tls", data: { "tls.crt": "" } })).toEqual([
      "data[tls.key]: Required value",
    ]);
    expect(
      faultsOf(secretKind, { type: "kubernetes.io/dockerconfigjson", stringData: { ".dockerconfigjson": "{" } }),
    ).toEqual(['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be valid JSON']);
    expect(updateFaults(secretKind, { now: { type: "a" }, old: { type: "b" } })).toEqual([
      'type: Invalid value: "a": field is immutable',
    ]);
  });
});

describe("endpoint slices", () => {
  const endpoints = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"].map((address) => ({ addresses: [address] }));
  it("are completed and shown", () => {
    const slice = { addressType: "IPv4", endpoints, ports: [{ port: 80 }] };
    expect(prepared(endpointSliceKind, slice).ports).toEqual([{ name: "", protocol: "TCP", port: 80 }]);
    expect(faultsOf(endpointSliceKind, slice)).toEqual([]);
    expect(cellsOf(endpointSliceKind, slice)).toMatchObject({
      AddressType: "IPv4",
      Ports: "80",
      Endpoints: "10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...",
    });
  });
  it.each([
    ["127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["0.0.0.0", "may not be unspecified"],
    ["169.254.1.1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
    ["x", "must be a valid IPv4 address"],
  ])("refuse %s", (address, why) => {
    const slice = { addressType: "IPv4", endpoints: [{ addresses: [address] }] };
    expect(faultsOf(endpointSliceKind, slice)).toEqual([
      `endpoints[0].addresses[0]: Invalid value: "${address}": ${why}`,
    ]);
  });
  it("keep their address type", () => {
    expect(
      updateFaults(endpointSliceKind, { now: { addressType: "IPv6" }, old: { addressType: "IPv4" } }),
    ).toHaveLength(1);
  });
});

describe("events and leases", () => {
  it("an event lives where its object does and goes after an hour", () => {
    expect(faultsOf(eventKind, about("default"))).toEqual([]);
    expect(faultsOf(eventKind, { involvedObject: { kind: "Node", name: "n" } })).toEqual([]);
    expect(faultsOf(eventKind, about("other"))).toEqual([
      'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    ]);
    expect(eventKind.strategy.expiresMs?.(prepared(eventKind, about("default")), 5)).toBe(3_600_005);
  });
  it("an event is shown with when it was seen, and how often in a column of its own", () => {
    const event = {
      involvedObject: { kind: "Pod", name: "p", namespace: "default" },
      count: 3,
      firstTimestamp: "2025-12-31T23:50:00Z",
      lastTimestamp: "2025-12-31T23:59:00Z",
      type: "Warning",
    };
    expect(cellsOf(eventKind, event)).toMatchObject({
      "Last Seen": "60s",
      Object: "pod/p",
      Type: "Warning",
      Count: 3,
    });
  });
  it("a lease has a length", () => {
    expect(faultsOf(leaseKind, { spec: { leaseDurationSeconds: 0 } })).toEqual([
      "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
    ]);
    expect(cellsOf(leaseKind, { spec: { holderIdentity: "me" } })).toMatchObject({ Holder: "me" });
  });
});
