import { expect, it } from "vitest";
import type { KubeObject } from "../machinery/meta.ts";
import { createClaimResize } from "./claim-resize.ts";
import { createDefaultIngressClass } from "./default-ingress-class.ts";
import { createDenyServiceExternalIps } from "./service-external-ips.ts";
import { createPodResize } from "./pod-resize.ts";
import { createTaintNodesByCondition } from "./taint-nodes-by-condition.ts";
import { attributesOf, refusalOf } from "./testing/attributes.ts";

const named = (name: string, rest: object): KubeObject => ({ metadata: { name }, ...rest });

const service = (externalIPs: string[]) => named("web", { spec: { externalIPs } });

it.each<[string, string[] | undefined, string[], boolean]>([
  ["a service without", undefined, [], true],
  ["a new one with", undefined, ["1.2.3.4"], false],
  ["one that gets more", ["1.2.3.4"], ["1.2.3.4", "1.2.3.5"], false],
  ["one that keeps what it has", ["1.2.3.4"], ["1.2.3.4"], true],
  ["one that gives up some", ["1.2.3.4", "1.2.3.5"], ["1.2.3.5"], true],
])("external addresses: %s", async (_, before, after, allowed) => {
  const parts = before ? { operation: "UPDATE" as const, oldObject: service(before) } : {};
  const attributes = attributesOf({ resource: "services", object: service(after), ...parts });
  expect(await refusalOf(() => createDenyServiceExternalIps().validate?.(attributes))).toBe(
    allowed ? "" : 'services "web" is forbidden: Use of external IPs is denied by admission control.',
  );
});

it("a new node is not ready before it is said to be", async () => {
  const plugin = createTaintNodesByCondition();
  const taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
  const object = named("n1", {});
  await plugin.mutate?.(attributesOf({ resource: "nodes", namespace: "", object }));
  await plugin.mutate?.(attributesOf({ resource: "nodes", namespace: "", object }));
  expect(object["spec"]).toEqual({ taints: [taint] });
  const old = named("n1", {});
  await plugin.mutate?.(attributesOf({ resource: "nodes", namespace: "", operation: "UPDATE", object: old }));
  expect(old["spec"]).toBeUndefined();
});

it.each<[string, object, object, string]>([
  ["of a class that can", { storageClassName: "grows" }, { phase: "Bound" }, ""],
  ["of a class that cannot", { storageClassName: "fixed" }, { phase: "Bound" }, "only dynamically"],
  ["of a class that is gone", { storageClassName: "none" }, { phase: "Bound" }, "only dynamically"],
  ["of no class", {}, { phase: "Bound" }, "only dynamically"],
  ["that is not bound", { storageClassName: "grows" }, { phase: "Pending" }, "only bound"],
])("a claim %s grows", async (_, spec, status, why) => {
  const classes: Record<string, boolean> = { grows: true, fixed: false };
  const plugin = createClaimResize({
    lookup: async ({ name }) => (name in classes ? named(name, { allowVolumeExpansion: classes[name] }) : undefined),
  });
  const claim = (storage: string) => named("data", { spec: { ...spec, resources: { requests: { storage } } }, status });
  const texts: Record<string, string> = {
    "only dynamically":
      "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    "only bound": "Only bound persistent volume claims can be expanded",
  };
  const judged = (from: string, to: string) => {
    const parts = { resource: "persistentvolumeclaims", operation: "UPDATE" as const };
    return refusalOf(() => plugin.validate?.(attributesOf({ ...parts, oldObject: claim(from), object: claim(to) })));
  };
  expect(await judged("1Gi", "2Gi")).toBe(
    why === "" ? "" : `persistentvolumeclaims "data" is forbidden: ${texts[why]}`,
  );
  expect(await judged("1Gi", "1024Mi")).toBe("");
});

const ingressClass = (name: string, creationTimestamp: string, isDefault: boolean) => ({
  metadata: {
    name,
    creationTimestamp,
    annotations: { "ingressclass.kubernetes.io/is-default-class": String(isDefault) },
  },
  spec: {},
});

it("an Ingress without a class gets the newest default", async () => {
  const classes = [
    ingressClass("old", "2024-01-01T00:00:00Z", true),
    ingressClass("new", "2026-01-01T00:00:00Z", true),
    ingressClass("newest", "2027-01-01T00:00:00Z", false),
  ];
  const plugin = createDefaultIngressClass({ listIngressClasses: async () => classes, clock: { now: () => 0 } });
  const admitted = async (spec: object, annotations = {}) => {
    const object: KubeObject & { spec?: { ingressClassName?: string } } = {
      metadata: { name: "web", annotations },
      spec,
    };
    await plugin.mutate?.(attributesOf({ group: "networking.k8s.io", resource: "ingresses", object }));
    return object.spec?.ingressClassName;
  };
  expect(await admitted({})).toBe("new");
  expect(await admitted({ ingressClassName: "own" })).toBe("own");
  expect(await admitted({}, { "kubernetes.io/ingress.class": "own" })).toBeUndefined();
});

it.each<[string, object, number, string]>([
  ["fits", {}, 2, ""],
  [
    "is too large",
    { requests: { cpu: "5", memory: "3Gi" } },
    2,
    "node didn't have enough allocatable resources: cpu, requested: 5100, allocatable: 4000; memory, requested: 3221225472, allocatable: 2147483648",
  ],
  ["is too large already, and does not change", { requests: { cpu: "5" } }, 1, ""],
  ["is on a node that is gone", { on: "gone" }, 2, 'node "gone" not found'],
  ["is on another system", { on: "w" }, 2, 'pod resize is only supported on linux nodes, node "w" is "windows"'],
  ["is on none", { on: "", requests: { cpu: "5" } }, 2, ""],
])("a pod that is resized and %s", async (_, { on = "n", requests = { cpu: "1" } }: Resized, generation, why) => {
  const nodes: Record<string, KubeObject> = {
    n: named("n", { status: { allocatable: { cpu: "4", memory: "2Gi" } } }),
    w: { metadata: { name: "w", labels: { "kubernetes.io/os": "windows" } } },
  };
  const plugin = createPodResize({ lookup: async ({ name }) => nodes[name] });
  const pod = (of: number) => ({
    metadata: { name: "p", generation: of },
    spec: { nodeName: on, overhead: { cpu: "100m" }, containers: [{ name: "c", resources: { requests } }] },
  });
  const parts = { resource: "pods", subresource: "resize", operation: "UPDATE" as const };
  const attributes = attributesOf({ ...parts, oldObject: pod(1), object: pod(generation) });
  expect(await refusalOf(() => plugin.validate?.(attributes))).toBe(why === "" ? "" : `pods "p" is forbidden: ${why}`);
});

interface Resized {
  on?: string;
  requests?: object;
}
