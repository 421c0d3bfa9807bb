import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { count, labelsCell, text, wide } from "../../columns.ts";
import { scaleSubresource, statusSubresource, workloadScale } from "../../subresources.ts";
import { templateColumns } from "../pods/columns.ts";
import { defaultPodSpec } from "../pods/defaults.ts";
import type { ReplicationController } from "./types.ts";
import { validateReplicationController, validateReplicationControllerUpdate } from "./validation.ts";

export const replicationControllerKind = defineKind<ReplicationController>({
  group: "",
  version: "v1",
  kind: "ReplicationController",
  plural: "replicationcontrollers",
  namespaced: true,
  schema: "io.k8s.api.core.v1.ReplicationController",
  shortNames: ["rc"],
  categories: ["all"],
  columns: [
    nameColumn,
    count("Desired", "How many pods are wanted.", ({ spec }) => spec.replicas ?? 0),
    count("Current", "How many pods there are.", ({ status }) => status?.replicas ?? 0),
    count("Ready", "How many pods are ready.", ({ status }) => status?.readyReplicas ?? 0),
    ageColumn,
    ...templateColumns<ReplicationController>(({ spec }) => spec.template?.spec),
    wide(text("Selector", "Which pods belong to it.", ({ spec }) => labelsCell(spec.selector))),
  ],
  subresources: [statusSubresource, scaleSubresource],
  scale: { ...workloadScale, selectorIsMap: true },
  strategy: {
    default: defaultReplicationController,
    prepareForCreate(controller) {
      controller.status = { replicas: 0 };
    },
    validate: validateReplicationController,
    validateUpdate: validateReplicationControllerUpdate,
    // Old clients do not expect its pods to go with it.
    dependents: "orphan",
    fields: ({ status }) => ({ "status.replicas": String(status?.replicas ?? 0) }),
  },
});

/** pkg/apis/core/v1/defaults.go of Kubernetes. */
function defaultReplicationController({ metadata, spec }: ReplicationController): void {
  const labels = spec.template?.metadata?.labels;
  if (labels) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  }
  spec.replicas ??= 1;
  if (spec.template) defaultPodSpec(spec.template.spec);
}
