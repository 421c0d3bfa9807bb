import { describe, expect, it } from "vitest";
import { formatTime, type KubeObject, type ObjectMeta } from "../machinery/meta.ts";
import { defineKind } from "./kind.ts";
import { isReadyToRemove, planDeletion, type DeleteOptions } from "./deletion.ts";
import { createScheme, type Resource } from "./scheme.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number): string => formatTime(NOW + seconds * 1000);

function only(kind: Parameters<typeof createScheme>[0][number]): Resource {
  const [resource] = createScheme([kind]).resources;
  if (!resource) throw new Error("no resource");
  return resource;
}

const base = { group: "", version: "v1", namespaced: true, schema: "" };
const configMaps = only(defineKind({ ...base, kind: "ConfigMap", plural: "configmaps" }));
const namespaces = only(defineKind({ ...base, kind: "Namespace", plural: "namespaces", namespaced: false }));
const pods = only(
  defineKind({
    ...base,
    kind: "Pod",
    plural: "pods",
    strategy: {
      gracePeriodSeconds: (pod, asked) =>
        (pod["spec"] as { nodeName?: string } | undefined)?.nodeName === undefined ? undefined : (asked ?? 30),
    },
  }),
);

function plan(resource: Resource, object: KubeObject, options: DeleteOptions = {}, nowMs = NOW) {
  const before = JSON.stringify(object);
  const result = planDeletion(resource, object, { options, nowMs });
  expect(JSON.stringify(object), "the old object was changed").toBe(before);
  return result;
}

function meta(result: ReturnType<typeof planDeletion>): ObjectMeta {
  if (result.kind === "pending") throw new Error("nothing was planned");
  return result.object.metadata;
}

describe("deletion of objects without grace", () => {
  it("removes at once and keeps the time in the last state", () => {
    const result = plan(configMaps, { metadata: { name: "c", generation: 1 } });
    expect(result.kind).toBe("remove");
    expect(meta(result).deletionTimestamp).toBe(at(0));
  });

  it("marks what a finalizer holds, once", () => {
    const result = plan(configMaps, { metadata: { name: "c", generation: 1, finalizers: ["a/b"] } });
    expect(result.kind).toBe("mark");
    expect(meta(result)).toMatchObject({ deletionTimestamp: at(0), deletionGracePeriodSeconds: 0, generation: 2 });
    expect(plan(configMaps, { metadata: meta(result) }, {}, NOW + 5000).kind).toBe("pending");
  });

  it("turns propagation into finalizers", () => {
    const object = { metadata: { name: "c", finalizers: ["orphan", "mine"] } };
    expect(meta(plan(configMaps, object, { propagationPolicy: "Foreground" })).finalizers).toEqual([
      "mine",
      "foregroundDeletion",
    ]);
    expect(meta(plan(configMaps, object, { propagationPolicy: "Orphan" })).finalizers).toEqual(["orphan", "mine"]);
    expect(meta(plan(configMaps, object, { propagationPolicy: "Background" })).finalizers).toEqual(["mine"]);
    const bare = plan(
      configMaps,
      { metadata: { name: "c", finalizers: ["orphan"] } },
      { propagationPolicy: "Background" },
    );
    expect(bare.kind).toBe("remove");
  });
});

describe("deletion of pods", () => {
  const scheduled: KubeObject = { metadata: { name: "p", generation: 1 }, spec: { nodeName: "n" } };

  it("is immediate without a node, and for a grace of 0", () => {
    expect(plan(pods, { metadata: { name: "p" }, spec: {} }).kind).toBe("remove");
    expect(plan(pods, scheduled, { gracePeriodSeconds: 0 }).kind).toBe("remove");
  });

  it("is graceful on a node; a second delete may only shorten it", () => {
    const first = plan(pods, scheduled);
    expect(meta(first)).toMatchObject({ deletionTimestamp: at(30), deletionGracePeriodSeconds: 30, generation: 2 });
    const marked = { ...scheduled, metadata: meta(first) };
    expect(plan(pods, marked, { gracePeriodSeconds: 60 }).kind).toBe("pending");
    expect(plan(pods, marked).kind).toBe("pending");
    const second = plan(pods, marked, { gracePeriodSeconds: 10 }, NOW + 2000);
    expect(meta(second)).toMatchObject({ deletionTimestamp: at(10), deletionGracePeriodSeconds: 10, generation: 2 });
    const late = plan(pods, marked, { gracePeriodSeconds: 10 }, NOW + 20_000);
    expect(meta(late)).toMatchObject({ deletionTimestamp: at(20), deletionGracePeriodSeconds: 1 });
    expect(plan(pods, marked, { gracePeriodSeconds: 0 }).kind).toBe("remove");
  });

  it("takes a negative grace for one second", () => {
    expect(meta(plan(pods, scheduled, { gracePeriodSeconds: -7 })).deletionGracePeriodSeconds).toBe(1);
  });
});

describe("deletion of namespaces", () => {
  const active: KubeObject = {
    metadata: { name: "n" },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  };

  it("only begins it while spec.finalizers has an entry", () => {
    const result = plan(namespaces, active);
    expect(result).toMatchObject({ kind: "mark", object: { status: { phase: "Terminating" } } });
    expect(meta(result).deletionTimestamp).toBe(at(0));
    const marked = { ...active, metadata: meta(result) };
    expect(plan(namespaces, marked).kind).toBe("pending");
    expect(isReadyToRemove(namespaces, marked)).toBe(false);
    expect(isReadyToRemove(namespaces, { ...marked, spec: { finalizers: [] } })).toBe(true);
  });
});

describe("the update that completes a deletion", () => {
  it.each([
    [{ name: "x" }, false],
    [{ name: "x", deletionTimestamp: at(0) }, true],
    [{ name: "x", deletionTimestamp: at(0), finalizers: ["a/b"] }, false],
    [{ name: "x", deletionTimestamp: at(0), deletionGracePeriodSeconds: 30 }, false],
    [{ name: "x", deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 }, true],
  ])("%j: %s", (metadata, ready) => {
    expect(isReadyToRemove(pods, { metadata })).toBe(ready);
  });
});
