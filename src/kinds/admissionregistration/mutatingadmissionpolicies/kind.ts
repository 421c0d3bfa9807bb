import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { count, text } from "../../columns.ts";
import { defaultMatchResources } from "../defaults.ts";
import { expressionErrors } from "../expressions.ts";
import { paramKindCell, policySpecErrors, scopeWithVariables } from "../policies.ts";
import { policyErrors } from "../rules.ts";
import type { MutatingAdmissionPolicy } from "../types.ts";

const REINVOCATION_POLICIES = ["IfNeeded", "Never"];
const PATCH_TYPES = ["ApplyConfiguration", "JSONPatch"];

export const mutatingAdmissionPolicyKind = defineKind<MutatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "MutatingAdmissionPolicy",
  plural: "mutatingadmissionpolicies",
  namespaced: false,
  schema: "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy",
  categories: ["api-extensions"],
  columns: [
    nameColumn,
    count("Mutations", "How many changes it makes.", ({ spec }) => spec.mutations?.length ?? 0),
    text("ParamKind", "What its parameters are.", ({ spec }) => paramKindCell(spec)),
    ageColumn,
  ],
  strategy: {
    allowUnconditionalUpdate: false,
    default({ spec }) {
      spec.failurePolicy ??= "Fail";
      defaultMatchResources(spec.matchConstraints);
    },
    validate: validatePolicy,
  },
});

function validatePolicy({ spec }: MutatingAdmissionPolicy): FieldError[] {
  const { mutations = [], reinvocationPolicy } = spec;
  const errors = policySpecErrors(spec);
  if (mutations.length === 0) {
    errors.push(fieldError.required("spec.mutations", "mutations must contain at least one item"));
  }
  const { environment } = scopeWithVariables(spec, { makesPatches: true });
  mutations.forEach(({ patchType, applyConfiguration, jsonPatch }, index) => {
    const field = `spec.mutations[${index}]`;
    if (!PATCH_TYPES.includes(patchType)) {
      errors.push(
        patchType
          ? fieldError.notSupported(`${field}.patchType`, patchType, PATCH_TYPES)
          : fieldError.required(`${field}.patchType`),
      );
      return;
    }
    const [name, patch, other, otherPatch] =
      patchType === "JSONPatch"
        ? (["jsonPatch", jsonPatch, "applyConfiguration", applyConfiguration] as const)
        : (["applyConfiguration", applyConfiguration, "jsonPatch", jsonPatch] as const);
    if (!patch)
      errors.push(fieldError.required(`${field}.${name}`, `must be specified when patchType is ${patchType}`));
    else if (!patch.expression?.trim()) {
      errors.push(fieldError.required(`${field}.${name}.expression`, "expression is not specified"));
    } else {
      const wanted = patchType === "JSONPatch" ? "list(JSONPatch)" : "Object";
      errors.push(...expressionErrors(environment, patch.expression, { field: `${field}.${name}.expression`, wanted }));
    }
    if (otherPatch) {
      const why = `must not be specified when patchType is ${patchType}`;
      errors.push(fieldError.invalid(`${field}.${other}`, `{${other}}`, why));
    }
  });
  return [...errors, ...policyErrors(reinvocationPolicy, "spec.reinvocationPolicy", REINVOCATION_POLICIES)];
}
