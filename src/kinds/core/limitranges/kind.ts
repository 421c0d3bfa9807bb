import { createdColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import type { LimitRange } from "./types.ts";
import { validateLimitRange } from "./validation.ts";

export const limitRangeKind = defineKind<LimitRange>({
  group: "",
  version: "v1",
  kind: "LimitRange",
  plural: "limitranges",
  namespaced: true,
  schema: "io.k8s.api.core.v1.LimitRange",
  shortNames: ["limits"],
  columns: [nameColumn, createdColumn],
  strategy: {
    countsGenerations: false,
    allowCreateOnUpdate: true,
    default: defaultLimitRange,
    validate: validateLimitRange,
  },
});

/** pkg/apis/core/v1/defaults.go of Kubernetes: a container gets by default what it may have at most, or must have at least. */
function defaultLimitRange({ spec }: LimitRange): void {
  for (const limit of spec.limits ?? []) {
    if (limit.type !== "Container") continue;
    limit.default = { ...limit.max, ...limit.default };
    limit.defaultRequest = { ...limit.min, ...limit.default, ...limit.defaultRequest };
  }
}
