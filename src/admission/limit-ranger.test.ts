import { describe, expect, it } from "vitest";
import type { LimitRange, LimitRangeItem } from "../kinds/core/limitranges/types.ts";
import type { Container, Pod, ResourceRequirements } from "../kinds/core/pods/types.ts";
import type { AdmissionAttributes } from "./admission.ts";
import { createLimitRanger } from "./limit-ranger.ts";
import { attributesOf, podWith, refusalOf, rulesWith } from "./testing/attributes.ts";

const ANNOTATION = "kubernetes.io/limit-ranger";

function pluginWith(...ranges: LimitRangeItem[][]) {
  const limitRanges = ranges.map((limits, at): LimitRange => ({ metadata: { name: `r${at}` }, spec: { limits } }));
  return createLimitRanger({ rules: rulesWith({ limitRanges }) });
}

function container(name: string, resources?: ResourceRequirements, restartPolicy?: string): Container {
  return { name, ...(resources ? { resources } : {}), ...(restartPolicy ? { restartPolicy } : {}) };
}

const both = (cpu: string): ResourceRequirements => ({ requests: { cpu }, limits: { cpu } });

describe("defaults", () => {
  const item: LimitRangeItem = {
    type: "Container",
    default: { cpu: "500m", memory: "64Mi" },
    defaultRequest: { cpu: "100m", "ephemeral-storage": "1Gi" },
  };

  it("fill in what containers do not say, and the pod tells what was set", async () => {
    const object = podWith({
      containers: [container("a"), container("b", { limits: { cpu: "1" }, requests: { cpu: "1" } })],
      initContainers: [container("i", { requests: { cpu: "1", "ephemeral-storage": "2Gi" } })],
    });
    await pluginWith([item]).mutate?.(attributesOf({ object }));
    expect(object.spec.containers.map(({ resources }) => resources)).toEqual([
      { requests: { cpu: "100m", "ephemeral-storage": "1Gi" }, limits: { cpu: "500m", memory: "64Mi" } },
      { requests: { cpu: "1", "ephemeral-storage": "1Gi" }, limits: { cpu: "1", memory: "64Mi" } },
    ]);
    expect(object.spec.initContainers?.[0]?.resources).toEqual({
      requests: { cpu: "1", "ephemeral-storage": "2Gi" },
      limits: { cpu: "500m", memory: "64Mi" },
    });
    expect(object.metadata.annotations).toEqual({
      [ANNOTATION]:
        "LimitRanger plugin set: cpu, ephemeral-storage request for container a; cpu, memory limit for container a; ephemeral-storage request for container b; memory limit for container b; cpu, memory limit for init container i",
    });
  });

  it("come from the first that has them, and leave no trace where nothing is missing", async () => {
    const plugin = pluginWith(
      [item],
      [{ type: "Container", default: { cpu: "9" }, defaultRequest: { memory: "1Mi" } }],
    );
    const object = podWith({ containers: [container("a")] });
    await plugin.mutate?.(attributesOf({ object }));
    expect(object.spec.containers[0]?.resources).toEqual({
      requests: { cpu: "100m", "ephemeral-storage": "1Gi", memory: "1Mi" },
      limits: { cpu: "500m", memory: "64Mi" },
    });
    expect(object.metadata.annotations?.[ANNOTATION]).toBe("LimitRanger plugin set: memory request for container a");
    const again = structuredClone(object);
    delete again.metadata.annotations;
    await plugin.mutate?.(attributesOf({ object: again }));
    expect(again.metadata.annotations).toBeUndefined();
  });

  it.each<[string, Partial<AdmissionAttributes>]>([
    ["an update", { operation: "UPDATE" }],
    ["a resize", { operation: "UPDATE", subresource: "resize" }],
    ["a binding", { subresource: "binding" }],
    ["another resource", { resource: "podtemplates" }],
  ])("are not for %s", async (_, parts) => {
    const object = podWith();
    await pluginWith([item]).mutate?.(attributesOf({ object, ...parts }));
    expect(object).toEqual(podWith());
  });
});

