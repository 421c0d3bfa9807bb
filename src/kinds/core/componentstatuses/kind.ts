import type { KubeObject } from "../../../machinery/meta.ts";
import { defineKind, nameColumn } from "../../../registry/kind.ts";
import { text } from "../../columns.ts";

export interface ComponentStatus extends KubeObject {
  conditions?: { type: string; status: string; message?: string; error?: string }[];
}

/** How the parts of the control plane are, for clients from before there was anything better. */
export const componentStatusKind = defineKind<ComponentStatus>({
  group: "",
  version: "v1",
  kind: "ComponentStatus",
  plural: "componentstatuses",
  namespaced: false,
  schema: "io.k8s.api.core.v1.ComponentStatus",
  shortNames: ["cs"],
  deprecated: "v1 ComponentStatus is deprecated in v1.19+",
  verbs: ["get", "list"],
  computed: true,
  columns: [
    nameColumn,
    text("Status", "Whether it is healthy.", (component) => {
      const status = healthOf(component)?.status;
      return status === undefined ? "Unknown" : status === "True" ? "Healthy" : "Unhealthy";
    }),
    text("Message", "What it says.", (component) => healthOf(component)?.message ?? ""),
    text("Error", "What is wrong with it.", (component) => healthOf(component)?.error ?? ""),
  ],
});

function healthOf({ conditions = [] }: ComponentStatus) {
  return conditions.find(({ type }) => type === "Healthy");
}
