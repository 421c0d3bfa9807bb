import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";
import { templateColumns } from "../../core/pods/columns.ts";
import { scaleSubresource, statusSubresource, workloadScale } from "../../subresources.ts";
import { defaultStatefulSet } from "./defaults.ts";
import type { StatefulSet } from "./types.ts";
import { validateStatefulSet, validateStatefulSetUpdate } from "./validation.ts";

export const statefulSetKind = defineKind<StatefulSet>({
  group: "apps",
  version: "v1",
  kind: "StatefulSet",
  plural: "statefulsets",
  namespaced: true,
  schema: "io.k8s.api.apps.v1.StatefulSet",
  shortNames: ["sts"],
  categories: ["all"],
  // Its name becomes part of a host name.
  nameRule: "dns-label",
  columns: [
    nameColumn,
    text(
      "Ready",
      "How many pods are ready, of those wanted.",
      ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    ),
    ageColumn,
    ...templateColumns<StatefulSet>(({ spec }) => spec.template.spec),
  ],
  subresources: [statusSubresource, scaleSubresource],
  scale: workloadScale,
  strategy: {
    default: defaultStatefulSet,
    prepareForCreate(set) {
      set.status = {};
    },
    validate: validateStatefulSet,
    validateUpdate: validateStatefulSetUpdate,
  },
});
