import { formatLabelSelector } from "../../../machinery/selectors.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { templateColumns } from "../../core/pods/columns.ts";
import { defaultPodSpec } from "../../core/pods/defaults.ts";
import { scaleSubresource, statusSubresource, workloadScale } from "../../subresources.ts";
import type { Deployment } from "./types.ts";
import { validateDeployment, validateDeploymentUpdate } from "./validation.ts";

export const deploymentKind = defineKind<Deployment>({
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  namespaced: true,
  schema: "io.k8s.api.apps.v1.Deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  columns: [
    nameColumn,
    {
      name: "Ready",
      type: "string",
      description: "How many pods are ready, of those wanted.",
      value: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    },
    {
      name: "Up-to-date",
      type: "string",
      description: "How many pods are of the current template.",
      value: ({ status }) => status?.updatedReplicas ?? 0,
    },
    {
      name: "Available",
      type: "string",
      description: "How many pods have been ready for long enough.",
      value: ({ status }) => status?.availableReplicas ?? 0,
    },
    ageColumn,
    ...templateColumns<Deployment>(({ spec }) => spec.template.spec),
    {
      name: "Selector",
      type: "string",
      priority: 1,
      description: "Which pods belong to it.",
      value: ({ spec }) => formatLabelSelector(spec.selector),
    },
  ],
  subresources: [statusSubresource, scaleSubresource],
  scale: workloadScale,
  strategy: {
    default: defaultDeployment,
    prepareForCreate: (deployment) => void delete deployment.status,
    validate: validateDeployment,
    validateUpdate: validateDeploymentUpdate,
  },
});

/** pkg/apis/apps/v1/defaults.go of Kubernetes. */
function defaultDeployment({ spec }: Deployment): void {
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  spec.strategy ??= {};
  spec.strategy.type ||= "RollingUpdate";
  if (spec.strategy.type === "RollingUpdate") {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
    spec.strategy.rollingUpdate.maxSurge ??= "25%";
  }
  defaultPodSpec(spec.template.spec);
}
