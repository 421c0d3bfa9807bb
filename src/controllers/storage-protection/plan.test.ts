import { describe, expect, it } from "vitest";
import { podView } from "../../controller-runtime/views/pod-view.ts";
import { claimView, volumeView } from "../../controller-runtime/views/storage-views.ts";
import type { PodSpec, Volume } from "../../kinds/core/pods/types.ts";
import type { ObjectMeta } from "../../machinery/meta.ts";
import { planFinalizer, usesClaim } from "./plan.ts";

const OURS = "kubernetes.io/pvc-protection";
const GOING = { deletionTimestamp: "2026-01-01T00:00:00Z" };
const claim = (metadata: ObjectMeta = {}) =>
  claimView({ metadata: { name: "p-data", namespace: "n", ...metadata }, spec: {} });

it.each<[string, ObjectMeta, ReturnType<typeof planFinalizer>]>([
  ["one that was made without", {}, "add"],
  ["one with another's", { finalizers: ["other/one"] }, "add"],
  ["one that has it", { finalizers: [OURS, "other/one"] }, undefined],
  ["one that goes", { ...GOING, finalizers: ["other/one", OURS] }, "remove"],
  ["one that waits for others", { ...GOING, finalizers: ["other/one"] }, undefined],
])("the finalizer of %s", (_, metadata, expected) => {
  expect(planFinalizer(claim(metadata), OURS)).toBe(expected);
});

const mounted: Volume = { name: "v", persistentVolumeClaim: { claimName: "p-data" } };
const own: Volume = { name: "data", ephemeral: { volumeClaimTemplate: {} } };
const ownedBy = (uid: string): ObjectMeta => ({
  ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid, controller: true }],
});
const pod = (volumes: Volume[], spec: Partial<PodSpec> = { nodeName: "node" }, metadata: ObjectMeta = {}, phase = "") =>
  podView({
    metadata: { name: "p", namespace: "n", uid: "p1", ...metadata },
    spec: { containers: [], volumes, ...spec },
    status: { phase },
  });
const done = { ...GOING, deletionGracePeriodSeconds: 0 };

describe("a claim", () => {
  it.each<[string, ReturnType<typeof pod>, ObjectMeta, boolean]>([
    ["a pod that runs", pod([mounted]), {}, true],
    ["a pod that has finished", pod([mounted], { nodeName: "node" }, {}, "Succeeded"), {}, true],
    [
      "a pod that is going",
      pod([mounted], { nodeName: "node" }, { ...GOING, deletionGracePeriodSeconds: 30 }),
      {},
      true,
    ],
    ["a pod that was deleted by force and waits", pod([mounted], { nodeName: "node" }, done), {}, true],
    ["a pod that is not bound", pod([mounted], {}), {}, false],
    ["a pod of another namespace", pod([mounted], { nodeName: "node" }, { namespace: "m" }), {}, false],
    ["a pod with another claim", pod([{ name: "v", persistentVolumeClaim: { claimName: "q" } }]), {}, false],
    ["a pod without volumes", pod([]), {}, false],
    ["the pod that it was made for", pod([own]), ownedBy("p1"), true],
    ["the pod that it was made for, shut down", pod([own], { nodeName: "node" }, done), ownedBy("p1"), false],
    ["a later pod of the same name", pod([own]), ownedBy("p0"), false],
    ["a pod that would make one of that name", pod([own]), {}, false],
  ])("and %s", (_, user, metadata, expected) => {
    expect(usesClaim(user, claim(metadata))).toBe(expected);
  });
});

it("what names attributes classes", () => {
  const status = {
    currentVolumeAttributesClassName: "silver",
    modifyVolumeStatus: { status: "Pending", targetVolumeAttributesClassName: "gold" },
  };
  const object = { metadata: {}, spec: { volumeAttributesClassName: "gold" }, status };
  expect(claimView(object).attributesClasses).toEqual(["gold", "silver"]);
  expect(volumeView({ metadata: {}, spec: { volumeAttributesClassName: "gold" } })).toMatchObject({
    attributesClasses: ["gold"],
    phase: "",
  });
  expect(volumeView({ metadata: {}, spec: {} }).attributesClasses).toEqual([]);
});
