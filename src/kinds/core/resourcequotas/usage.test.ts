import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../machinery/meta.ts";
import type { Pod, PodSpec, PodStatus } from "../pods/types.ts";
import { increase, isUsedBy, unnamedOf, usageOf } from "./usage.ts";

const NOW_MS = Date.parse("2026-01-01T00:01:00Z");

function pod(spec: Partial<PodSpec>, parts: { status?: PodStatus; metadata?: object } = {}): Pod {
  return {
    metadata: { name: "p", ...parts.metadata },
    spec: { containers: [{ name: "c" }], ...spec },
    status: parts.status ?? {},
  };
}

const object = (kind: object): KubeObject => ({ metadata: { name: "x" }, ...kind });

const STATUS = { name: "c", ready: true, restartCount: 0, image: "", imageID: "" };

const RESOURCES = {
  requests: { cpu: "100m", memory: "64Mi", "example.org/gpu": "2" },
  limits: { cpu: "1", "ephemeral-storage": "1Gi" },
};

describe("usage", () => {
  it.each<[string, string, KubeObject, Record<string, string>]>([
    ["a kind of its own", "widgets.example.org", object({}), { "count/widgets.example.org": "1" }],
    ["a kind with an old name", "secrets", object({}), { "count/secrets": "1", secrets: "1" }],
    ["a pod without resources", "pods", pod({}), { "count/pods": "1", pods: "1" }],
    [
      "a pod with resources",
      "pods",
      pod({
        containers: [
          { name: "c", resources: RESOURCES },
          { name: "d", resources: { requests: { cpu: "400m" } } },
        ],
      }),
      {
        "count/pods": "1",
        pods: "1",
        cpu: "500m",
        "requests.cpu": "500m",
        memory: "64Mi",
        "requests.memory": "64Mi",
        "limits.cpu": "1",
        "limits.ephemeral-storage": "1Gi",
        "requests.example.org/gpu": "2",
      },
    ],
    [
      "a pod with devices of classes, without a claim",
      "pods",
      pod({
        containers: [
          { name: "c", resources: { requests: { "deviceclass.resource.kubernetes.io/gpu": "2" } } },
          { name: "d", resources: { requests: { "deviceclass.resource.kubernetes.io/gpu": "1" } } },
        ],
      }),
      { "count/pods": "1", pods: "1", "requests.deviceclass.resource.kubernetes.io/gpu": "3" },
    ],
    [
      "a pod with overhead, which raises the limits that there are",
      "pods",
      pod({
        overhead: { cpu: "250m", memory: "1Mi" },
        containers: [{ name: "c", resources: { requests: { cpu: "1" }, limits: { cpu: "1" } } }],
      }),
      {
        "count/pods": "1",
        pods: "1",
        cpu: "1250m",
        "requests.cpu": "1250m",
        "limits.cpu": "1250m",
        memory: "1Mi",
        "requests.memory": "1Mi",
      },
    ],
    [
      "a pod with huge pages",
      "pods",
      pod({ containers: [{ name: "c", resources: { requests: { "hugepages-2Mi": "4Mi" } } }] }),
      { "count/pods": "1", pods: "1", "hugepages-2Mi": "4Mi", "requests.hugepages-2Mi": "4Mi" },
    ],
    [
      "a pod that is being resized",
      "pods",
      pod(
        { containers: [{ name: "c", resources: { requests: { cpu: "1" } } }] },
        {
          status: {
            containerStatuses: [
              { ...STATUS, allocatedResources: { cpu: "2" }, resources: { requests: { cpu: "1500m" } } },
            ],
          },
        },
      ),
      { "count/pods": "1", pods: "1", cpu: "2", "requests.cpu": "2" },
    ],
    [
      "a pod that asks for more than its node can ever give",
      "pods",
      pod(
        { containers: [{ name: "c", resources: { requests: { cpu: "9" }, limits: { cpu: "9" } } }] },
        {
          status: {
            conditions: [{ type: "PodResizePending", status: "True", reason: "Infeasible" }],
            containerStatuses: [
              {
                ...STATUS,
                allocatedResources: { cpu: "1" },
                resources: { requests: { cpu: "1" }, limits: { cpu: "2" } },
              },
            ],
          },
        },
      ),
      { "count/pods": "1", pods: "1", cpu: "1", "requests.cpu": "1", "limits.cpu": "2" },
    ],
    [
      "a pod whose limits are being lowered",
      "pods",
      pod(
        { containers: [{ name: "c", resources: { limits: { memory: "1Gi" } } }] },
        { status: { containerStatuses: [{ ...STATUS, resources: { limits: { memory: "2Gi" } } }] } },
      ),
      { "count/pods": "1", pods: "1", "limits.memory": "2Gi" },
    ],
    ["a pod that has ended", "pods", pod({}, { status: { phase: "Succeeded" } }), { "count/pods": "1" }],
    [
      "a pod that should be gone",
      "pods",
      pod({}, { metadata: { deletionTimestamp: "2026-01-01T00:00:29Z", deletionGracePeriodSeconds: 30 } }),
      { "count/pods": "1" },
    ],
    [
      "a pod that may still end in time",
      "pods",
      pod({}, { metadata: { deletionTimestamp: "2026-01-01T00:00:30Z", deletionGracePeriodSeconds: 30 } }),
      { "count/pods": "1", pods: "1" },
    ],
    [
      "a service inside",
      "services",
      object({ spec: { type: "ClusterIP", ports: [{ port: 1 }] } }),
      { "count/services": "1", services: "1", "services.loadbalancers": "0", "services.nodeports": "0" },
    ],
    [
      "a service on nodes",
      "services",
      object({ spec: { type: "NodePort", ports: [{ port: 1 }, { port: 2 }] } }),
      { "count/services": "1", services: "1", "services.loadbalancers": "0", "services.nodeports": "2" },
    ],
    [
      "a balanced service",
      "services",
      object({ spec: { type: "LoadBalancer", ports: [{ port: 1 }] } }),
      { "count/services": "1", services: "1", "services.loadbalancers": "1", "services.nodeports": "1" },
    ],
    [
      "a balanced service that takes no ports of nodes but by hand",
      "services",
      object({
        spec: {
          type: "LoadBalancer",
          allocateLoadBalancerNodePorts: false,
          ports: [{ port: 1 }, { port: 2, nodePort: 30_000 }],
        },
      }),
      { "count/services": "1", services: "1", "services.loadbalancers": "1", "services.nodeports": "1" },
    ],
    [
      "a claim of devices: of alternatives the most, of all of a class as many as an allocation holds",
      "resourceclaims.resource.k8s.io",
      object({
        spec: {
          devices: {
            requests: [
              { name: "a", exactly: { deviceClassName: "gpu", allocationMode: "ExactCount", count: 2 } },
              { name: "b", exactly: { deviceClassName: "nic", allocationMode: "All" } },
              {
                name: "c",
                firstAvailable: [
                  { name: "x", deviceClassName: "gpu", allocationMode: "ExactCount", count: 4 },
                  { name: "y", deviceClassName: "gpu", allocationMode: "ExactCount", count: 1 },
                  { name: "z", deviceClassName: "fpga", allocationMode: "ExactCount", count: 1 },
                ],
              },
            ],
          },
        },
      }),
      {
        "count/resourceclaims.resource.k8s.io": "1",
        "gpu.deviceclass.resource.k8s.io/devices": "6",
        "nic.deviceclass.resource.k8s.io/devices": "32",
        "fpga.deviceclass.resource.k8s.io/devices": "1",
      },
    ],
    [
      "a claim, by class too and in whole bytes",
      "persistentvolumeclaims",
      object({ spec: { storageClassName: "gold", resources: { requests: { storage: "1500m" } } } }),
      {
        "count/persistentvolumeclaims": "1",
        persistentvolumeclaims: "1",
        "requests.storage": "2",
        "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        "gold.storageclass.storage.k8s.io/requests.storage": "2",
      },
    ],
    [
      "a claim that has got more",
      "persistentvolumeclaims",
      object({
        spec: { resources: { requests: { storage: "1Gi" } } },
        status: { allocatedResources: { storage: "2Gi" } },
      }),
      { "count/persistentvolumeclaims": "1", persistentvolumeclaims: "1", "requests.storage": "2Gi" },
    ],
  ])("of %s", (_, groupResource, used, expected) => {
    const usage = usageOf(groupResource, used, NOW_MS);
    expect(usage).toEqual(expected);
    for (const name of Object.keys(usage)) expect(isUsedBy(groupResource, name), name).toBe(true);
  });

  it("is only what is more than before", () => {
    expect(increase({ cpu: "1", pods: "1" }, { cpu: "1500m", pods: "1", memory: "1Mi" })).toEqual({
      cpu: "500m",
      memory: "1Mi",
    });
    expect(increase({ cpu: "2" }, { cpu: "1" })).toEqual({});
  });
});

