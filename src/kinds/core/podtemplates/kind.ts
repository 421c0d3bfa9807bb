import { defineKind, nameColumn } from "../../../registry/kind.ts";
import { labelsCell, text } from "../../columns.ts";
import { containersCell, imagesCell } from "../pods/columns.ts";
import { defaultPodSpec } from "../pods/defaults.ts";
import { validatePodTemplate } from "../pods/validation/pod-spec.ts";
import type { PodTemplate } from "./types.ts";

export const podTemplateKind = defineKind<PodTemplate>({
  group: "",
  version: "v1",
  kind: "PodTemplate",
  plural: "podtemplates",
  namespaced: true,
  schema: "io.k8s.api.core.v1.PodTemplate",
  answersDeleted: true,
  columns: [
    nameColumn,
    text("Containers", "Names of the containers in the template.", ({ template }) => containersCell(template.spec)),
    text("Images", "Images of the containers in the template.", ({ template }) => imagesCell(template.spec)),
    text("Pod Labels", "Labels of the template.", ({ template }) => labelsCell(template.metadata?.labels)),
  ],
  strategy: {
    default: ({ template }) => defaultPodSpec(template.spec),
    validate: ({ template }) => validatePodTemplate(template, "template"),
  },
});
