/** Plugins that are off by default, each by what a stock server does when it is on. */
import { describe, expect, it } from "vitest";
import type { Container, PodSpec, Toleration, Volume } from "../kinds/core/pods/types.ts";
import type { KubeObject, OwnerReference } from "../machinery/meta.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./admission.ts";
import { createAlwaysPullImages } from "./always-pull-images.ts";
import { createAntiAffinityTopology } from "./anti-affinity-topology.ts";
import { createExtendedResourceToleration } from "./extended-resource-toleration.ts";
import { createOwnerReferences, type Right } from "./owner-references.ts";
import { createPodNodeSelector } from "./pod-node-selector.ts";
import { createPodTolerationRestriction } from "./pod-toleration-restriction.ts";
import { attributesOf, podWith, refusalOf, rulesWith } from "./testing/attributes.ts";
import { mergeTolerations } from "./tolerations.ts";

/** The pod's spec after both passes, or why it was refused. */
async function admitted(plugin: AdmissionPlugin, spec: Partial<PodSpec>, parts: Partial<AdmissionAttributes> = {}) {
  const object = podWith(structuredClone(spec));
  const attributes = attributesOf({ object, ...parts });
  const refusal = await refusalOf(async () => {
    await plugin.mutate?.(attributes);
    await plugin.validate?.(attributes);
  });
  return refusal === "" ? object.spec : refusal;
}

const inNamespace = (annotations: Record<string, string>) =>
  rulesWith({ namespace: { metadata: { name: "ns", annotations } } });
const container = (more: Partial<Container> = {}): Container => ({ name: "c", image: "c:1", ...more });

const updateOf = (images: string[]) => ({
  operation: "UPDATE" as const,
  oldObject: podWith({ containers: images.map((image) => container({ image })) }),
});

describe("AlwaysPullImages", () => {
  const plugin = createAlwaysPullImages();
  it("sets the policy of all containers and image volumes", async () => {
    const volumes = [{ name: "v", image: { reference: "v:1", pullPolicy: "Never" } }] satisfies Volume[];
    const spec = {
      containers: [container(), container({ imagePullPolicy: "Never" })],
      initContainers: [container({ imagePullPolicy: "IfNotPresent" })],
      volumes,
    };
    expect(await admitted(plugin, spec)).toMatchObject({
      containers: [{ imagePullPolicy: "Always" }, { imagePullPolicy: "Always" }],
      initContainers: [{ imagePullPolicy: "Always" }],
      volumes: [{ image: { pullPolicy: "Always" } }],
    });
  });

  it.each<[string, Partial<AdmissionAttributes>, "Always" | "Never"]>([
    ["an update with a new image", updateOf(["c:0"]), "Always"],
    ["an update without a new image", updateOf(["c:0", "c:1"]), "Never"],
    ["a subresource", { subresource: "status", operation: "UPDATE" }, "Never"],
    ["another resource", { resource: "things" }, "Never"],
  ])("%s", async (_, parts, expected) => {
    const spec = await admitted(plugin, { containers: [container({ imagePullPolicy: "Never" })] }, parts);
    expect(spec).toMatchObject({ containers: [{ imagePullPolicy: expected }] });
  });

  it("refuses what was changed after it", async () => {
    const object = podWith({ containers: [container({ imagePullPolicy: "Never" })] });
    expect(await refusalOf(() => plugin.validate?.(attributesOf({ object })))).toBe(
      'pods "p" is forbidden: spec.containers[0].imagePullPolicy: Unsupported value: "Never": supported values: "Always"',
    );
  });
});

const term = (topologyKey: string) => ({ topologyKey });
it.each<[string, PodSpec["affinity"], string]>([
  ["none", undefined, ""],
  [
    "by node",
    { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term("kubernetes.io/hostname")] } },
    "",
  ],
  [
    "by zone, preferred",
    {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term("zone") }],
      },
    },
    "",
  ],
  ["towards others by zone", { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term("zone")] } }, ""],
  [
    "by zone",
    {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [term("kubernetes.io/hostname"), term("zone")],
      },
    },
    'pods "p" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key kubernetes.io/hostname is allowed',
  ],
])("LimitPodHardAntiAffinityTopology: %s", async (_, affinity, refusal) => {
  const result = await admitted(createAntiAffinityTopology(), affinity ? { affinity } : {});
  expect(typeof result === "string" ? result : "").toBe(refusal);
});

const asking = (requests: Record<string, string>) => container({ resources: { requests } });
const tolerating = (key: string): Toleration => ({ key, operator: "Exists", effect: "NoSchedule" });

