import { describe, expect, it } from "vitest";
import { canonicalise } from "../../encoding/canonical.ts";
import { cellsOf, defaulted, faultsOf, prepared, type Loose } from "../testing/prepare.ts";
import { fromV1, toV1 } from "./horizontalpodautoscalers/conversion.ts";
import { horizontalPodAutoscalerKind, horizontalPodAutoscalerKindV1 } from "./horizontalpodautoscalers/kind.ts";
import type { Autoscaler, AutoscalerV1 } from "./horizontalpodautoscalers/types.ts";

const V1 = "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler";
const V2 = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler";

const spec = { scaleTargetRef: { kind: "Deployment", name: "web", apiVersion: "apps/v1" }, maxReplicas: 5 };
const cpu = (averageUtilization: number) => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});
const memory = {
  type: "Resource",
  resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } },
};
const pods = {
  type: "Pods",
  pods: {
    metric: { name: "rps", selector: { matchLabels: { a: "b" } } },
    target: { type: "AverageValue", averageValue: "1k" },
  },
};
const object = {
  type: "Object",
  object: {
    describedObject: { kind: "Ingress", name: "main" },
    metric: { name: "rps" },
    target: { type: "Value", value: "10" },
  },
};
const external = {
  type: "External",
  external: { metric: { name: "q" }, target: { type: "AverageValue", averageValue: "3" } },
};
const container = {
  type: "ContainerResource",
  containerResource: { name: "cpu", container: "c", target: { type: "Utilization", averageUtilization: 50 } },
};
const behavior = { scaleDown: { policies: [{ type: "Pods", value: 1, periodSeconds: 60 }], tolerance: "50m" } };
const status = {
  observedGeneration: 3,
  lastScaleTime: "2026-01-01T00:00:00Z",
  currentReplicas: 2,
  desiredReplicas: 3,
  currentMetrics: [
    { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 41 } } },
    { type: "Pods", pods: { metric: { name: "rps" }, current: { averageValue: "900m" } } },
  ],
  conditions: [{ type: "AbleToScale", status: "True", reason: "Fine", lastTransitionTime: "2026-01-01T00:00:00Z" }],
};

const stored = (parts: Loose, more: Loose = {}): Autoscaler =>
  canonicalise({ metadata: { name: "web", annotations: { own: "1" } }, spec: { ...spec, ...parts }, ...more }, V2);

describe("autoscaling v1 and v2", () => {
  it.each<[string, Autoscaler]>([
    ["only CPU", stored({ metrics: [cpu(60)] })],
    ["CPU last", stored({ metrics: [memory, pods, cpu(60)] })],
    ["CPU first", stored({ metrics: [cpu(60), external] })],
    ["CPU twice", stored({ metrics: [cpu(60), cpu(70)] })],
    ["every source", stored({ metrics: [memory, pods, object, external, container] })],
    ["no CPU, behaviour and a status", stored({ metrics: [object], behavior }, { status })],
    [
      "a CPU value and not its share",
      stored({ metrics: [{ ...memory, resource: { ...memory.resource, name: "cpu" } }] }),
    ],
  ])("%s: v2 → v1 → v2 is the same", (_, autoscaler) => {
    const v1 = canonicalise(toV1(structuredClone(autoscaler)), V1);
    expect(canonicalise(fromV1(structuredClone(v1)), V2)).toEqual(autoscaler);
  });

  it.each<[string, Loose]>([
    ["a target", { spec: { ...spec, targetCPUUtilizationPercentage: 60 } }],
    [
      "a status",
      { spec: { ...spec, targetCPUUtilizationPercentage: 1 }, status: { currentReplicas: 1, desiredReplicas: 2 } },
    ],
  ])("%s: v1 → v2 → v1 is the same", (_, parts) => {
    const v1 = canonicalise({ metadata: { name: "web" }, ...parts }, V1) as unknown as AutoscalerV1;
    expect(canonicalise(toV1(fromV1(structuredClone(v1))), V1)).toEqual(v1);
  });

  it("v1 shows what it has no field for in Kubernetes' own annotations", () => {
    const v1 = toV1(stored({ metrics: [pods, cpu(60)], behavior }, { status }));
    expect(v1.spec).toEqual({ ...spec, targetCPUUtilizationPercentage: 60 });
    expect(v1.status).toEqual({
      observedGeneration: 3,
      lastScaleTime: "2026-01-01T00:00:00Z",
      currentReplicas: 2,
      desiredReplicas: 3,
      currentCPUUtilizationPercentage: 41,
    });
    const { annotations = {} } = v1.metadata;
    expect(Object.keys(annotations)).toEqual([
      "own",
      "autoscaling.alpha.kubernetes.io/metrics",
      "autoscaling.alpha.kubernetes.io/current-metrics",
      "autoscaling.alpha.kubernetes.io/conditions",
      "autoscaling.alpha.kubernetes.io/behavior",
    ]);
    expect(JSON.parse(annotations["autoscaling.alpha.kubernetes.io/metrics"] ?? "")).toEqual([
      { type: "Pods", pods: { metricName: "rps", selector: { matchLabels: { a: "b" } }, targetAverageValue: "1k" } },
    ]);
  });

  it.each(["", "{", "7", "[7,null]", '[{"type":"Object","object":5}]', '[{"type":"Pods","pods":{"metricName":{}}}]'])(
    "v1 with the metrics %s is read all the same",
    (text) => {
      const annotations = { "autoscaling.alpha.kubernetes.io/metrics": text };
      const v1 = canonicalise({ metadata: { name: "web", annotations }, spec }, V1);
      const v2 = canonicalise(fromV1(v1), V2);
      expect(v2.metadata.annotations).toBeUndefined();
      expect(Array.isArray(horizontalPodAutoscalerKind.strategy.validate?.(v2))).toBe(true);
    },
  );
});

