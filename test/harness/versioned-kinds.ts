/**
 * Kinds that only tests serve, each in two versions of one store. A Gauge has the shapes of the HorizontalPodAutoscaler: v1 has a
 * target where v2 has a list of metrics (a field moved). A Notice has those of the two Event APIs, in two groups (fields renamed).
 */
import type { KubeObject } from "../../src/machinery/meta.ts";
import { fieldError } from "../../src/machinery/status-error.ts";
import { ageColumn, defineKind, nameColumn, type KindDefinition } from "../../src/registry/kind.ts";

interface Metric {
  type: string;
  resource?: { name: string; target: { type: string; averageUtilization?: number } };
}

export interface GaugeV2 extends KubeObject {
  spec: {
    scaleTargetRef: { kind: string; name: string };
    minReplicas?: number;
    maxReplicas: number;
    metrics?: Metric[];
  };
  status?: { currentReplicas?: number; desiredReplicas: number };
}

export interface GaugeV1 extends KubeObject {
  spec: {
    scaleTargetRef: { kind: string; name: string };
    minReplicas?: number;
    maxReplicas: number;
    targetCPUUtilizationPercentage?: number;
  };
  status?: { currentReplicas?: number; desiredReplicas: number };
}

export const gaugeV2 = defineKind<GaugeV2>({
  group: "gauges.test",
  version: "v2",
  kind: "Gauge",
  plural: "gauges",
  namespaced: true,
  schema: "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
  generation: 2,
  subresources: [
    { name: "status", verbs: ["get", "patch", "update"] },
    { name: "scale", body: { group: "autoscaling", version: "v1", kind: "Scale" }, verbs: ["get", "patch", "update"] },
  ],
  scale: { replicas: ["spec", "maxReplicas"], statusReplicas: ["status", "currentReplicas"], selector: ["none"] },
  columns: [
    nameColumn,
    {
      name: "Target",
      type: "string",
      description: "The CPU it aims at.",
      value: (gauge) => String(utilizationOf(gauge) ?? "none"),
    },
    ageColumn,
  ],
  strategy: {
    default(gauge) {
      gauge.spec.minReplicas ??= 1;
    },
    validate: ({ spec }) =>
      spec.maxReplicas < (spec.minReplicas ?? 1)
        ? [fieldError.invalid("spec.maxReplicas", spec.maxReplicas, "must be at least minReplicas")]
        : [],
    fields: (gauge) => ({ "spec.metrics.cpu": String(utilizationOf(gauge) ?? "") }),
  },
});

export const gaugeV1 = defineKind<GaugeV1>({
  group: "gauges.test",
  version: "v1",
  kind: "Gauge",
  plural: "gauges",
  namespaced: true,
  schema: "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
  subresources: gaugeV2.subresources,
  scale: { replicas: ["spec", "maxReplicas"], statusReplicas: ["status", "currentReplicas"], selector: ["none"] },
  strategy: {
    // Another default than v2 has, so that a test can tell which one was applied.
    default(gauge) {
      gauge.spec.minReplicas ??= 2;
    },
  },
  storedAs: {
    kind: gaugeV2 as unknown as KindDefinition,
    fields: { "spec.target": "spec.metrics.cpu" },
    toStored: ({ spec: { targetCPUUtilizationPercentage: target, ...spec }, ...gauge }) => ({
      ...gauge,
      spec: { ...spec, ...(target === undefined ? {} : { metrics: [metricOf(target)] }) },
    }),
    fromStored(object) {
      const { spec, ...gauge } = object as GaugeV2;
      const { metrics: _metrics, ...rest } = spec;
      const target = utilizationOf(object as GaugeV2);
      return {
        ...gauge,
        spec: { ...rest, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
      };
    },
  },
});

function metricOf(averageUtilization: number): Metric {
  return { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } };
}

/** Asked of an empty object, too, for the names of the fields. */
function utilizationOf({ spec }: GaugeV2): number | undefined {
  return spec.metrics?.find(({ resource }) => resource?.name === "cpu")?.resource?.target.averageUtilization;
}

interface Reference {
  kind?: string;
  name?: string;
}

export interface CoreNotice extends KubeObject {
  involvedObject: Reference;
  message?: string;
  reason?: string;
}

export interface Notice extends KubeObject {
  regarding?: Reference;
  note?: string;
  reason?: string;
}

export const coreNotice = defineKind<CoreNotice>({
  group: "",
  version: "v1",
  kind: "Notice",
  plural: "notices",
  namespaced: true,
  schema: "io.k8s.api.core.v1.Event",
  shortNames: ["no"],
  // A dozen stored fields would do, too; one is enough to see it renamed.
  strategy: { fields: ({ involvedObject }) => ({ "involvedObject.name": involvedObject?.name ?? "" }) },
});

export const notice = defineKind<Notice>({
  group: "notices.test",
  version: "v1",
  kind: "Notice",
  plural: "notices",
  namespaced: true,
  schema: "io.k8s.api.events.v1.Event",
  storedAs: {
    kind: coreNotice as unknown as KindDefinition,
    fields: { "regarding.name": "involvedObject.name" },
    toStored: ({ regarding, note, ...rest }) => ({
      ...rest,
      involvedObject: regarding ?? {},
      ...(note === undefined ? {} : { message: note }),
    }),
    fromStored(object) {
      const { involvedObject, message, ...rest } = object as CoreNotice;
      return { ...rest, regarding: involvedObject, ...(message === undefined ? {} : { note: message }) };
    },
  },
});

export const versionedKinds = [gaugeV2, gaugeV1, coreNotice, notice] as unknown as readonly KindDefinition[];
