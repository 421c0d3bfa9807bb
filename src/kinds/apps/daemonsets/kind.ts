import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { sameJson } from "../../../registry/same-json.ts";
import { count, labelsCell, selectorCell, text, wide } from "../../columns.ts";
import { templateColumns } from "../../core/pods/columns.ts";
import { defaultPodSpec } from "../../core/pods/defaults.ts";
import { statusSubresource } from "../../subresources.ts";
import { TEMPLATE_GENERATION, type DaemonSet } from "./types.ts";
import { validateDaemonSet, validateDaemonSetUpdate } from "./validation.ts";

export const daemonSetKind = defineKind<DaemonSet>({
  group: "apps",
  version: "v1",
  kind: "DaemonSet",
  plural: "daemonsets",
  namespaced: true,
  schema: "io.k8s.api.apps.v1.DaemonSet",
  shortNames: ["ds"],
  categories: ["all"],
  columns: [
    nameColumn,
    count("Desired", "How many nodes should run its pod.", ({ status }) => status?.desiredNumberScheduled ?? 0),
    count("Current", "How many nodes run its pod.", ({ status }) => status?.currentNumberScheduled ?? 0),
    count("Ready", "How many pods are ready.", ({ status }) => status?.numberReady ?? 0),
    count(
      "Up-to-date",
      "How many pods are of the current template.",
      ({ status }) => status?.updatedNumberScheduled ?? 0,
    ),
    count("Available", "How many pods have been ready for long enough.", ({ status }) => status?.numberAvailable ?? 0),
    text("Node Selector", "Which nodes it is for.", ({ spec }) => labelsCell(spec.template.spec.nodeSelector)),
    ageColumn,
    ...templateColumns<DaemonSet>(({ spec }) => spec.template.spec),
    wide(text("Selector", "Which pods belong to it.", ({ spec }) => selectorCell(spec.selector))),
  ],
  subresources: [statusSubresource],
  strategy: {
    default: defaultDaemonSet,
    prepareForCreate(set) {
      set.status = {};
      setTemplateGeneration(set, 1);
    },
    prepareForUpdate(set, old, { subresource }) {
      if (subresource === "status") return;
      const before = templateGeneration(old);
      setTemplateGeneration(set, sameJson(set.spec.template, old.spec.template) ? before : before + 1);
    },
    validate: validateDaemonSet,
    validateUpdate: validateDaemonSetUpdate,
  },
});

/** pkg/apis/apps/v1/defaults.go of Kubernetes. */
function defaultDaemonSet({ spec }: DaemonSet): void {
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= "RollingUpdate";
  if (spec.updateStrategy.type === "RollingUpdate") {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  defaultPodSpec(spec.template.spec);
}

function templateGeneration({ metadata }: DaemonSet): number {
  return Number(metadata.annotations?.[TEMPLATE_GENERATION] ?? 0) || 0;
}

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
}
