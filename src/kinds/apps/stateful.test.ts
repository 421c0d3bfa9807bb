import { describe, expect, it } from "vitest";
import { cellsOf, defaulted, faultsOf, NOW_MS, prepared, updateFaults, type Loose } from "../testing/prepare.ts";
import { controllerRevisionKind } from "./controllerrevisions/kind.ts";
import { daemonSetKind } from "./daemonsets/kind.ts";
import { statefulSetKind } from "./statefulsets/kind.ts";

const selector = { matchLabels: { app: "db" } };
const container = { name: "c", image: "postgres:17", volumeMounts: [{ name: "data", mountPath: "/data" }] };
const template = { metadata: { labels: { app: "db" } }, spec: { containers: [container] } };
const claim = {
  metadata: { name: "data" },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
};

const stateful = (spec: Loose = {}): Loose => ({
  spec: { selector, template, serviceName: "db", volumeClaimTemplates: [claim], ...spec },
});

describe("stateful sets", () => {
  it("are completed as Kubernetes does, claims included", () => {
    const { spec, status } = prepared(statefulSetKind, { ...stateful(), status: { replicas: 4 } });
    expect(spec).toMatchObject({
      replicas: 1,
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0, maxUnavailable: 1 } },
      revisionHistoryLimit: 10,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    });
    expect(spec.volumeClaimTemplates).toEqual([
      {
        kind: "PersistentVolumeClaim",
        apiVersion: "v1",
        metadata: { name: "data" },
        spec: { ...claim.spec, volumeMode: "Filesystem" },
        status: { phase: "Pending" },
      },
    ]);
    expect(status).toEqual({ replicas: 0, availableReplicas: 0 });
    const other = prepared(statefulSetKind, stateful({ updateStrategy: { type: "OnDelete" } }));
    expect(other.spec.updateStrategy).toEqual({ type: "OnDelete" });
  });
  it("are accepted, with claims mounted as volumes", () => expect(faultsOf(statefulSetKind, stateful())).toEqual([]));

  it.each<[Loose, string]>([
    [
      { podManagementPolicy: "Sometimes" },
      "spec.podManagementPolicy: Invalid value: \"Sometimes\": must be 'OrderedReady' or 'Parallel'",
    ],
    [
      { updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } },
      "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy 'RollingUpdate'",
    ],
    [
      { updateStrategy: { rollingUpdate: { partition: -1 } } },
      "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0",
    ],
    [
      { updateStrategy: { rollingUpdate: { maxUnavailable: "0%" } } },
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "0%": cannot be 0',
    ],
    [
      { updateStrategy: { rollingUpdate: { maxUnavailable: "101%" } } },
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ],
    [
      { updateStrategy: { type: "Blue" } },
      "spec.updateStrategy: Invalid value: {\"type\":\"Blue\"}: must be 'RollingUpdate' or 'OnDelete'",
    ],
    [
      { persistentVolumeClaimRetentionPolicy: { whenScaled: "Keep" } },
      'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Keep": supported values: "Retain", "Delete"',
    ],
    [{ replicas: -2 }, "spec.replicas: Invalid value: -2: must be greater than or equal to 0"],
    [{ ordinals: { start: -1 } }, "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0"],
    [{ selector: {} }, "spec.selector: Invalid value: {}: empty selector is invalid for statefulset"],
    [
      { selector: { matchLabels: { app: "x" } } },
      'spec.template.metadata.labels: Invalid value: {"app":"db"}: `selector` does not match template `labels`',
    ],
    [
      { template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } },
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
    [
      { template: { ...template, spec: { ...template.spec, activeDeadlineSeconds: 5 } } },
      "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported",
    ],
    [{ volumeClaimTemplates: [] }, 'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'],
  ])("are refused for %j", (spec, fault) => expect(faultsOf(statefulSetKind, stateful(spec))).toEqual([fault]));

  it("may change in a few things only", () => {
    const allowed = { replicas: 3, minReadySeconds: 5, revisionHistoryLimit: 2, ordinals: { start: 1 } };
    expect(updateFaults(statefulSetKind, { now: stateful(allowed), old: stateful() })).toEqual([]);
    for (const spec of [{ serviceName: "other" }, { podManagementPolicy: "Parallel" }, { volumeClaimTemplates: [] }]) {
      expect(updateFaults(statefulSetKind, { now: stateful(spec), old: stateful() })).toEqual([
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ]);
    }
  });
  it("have a status that adds up", () => {
    const now = { ...stateful(), status: { replicas: 1, currentReplicas: 2, availableReplicas: 1 } };
    expect(updateFaults(statefulSetKind, { now, old: stateful(), subresource: "status" })).toEqual([
      "status.currentReplicas: Invalid value: 2: cannot be greater than status.replicas",
      "status.availableReplicas: Invalid value: 1: cannot be greater than status.readyReplicas",
    ]);
  });
  it("are shown as by kubectl", () => {
    const status = { replicas: 3, readyReplicas: 2 };
    expect(cellsOf(statefulSetKind, { ...stateful({ replicas: 3 }), status })).toMatchObject({
      Ready: "2/3",
      Containers: "c",
      Images: "postgres:17",
    });
  });
});

