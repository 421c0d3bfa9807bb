import { defineKind } from "../../../registry/kind.ts";
import { defaultMatchResources } from "../defaults.ts";
import { bindingColumns, bindingErrors } from "../policies.ts";
import type { PolicyBinding } from "../types.ts";

export const mutatingAdmissionPolicyBindingKind = defineKind<PolicyBinding>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingAdmissionPolicyBinding",
  plural: "mutatingadmissionpolicybindings",
  namespaced: false,
  schema: "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding",
  categories: ["api-extensions"],
  columns: bindingColumns,
  strategy: {
    allowUnconditionalUpdate: false,
    default: ({ spec }) => defaultMatchResources(spec.matchResources),
    validate: bindingErrors,
  },
});
