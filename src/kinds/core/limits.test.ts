import { describe, expect, it } from "vitest";
import { cellsOf, faultsOf, prepared, updateFaults, type Loose } from "../testing/prepare.ts";
import { endpointsKind } from "./endpoints/kind.ts";
import { eventKind } from "./events/kind.ts";
import type { CoreEvent } from "./events/types.ts";
import { validateStrictly } from "./events/validation.ts";
import { limitRangeKind } from "./limitranges/kind.ts";
import { persistentVolumeKind } from "./persistentvolumes/kind.ts";
import { resourceQuotaKind } from "./resourcequotas/kind.ts";

const limits = (...items: Loose[]): Loose => ({ spec: { limits: items } });

describe("limit ranges", () => {
  it("complete what containers get", () => {
    const item = { type: "Container", max: { cpu: "2" }, min: { memory: "1Mi" }, defaultRequest: { cpu: "1" } };
    expect(prepared(limitRangeKind, limits(item)).spec.limits).toEqual([
      {
        type: "Container",
        max: { cpu: "2" },
        min: { memory: "1Mi" },
        default: { cpu: "2" },
        defaultRequest: { memory: "1Mi", cpu: "1" },
      },
    ]);
  });
  it.each<[Loose, string[]]>([
    [{ type: "Pod", max: { cpu: "2" }, min: { cpu: "1" } }, []],
    [
      { type: "Node" },
      ['spec.limits[0].type: Invalid value: "Node": must be a standard limit type or fully qualified'],
    ],
    [
      { type: "Pod", default: { cpu: "1" } },
      ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
    ],
    [
      { type: "PersistentVolumeClaim" },
      ["spec.limits[0]: Required value: either minimum or maximum storage value is required, but neither was provided"],
    ],
    [
      { type: "Container", min: { cpu: "3" }, max: { cpu: "2" }, default: { cpu: "2" }, defaultRequest: { cpu: "2" } },
      [
        'spec.limits[0].min[cpu]: Invalid value: "3": min value 3 is greater than max value 2',
        'spec.limits[0].defaultRequest[cpu]: Invalid value: "2": min value 3 is greater than default request value 2',
        'spec.limits[0].default[cpu]: Invalid value: "2": min value 3 is greater than default value 2',
      ],
    ],
    [
      { type: "Pod", maxLimitRequestRatio: { cpu: "500m" } },
      ['spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1'],
    ],
    [
      { type: "Container", max: { pods: "1" } },
      ["max", "default", "defaultRequest"].map(
        (list) => `spec.limits[0].${list}[pods]: Invalid value: "pods": must be a standard resource for containers`,
      ),
    ],
  ])("%j", (item, faults) => expect(faultsOf(limitRangeKind, limits(item))).toEqual(faults));
});

const quotaOf = (spec: Loose): Loose => ({ spec });

