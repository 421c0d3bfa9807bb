import { describe, expect, test } from "vitest";
import { metaOf } from "../../controller-runtime/views.fixture.ts";
import type { ClaimView, StorageClassView, VolumeView } from "../../controller-runtime/views/storage-views.ts";
import type { PodSpec } from "../../kinds/core/pods/types.ts";
import { labelled, refusals } from "./plugins.fixture.ts";
import { claim, mounting, storageClass, volume } from "./storage.fixture.ts";
import { volumeBinding } from "./volume-binding.ts";

const nodes = [labelled("a", { zone: "a" }), labelled("b", { zone: "b" })];
const ELSEWHERE = "node(s) didn't match PersistentVolume's node affinity";
const NOTHING = "node(s) didn't find available persistent volumes to bind";
const inZone = (zone: string) => ({
  nodeAffinity: {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In" as const, values: [zone] }] }] },
  },
});
const waiting = storageClass("later", { volumeBindingMode: "WaitForFirstConsumer" });
const local = storageClass("local", {
  provisioner: "kubernetes.io/no-provisioner",
  volumeBindingMode: "WaitForFirstConsumer",
});
const selected = { annotations: { "volume.kubernetes.io/selected-node": "b" } };

interface Stored {
  claims?: ClaimView[];
  volumes?: VolumeView[];
  classes?: StorageClassView[];
}

const said = ({ claims = [], volumes = [], classes = [] }: Stored, pod: Partial<PodSpec> = mounting("c")) =>
  refusals(volumeBinding, {
    nodes,
    pod,
    tables(tables) {
      for (const one of claims) tables.claims.set(one);
      for (const one of volumes) tables.volumes.set(one);
      for (const one of classes) tables.storageClasses.set(one);
    },
  });

describe("the pod waits", () => {
  test.each<[string, Stored, Partial<PodSpec>, string]>([
    ["for its claim", {}, mounting("c"), 'persistentvolumeclaim "c" not found'],
    [
      "for a claim made for it",
      {},
      { volumes: [{ name: "v", ephemeral: {} }] },
      'waiting for ephemeral volume controller to create the persistentvolumeclaim "waiting-v"',
    ],
    [
      "for a claim that is going",
      { claims: [claim("c", {}, { deletionTimestamp: "2026-01-01T00:00:00Z" })] },
      mounting("c"),
      'persistentvolumeclaim "c" is being deleted',
    ],
    ["for its volume", { claims: [claim("c")] }, mounting("c"), "pod has unbound immediate PersistentVolumeClaims"],
  ])("%s", (_, stored, pod, expected) => {
    expect(said(stored, pod)).toBe(expected);
  });
});

describe("nodes", () => {
  test.each<[string, Stored, Record<string, string>]>([
    [
      "where its volume is",
      { claims: [claim("c", { volumeName: "v" })], volumes: [volume("v", inZone("a"))] },
      { a: "", b: ELSEWHERE },
    ],
    [
      "whose volume is gone",
      { claims: [claim("c", { volumeName: "v" })] },
      {
        a: "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
        b: "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
      },
    ],
    [
      "where one can be made",
      { claims: [claim("c", { storageClassName: "later" })], classes: [waiting] },
      { a: "", b: "" },
    ],
    [
      "where one is allowed",
      {
        claims: [claim("c", { storageClassName: "later" })],
        classes: [{ ...waiting, allowedTopologies: [{ matchLabelExpressions: [{ key: "zone", values: ["b"] }] }] }],
      },
      { a: NOTHING, b: "" },
    ],
    [
      "where one is free",
      {
        claims: [claim("c", { storageClassName: "local" })],
        classes: [local],
        volumes: [volume("v", { storageClassName: "local", ...inZone("a") })],
      },
      { a: "", b: NOTHING },
    ],
    [
      "where none is large enough",
      {
        claims: [claim("c", { storageClassName: "local", resources: { requests: { storage: "2Gi" } } })],
        classes: [local],
        volumes: [volume("v", { storageClassName: "local" })],
      },
      { a: NOTHING, b: NOTHING },
    ],
    [
      "where it was to be made",
      { claims: [claim("c", { storageClassName: "later" }, selected)], classes: [waiting] },
      { a: NOTHING, b: "" },
    ],
  ])("%s", (_, stored, expected) => {
    expect(said(stored)).toEqual(expected);
  });

  test("where there is room, for a driver that says so", () => {
    const scene = {
      nodes,
      pod: mounting("c"),
      tables: (tables: Parameters<NonNullable<Parameters<typeof refusals>[1]["tables"]>>[0]) => {
        tables.claims.set(claim("c", { storageClassName: "later" }));
        tables.storageClasses.set(waiting);
        tables.csiDrivers.set({ metadata: metaOf("disk.example.com", { namespace: "" }), storageCapacity: true });
        tables.csiCapacities.set({
          metadata: metaOf("capacity"),
          storageClassName: "later",
          nodeTopology: { matchLabels: { zone: "a" } },
          largest: 2 ** 31,
        });
      },
    };
    expect(refusals(volumeBinding, scene)).toEqual({ a: "", b: "node(s) did not have enough free storage" });
  });
});
