import { describe, expect, it } from "vitest";
import { cellsOf, faultsOf, prepared, updateFaults, type Loose } from "../testing/prepare.ts";
import { deploymentKind } from "./deployments/kind.ts";
import { replicaSetKind } from "./replicasets/kind.ts";

const selector = { matchLabels: { app: "web" } };
const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "nginx:1" }] } };

function workload(spec: Loose = {}): Loose {
  return { spec: { selector, template, ...spec } };
}

describe("deployments", () => {
  it("are completed as Kubernetes does, pod template included", () => {
    const { spec, status } = prepared(deploymentKind, { ...workload(), status: { replicas: 9 } });
    expect(spec).toMatchObject({
      replicas: 1,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      template: { spec: { restartPolicy: "Always", dnsPolicy: "ClusterFirst", schedulerName: "default-scheduler" } },
    });
    // A template gets no defaults of running pods, and a client sets no status.
    expect(spec.template.spec.enableServiceLinks).toBeUndefined();
    expect(status ?? {}).toEqual({});
  });
  it("keep zeros that mean something", () => {
    const { spec } = prepared(
      deploymentKind,
      workload({ replicas: 0, revisionHistoryLimit: 0, strategy: { type: "Recreate" } }),
    );
    expect(spec).toMatchObject({ replicas: 0, revisionHistoryLimit: 0, strategy: { type: "Recreate" } });
    expect(spec.strategy?.rollingUpdate).toBeUndefined();
  });
  it("are accepted when ordinary", () => expect(faultsOf(deploymentKind, workload())).toEqual([]));

  it.each<[string, Loose, string]>([
    ["no selector", { spec: { template } }, "spec.selector: Required value"],
    [
      "an empty selector",
      workload({ selector: {} }),
      "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
    ],
    [
      "a selector that misses its own pods",
      workload({ selector: { matchLabels: { app: "other" } } }),
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
    [
      "an unknown operator",
      workload({ selector: { matchExpressions: [{ key: "a", operator: "Like", values: ["b"] }] } }),
      'spec.selector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator',
    ],
    [
      "negative replicas",
      workload({ replicas: -1 }),
      "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ],
    [
      "pods that end",
      workload({ template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } }),
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
    [
      "no step forward",
      workload({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
      "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
    ],
    [
      "an odd percentage",
      workload({ strategy: { rollingUpdate: { maxSurge: "a%" } } }),
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"a%\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ],
    [
      "more than all of its pods",
      workload({ strategy: { rollingUpdate: { maxUnavailable: "101%" } } }),
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ],
    [
      "a deadline that is too short",
      workload({ minReadySeconds: 600 }),
      "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
    ],
    [
      "a fault in the template",
      workload({ template: { ...template, spec: { containers: [{ name: "c" }] } } }),
      "spec.template.spec.containers[0].image: Required value",
    ],
  ])("are refused for %s", (_, object, expected) => expect(faultsOf(deploymentKind, object)).toContain(expected));

  it("keep their selector", () => {
    const other = { matchLabels: { app: "web", v: "2" } };
    expect(updateFaults(deploymentKind, { now: workload({ selector: other }), old: workload() })).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"web","v":"2"}}: field is immutable',
    ]);
    expect(updateFaults(deploymentKind, { now: workload({ replicas: 5 }), old: workload() })).toEqual([]);
  });
  it("have a status that adds up", () => {
    const now = { ...workload(), status: { replicas: 1, readyReplicas: 2 } };
    expect(updateFaults(deploymentKind, { now, old: workload(), subresource: "status" })).toEqual([
      "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
    ]);
  });
  it("are shown as by kubectl", () => {
    const status = { replicas: 3, readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 };
    expect(cellsOf(deploymentKind, { ...workload({ replicas: 3 }), status })).toMatchObject({
      Ready: "2/3",
      "Up-to-date": 1,
      Available: 2,
      Containers: "c",
      Images: "nginx:1",
      Selector: "app=web",
    });
  });
});

describe("replica sets", () => {
  it("are completed, accepted and shown", () => {
    expect(prepared(replicaSetKind, workload()).spec.replicas).toBe(1);
    expect(prepared(replicaSetKind, workload()).status).toEqual({ replicas: 0 });
    expect(faultsOf(replicaSetKind, workload())).toEqual([]);
    expect(cellsOf(replicaSetKind, { ...workload(), status: { replicas: 1 } })).toMatchObject({
      Desired: 1,
      Current: 1,
      Ready: 0,
    });
  });
  it("are refused without a template and keep their selector", () => {
    expect(faultsOf(replicaSetKind, { spec: { selector } })).toContain("spec.template.spec.containers: Required value");
    expect(
      updateFaults(replicaSetKind, { now: workload({ selector: { matchLabels: { a: "b" } } }), old: workload() }),
    ).toHaveLength(1);
  });
});
