import { describe, expect, it } from "vitest";
import { cellsOf, faultsOf, prepared, updateFaults, type Loose } from "../testing/prepare.ts";
import { persistentVolumeClaimKind } from "./persistentvolumeclaims/kind.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimStatus } from "./persistentvolumeclaims/types.ts";
import { podTemplateKind } from "./podtemplates/kind.ts";
import { replicationControllerKind } from "./replicationcontrollers/kind.ts";

const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "nginx:1" }] } };
const controller = (spec: Loose = {}): Loose => ({ spec: { template, ...spec } });

describe("replication controllers", () => {
  it("take selector and labels from their template", () => {
    const { spec, metadata, status } = prepared(replicationControllerKind, controller());
    expect(spec).toMatchObject({ replicas: 1, selector: { app: "web" } });
    expect(metadata.labels).toEqual({ app: "web" });
    expect(status).toEqual({ replicas: 0 });
    expect(faultsOf(replicationControllerKind, controller())).toEqual([]);
  });
  it.each<[Loose, string]>([
    [{ replicas: -1 }, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
    [
      { selector: { app: "x" } },
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
    [
      { template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } },
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
  ])("are refused for %j", (spec, fault) =>
    expect(faultsOf(replicationControllerKind, controller(spec))).toEqual([fault]),
  );
  it("are refused without a template", () => {
    expect(faultsOf(replicationControllerKind, { spec: {} })).toEqual([
      "spec.selector: Required value",
      "spec.template: Required value",
    ]);
  });
  it("have a status that adds up, and are shown", () => {
    const now = { ...controller(), status: { replicas: 1, readyReplicas: 2 } };
    expect(updateFaults(replicationControllerKind, { now, old: controller(), subresource: "status" })).toEqual([
      "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
    ]);
    expect(cellsOf(replicationControllerKind, now)).toMatchObject({
      Desired: 1,
      Current: 1,
      Ready: 2,
      Images: "nginx:1",
      Selector: "app=web",
    });
  });
});

describe("pod templates", () => {
  it("are completed, checked and shown like those of workloads", () => {
    expect(prepared(podTemplateKind, { template }).template.spec).toMatchObject({ restartPolicy: "Always" });
    expect(faultsOf(podTemplateKind, { template })).toEqual([]);
    expect(faultsOf(podTemplateKind, { template: { spec: {} } })).toEqual(["template.spec.containers: Required value"]);
    expect(cellsOf(podTemplateKind, { template })).toMatchObject({
      Containers: "c",
      Images: "nginx:1",
      "Pod Labels": "app=web",
    });
  });
});

const claim = (spec: Loose = {}): Loose => ({
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } }, ...spec },
});
const bound = (spec: Loose, status: Loose = {}): Loose => ({
  ...claim({ volumeName: "v", storageClassName: "fast", ...spec }),
  status: { phase: "Bound", capacity: { storage: "1Gi" }, ...status },
});

/** Of a change, with the status that each of the two has. */
function claimFaults(now: Loose, old: Loose): string[] {
  const [next, before] = [now, old].map((object) => {
    const { metadata, spec } = prepared(persistentVolumeClaimKind, object);
    return { metadata, spec, status: object["status"] as PersistentVolumeClaimStatus };
  }) as [PersistentVolumeClaim, PersistentVolumeClaim];
  const errors = persistentVolumeClaimKind.strategy.validateUpdate?.(next, before, { nowMs: 0, subresource: "" });
  return (errors ?? []).map(({ field, message }) => `${field}: ${message}`);
}

