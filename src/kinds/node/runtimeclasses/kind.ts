import { dnsLabelFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { validateLabels } from "../../../machinery/validate-meta.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { validateResources } from "../../core/pods/validation/resources.ts";
import { validateTolerations } from "../../core/pods/validation/scheduling.ts";
import { immutableErrors } from "../../immutable.ts";
import type { RuntimeClass } from "./types.ts";

export const runtimeClassKind = defineKind<RuntimeClass>({
  group: "node.k8s.io",
  version: "v1",
  kind: "RuntimeClass",
  plural: "runtimeclasses",
  namespaced: false,
  schema: "io.k8s.api.node.v1.RuntimeClass",
  columns: [nameColumn, text("Handler", "What the engine calls it.", ({ handler }) => handler), ageColumn],
  strategy: {
    countsGenerations: false,
    allowUnconditionalUpdate: false,
    allowCreateOnUpdate: true,
    validate: validateRuntimeClass,
    validateUpdate: (now, old) => immutableErrors(now.handler, old.handler, "handler"),
  },
});

/** pkg/apis/node/validation of Kubernetes. */
function validateRuntimeClass({ handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  const tolerations = scheduling?.tolerations ?? [];
  const seen = new Set<string>();
  return [
    ...(handler ? invalidFor("handler", handler, dnsLabelFaults(handler)) : [fieldError.required("handler")]),
    ...(overhead?.podFixed ? validateResources({ limits: overhead.podFixed }, "overhead.podFixed") : []),
    ...validateLabels(scheduling?.nodeSelector, "scheduling.nodeSelector"),
    ...validateTolerations(tolerations, "scheduling.tolerations"),
    ...tolerations.flatMap((toleration, index) => {
      const { key: Key = "", operator: Operator = "", value: Value = "", effect: Effect = "" } = toleration;
      const key = JSON.stringify([Key, Operator, Value, Effect]);
      // As Go's internal type is printed, which has no JSON names.
      const shown = { Key, Operator, Value, Effect, TolerationSeconds: toleration.tolerationSeconds ?? null };
      if (seen.has(key)) return [fieldError.duplicate(`scheduling.tolerations[${index}]`, shown)];
      seen.add(key);
      return [];
    }),
  ];
}