const CASES: [string, LimitRangeItem, Partial<Pod["spec"]>, string][] = [
  [
    "min, no request",
    { type: "Container", min: { cpu: "50m" } },
    { containers: [container("c")] },
    "minimum cpu usage per Container is 50m.  No request is specified",
  ],
  [
    "min, a small request",
    { type: "Container", min: { cpu: "50m" } },
    { containers: [container("c", both("0.04"))] },
    "minimum cpu usage per Container is 50m, but request is 40m",
  ],
  [
    "min, a small limit",
    { type: "Container", min: { cpu: "50m" } },
    { containers: [container("c", { requests: { cpu: "50m" }, limits: { cpu: "49m" } })] },
    "minimum cpu usage per Container is 50m, but limit is 49m",
  ],
  ["min, exactly", { type: "Container", min: { cpu: "50m" } }, { containers: [container("c", both("50m"))] }, ""],
  [
    "max, no limit",
    { type: "Container", max: { memory: "1Gi" } },
    { containers: [container("c")] },
    "maximum memory usage per Container is 1Gi.  No limit is specified",
  ],
  [
    "max, a large limit",
    { type: "Container", max: { cpu: "1" } },
    { containers: [container("c", both("1001m"))] },
    "maximum cpu usage per Container is 1, but limit is 1001m",
  ],
  [
    "max, a large request",
    { type: "Container", max: { cpu: "1" } },
    { containers: [container("c", { requests: { cpu: "2" }, limits: { cpu: "1" } })] },
    "maximum cpu usage per Container is 1, but request is 2",
  ],
  [
    "ratio, no request",
    { type: "Container", maxLimitRequestRatio: { cpu: "2" } },
    { containers: [container("c", { limits: { cpu: "1" } })] },
    "cpu max limit to request ratio per Container is 2, but no request is specified or request is 0",
  ],
  [
    "ratio, no limit",
    { type: "Container", maxLimitRequestRatio: { cpu: "2" } },
    { containers: [container("c", { requests: { cpu: "1" } })] },
    "cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0",
  ],
  [
    "ratio, too much",
    { type: "Container", maxLimitRequestRatio: { cpu: "1500m" } },
    { containers: [container("c", { requests: { cpu: "500m" }, limits: { cpu: "1" } })] },
    "cpu max limit to request ratio per Container is 1500m, but provided ratio is 2.000000",
  ],
  [
    "ratio, exactly",
    { type: "Container", maxLimitRequestRatio: { cpu: "2" } },
    { containers: [container("c", { requests: { cpu: "500m" }, limits: { cpu: "1" } })] },
    "",
  ],
  [
    "each container, init containers too",
    { type: "Container", min: { cpu: "1" } },
    { containers: [container("c", both("1"))], initContainers: [container("i", both("1m"))] },
    "minimum cpu usage per Container is 1, but request is 1m",
  ],
  [
    "several faults",
    { type: "Container", min: { cpu: "1" }, max: { memory: "1" } },
    { containers: [container("c"), container("d")] },
    "[minimum cpu usage per Container is 1.  No request is specified, maximum memory usage per Container is 1.  No limit is specified]",
  ],
  [
    "a pod adds up",
    { type: "Pod", max: { cpu: "1" } },
    { containers: [container("c", both("600m")), container("d", both("600m"))] },
    "maximum cpu usage per Pod is 1, but limit is 1200m",
  ],
  [
    "a pod's largest init container",
    { type: "Pod", max: { cpu: "1" } },
    { containers: [container("c", both("600m"))], initContainers: [container("i", both("2"))] },
    "maximum cpu usage per Pod is 1, but limit is 2",
  ],
  [
    "a pod's sidecar",
    { type: "Pod", max: { cpu: "1" } },
    { containers: [container("c", both("600m"))], initContainers: [container("i", both("600m"), "Always")] },
    "maximum cpu usage per Pod is 1, but limit is 1200m",
  ],
  [
    "a pod as a whole",
    { type: "Pod", max: { cpu: "1" } },
    { containers: [container("c")], resources: both("2") },
    "maximum cpu usage per Pod is 1, but limit is 2",
  ],
  [
    "a pod without",
    { type: "Pod", min: { cpu: "1" } },
    { containers: [container("c")] },
    "minimum cpu usage per Pod is 1.  No request is specified",
  ],
  ["types of others", { type: "example.org/thing", min: { cpu: "1" } }, {}, ""],
];

describe("bounds of pods", () => {
  it.each(CASES)("%s", async (_, item, spec, why) => {
    const object = podWith(spec);
    const said = await refusalOf(() => pluginWith([item]).validate?.(attributesOf({ object })));
    expect(said).toBe(why === "" ? "" : `pods "p" is forbidden: ${why}`);
  });

  it("hold for a resize, and for no other update", async () => {
    const plugin = pluginWith([{ type: "Container", max: { cpu: "1" } }]);
    const object = podWith({ containers: [container("c", both("2"))] });
    const asUpdate = { operation: "UPDATE" as const, object, oldObject: podWith() };
    expect(await refusalOf(() => plugin.validate?.(attributesOf({ ...asUpdate, subresource: "resize" })))).toMatch(
      /limit is 2$/,
    );
    expect(await refusalOf(() => plugin.validate?.(attributesOf(asUpdate)))).toBe("");
    const going = { ...podWith(), metadata: { name: "p", deletionTimestamp: "2026-01-01T00:00:00Z" } };
    const ofGoing = attributesOf({ ...asUpdate, subresource: "resize", oldObject: going });
    expect(await refusalOf(() => plugin.validate?.(ofGoing))).toBe("");
  });
});

it.each([
  ["500Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"],
  ["3Gi", "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"],
  ["2Gi", ""],
])("a claim of %s", async (storage, why) => {
  const plugin = pluginWith([{ type: "PersistentVolumeClaim", min: { storage: "1Gi" }, max: { storage: "2Gi" } }]);
  for (const operation of ["CREATE", "UPDATE"] as const) {
    const object = { metadata: { name: "data" }, spec: { resources: { requests: { storage } } } };
    const attributes = attributesOf({ resource: "persistentvolumeclaims", operation, object });
    const expected = why === "" ? "" : `persistentvolumeclaims "data" is forbidden: ${why}`;
    expect(await refusalOf(() => plugin.validate?.(attributes))).toBe(expected);
  }
});
