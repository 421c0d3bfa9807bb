import { defineKind } from "../../../registry/kind.ts";
import { defaultMatchResources } from "../defaults.ts";
import { actionErrors, bindingColumns, bindingErrors } from "../policies.ts";
import type { PolicyBinding } from "../types.ts";

export const validatingAdmissionPolicyBindingKind = defineKind<PolicyBinding>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicyBinding",
  plural: "validatingadmissionpolicybindings",
  namespaced: false,
  schema: "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding",
  categories: ["api-extensions"],
  columns: bindingColumns,
  strategy: {
    allowUnconditionalUpdate: false,
    default: ({ spec }) => defaultMatchResources(spec.matchResources),
    validate: (binding) => [
      ...bindingErrors(binding),
      ...actionErrors(binding.spec.validationActions ?? [], "spec.validationActions"),
    ],
  },
});
