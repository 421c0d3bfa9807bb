/** Cells of tables at the edges: nothing there, too much there, half there. kubernetes/pkg/printers/internalversion/printers.go. */
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../machinery/meta.ts";
import { kinds } from "./index.ts";
import { cellsOf, type Loose } from "./testing/prepare.ts";

type Case = [kind: string, column: string, object: Loose, cell: unknown];

const meta = (more: object) => ({ name: "x", namespace: "default", ...more });
const addresses = (...list: string[]) => ({ addresses: list });
const metric = (target: object, current?: object) => ({
  spec: { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 3, metrics: [target] },
  status: { currentMetrics: current ? [current] : [] },
});
const pods = (averageValue?: string) => ({ type: "Pods", pods: { metric: { name: "m" }, target: { averageValue } } });
const binding = (paramRef: object | undefined) => ({ spec: { policyName: "p", paramRef } });

const CASES: Case[] = [
  ["Node", "Status", {}, "Unknown"],
  ["Node", "Status", { status: { conditions: [{ type: "Ready", status: "Unknown" }] } }, "NotReady"],
  [
    "Node",
    "Status",
    { spec: { unschedulable: true }, status: { conditions: [{ type: "Ready", status: "True" }] } },
    "Ready,SchedulingDisabled",
  ],
  [
    "Node",
    "Roles",
    {
      metadata: {
        name: "x",
        labels: { "node-role.kubernetes.io/z": "", "kubernetes.io/role": "a", "node-role.kubernetes.io/": "" },
      },
    },
    "a,z",
  ],
  ["Node", "Roles", {}, "<none>"],
  ["Node", "OS-Image", {}, "<unknown>"],
  [
    "Node",
    "Internal-IP",
    {
      status: {
        addresses: [
          { type: "Hostname", address: "h" },
          { type: "InternalIP", address: "10.0.0.1" },
        ],
      },
    },
    "10.0.0.1",
  ],
  ["PersistentVolume", "Capacity", { spec: {} }, "0"],
  ["PersistentVolume", "Claim", { spec: { claimRef: { namespace: "n", name: "c" } } }, "n/c"],
  [
    "PersistentVolume",
    "Access Modes",
    { spec: { accessModes: ["ReadWriteMany", "ReadWriteOnce", "ReadWriteMany"] } },
    "RWO,RWX",
  ],
  ["PersistentVolume", "VolumeAttributesClass", { spec: {} }, "<unset>"],
  [
    "PersistentVolume",
    "Status",
    { metadata: meta({ deletionTimestamp: "2026-01-01T00:00:00Z" }), spec: {} },
    "Terminating",
  ],
  ["PersistentVolumeClaim", "Capacity", { spec: {}, status: { capacity: { storage: "1Gi" } } }, ""],
  ["PersistentVolumeClaim", "Capacity", { spec: { volumeName: "v" } }, "0"],
  [
    "ResourceQuota",
    "Request",
    { status: { hard: { "requests.cpu": "2", pods: "4", "limits.cpu": "3" }, used: { pods: "1" } } },
    "pods: 1/4, requests.cpu: 0/2",
  ],
  [
    "ResourceQuota",
    "Limit",
    { status: { hard: { pods: "4", "limits.cpu": "3" }, used: { "limits.cpu": "1" } } },
    "limits.cpu: 1/3",
  ],
  ["ResourceQuota", "Request", {}, ""],
  ["ConfigMap", "Data", { data: { a: "1" }, binaryData: { b: "YQ==" } }, 2],
  ["Event v1", "Count", { involvedObject: {} }, 1],
  ["Event v1", "Count", { involvedObject: {}, series: { count: 7 } }, 7],
  ["Event v1", "Object", { involvedObject: { kind: "Node" } }, "node"],
  ["Event v1", "Source", { involvedObject: {}, reportingComponent: "c", reportingInstance: "i" }, "c, i"],
  ["EndpointSlice", "Ports", { addressType: "IPv4", ports: [] }, "<unset>"],
  ["EndpointSlice", "Ports", { addressType: "IPv4", ports: [{ port: 80 }, { name: "any" }] }, "80,any"],
  ["EndpointSlice", "Endpoints", { addressType: "IPv4", endpoints: [addresses()] }, "<unset>"],
  [
    "EndpointSlice",
    "Endpoints",
    { addressType: "IPv4", endpoints: [addresses("1", "2"), addresses("3"), addresses("4", "5")] },
    "1,2,3 + 2 more...",
  ],
  ["CSIDriver", "TokenRequests", { spec: {} }, "<unset>"],
  ["CSIDriver", "TokenRequests", { spec: { tokenRequests: [{ audience: "a" }, { audience: "b" }] } }, "a,b"],
  ["CSIStorageCapacity", "Capacity", { storageClassName: "c" }, "<unset>"],
  ["StorageClass", "AllowVolumeExpansion", { provisioner: "p" }, false],
  [
    "StorageClass",
    "Name",
    {
      provisioner: "p",
      metadata: { name: "x", annotations: { "storageclass.beta.kubernetes.io/is-default-class": "true" } },
    },
    "x (default)",
  ],
  ["VolumeAttachment", "PV", { spec: { source: {} } }, ""],
  [
    "FlowSchema",
    "MatchingPrecedence",
    { spec: { priorityLevelConfiguration: { name: "l" }, matchingPrecedence: 9 } },
    9,
  ],
  ["FlowSchema", "MissingPL", { spec: { priorityLevelConfiguration: { name: "l" } } }, "?"],
  ["PriorityLevelConfiguration", "Queues", { spec: { type: "Exempt" } }, "<none>"],
  [
    "PriorityLevelConfiguration",
    "NominalConcurrencyShares",
    { spec: { type: "Limited", limited: { nominalConcurrencyShares: 0 } } },
    0,
  ],
  ["ResourceClaim", "State", { spec: {} }, "pending"],
  ["ResourceClaim", "State", { spec: {}, metadata: meta({ deletionTimestamp: "2026-01-01T00:00:00Z" }) }, "deleted"],
  [
    "ResourceClaim",
    "State",
    { spec: {}, status: { allocation: {}, reservedFor: [{ name: "p" }] } },
    "allocated,reserved",
  ],
  ["ResourceSlice", "Node", { spec: { driver: "d", pool: { name: "p" }, allNodes: true } }, ""],
  ["PodDisruptionBudget", "Min Available", { spec: { minAvailable: "50%" } }, "50%"],
  ["PodDisruptionBudget", "Max Unavailable", { spec: {} }, "N/A"],
  ["Ingress", "Hosts", { spec: { rules: [{ host: "a" }, {}, { host: "b" }, { host: "c" }, {}] } }, "a,b,c + 2 more..."],
  ["Ingress", "Hosts", { spec: { rules: [{}] } }, "*"],
  [
    "Ingress",
    "Address",
    { spec: {}, status: { loadBalancer: { ingress: [{ hostname: "b" }, { ip: "a" }, { hostname: "b" }] } } },
    "a,b",
  ],
  ["IngressClass", "Parameters", { spec: { parameters: { apiGroup: "g.io", kind: "K", name: "n" } } }, "K.g.io/n"],
  [
    "IPAddress",
    "ParentRef",
    { spec: { parentRef: { resource: "services", namespace: "n", name: "s" } } },
    "services/n/s",
  ],
  ["NetworkPolicy", "Pod-Selector", { spec: { podSelector: {} } }, "<none>"],
  [
    "RoleBinding",
    "ServiceAccounts",
    {
      roleRef: { kind: "Role", name: "r" },
      subjects: [
        { kind: "ServiceAccount", name: "a", namespace: "n" },
        { kind: "ServiceAccount", name: "b" },
      ],
    },
    "n/a, b",
  ],
  ["CertificateSigningRequest", "RequestedDuration", { spec: { expirationSeconds: 3600 } }, "60m"],
  [
    "CertificateSigningRequest",
    "Condition",
    { spec: {}, status: { conditions: [{ type: "Approved" }, { type: "Failed" }], certificate: "YQ==" } },
    "Approved,Failed,Issued",
  ],
  ["Lease", "Holder", {}, ""],
  ["APIService", "Available", { spec: {} }, "Unknown"],
  [
    "APIService",
    "Available",
    { spec: {}, status: { conditions: [{ type: "Available", status: "False", reason: "Gone" }] } },
    "False (Gone)",
  ],
  ["APIService", "Available", { spec: {}, status: { conditions: [{ type: "Available", status: "False" }] } }, "False"],
  ["ControllerRevision", "Revision", { revision: 3 }, 3],
  ["Job", "Completions", { spec: { parallelism: 3, template: { spec: {} } } }, "0/1 of 3"],
  ["Job", "Duration", { spec: { template: { spec: {} } } }, ""],
  ["CronJob", "Suspend", { spec: { suspend: true, jobTemplate: { spec: { template: { spec: {} } } } } }, "True"],
  ["CronJob", "Last Schedule", { spec: { jobTemplate: { spec: { template: { spec: {} } } } } }, "<none>"],
  ["HorizontalPodAutoscaler v2", "Targets", metric(pods("5")), "<unknown>/5"],
  [
    "HorizontalPodAutoscaler v2",
    "Targets",
    metric(pods("5"), { type: "Pods", pods: { current: { averageValue: "3" } } }),
    "3/5",
  ],
  ["HorizontalPodAutoscaler v2", "Targets", metric(pods("5"), { type: "Pods", pods: { current: {} } }), "<nil>/5"],
  ["HorizontalPodAutoscaler v2", "MaxPods", metric(pods("5")), 3],
  ["ValidatingAdmissionPolicyBinding", "ParamRef", binding(undefined), "<unset>"],
  ["ValidatingAdmissionPolicyBinding", "ParamRef", binding({ name: "n" }), "*/n"],
  ["ValidatingAdmissionPolicyBinding", "ParamRef", binding({ name: "n", namespace: "s" }), "s/n"],
  [
    "ValidatingAdmissionPolicyBinding",
    "ParamRef",
    binding({
      selector: {
        matchLabels: { b: "2", a: "1" },
        matchExpressions: [{ key: "k", operator: "In", values: ["x", "y"] }],
      },
    }),
    "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}",
  ],
];

describe("cells", () => {
  it.each(CASES)("%s: %s of %j", (name, column, object, cell) => {
    const [kindName, version] = name.split(" ");
    const kind = kinds.find((one) => one.kind === kindName && (version === undefined || one.version === version));
    if (!kind) throw new Error(`there is no ${name}`);
    const cells = cellsOf<KubeObject>(kind, object);
    expect(Object.keys(cells)).toContain(column);
    expect(cells[column]).toEqual(cell);
  });
});
