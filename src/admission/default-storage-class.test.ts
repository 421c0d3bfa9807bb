import { expect, it } from "vitest";
import type { PersistentVolumeClaim } from "../kinds/core/persistentvolumeclaims/types.ts";
import type { StorageClass } from "../kinds/storage/types.ts";
import { createDefaultStorageClass } from "./default-storage-class.ts";
import { attributesOf } from "./testing/attributes.ts";

const YEAR = { old: "2024-01-01T00:00:00Z", new: "2026-01-01T00:00:00Z" };

function classOf(name: string, creationTimestamp: string, annotation?: string): StorageClass {
  const annotations = annotation === undefined ? {} : { [`${annotation}/is-default-class`]: "true" };
  return { metadata: { name, creationTimestamp, annotations }, provisioner: "example.org/disk" };
}
const STABLE = "storageclass.kubernetes.io";

function pluginWith(...classes: StorageClass[]) {
  let nowMs = 0;
  let asked = 0;
  const listStorageClasses = async () => {
    asked++;
    return classes;
  };
  const plugin = createDefaultStorageClass({ listStorageClasses, clock: { now: () => nowMs } });
  const claim = async (spec: object = {}, annotations = {}, operation: "CREATE" | "UPDATE" = "CREATE") => {
    const object = { metadata: { name: "data", annotations }, spec: { ...spec } } as PersistentVolumeClaim;
    await plugin.mutate?.(attributesOf({ resource: "persistentvolumeclaims", operation, object }));
    return object.spec.storageClassName;
  };
  return { plugin, claim, classes, asked: () => asked, pass: (ms: number) => (nowMs += ms) };
}

it.each<[string, StorageClass[], string | undefined]>([
  ["no class", [], undefined],
  ["none that is the default", [classOf("a", YEAR.old)], undefined],
  ["one default", [classOf("a", YEAR.old), classOf("b", YEAR.old, STABLE)], "b"],
  ["the older annotation", [classOf("b", YEAR.old, "storageclass.beta.kubernetes.io")], "b"],
  ["several: the newest", [classOf("a", YEAR.old, STABLE), classOf("b", YEAR.new, STABLE)], "b"],
  ["equally old ones: by name", [classOf("b", YEAR.new, STABLE), classOf("a", YEAR.new, STABLE)], "a"],
])("a claim without a class, %s", async (_, classes, expected) => {
  expect(await pluginWith(...classes).claim()).toBe(expected);
});

it("a claim that says something keeps it, and an update gets nothing", async () => {
  const { claim, asked } = pluginWith(classOf("a", YEAR.old, STABLE));
  expect(await claim({ storageClassName: "" })).toBe("");
  expect(await claim({ storageClassName: "slow" })).toBe("slow");
  expect(await claim({}, { "volume.beta.kubernetes.io/storage-class": "slow" })).toBeUndefined();
  expect(await claim({}, {}, "UPDATE")).toBeUndefined();
  expect(asked()).toBe(0);
});

it("many claims ask once a second, and a change of classes counts at once", async () => {
  const { plugin, claim, classes, asked, pass } = pluginWith(classOf("a", YEAR.old, STABLE));
  await claim();
  await claim();
  expect(asked()).toBe(1);
  pass(1_000);
  await claim();
  expect(asked()).toBe(2);
  classes.push(classOf("b", YEAR.new, STABLE));
  await plugin.validate?.(attributesOf({ group: "storage.k8s.io", resource: "storageclasses", object: classes[1] }));
  expect(await claim()).toBe("b");
});