describe("claims of volumes", () => {
  it("are completed as Kubernetes does", () => {
    expect(prepared(persistentVolumeClaimKind, { ...claim(), status: { phase: "Bound" } })).toMatchObject({
      spec: { volumeMode: "Filesystem" },
      status: { phase: "Pending" },
    });
    const source = { kind: "PersistentVolumeClaim", name: "a" };
    expect(prepared(persistentVolumeClaimKind, claim({ dataSource: source })).spec.dataSourceRef).toEqual(source);
    expect(prepared(persistentVolumeClaimKind, claim({ dataSourceRef: source })).spec.dataSource).toEqual(source);
    const unknown = { apiGroup: "x.io", kind: "Backup", name: "a" };
    expect(prepared(persistentVolumeClaimKind, claim({ dataSource: unknown })).spec.dataSource).toBeUndefined();
    expect(faultsOf(persistentVolumeClaimKind, claim())).toEqual([]);
  });
  it.each<[Loose, string[]]>([
    [{ accessModes: [] }, ["spec.accessModes: Required value: at least 1 access mode is required"]],
    [
      { accessModes: ["Shared"] },
      [
        'spec.accessModes: Unsupported value: "Shared": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      ],
    ],
    [
      { accessModes: ["ReadWriteOncePod", "ReadWriteMany"] },
      ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
    ],
    [{ resources: {} }, ["spec.resources[storage]: Required value"]],
    [
      { resources: { requests: { storage: "0" } } },
      ['spec.resources[storage]: Invalid value: "0": must be greater than zero'],
    ],
    [{ volumeMode: "Tape" }, ['spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"']],
    [
      { dataSourceRef: { kind: "Backup", name: "a" } },
      [
        "spec.dataSource: Invalid value: \"Backup\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
        "spec.dataSourceRef: Invalid value: \"Backup\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
      ],
    ],
  ])("are refused for %j", (spec, faults) => {
    expect(faultsOf(persistentVolumeClaimKind, claim(spec))).toEqual(faults);
  });
  it("are fixed but for the volume, the class they lacked, and more room", () => {
    expect(claimFaults(claim({ volumeName: "v", storageClassName: "fast" }), claim())).toEqual([]);
    const frozen =
      "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n  spec.";
    expect(claimFaults(claim({ resources: { requests: { storage: "3Gi" } } }), claim())).toEqual([
      `${frozen}resources`,
    ]);
    expect(claimFaults(bound({ accessModes: ["ReadWriteMany"] }), bound({}))).toEqual([`${frozen}accessModes`]);
    expect(claimFaults(bound({ resources: { requests: { storage: "3Gi" } } }), bound({}))).toEqual([]);
    expect(claimFaults(bound({ resources: { requests: { storage: "1Gi" } } }), bound({}))).toEqual([
      "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
    ]);
  });
  it.each<[string, Loose, Loose, string[]]>([
    ["taken away before it is applied", {}, {}, []],
    ["replaced", { volumeAttributesClassName: "silver" }, { currentVolumeAttributesClassName: "gold" }, []],
    [
      "taken away",
      {},
      { currentVolumeAttributesClassName: "gold" },
      ["update to nil is forbidden when status.currentVolumeAttributesClassName is not nil"],
    ],
    [
      "emptied",
      { volumeAttributesClassName: "" },
      { currentVolumeAttributesClassName: "gold" },
      ["update to empty string is forbidden when status.currentVolumeAttributesClassName is not nil"],
    ],
  ])("have a class of attributes that is %s", (_what, spec, status, faults) => {
    const old = bound({ volumeAttributesClassName: "gold" }, status);
    expect(claimFaults(bound(spec, status), old)).toEqual(
      faults.map((fault) => `spec.volumeAttributesClassName: Forbidden: ${fault}`),
    );
  });
  it("are shown as by kubectl", () => {
    const status = { accessModes: ["ReadWriteMany", "ReadWriteOnce"] };
    expect(cellsOf(persistentVolumeClaimKind, bound({}, status))).toMatchObject({
      Status: "Bound",
      Volume: "v",
      Capacity: "1Gi",
      "Access Modes": "RWO,RWX",
      StorageClass: "fast",
      VolumeAttributesClass: "<unset>",
      VolumeMode: "Filesystem",
    });
    expect(cellsOf(persistentVolumeClaimKind, claim())).toMatchObject({ Status: "Pending", Capacity: "" });
  });
});
