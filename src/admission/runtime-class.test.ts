import { describe, expect, it } from "vitest";
import type { PodSpec, Toleration } from "../kinds/core/pods/types.ts";
import type { RuntimeClass } from "../kinds/node/runtimeclasses/types.ts";
import { createRuntimeClass, mergedTolerations } from "./runtime-class.ts";
import { attributesOf, podWith, refusalOf } from "./testing/attributes.ts";

const CLASSES: Record<string, Partial<RuntimeClass>> = {
  plain: {},
  vm: {
    overhead: { podFixed: { cpu: "250m", memory: "120Mi" } },
    scheduling: {
      nodeSelector: { vm: "yes" },
      tolerations: [{ key: "vm", operator: "Exists", effect: "NoSchedule" }],
    },
  },
};

async function admitted(spec: Partial<PodSpec>): Promise<{ refusal: string; spec: PodSpec }> {
  const plugin = createRuntimeClass({
    lookup: async ({ name }) => (CLASSES[name] ? { metadata: { name }, handler: name, ...CLASSES[name] } : undefined),
  });
  const attributes = attributesOf({ object: podWith(spec) });
  const refusal = await refusalOf(async () => {
    await plugin.mutate?.(attributes);
    await plugin.validate?.(attributes);
  });
  return { refusal, spec: (attributes.object as ReturnType<typeof podWith>).spec };
}

describe("pods of a class", () => {
  it("get its overhead, its nodes and its tolerations", async () => {
    const { refusal, spec } = await admitted({ runtimeClassName: "vm", nodeSelector: { disk: "ssd" } });
    expect(refusal).toBe("");
    expect(spec).toMatchObject({
      overhead: { cpu: "250m", memory: "120Mi" },
      nodeSelector: { disk: "ssd", vm: "yes" },
      tolerations: [{ key: "vm", operator: "Exists", effect: "NoSchedule" }],
    });
  });

  it("stay as they are where the class says nothing", async () => {
    expect((await admitted({ runtimeClassName: "plain" })).spec).toEqual(podWith({ runtimeClassName: "plain" }).spec);
    expect((await admitted({})).spec).toEqual(podWith().spec);
  });

  it.each<[string, Partial<PodSpec>, string]>([
    ["of no such class", { runtimeClassName: "none" }, 'pod rejected: RuntimeClass "none" not found'],
    [
      "with another overhead",
      { runtimeClassName: "vm", overhead: { cpu: "1" } },
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [
      "with an overhead of their own",
      { overhead: { cpu: "1" } },
      "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
    ],
    [
      "on other nodes",
      { runtimeClassName: "vm", nodeSelector: { vm: "no" } },
      "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no",
    ],
    ["with the very overhead", { runtimeClassName: "vm", overhead: { cpu: "250m", memory: "120Mi" } }, ""],
  ])("%s", async (_, spec, why) => {
    expect((await admitted(spec)).refusal).toBe(why === "" ? "" : `pods "p" is forbidden: ${why}`);
  });
});

describe("tolerations", () => {
  const all: Toleration = { operator: "Exists" };
  const key: Toleration = { key: "a", operator: "Exists" };
  const value: Toleration = { key: "a", operator: "Equal", value: "1", effect: "NoSchedule" };
  const forever: Toleration = { key: "a", operator: "Exists", effect: "NoExecute" };
  const short: Toleration = { ...forever, tolerationSeconds: 5 };

  it.each<[string, Toleration[], Toleration[]]>([
    ["the same twice", [value, { ...value }], [value]],
    ["a wider one before", [key, value], [key]],
    ["a wider one after", [value, key], [key]],
    ["one for everything", [value, key, all], [all]],
    ["a longer one", [short, forever], [forever]],
    ["of different values", [value, { ...value, value: "2" }], [value, { ...value, value: "2" }]],
    ["of different keys", [value, { ...value, key: "b" }], [value, { ...value, key: "b" }]],
  ])("%s", (_, given, expected) => {
    expect(mergedTolerations(given)).toEqual(expected);
  });
});
