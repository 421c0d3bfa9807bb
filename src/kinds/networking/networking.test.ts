import { describe, expect, it } from "vitest";
import { nameFaults } from "../../machinery/names.ts";
import { cellsOf, faultsOf, prepared, updateFaults, type Loose } from "../testing/prepare.ts";
import { ingressClassKind } from "./ingressclasses/kind.ts";
import { ingressKind } from "./ingresses/kind.ts";
import { ipAddressKind } from "./ipaddresses/kind.ts";
import { networkPolicyKind } from "./networkpolicies/kind.ts";
import { serviceCidrKind } from "./servicecidrs/kind.ts";

const backend = { service: { name: "web", port: { number: 80 } } };
const path = { path: "/", pathType: "Prefix", backend };
const ingress = (spec: Loose): Loose => ({ spec });
const rule = (parts: Loose) =>
  ingress({ rules: [{ host: "a.example.com", http: { paths: [{ ...path, ...parts }] } }] });
const at = "spec.rules[0].http.paths[0]";

describe("ingresses", () => {
  it.each<[Loose, string[]]>([
    [rule({}), []],
    [ingress({ defaultBackend: { resource: { apiGroup: "x.io", kind: "Bucket", name: "b" } } }), []],
    [ingress({}), ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"]],
    [rule({ pathType: undefined }), [`${at}.pathType: Required value: pathType must be specified`]],
    [
      rule({ pathType: "Regex" }),
      [`${at}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    [
      rule({ path: "a//b/.." }),
      [
        `${at}.path: Invalid value: "a//b/..": must be an absolute path`,
        `${at}.path: Invalid value: "a//b/..": must not contain '//'`,
        `${at}.path: Invalid value: "a//b/..": cannot end with '/..'`,
      ],
    ],
    [rule({ path: "", pathType: "ImplementationSpecific" }), []],
    [
      rule({ backend: { service: { name: "web", port: { name: "http", number: 80 } } } }),
      [`${at}.backend: Invalid value: "": cannot set both port name & port number`],
    ],
    [
      rule({ backend: { service: { name: "web" } } }),
      [`${at}.backend: Required value: port name or number is required`],
    ],
    [rule({ backend: {} }), [`${at}.backend: Invalid value: "": resource or service backend is required`]],
    [
      ingress({ rules: [{ host: "10.0.0.1" }] }),
      ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    ],
    [
      ingress({ defaultBackend: backend, tls: [{ hosts: ["a.*"] }] }),
      [
        expect.stringMatching(
          /^spec\.tls\[0\]\.hosts\[0\]: Invalid value: "a\.\*": a wildcard DNS-1123 subdomain must/,
        ),
      ],
    ],
    [
      {
        metadata: { name: "x", annotations: { "kubernetes.io/ingress.class": "a" } },
        spec: { defaultBackend: backend, ingressClassName: "b" },
      },
      [
        'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified',
      ],
    ],
  ])("%j", (object, faults) => expect(faultsOf(ingressKind, object)).toEqual(faults));

  it("have addresses that are some", () => {
    const now = { ...rule({}), status: { loadBalancer: { ingress: [{ ip: "x" }, { hostname: "10.0.0.1" }] } } };
    expect(updateFaults(ingressKind, { now, old: rule({}), subresource: "status" })).toEqual([
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.loadBalancer.ingress[1].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ]);
  });
  it("are shown as by kubectl", () => {
    const rules = ["a", "b", "c", "d", "e"].map((host) => ({ host }));
    const status = { loadBalancer: { ingress: [{ ip: "10.0.0.2" }, { hostname: "lb.example.com" }] } };
    expect(cellsOf(ingressKind, { spec: { rules, tls: [{}] }, status })).toMatchObject({
      Class: "<none>",
      Hosts: "a,b,c + 2 more...",
      Address: "10.0.0.2,lb.example.com",
      Ports: "80, 443",
    });
    expect(cellsOf(ingressKind, { spec: {} })).toMatchObject({ Hosts: "*", Address: "", Ports: "80" });
  });
});

describe("ingress classes", () => {
  const parameters = { apiGroup: "x.io", kind: "Params", name: "p" };
  it("are completed, and shown", () => {
    const object = { spec: { controller: "example.com/c", parameters } };
    expect(prepared(ingressClassKind, object).spec.parameters?.scope).toBe("Cluster");
    expect(faultsOf(ingressClassKind, object)).toEqual([]);
    expect(cellsOf(ingressClassKind, object)).toMatchObject({
      Controller: "example.com/c",
      Parameters: "Params.x.io/p",
    });
  });
  it.each<[Loose, string]>([
    [{}, "spec.controller: Required value"],
    [
      { controller: "c" },
      'spec.controller: Invalid value: "c": must be a domain-prefixed path (such as "acme.io/foo")',
    ],
    [
      { controller: "a.io/c", parameters: { ...parameters, scope: "Namespace" } },
      "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    ],
    [
      { controller: "a.io/c", parameters: { ...parameters, namespace: "a" } },
      "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
    ],
    [
      { controller: "a.io/c", parameters: { ...parameters, scope: "All" } },
      'spec.parameters.scope: Unsupported value: "All": supported values: "Cluster", "Namespace"',
    ],
  ])("are refused for %j", (spec, fault) => expect(faultsOf(ingressClassKind, { spec })).toEqual([fault]));
  it("keep their controller", () => {
    const change = { now: { spec: { controller: "a.io/b" } }, old: { spec: { controller: "a.io/c" } } };
    expect(updateFaults(ingressClassKind, change)).toEqual([
      'spec.controller: Invalid value: "a.io/b": field is immutable',
    ]);
  });
});

const policy = (spec: Loose): Loose => ({ spec: { podSelector: {}, ...spec } });

describe("network policies", () => {
  it.each<[Loose, string[]]>([
    [{}, ["Ingress"]],
    [{ egress: [{}] }, ["Ingress", "Egress"]],
    [{ policyTypes: ["Egress"] }, ["Egress"]],
  ])("%j is about %j", (spec, types) => {
    expect(prepared(networkPolicyKind, policy(spec)).spec.policyTypes).toEqual(types);
  });
  it("are about TCP, and shown", () => {
    expect(prepared(networkPolicyKind, policy({ ingress: [{ ports: [{ port: 80 }] }] })).spec.ingress).toEqual([
      { ports: [{ protocol: "TCP", port: 80 }] },
    ]);
    expect(cellsOf(networkPolicyKind, policy({}))).toMatchObject({ "Pod-Selector": "<none>" });
  });
  it.each<[Loose, string[]]>([
    [{ ingress: [{ from: [{ podSelector: {}, namespaceSelector: {} }] }] }, []],
    [{ ingress: [{ from: [{}] }] }, ["spec.ingress[0].from[0]: Required value: must specify a peer"]],
    [
      { egress: [{ to: [{ podSelector: {}, ipBlock: { cidr: "10.0.0.0/8" } }] }] },
      ["spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer"],
    ],
    [
      { egress: [{ to: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16", "11.0.0.0/8", "x"] } }] }] },
      [
        'spec.egress[0].to[0].ipBlock.except[1]: Invalid value: "11.0.0.0/8": must be a strict subset of `cidr`',
        'spec.egress[0].to[0].ipBlock.except[2]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
    ],
    [
      { ingress: [{ ports: [{ port: 90, endPort: 80 }, { port: "http", endPort: 80 }, { endPort: 80 }] }] },
      [
        "spec.ingress[0].ports[0].endPort: Invalid value: 90: must be greater than or equal to `port`",
        "spec.ingress[0].ports[1].endPort: Invalid value: 80: may not be specified when `port` is non-numeric",
        "spec.ingress[0].ports[2].endPort: Invalid value: 80: may not be specified when `port` is not specified",
      ],
    ],
    [
      { policyTypes: ["Both"] },
      ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"'],
    ],
  ])("%j", (spec, faults) => expect(faultsOf(networkPolicyKind, policy(spec))).toEqual(faults));
});

describe("addresses and ranges", () => {
  const parentRef = { resource: "services", namespace: "default", name: "web" };
  it("an address is named by itself, in one form", () => {
    expect(nameFaults("ip-address", "10.0.0.1")).toEqual([]);
    expect(nameFaults("ip-address", "2001:DB8::1")).toEqual(['must be in canonical form ("2001:db8::1")']);
    expect(nameFaults("ip-address", "x")).toEqual(["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]);
  });
  it("an address belongs to somebody, for good", () => {
    expect(faultsOf(ipAddressKind, { spec: { parentRef } })).toEqual([]);
    expect(faultsOf(ipAddressKind, {})).toEqual(["spec.parentRef: Required value"]);
    expect(faultsOf(ipAddressKind, { spec: { parentRef: { namespace: "a/b" } } })).toEqual([
      "spec.parentRef.resource: Required value",
      "spec.parentRef.name: Required value",
      "spec.parentRef.namespace: Invalid value: \"a/b\": may not contain '/'",
    ]);
    const change = { now: { spec: { parentRef: { ...parentRef, name: "b" } } }, old: { spec: { parentRef } } };
    expect(updateFaults(ipAddressKind, change)).toHaveLength(1);
    expect(cellsOf(ipAddressKind, { spec: { parentRef } })).toMatchObject({ ParentRef: "services/default/web" });
  });
  it.each<[string[], string[]]>([
    [["10.96.0.0/12"], []],
    [["10.96.0.0/12", "2001:db8::/108"], []],
    [[], ["spec.cidrs: Required value: at least one CIDR required"]],
    [["10.96.0.0/12", "10.0.0.0/8"], [expect.stringContaining("may specify no more than one IP for each IP family")]],
    [
      ["10.96.0.1/12"],
      ['spec.cidrs[0]: Invalid value: "10.96.0.1/12": must not have bits set beyond the prefix length'],
    ],
    [["x"], [expect.stringContaining("must be a valid CIDR value")]],
  ])("%j", (cidrs, faults) => expect(faultsOf(serviceCidrKind, { spec: { cidrs } })).toEqual(faults));
});