describe("ExtendedResourceToleration", () => {
  const plugin = createExtendedResourceToleration();

  it.each<[string, Partial<PodSpec>, Toleration[] | undefined]>([
    ["nothing", { containers: [container()] }, undefined],
    ["ordinary resources", { containers: [asking({ cpu: "1", "hugepages-2Mi": "2Mi" })] }, undefined],
    [
      "devices, sorted and once each",
      {
        containers: [asking({ "b.org/x": "1" }), asking({ "a.org/x": "1" })],
        initContainers: [asking({ "b.org/x": "2" })],
      },
      [tolerating("a.org/x"), tolerating("b.org/x")],
    ],
    [
      "one that it tolerates already",
      { containers: [asking({ "a.org/x": "1" })], tolerations: [tolerating("a.org/x")] },
      [tolerating("a.org/x")],
    ],
    [
      "one that it tolerates by value",
      { containers: [asking({ "a.org/x": "1" })], tolerations: [{ key: "a.org/x", value: "v" }] },
      [{ key: "a.org/x", value: "v" }, tolerating("a.org/x")],
    ],
  ])("a pod that asks for %s", async (_, spec, expected) => {
    expect((await admitted(plugin, spec)) as PodSpec).toMatchObject({ containers: spec.containers });
    expect(((await admitted(plugin, spec)) as PodSpec).tolerations).toEqual(expected);
  });
});

const nodeSelecting = (selector?: string) =>
  createPodNodeSelector({
    rules: inNamespace(selector === undefined ? {} : { "scheduler.alpha.kubernetes.io/node-selector": selector }),
  });

describe("PodNodeSelector", () => {
  it.each<[string | undefined, PodSpec["nodeSelector"], PodSpec["nodeSelector"] | string]>([
    [undefined, { a: "1" }, { a: "1" }],
    ["", undefined, undefined],
    ["disk=ssd, zone=a", undefined, { disk: "ssd", zone: "a" }],
    ["disk=ssd", { zone: "a" }, { disk: "ssd", zone: "a" }],
    ["disk=ssd", { disk: "ssd" }, { disk: "ssd" }],
    [
      "disk=ssd",
      { disk: "hdd" },
      'pods "p" is forbidden: pod node label selector conflicts with its namespace node label selector',
    ],
    [
      "disk",
      undefined,
      'pods "p" is forbidden: annotation scheduler.alpha.kubernetes.io/node-selector of the namespace: invalid selector: disk',
    ],
  ])("%s and %o", async (selector, own, expected) => {
    const result = await admitted(nodeSelecting(selector), own ? { nodeSelector: own } : {});
    expect(typeof result === "string" ? result : result.nodeSelector).toEqual(expected);
  });

  it("has no say in updates", async () => {
    const result = await admitted(
      nodeSelecting("disk=ssd"),
      { nodeSelector: { disk: "hdd" } },
      { operation: "UPDATE" },
    );
    expect((result as PodSpec).nodeSelector).toEqual({ disk: "hdd" });
  });
});

const restricting = ({ defaults, allowed }: { defaults?: unknown; allowed?: unknown }) =>
  createPodTolerationRestriction({
    rules: inNamespace({
      ...(defaults === undefined
        ? {}
        : { "scheduler.alpha.kubernetes.io/defaultTolerations": JSON.stringify(defaults) }),
      ...(allowed === undefined
        ? {}
        : { "scheduler.alpha.kubernetes.io/tolerationsWhitelist": JSON.stringify(allowed) }),
    }),
  });

describe("PodTolerationRestriction", () => {
  const a: Toleration = { key: "a", operator: "Exists", effect: "NoSchedule" };
  const b: Toleration = { key: "b", operator: "Equal", value: "1", effect: "NoExecute", tolerationSeconds: 60 };
  const pressure: Toleration = { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" };
  const conflict =
    'pods "p" is forbidden: pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist';
  it.each<[string, Parameters<typeof restricting>[0], Toleration[] | undefined, Toleration[] | undefined | string]>([
    ["a namespace that says nothing", {}, [a], [a]],
    ["nothing at all", {}, undefined, undefined],
    ["defaults for a pod without", { defaults: [a] }, undefined, [a]],
    ["defaults and its own", { defaults: [a] }, [b], [a, b]],
    ["defaults that it has", { defaults: [a] }, [a], [a]],
    ["one that is allowed", { allowed: [a] }, [a], [a]],
    ["one that a wider one allows", { allowed: [{ operator: "Exists" }] }, [a, b], [a, b]],
    ["one that is not allowed", { allowed: [a] }, [b], conflict],
    ["one for longer than allowed", { allowed: [b] }, [{ ...b, tolerationSeconds: 61 }], conflict],
    ["defaults that are not allowed", { defaults: [b], allowed: [a] }, undefined, conflict],
    ["an empty list allows all", { allowed: [] }, [b], [b]],
    [
      "what is no list",
      { defaults: "x" },
      [a],
      'pods "p" is forbidden: annotation scheduler.alpha.kubernetes.io/defaultTolerations of the namespace is no list of tolerations',
    ],
  ])("%s", async (_, namespace, own, expected) => {
    const result = await admitted(restricting(namespace), own ? { tolerations: own } : {});
    expect(typeof result === "string" ? result : result.tolerations).toEqual(expected);
  });

  it("gives an update no defaults, but holds it to what is allowed", async () => {
    const update = { operation: "UPDATE" as const };
    expect(await admitted(restricting({ defaults: [a] }), { tolerations: [b] }, update)).toMatchObject({
      tolerations: [b],
    });
    expect(await admitted(restricting({ allowed: [a] }), { tolerations: [b] }, update)).toBe(conflict);
  });

  it("lets pods with requests stay where memory is short", async () => {
    const containers = [container({ resources: { requests: { cpu: "1" } } })];
    expect(await admitted(restricting({}), { containers })).toMatchObject({ tolerations: [pressure] });
  });

  it("of two keeps the wider one, of equal ones the first", () => {
    const wide: Toleration = { key: "a", operator: "Exists" };
    expect(mergeTolerations([a], [wide, b, b])).toEqual([wide, b]);
    expect(mergeTolerations([b], [{ ...b, tolerationSeconds: 30 }])).toEqual([b]);
  });
});

const owner = (uid: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  name: "web",
  uid,
  ...more,
});
const owned = (...ownerReferences: OwnerReference[]): KubeObject => ({
  metadata: { name: "p", ...(ownerReferences.length > 0 ? { ownerReferences } : {}) },
});

