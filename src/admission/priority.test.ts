import { describe, expect, it } from "vitest";
import type { PodSpec } from "../kinds/core/pods/types.ts";
import type { PriorityClass } from "../kinds/scheduling/priorityclasses/types.ts";
import { isStatusError } from "../machinery/status-error.ts";
import { createPriority } from "./priority.ts";
import { attributesOf, podWith } from "./testing/attributes.ts";

const gold: PriorityClass = { metadata: { name: "gold" }, value: 7, preemptionPolicy: "Never" };
const usual: PriorityClass = { metadata: { name: "usual" }, value: 5, globalDefault: true };

function pluginWith(...classes: PriorityClass[]) {
  let nowMs = 0;
  let asked = 0;
  const plugin = createPriority({
    lookup: ({ name }) => Promise.resolve(classes.find(({ metadata }) => metadata.name === name)),
    listClasses: () => {
      asked++;
      return Promise.resolve([...classes]);
    },
    clock: { now: () => nowMs },
  });
  return { plugin, classes, asked: () => asked, pass: (ms: number) => (nowMs += ms) };
}

async function created(spec: Partial<PodSpec>, { plugin } = pluginWith()): Promise<PodSpec> {
  const object = podWith(spec);
  await plugin.mutate?.(attributesOf({ object }));
  return object.spec;
}

const ofClass = (object: PriorityClass, operation: "CREATE" | "UPDATE" = "CREATE") =>
  attributesOf({ group: "scheduling.k8s.io", resource: "priorityclasses", namespace: "", operation, object });

describe("Priority", () => {
  it.each<[Partial<PodSpec>, number]>([
    [{}, 0],
    [{ priorityClassName: "" }, 0],
    [{ priority: 0, preemptionPolicy: "PreemptLowerPriority" }, 0],
    [{ priorityClassName: "system-cluster-critical" }, 2_000_000_000],
    [{ priorityClassName: "system-node-critical" }, 2_000_001_000],
    [{ priorityClassName: "system-node-critical", priority: 2_000_001_000 }, 2_000_001_000],
  ])("resolves %j to %d", async (spec, priority) => {
    expect(await created(spec)).toMatchObject({ ...spec, priority, preemptionPolicy: "PreemptLowerPriority" });
  });

  it.each<[Partial<PodSpec>, string]>([
    [{ priorityClassName: "silver" }, "no PriorityClass with name silver was found"],
    [
      { priority: 7 },
      "the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name",
    ],
    [
      { preemptionPolicy: "Never" },
      "the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
    ],
  ])("refuses %j", async (spec, why) => {
    let refusal: unknown;
    try {
      await created(spec);
    } catch (error) {
      refusal = error;
    }
    expect(isStatusError(refusal, "Forbidden") && refusal.message).toBe(`pods "p" is forbidden: ${why}`);
  });

  it("names a pod without a name by its prefix", async () => {
    const object = podWith({ priorityClassName: "gold" });
    object.metadata = { generateName: "web-" };
    const { plugin } = pluginWith();
    await expect(plugin.mutate?.(attributesOf({ object }))).rejects.toThrow(/^pods "web-" is forbidden: /);
  });

  it("keeps what an update leaves out, and lets validation judge what it changes", async () => {
    const { plugin } = pluginWith();
    const oldObject = podWith({ priority: 2_000_000_000, preemptionPolicy: "PreemptLowerPriority" });
    const silent = podWith();
    await plugin.mutate?.(attributesOf({ operation: "UPDATE", object: silent, oldObject }));
    expect(silent.spec).toMatchObject({ priority: 2_000_000_000, preemptionPolicy: "PreemptLowerPriority" });
    const changed = podWith({ priority: 1 });
    await plugin.mutate?.(attributesOf({ operation: "UPDATE", object: changed, oldObject }));
    expect(changed.spec.priority).toBe(1);
  });

  it("knows classes that were made", async () => {
    expect(await created({ priorityClassName: "gold" }, pluginWith(gold))).toMatchObject({
      priority: 7,
      preemptionPolicy: "Never",
    });
  });

  it("gives pods without a class the default one", async () => {
    const known = pluginWith(gold, { ...usual, metadata: { name: "other" }, value: 6 }, usual);
    expect(await created({}, known)).toMatchObject({ priorityClassName: "usual", priority: 5 });
  });

  it("asks once for pods that come together, and again later", async () => {
    const known = pluginWith();
    for (let count = 0; count < 10; count++) await created({}, known);
    expect(known.asked()).toBe(1);
    known.classes.push(usual);
    known.pass(1_000);
    expect(await created({}, known)).toMatchObject({ priority: 5 });
  });

  it("lets one class be the default", async () => {
    const { plugin } = pluginWith(usual, gold);
    await plugin.validate?.(ofClass(gold));
    await plugin.validate?.(ofClass(usual, "UPDATE"));
    await expect(plugin.validate?.(ofClass({ ...gold, globalDefault: true }, "UPDATE"))).rejects.toThrow(
      /PriorityClass usual is already marked as default. Only one default can exist$/,
    );
  });
});
