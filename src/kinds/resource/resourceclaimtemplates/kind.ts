import { validateAnnotations, validateLabels } from "../../../machinery/validate-meta.ts";
import { defineKind } from "../../../registry/kind.ts";
import { immutableErrors } from "../../immutable.ts";
import { claimSpecErrors, defaultClaimSpec } from "../requests.ts";
import type { ResourceClaimTemplate } from "../types.ts";

export const resourceClaimTemplateKind = defineKind<ResourceClaimTemplate>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaimTemplate",
  plural: "resourceclaimtemplates",
  namespaced: true,
  schema: "io.k8s.api.resource.v1.ResourceClaimTemplate",
  answersDeleted: true,
  strategy: {
    countsGenerations: false,
    default: ({ spec }) => defaultClaimSpec(spec.spec),
    // It never changes, so what is stored is not judged anew.
    validateCreate: ({ spec }) => [
      ...validateLabels(spec.metadata?.labels, "spec.labels"),
      ...validateAnnotations(spec.metadata?.annotations, "spec.annotations"),
      ...claimSpecErrors(spec.spec, "spec.spec"),
    ],
    validateUpdate: (now, old) => immutableErrors(now.spec, old.spec, "spec"),
  },
});