describe("quotas", () => {
  it.each<[Loose, string[]]>([
    [{ hard: { pods: "10", "requests.cpu": "4", "count/jobs.batch": "3", "requests.storage": "1Ti" } }, []],
    [
      { hard: { apples: "1", storage: "1", pods: "1500m" } },
      [
        'spec.hard[apples]: Invalid value: "apples": must be a standard resource type or fully qualified',
        'spec.hard[apples]: Invalid value: "apples": must be a standard resource for quota',
        'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota',
        'spec.hard[pods]: Invalid value: "1500m": must be an integer',
      ],
    ],
    [{ hard: { cpu: "-1" } }, ['spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0']],
    [
      { scopes: ["BestEffort", "NotBestEffort"] },
      ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
    ],
    [
      { hard: { services: "1" }, scopes: ["Terminating"] },
      ['spec.scopes: Invalid value: ["Terminating"]: unsupported scope applied to resource'],
    ],
    [
      { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In" }] } },
      [
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ],
    ],
  ])("%j", (spec, faults) => expect(faultsOf(resourceQuotaKind, quotaOf(spec))).toEqual(faults));
  it("keep their scopes, and are shown", () => {
    expect(updateFaults(resourceQuotaKind, { now: quotaOf({ scopes: ["BestEffort"] }), old: quotaOf({}) })).toEqual([
      'spec.scopes: Invalid value: ["BestEffort"]: field is immutable',
    ]);
    const status = { hard: { pods: "10", "limits.cpu": "4", "requests.cpu": "2" }, used: { pods: "3" } };
    expect(cellsOf(resourceQuotaKind, { spec: {}, status })).toMatchObject({
      Request: "pods: 3/10, requests.cpu: 0/2",
      Limit: "limits.cpu: 0/4",
    });
  });
});

const volume = (spec: Loose = {}): Loose => ({
  spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" }, ...spec },
});

describe("persistent volumes", () => {
  it("are completed as Kubernetes does", () => {
    expect(prepared(persistentVolumeKind, volume())).toMatchObject({
      spec: {
        persistentVolumeReclaimPolicy: "Retain",
        volumeMode: "Filesystem",
        hostPath: { path: "/data", type: "" },
      },
      status: { phase: "Pending", lastPhaseTransitionTime: "2026-01-01T00:00:00Z" },
    });
    const iscsi = { targetPortal: "a", iqn: "b", lun: 0 };
    expect(prepared(persistentVolumeKind, volume({ hostPath: undefined, iscsi })).spec["iscsi"]).toMatchObject({
      iscsiInterface: "default",
    });
  });
  it.each<[Loose, string[]]>([
    [{}, []],
    [{ capacity: { cpu: "1" } }, ['spec.capacity: Unsupported value: {"cpu":"1"}: supported values: "storage"']],
    [{ accessModes: [] }, ["spec.accessModes: Required value"]],
    [{ hostPath: undefined }, ["spec: Required value: must specify a volume type"]],
    [{ nfs: { server: "s", path: "/p" } }, ["spec.nfs: Forbidden: may not specify more than 1 volume type"]],
    [
      { hostPath: { path: "/" }, persistentVolumeReclaimPolicy: "Recycle" },
      ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    ],
    [
      { hostPath: undefined, local: { path: "" } },
      ["spec.local.path: Required value", "metadata.annotations: Required value: Local volume requires node affinity"],
    ],
    [{ nodeAffinity: {} }, ["spec.nodeAffinity.required: Required value: must specify required node constraints"]],
  ])("%j", (spec, faults) => expect(faultsOf(persistentVolumeKind, volume(spec))).toEqual(faults));
  it("keep their source", () => {
    expect(updateFaults(persistentVolumeKind, { now: volume({ hostPath: { path: "/x" } }), old: volume() })).toEqual([
      "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n  spec.hostPath",
    ]);
    expect(
      updateFaults(persistentVolumeKind, { now: volume({ capacity: { storage: "2Gi" } }), old: volume() }),
    ).toEqual([]);
  });
  it("are shown as by kubectl", () => {
    const claimRef = { namespace: "default", name: "data" };
    expect(cellsOf(persistentVolumeKind, volume({ claimRef, storageClassName: "fast" }))).toMatchObject({
      Capacity: "1Gi",
      "Access Modes": "RWO",
      "Reclaim Policy": "Retain",
      Status: "Pending",
      Claim: "default/data",
      StorageClass: "fast",
      VolumeMode: "Filesystem",
    });
  });
});

describe("endpoints", () => {
  const subset = { addresses: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }], ports: [{ port: 80 }] };
  it("are completed, shown and discouraged", () => {
    expect(prepared(endpointsKind, { subsets: [subset] }).subsets?.[0]?.ports).toEqual([{ port: 80, protocol: "TCP" }]);
    expect(cellsOf(endpointsKind, { subsets: [subset, subset] })).toMatchObject({
      Endpoints: "10.0.0.1:80,10.0.0.2:80,10.0.0.1:80 + 1 more...",
    });
    expect(cellsOf(endpointsKind, {})).toMatchObject({ Endpoints: "<none>" });
    expect(endpointsKind.deprecated).toContain("EndpointSlice");
  });
  it.each<[Loose, string[]]>([
    [subset, []],
    [{}, ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]],
    [
      { addresses: [{ ip: "127.0.0.1" }], ports: [{ port: 0 }, { port: 1, name: "a" }] },
      [
        'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
        "subsets[0].ports[0].name: Required value",
        "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
      ],
    ],
  ])("%j", (faulty, faults) => expect(faultsOf(endpointsKind, { subsets: [faulty] })).toEqual(faults));
});

const event = (parts: Loose): Loose => ({
  involvedObject: { kind: "Pod", name: "p", namespace: "default" },
  ...parts,
});

const strictFaults = (now: CoreEvent, old?: CoreEvent) =>
  validateStrictly(now, old).map(({ field, message }) => `${field}: ${message}`);

describe("events", () => {
  const fresh = {
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingComponent: "example.com/c",
    reportingInstance: "c-1",
    action: "Do",
    reason: "Done",
    type: "Normal",
  };
  it("of new reporters say who, what and why", () => {
    expect(faultsOf(eventKind, event(fresh))).toEqual([]);
    expect(faultsOf(eventKind, event({ eventTime: fresh.eventTime }))).toEqual([
      "reportingController: Required value",
      expect.stringMatching(/^reportingController: Invalid value: "": name part must be non-empty/),
      expect.stringMatching(/^reportingController: Invalid value: "": name part must consist/),
      "reportingInstance: Required value",
      "action: Required value",
      "reason: Required value",
    ]);
    expect(faultsOf(eventKind, event({ ...fresh, message: "x".repeat(1025) }))).toEqual([
      'message: Invalid value: "": can have at most 1024 characters',
    ]);
  });
  it("of the new API leave the old fields alone, and never change but for their series", () => {
    const stored = prepared(eventKind, event(fresh));
    expect(strictFaults(stored)).toEqual([]);
    expect(strictFaults({ ...stored, count: 2, type: "Odd" })).toEqual([
      'type: Invalid value: "": has invalid value: Odd',
      'count: Invalid value: "": needs to be unset',
    ]);
    const series = { count: 2, lastObservedTime: fresh.eventTime };
    expect(strictFaults({ ...stored, series }, stored)).toEqual([]);
    expect(strictFaults({ ...stored, reason: "Other", series: { count: 1 } }, stored)).toEqual([
      'series.count: Invalid value: "": should be at least 2',
      "series.lastObservedTime: Required value",
      'reason: Invalid value: "Other": field is immutable',
    ]);
  });
});
