import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../machinery/meta.ts";
import type { KindDefinition } from "../../registry/kind.ts";
import { cellsOf, faultsOf, prepared, updateFaults, type Loose } from "../testing/prepare.ts";
import { csiDriverKind } from "./csidrivers/kind.ts";
import { csiNodeKind } from "./csinodes/kind.ts";
import { csiStorageCapacityKind } from "./csistoragecapacities/kind.ts";
import { storageClassKind } from "./storageclasses/kind.ts";
import { volumeAttachmentKind } from "./volumeattachments/kind.ts";
import { volumeAttributesClassKind } from "./volumeattributesclasses/kind.ts";

const any = <T extends KubeObject>(kind: KindDefinition<T>) => kind as unknown as KindDefinition;

const attachment = (spec: Loose = {}): Loose => ({
  spec: { attacher: "csi.example.com", source: { persistentVolumeName: "v" }, nodeName: "n", ...spec },
});
const driver = { name: "csi.example.com", nodeID: "n-1", topologyKeys: ["example.com/zone"] };

describe("kinds of storage", () => {
  it("are completed as Kubernetes does", () => {
    expect(prepared(storageClassKind, { provisioner: "x.io/disk" })).toMatchObject({
      reclaimPolicy: "Delete",
      volumeBindingMode: "Immediate",
    });
    expect(prepared(csiDriverKind, {}).spec).toEqual({
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: "ReadWriteOnceWithFSType",
      volumeLifecycleModes: ["Persistent"],
      requiresRepublish: false,
      seLinuxMount: false,
    });
    expect(prepared(volumeAttachmentKind, { ...attachment(), status: { attached: true } }).status).toEqual({
      attached: false,
    });
  });

  it.each<[string, KindDefinition, Loose, string[]]>([
    ["a class", any(storageClassKind), { provisioner: "Kubernetes.io/Disk", parameters: { type: "ssd" } }, []],
    ["a class without a provisioner", any(storageClassKind), {}, ["provisioner: Required value"]],
    [
      "a class with odd modes",
      any(storageClassKind),
      { provisioner: "a", reclaimPolicy: "Recycle", volumeBindingMode: "Later" },
      [
        'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
        'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
      ],
    ],
    [
      "a class with empty topologies",
      any(storageClassKind),
      { provisioner: "a", allowedTopologies: [{ matchLabelExpressions: [{ key: "zone", values: [] }] }] },
      ["allowedTopologies[0].matchLabelExpressions[0].values: Required value"],
    ],
    [
      "a class of attributes without any",
      any(volumeAttributesClassKind),
      { driverName: "a" },
      ["parameters: Required value: must contain at least one key/value pair"],
    ],
    ["an attachment", any(volumeAttachmentKind), attachment(), []],
    [
      "an attachment of nothing",
      any(volumeAttachmentKind),
      attachment({ source: {} }),
      ["spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"],
    ],
    ["a driver", any(csiDriverKind), { spec: { tokenRequests: [{ audience: "a" }, { audience: "b" }] } }, []],
    [
      "a driver with faults",
      any(csiDriverKind),
      {
        spec: {
          fsGroupPolicy: "Any",
          volumeLifecycleModes: ["Forever"],
          tokenRequests: [{ audience: "a", expirationSeconds: 5 }, { audience: "a" }],
          nodeAllocatableUpdatePeriodSeconds: 9,
        },
      },
      [
        'spec.fsGroupPolicy: Unsupported value: "Any": supported values: "File", "None", "ReadWriteOnceWithFSType"',
        "spec.tokenRequests[0].expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes",
        'spec.tokenRequests[1].audience: Duplicate value: "a"',
        'spec.volumeLifecycleModes: Unsupported value: "Forever": supported values: "Persistent", "Ephemeral"',
        "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds",
      ],
    ],
    ["a node", any(csiNodeKind), { spec: { drivers: [driver] } }, []],
    [
      "a node with one driver twice",
      any(csiNodeKind),
      { spec: { drivers: [driver, { ...driver, nodeID: "", allocatable: { count: -1 } }] } },
      [
        "spec.drivers[1].nodeID: Required value",
        "spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0",
        'spec.drivers[1].name: Duplicate value: "csi.example.com"',
      ],
    ],
    [
      "less than no room",
      any(csiStorageCapacityKind),
      { storageClassName: "fast", capacity: "-1" },
      ['capacity: Invalid value: "-1": must be greater than or equal to 0'],
    ],
  ])("%s", (_, kind, object, faults) => expect(faultsOf(kind, object)).toEqual(faults));

  it.each<[string, KindDefinition, { now: Loose; old: Loose }, string[]]>([
    [
      "a class",
      any(storageClassKind),
      { now: { provisioner: "b", parameters: { a: "b" }, allowVolumeExpansion: true }, old: { provisioner: "a" } },
      [
        "parameters: Forbidden: updates to parameters are forbidden.",
        "provisioner: Forbidden: updates to provisioner are forbidden.",
      ],
    ],
    [
      "an attachment",
      any(volumeAttachmentKind),
      { now: attachment({ nodeName: "m" }), old: attachment() },
      [
        'spec: Invalid value: {"attacher":"csi.example.com","source":{"persistentVolumeName":"v"},"nodeName":"m"}: field is immutable',
      ],
    ],
    [
      "a driver",
      any(csiDriverKind),
      { now: { spec: { attachRequired: false, podInfoOnMount: true } }, old: {} },
      ["spec.attachedRequired: Invalid value: false: field is immutable"],
    ],
    [
      "a node",
      any(csiNodeKind),
      {
        now: { spec: { drivers: [{ ...driver, allocatable: { count: 3 } }] } },
        old: { spec: { drivers: [driver] } },
      },
      [],
    ],
    [
      "a capacity",
      any(csiStorageCapacityKind),
      { now: { storageClassName: "b", capacity: "2Gi" }, old: { storageClassName: "a" } },
      ['storageClassName: Invalid value: "b": field is immutable'],
    ],
  ])("%s keeps what it is", (_, kind, change, faults) => expect(updateFaults(kind, change)).toEqual(faults));

  it("are shown as by kubectl", () => {
    const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
    expect(cellsOf(storageClassKind, { metadata: { name: "fast", annotations }, provisioner: "a" })).toMatchObject({
      Name: "fast (default)",
      ReclaimPolicy: "Delete",
      VolumeBindingMode: "Immediate",
      AllowVolumeExpansion: false,
    });
    expect(cellsOf(volumeAttachmentKind, attachment())).toMatchObject({ PV: "v", Node: "n", Attached: false });
    expect(cellsOf(csiDriverKind, {})).toMatchObject({ TokenRequests: "<unset>", Modes: "Persistent" });
    expect(cellsOf(csiNodeKind, { spec: { drivers: [driver] } })).toMatchObject({ Drivers: 1 });
    expect(cellsOf(csiStorageCapacityKind, { storageClassName: "a" })).toMatchObject({ Capacity: "<unset>" });
  });
});
