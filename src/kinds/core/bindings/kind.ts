import { defineKind } from "../../../registry/kind.ts";

/** An order to run a pod on a node; it is carried out and forgotten. */
export const bindingKind = defineKind({
  group: "",
  version: "v1",
  kind: "Binding",
  plural: "bindings",
  namespaced: true,
  schema: "io.k8s.api.core.v1.Binding",
  verbs: ["create"],
  computed: true,
});