async function judged(
  may: readonly string[],
  { object, oldObject, subresource = "" }: { object: KubeObject; oldObject?: KubeObject; subresource?: string },
) {
  const asked: string[] = [];
  const plugin = createOwnerReferences({
    mayDo: async ({ verb, resource: { group, resource, subresource: sub, namespace, name } }: Right) => {
      const right = `${verb} ${[group, resource, sub].filter((part) => part !== "").join("/")} ${namespace}/${name}`;
      asked.push(right);
      return { allowed: may.includes(right) };
    },
    findKind: ({ kind }) =>
      kind === "ReplicaSet"
        ? { plural: "replicasets", namespaced: true }
        : kind === "Node"
          ? { plural: "nodes", namespaced: false }
          : undefined,
  });
  const attributes = attributesOf({
    operation: oldObject ? "UPDATE" : "CREATE",
    object,
    oldObject,
    subresource,
    name: "p",
  });
  const refusal = await refusalOf(() => plugin.validate?.(attributes));
  return { refusal: refusal.replace('pods "p" is forbidden: ', ""), asked };
}

describe("OwnerReferencesPermissionEnforcement", () => {
  const DELETE = "delete pods ns/p";
  const FINALIZE = "update apps/replicasets/finalizers ns/web";
  const NO_DELETE = "cannot set an ownerRef on a resource you can't delete: , <nil>";
  const NO_FINALIZE =
    "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>";
  const blocking = { blockOwnerDeletion: true };

  it.each<[string, string[], Parameters<typeof judged>[1], string]>([
    ["a new object without owners", [], { object: owned() }, ""],
    ["an update that keeps them", [], { object: owned(owner("1")), oldObject: owned(owner("1")) }, ""],
    ["a new object with one", [], { object: owned(owner("1")) }, NO_DELETE],
    ["a new object with one, by who may delete it", [DELETE], { object: owned(owner("1")) }, ""],
    ["one more", [], { object: owned(owner("1"), owner("2")), oldObject: owned(owner("1")) }, NO_DELETE],
    ["one less", [], { object: owned(), oldObject: owned(owner("1")) }, NO_DELETE],
    ["a status of a pod", [], { object: owned(owner("1")), oldObject: owned(), subresource: "status" }, ""],
    ["one that blocks", [DELETE], { object: owned(owner("1", blocking)) }, NO_FINALIZE],
    ["one that blocks, by who may", [DELETE, FINALIZE], { object: owned(owner("1", blocking)) }, ""],
    [
      "one that begins to block",
      [DELETE],
      { object: owned(owner("1", blocking)), oldObject: owned(owner("1")) },
      NO_FINALIZE,
    ],
    [
      "another one beside one that blocks",
      [DELETE],
      { object: owned(owner("1", blocking), owner("2")), oldObject: owned(owner("1", blocking)) },
      "",
    ],
    [
      "one that blocks and is of no kind",
      [DELETE],
      { object: owned(owner("1", { ...blocking, kind: "None" })) },
      'cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion apps/v1 Kind None: no matches for kind "None" in version "apps/v1"',
    ],
  ])("%s", async (_, may, request, refusal) => {
    expect((await judged(may, request)).refusal).toBe(refusal);
  });

  it("asks for an owner without namespace as such", async () => {
    const node = owner("1", { ...blocking, apiVersion: "v1", kind: "Node", name: "n1" });
    expect((await judged([DELETE], { object: owned(node) })).asked).toEqual([DELETE, "update nodes/finalizers /n1"]);
  });
});
