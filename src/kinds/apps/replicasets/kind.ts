import type { FieldError } from "../../../machinery/status-error.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { templateColumns } from "../../core/pods/columns.ts";
import { defaultPodSpec } from "../../core/pods/defaults.ts";
import { selectorCell } from "../../columns.ts";
import { scaleSubresource, statusSubresource, workloadScale } from "../../subresources.ts";
import { validateAvailable, validateReplicaCounts } from "../../core/pods/validation/replicas.ts";
import { validateCounts, validateSameSelector, validateSelector, validateTemplate } from "../workload.ts";
import type { ReplicaSet } from "./types.ts";

export const replicaSetKind = defineKind<ReplicaSet>({
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  namespaced: true,
  schema: "io.k8s.api.apps.v1.ReplicaSet",
  shortNames: ["rs"],
  categories: ["all"],
  columns: [
    nameColumn,
    {
      name: "Desired",
      type: "integer",
      description: "How many pods are wanted.",
      value: ({ spec }) => spec.replicas ?? 0,
    },
    {
      name: "Current",
      type: "integer",
      description: "How many pods there are.",
      value: ({ status }) => status?.replicas ?? 0,
    },
    {
      name: "Ready",
      type: "integer",
      description: "How many pods are ready.",
      value: ({ status }) => status?.readyReplicas ?? 0,
    },
    ageColumn,
    ...templateColumns<ReplicaSet>(({ spec }) => spec.template?.spec),
    {
      name: "Selector",
      type: "string",
      priority: 1,
      description: "Which pods belong to it.",
      value: ({ spec }) => selectorCell(spec.selector),
    },
  ],
  subresources: [statusSubresource, scaleSubresource],
  scale: workloadScale,
  strategy: {
    default({ spec }) {
      spec.replicas ??= 1;
      if (spec.template) defaultPodSpec(spec.template.spec);
    },
    prepareForCreate(set) {
      set.status = { replicas: 0 };
    },
    // Kubernetes itself says "deployment" of an empty selector here.
    validate: ({ spec }) => [
      ...validateCounts(spec),
      ...validateSelector(spec.selector, "deployment"),
      ...validateTemplate(spec, "ReplicaSet"),
    ],
    validateUpdate: validateReplicaSetUpdate,
    fields: ({ status }) => ({ "status.replicas": String(status?.replicas ?? 0) }),
  },
});

const STATUS_COUNTS = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"];
const STATUS_PARTS = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];

function validateReplicaSetUpdate(now: ReplicaSet, old: ReplicaSet, { subresource }: StrategyContext): FieldError[] {
  if (subresource !== "status") return validateSameSelector(now.spec, old.spec);
  return [
    ...validateReplicaCounts(now.status, { counts: STATUS_COUNTS, parts: STATUS_PARTS }),
    ...validateAvailable(now.status),
  ];
}
