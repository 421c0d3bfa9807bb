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
  it("removes at once, in the state it was in: nobody ever saw it marked", () => {
    const object = { metadata: { name: "c", generation: 1, finalizers: [] } };
    expect(plan(configMaps, object)).toEqual({ kind: "remove", object });
    expect(plan(configMaps, object, { gracePeriodSeconds: 300 })).toEqual({ kind: "remove", object });
  });

  it("marks what a finalizer holds, once", () => {
    const result = plan(configMaps, { metadata: { name: "c", generation: 1, finalizers: ["a/b"] } });
    expect(result.kind).toBe("mark");
    expect(meta(result)).toMatchObject({ deletionTimestamp: at(0), deletionGracePeriodSeconds: 0, generation: 2 });
    const again = plan(configMaps, { metadata: meta(result) }, {}, NOW + 5000);
    expect(again).toEqual({ kind: "mark", object: { metadata: meta(result) } });
  });

  it("raises the generation of what has one", () => {
    expect(meta(plan(configMaps, { metadata: { name: "c", finalizers: ["a/b"] } })).generation).toBeUndefined();
  });

  it("brings a time in the future back to now", () => {
    const object = { metadata: { name: "c", finalizers: ["a/b"], deletionTimestamp: at(60) } };
    expect(meta(plan(configMaps, object)).deletionTimestamp).toBe(at(0));
  });
});

describe("finalizers of the garbage collector", () => {
  const jobs = only(defineKind({ ...base, kind: "Job", plural: "jobs", strategy: { dependents: "orphan" } }));
  const events = only(
    defineKind({ ...base, kind: "Event", plural: "events", strategy: { dependents: "unsupported" } }),
  );
  const policies = [undefined, "Background", "Foreground", "Orphan"] as const;

  // Finalizers before; after without a policy, with Background, Foreground and Orphan. "gone": removed at once.
  it.each<[string, Resource, string[], (string[] | "gone")[]]>([
    ["none", configMaps, [], ["gone", "gone", ["foregroundDeletion"], ["orphan"]]],
    ["orphan", configMaps, ["orphan"], [["orphan"], "gone", ["foregroundDeletion"], ["orphan"]]],
    [
      "foreground",
      configMaps,
      ["foregroundDeletion"],
      [["foregroundDeletion"], "gone", ["foregroundDeletion"], ["orphan"]],
    ],
    ["one's own", configMaps, ["mine"], [["mine"], ["mine"], ["mine", "foregroundDeletion"], ["mine", "orphan"]]],
    [
      "orphan and one's own",
      configMaps,
      ["orphan", "mine"],
      [["orphan", "mine"], ["mine"], ["mine", "foregroundDeletion"], ["orphan", "mine"]],
    ],
    ["none, of a kind that orphans", jobs, [], [["orphan"], "gone", ["foregroundDeletion"], ["orphan"]]],
    [
      "foreground, of a kind that orphans",
      jobs,
      ["foregroundDeletion"],
      [["foregroundDeletion"], "gone", ["foregroundDeletion"], ["orphan"]],
    ],
    ["any, of a kind that is not collected", events, ["orphan"], ["gone", "gone", "gone", "gone"]],
  ])("%s", (_name, resource, finalizers, expected) => {
    const found = policies.map((propagationPolicy) => {
      const options = propagationPolicy === undefined ? {} : { propagationPolicy };
      const result = plan(resource, { metadata: { name: "c", finalizers } }, options);
      return result.kind === "remove" ? "gone" : meta(result).finalizers;
    });
    expect(found).toEqual(expected);
  });

  it("may be changed by a second delete of what knows no grace, which then may be gone", () => {
    const waiting = { metadata: { name: "c", finalizers: ["foregroundDeletion"], deletionTimestamp: at(-9) } };
    expect(plan(configMaps, waiting, { propagationPolicy: "Background" }).kind).toBe("remove");
    expect(meta(plan(configMaps, waiting, { propagationPolicy: "Orphan" })).finalizers).toEqual(["orphan"]);
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

  it("waits for finalizers and for grace, whichever is longer; the first delete settles the finalizers", () => {
    const held = { ...scheduled, metadata: { ...scheduled.metadata, finalizers: ["a/b"] } };
    const now = plan(pods, held, { gracePeriodSeconds: 0 });
    expect(now.kind).toBe("mark");
    expect(meta(now)).toMatchObject({ deletionTimestamp: at(0), deletionGracePeriodSeconds: 0, generation: 2 });
    const marked = { ...scheduled, metadata: meta(plan(pods, scheduled)) };
    expect(plan(pods, marked, { propagationPolicy: "Foreground" }).kind).toBe("pending");
    const shorter = plan(pods, marked, { propagationPolicy: "Foreground", gracePeriodSeconds: 1 });
    expect(meta(shorter)).toMatchObject({ finalizers: ["foregroundDeletion"], deletionGracePeriodSeconds: 1 });
  });

  it("goes when its grace of 0 is stored already: the node's delete may have been lost", () => {
    const marked = { ...scheduled, metadata: { name: "p", deletionTimestamp: at(-5), deletionGracePeriodSeconds: 0 } };
    expect(plan(pods, marked).kind).toBe("remove");
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

  it("only begins with the first delete, whatever holds it", () => {
    for (const finalizers of [["kubernetes"], []]) {
      const result = plan(namespaces, { ...active, spec: { finalizers } });
      expect(result).toMatchObject({ kind: "mark", object: { status: { phase: "Terminating" } } });
      expect(meta(result)).toEqual({ name: "n", deletionTimestamp: at(0) });
    }
  });

  it("is complete when spec.finalizers and metadata.finalizers are empty", () => {
    const marked = { ...active, metadata: { name: "n", deletionTimestamp: at(0) } };
    expect(plan(namespaces, marked).kind).toBe("pending");
    expect(isReadyToRemove(namespaces, marked)).toBe(false);
    const finalized = { ...marked, spec: { finalizers: [] } };
    expect(isReadyToRemove(namespaces, finalized)).toBe(true);
    expect(plan(namespaces, finalized).kind).toBe("remove");
    const held = { ...finalized, metadata: { ...finalized.metadata, finalizers: ["a/b"] } };
    expect(isReadyToRemove(namespaces, held)).toBe(false);
    expect(plan(namespaces, held).kind).toBe("mark");
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