const plain = { metadata: { labels: { app: "db" } }, spec: { containers: [{ name: "c", image: "agent:1" }] } };
const daemon = (spec: Loose = {}): Loose => ({ spec: { selector, template: plain, ...spec } });

describe("daemon sets", () => {
  it("are completed as Kubernetes does", () => {
    const { spec, metadata } = prepared(daemonSetKind, daemon());
    expect(spec).toMatchObject({
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
    });
    expect(metadata.annotations).toEqual({ "deprecated.daemonset.template.generation": "1" });
    expect(faultsOf(daemonSetKind, daemon())).toEqual([]);
  });
  it("count their templates", () => {
    const old = prepared(daemonSetKind, daemon());
    const next = defaulted(daemonSetKind, daemon({ minReadySeconds: 3 }));
    daemonSetKind.strategy.prepareForUpdate?.(next, old, { nowMs: NOW_MS, subresource: "" });
    expect(next.metadata.annotations?.["deprecated.daemonset.template.generation"]).toBe("1");
    const other = { ...plain, spec: { containers: [{ name: "c", image: "agent:2" }] } };
    const newer = defaulted(daemonSetKind, daemon({ template: other }));
    daemonSetKind.strategy.prepareForUpdate?.(newer, old, { nowMs: NOW_MS, subresource: "" });
    expect(newer.metadata.annotations?.["deprecated.daemonset.template.generation"]).toBe("2");
  });
  it.each<[Loose, string]>([
    [
      { updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } },
      "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
    ],
    [
      { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } },
      "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
    ],
    [
      { updateStrategy: { type: "Blue" } },
      'spec.updateStrategy: Unsupported value: {"type":"Blue"}: supported values: "RollingUpdate", "OnDelete"',
    ],
    [{ selector: {} }, "spec.selector: Invalid value: {}: empty selector is invalid for daemonset"],
    [{ revisionHistoryLimit: -1 }, "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0"],
  ])("are refused for %j", (spec, fault) => expect(faultsOf(daemonSetKind, daemon(spec))).toEqual([fault]));

  it("keep their selector, and their counts never fall below zero", () => {
    const other = { matchLabels: { app: "db", v: "2" } };
    expect(updateFaults(daemonSetKind, { now: daemon({ selector: other }), old: daemon() })).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"db","v":"2"}}: field is immutable',
    ]);
    const now = { ...daemon(), status: { numberReady: -1 } };
    expect(updateFaults(daemonSetKind, { now, old: daemon(), subresource: "status" })).toEqual([
      "status.numberReady: Invalid value: -1: must be greater than or equal to 0",
    ]);
  });
  it("are shown as by kubectl", () => {
    const status = { desiredNumberScheduled: 3, currentNumberScheduled: 2, numberReady: 1, numberAvailable: 1 };
    expect(cellsOf(daemonSetKind, { ...daemon(), status })).toMatchObject({
      Desired: 3,
      Current: 2,
      Ready: 1,
      "Up-to-date": 0,
      Available: 1,
      "Node Selector": "<none>",
      Selector: "app=db",
    });
  });
});

describe("controller revisions", () => {
  const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "u", controller: true };
  it("hold a state that never changes", () => {
    expect(faultsOf(controllerRevisionKind, { data: { a: 1 }, revision: 1 })).toEqual([]);
    expect(faultsOf(controllerRevisionKind, { revision: -1 })).toEqual([
      "data: Required value: data is mandatory",
      "revision: Invalid value: -1: must be greater than or equal to 0",
    ]);
    const old = { data: { a: 1 }, revision: 1 };
    expect(updateFaults(controllerRevisionKind, { now: { data: { a: 2 }, revision: 1 }, old })).toEqual([
      'data: Invalid value: {"a":2}: field is immutable',
    ]);
    expect(updateFaults(controllerRevisionKind, { now: { data: { a: 1 }, revision: 2 }, old })).toEqual([]);
  });
  it("are shown with their owner", () => {
    const revision = { metadata: { name: "r", ownerReferences: [owner] }, data: {}, revision: 7 };
    expect(cellsOf(controllerRevisionKind, revision)).toMatchObject({
      Controller: "statefulset.apps/db",
      Revision: 7,
    });
  });
});