describe("autoscalers", () => {
  it("are completed as Kubernetes does", () => {
    expect(prepared(horizontalPodAutoscalerKind, { spec }).spec).toMatchObject({ minReplicas: 1, metrics: [cpu(80)] });
    expect(prepared(horizontalPodAutoscalerKind, { spec: { ...spec, behavior: {} } }).spec.behavior).toEqual({
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: "Max",
        policies: [
          { type: "Pods", value: 4, periodSeconds: 15 },
          { type: "Percent", value: 100, periodSeconds: 15 },
        ],
      },
      scaleDown: { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] },
    });
    expect(defaulted(horizontalPodAutoscalerKindV1, { spec }).spec.minReplicas).toBe(1);
    expect(faultsOf(horizontalPodAutoscalerKind, { spec })).toEqual([]);
    const all = [memory, pods, object, external, container, cpu(1)];
    expect(faultsOf(horizontalPodAutoscalerKind, { spec: { ...spec, metrics: all, behavior } })).toEqual([]);
  });
  it.each<[Loose, string[]]>([
    [
      { minReplicas: 0, maxReplicas: -1 },
      [
        "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
        "spec.maxReplicas: Invalid value: -1: must be greater than 0",
        "spec.maxReplicas: Invalid value: -1: must be greater than or equal to `minReplicas`",
      ],
    ],
    [
      { scaleTargetRef: { kind: "", name: "a/b" } },
      [
        "spec.scaleTargetRef.kind: Required value",
        "spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'",
      ],
    ],
    [
      { metrics: [{ type: "Pods", resource: { ...memory.resource, target: { type: "Value", value: "0" } } }] },
      [
        'spec.metrics[0].resource.target.value: Invalid value: "0": must be positive',
        "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization",
        "spec.metrics[0].pods: Required value: must populate information for the given metric source",
      ],
    ],
    [
      { metrics: [{ ...pods, ...object, type: "Pods" }] },
      ["spec.metrics[0].object: Forbidden: must populate the given metric source only"],
    ],
    [
      { behavior: { scaleUp: { stabilizationWindowSeconds: 3601, selectPolicy: "Any", policies: [] } } },
      [
        "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
        'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Any": supported values: "Disabled", "Max", "Min"',
      ],
    ],
    [
      { behavior: { scaleDown: { policies: [{ type: "Nodes", value: 0, periodSeconds: 1801 }] } } },
      [
        'spec.behavior.scaleDown.policies[0].type: Unsupported value: "Nodes": supported values: "Percent", "Pods"',
        "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero",
        "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
      ],
    ],
  ])("are refused for %j", (parts, faults) => {
    expect(faultsOf(horizontalPodAutoscalerKind, { spec: { ...spec, ...parts } })).toEqual(faults);
  });
  it("are shown as by kubectl, in both versions", () => {
    const shown = {
      Reference: "Deployment/web",
      Targets: "cpu: 41%/60%, 900m/1k + 1 more...",
      MinPods: "1",
      MaxPods: 5,
      Replicas: 2,
    };
    const v2 = { metadata: { name: "web" }, spec: { ...spec, metrics: [cpu(60), pods, external] }, status };
    expect(cellsOf(horizontalPodAutoscalerKind, v2)).toMatchObject(shown);
    const v1 = toV1(stored({ minReplicas: 1, metrics: [cpu(60), pods, external] }, { status }));
    expect(cellsOf(horizontalPodAutoscalerKindV1, v1 as unknown as Loose)).toMatchObject(shown);
  });
});
