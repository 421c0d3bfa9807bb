import { byteLength, qualifiedNameFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { ageColumn, defineKind, nameColumn } from "../../../registry/kind.ts";
import { count, text } from "../../columns.ts";
import { statusSubresource } from "../../subresources.ts";
import { defaultMatchResources } from "../defaults.ts";
import { expressionErrors } from "../expressions.ts";
import { paramKindCell, policySpecErrors, scopeWithVariables } from "../policies.ts";
import type { ValidatingAdmissionPolicy } from "../types.ts";

const ANNOTATIONS_MAX = 20;
const VALUE_BYTES_MAX = 5 * 1024;
const REASONS = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"];

export const validatingAdmissionPolicyKind = defineKind<ValidatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
  namespaced: false,
  schema: "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy",
  categories: ["api-extensions"],
  columns: [
    nameColumn,
    count("Validations", "How many rules it has.", ({ spec }) => spec.validations?.length ?? 0),
    text("ParamKind", "What its parameters are.", ({ spec }) => paramKindCell(spec)),
    ageColumn,
  ],
  subresources: [statusSubresource],
  strategy: {
    allowUnconditionalUpdate: false,
    default({ spec }) {
      spec.failurePolicy ??= "Fail";
      defaultMatchResources(spec.matchConstraints);
    },
    prepareForCreate(policy) {
      policy.status = {};
    },
    validate: validatePolicy,
  },
});

function validatePolicy({ spec }: ValidatingAdmissionPolicy): FieldError[] {
  const { validations = [], auditAnnotations = [] } = spec;
  const errors = policySpecErrors(spec);
  if (validations.length + auditAnnotations.length === 0) {
    const why = "validations or auditAnnotations must contain at least one item";
    return [...errors, fieldError.required("spec.validations", why), fieldError.required("spec.auditAnnotations", why)];
  }
  const scope = scopeWithVariables(spec, { makesPatches: false });
  validations.forEach((validation, index) =>
    errors.push(...validationErrors(validation, `spec.validations[${index}]`, scope)),
  );
  const at = "spec.auditAnnotations";
  if (auditAnnotations.length > ANNOTATIONS_MAX) {
    const why = `must not have more than ${ANNOTATIONS_MAX} auditAnnotations`;
    errors.push(fieldError.invalid(at, auditAnnotations, why));
  }
  const keys = new Set<string>();
  auditAnnotations.forEach(({ key, valueExpression }, index) => {
    const field = `${at}[${index}]`;
    if (key === "") errors.push(fieldError.required(`${field}.key`));
    else errors.push(...invalidFor(`${field}.key`, key, qualifiedNameFaults(`policy.example.com/${key}`)));
    errors.push(...valueErrors(valueExpression, `${field}.valueExpression`, scope));
    if (keys.has(key)) errors.push(fieldError.duplicate(`${field}.key`, key));
    keys.add(key);
  });
  return errors;
}

type Scope = ReturnType<typeof scopeWithVariables>;

function valueErrors(expression: string, field: string, { environment }: Scope): FieldError[] {
  const trimmed = expression.trim();
  if (trimmed === "") return [fieldError.required(field, "valueExpression is not specified")];
  if (byteLength(trimmed) > VALUE_BYTES_MAX) {
    return [fieldError.required(field, `must not exceed ${VALUE_BYTES_MAX} bytes in length`)];
  }
  return expressionErrors(environment, trimmed, { field, wanted: "string or null", shown: expression });
}

function validationErrors(
  {
    expression,
    message = "",
    messageExpression = "",
    reason,
  }: NonNullable<ValidatingAdmissionPolicy["spec"]["validations"]>[number],
  field: string,
  { environment, ofMessages }: Scope,
): FieldError[] {
  const errors: FieldError[] = [];
  if (expression.trim() === "") errors.push(fieldError.required(`${field}.expression`, "expression is not specified"));
  else errors.push(...expressionErrors(environment, expression, { field: `${field}.expression`, wanted: "bool" }));
  const at = `${field}.messageExpression`;
  if (messageExpression !== "" && messageExpression.trim() === "") {
    errors.push(fieldError.invalid(at, messageExpression, "must be non-empty if specified"));
  } else if (messageExpression !== "") {
    errors.push(...expressionErrors(ofMessages, messageExpression, { field: at, wanted: "string" }));
  }
  if (message !== "" && message.trim() === "") {
    errors.push(fieldError.invalid(`${field}.message`, message, "message must be non-empty if specified"));
  } else if (message.trim().includes("\n")) {
    errors.push(fieldError.invalid(`${field}.message`, message, "message must not contain line breaks"));
  } else if (message === "" && expression.trim().includes("\n")) {
    errors.push(
      fieldError.required(`${field}.message`, "message must be specified if expression contains line breaks"),
    );
  }
  if (reason !== undefined && !REASONS.includes(reason)) {
    errors.push(fieldError.notSupported(`${field}.reason`, reason, REASONS));
  }
  return errors;
}
