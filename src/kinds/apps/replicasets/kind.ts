import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { formatLabelSelector } from "../../../machinery/selectors.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { templateColumns } from "../../core/pods/columns.ts";
import { defaultPodSpec } from "../../core/pods/defaults.ts";
import { scaleSubresource, statusSubresource, workloadScale } from "../../subresources.ts";
import {
  validateCounts,
  validateSameSelector,
  validateSelector,
  validateStatusCounts,
  validateTemplate,
} from "../workload.ts";
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
      value: ({ spec }) => formatLabelSelector(spec.selector) || "<none>",
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
    validate: ({ spec }) => [
      ...validateCounts(spec),
      ...validateSelector(spec.selector, "replica set"),
      ...validateTemplate(spec, "ReplicaSet"),
    ],
    validateUpdate: validateReplicaSetUpdate,
    fields: ({ status }) => ({ "status.replicas": String(status?.replicas ?? 0) }),
  },
});

const STATUS_COUNTS = [
  "replicas",
  "fullyLabeledReplicas",
  "readyReplicas",
  "availableReplicas",
  "observedGeneration",
] as const;

function validateReplicaSetUpdate(now: ReplicaSet, old: ReplicaSet, { subresource }: StrategyContext): FieldError[] {
  if (subresource !== "status") return validateSameSelector(now.spec, old.spec);
  const { status } = now;
  const errors = validateStatusCounts(status, STATUS_COUNTS);
  const replicas = status?.replicas ?? 0;
  for (const name of ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] as const) {
    const count = status?.[name] ?? 0;
    if (count > replicas)
      errors.push(fieldError.invalid(`status.${name}`, count, "cannot be greater than status.replicas"));
  }
  const available = status?.availableReplicas ?? 0;
  if (available > (status?.readyReplicas ?? 0)) {
    errors.push(fieldError.invalid("status.availableReplicas", available, "cannot be greater than readyReplicas"));
  }
  return errors;
}
