import { defineKind } from "../../../registry/kind.ts";
import { statusSubresource } from "../../subresources.ts";
import { autoscalerColumns } from "./columns.ts";
import { fromV1, toV1 } from "./conversion.ts";
import { defaultAutoscaler } from "./defaults.ts";
import type { Autoscaler, AutoscalerV1 } from "./types.ts";
import { validateAutoscaler, validateAutoscalerUpdate } from "./validation.ts";

const shared = {
  group: "autoscaling",
  kind: "HorizontalPodAutoscaler",
  plural: "horizontalpodautoscalers",
  namespaced: true,
  shortNames: ["hpa"],
  categories: ["all"],
  subresources: [statusSubresource],
};

export const horizontalPodAutoscalerKind = defineKind<Autoscaler>({
  ...shared,
  version: "v2",
  schema: "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
  columns: autoscalerColumns,
  strategy: {
    countsGenerations: false,
    default: defaultAutoscaler,
    prepareForCreate(autoscaler) {
      autoscaler.status = { desiredReplicas: 0 };
    },
    validate: validateAutoscaler,
    validateUpdate: validateAutoscalerUpdate,
  },
});

export const horizontalPodAutoscalerKindV1 = defineKind<AutoscalerV1>({
  ...shared,
  version: "v1",
  schema: "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
  strategy: {
    countsGenerations: false,
    default({ spec }) {
      spec.minReplicas ??= 1;
    },
  },
  storedAs: {
    kind: horizontalPodAutoscalerKind,
    toStored: fromV1,
    fromStored: (object) => toV1(object as Autoscaler),
  },
});