it.each([
  ["pods", "requests.example.org/gpu", true],
  ["pods", "requests.deviceclass.resource.kubernetes.io/gpu", true],
  ["pods", "requests.other.kubernetes.io/gpu", false],
  ["pods", "deviceclass.resource.kubernetes.io/gpu", false],
  ["pods", "example.org/gpu", false],
  ["pods", "requests.storage", false],
  ["pods", "services", false],
  ["services", "services.nodeports", true],
  ["persistentvolumeclaims", "gold.storageclass.storage.k8s.io/requests.storage", true],
  ["configmaps", "configmaps", true],
  ["deployments.apps", "count/deployments.apps", true],
  ["deployments.apps", "count/deployments", false],
])("%s use %s: %s", (groupResource, name, expected) => {
  expect(isUsedBy(groupResource, name)).toBe(expected);
});

it("what containers have to name", () => {
  const both = pod({
    containers: [{ name: "b" }, { name: "a", resources: { requests: { cpu: "1" } } }],
    initContainers: [{ name: "i", resources: { limits: { memory: "1" } } }],
  });
  expect(unnamedOf(both, ["requests.cpu", "limits.memory", "pods", "requests.ephemeral-storage"])).toBe(
    "limits.memory for: a,b; requests.cpu for: b,i",
  );
  expect(unnamedOf(pod({ resources: { requests: { cpu: "1" } } }), ["requests.cpu", "memory"])).toBeUndefined();
});
