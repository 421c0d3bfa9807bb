/** Admission policies and their bindings: pkg/apis/admissionregistration/validation of Kubernetes. */
import type { CelEnvironment, CelType } from "../../cel/environment.ts";
import { parseApiVersion } from "../../machinery/gvk.ts";
import { dns1035LabelFaults, dnsSubdomainFaults, pathSegmentFaults } from "../../machinery/names.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import type { LabelSelector } from "../../machinery/selectors.ts";
import { invalidFor, validateLabelSelector } from "../../machinery/validation.ts";
import { ageColumn, nameColumn, type PrinterColumn } from "../../registry/kind.ts";
import { text } from "../columns.ts";
import { expressionEnvironment, expressionErrors, variableType } from "./expressions.ts";
import { FAILURE_POLICIES, matchConditionErrors, matchResourcesErrors, policyErrors } from "./rules.ts";
import type { ParamKind, ParamRef, PolicyBinding, PolicySpec } from "./types.ts";

const RESERVED = new Set(
  (
    "true false null in as break const continue else for function if import let loop package namespace return var void " +
    "while"
  ).split(" "),
);
const ACTIONS = ["Audit", "Deny", "Warn"];
const NOT_FOUND_ACTIONS = ["Deny", "Allow"];

export function policySpecErrors(spec: PolicySpec): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions = [], variables = [] } = spec;
  const errors = policyErrors(failurePolicy, "spec.failurePolicy", FAILURE_POLICIES);
  if (paramKind) errors.push(...paramKindErrors(paramKind, "spec.paramKind"));
  const at = "spec.matchConstraints";
  if (matchConstraints) {
    errors.push(...matchResourcesErrors(matchConstraints, at));
    if (!matchConstraints.resourceRules?.length) errors.push(fieldError.required(`${at}.resourceRules`));
  } else {
    errors.push(fieldError.required(at));
  }
  errors.push(...matchConditionErrors(matchConditions, "spec.matchConditions", { hasParams: paramKind !== undefined }));
  const scope = policyScope(spec);
  variables.forEach(({ name, expression }, index) => {
    const field = `spec.variables[${index}]`;
    if (name.trim() === "") errors.push(fieldError.required(`${field}.name`, "name is not specified"));
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || RESERVED.has(name)) {
      errors.push(fieldError.invalid(`${field}.name`, name, "must be a valid CEL identifier"));
    }
    if (expression.trim() === "") {
      errors.push(fieldError.required(`${field}.expression`, "expression is not specified"));
    } else errors.push(...scope.variableErrors(name, expression, `${field}.expression`));
  });
  return errors;
}

/** What a policy's expressions may use. Variables come one after another and see those before them. */
function policyScope({ paramKind, variables = [] }: PolicySpec, makesPatches = false): PolicyScope {
  const types = new Map<string, CelType>();
  const hasParams = paramKind !== undefined;
  const known = variables.length > 0 ? { variables: types } : {};
  const environment = expressionEnvironment({ hasParams, hasAuthorizer: true, makesPatches, ...known });
  return {
    environment,
    ofMessages: expressionEnvironment({ hasParams, hasAuthorizer: false, ...known }),
    variableErrors(name, expression, field) {
      const errors = expressionErrors(environment, expression, { field, wanted: "any" });
      types.set(name, variableType(environment, expression));
      return errors;
    },
  };
}

interface PolicyScope {
  environment: CelEnvironment;
  /** Messages are made without asking what the user may do. */
  ofMessages: CelEnvironment;
  variableErrors(name: string, expression: string, field: string): FieldError[];
}

/** The scope of a policy's own expressions, all of its variables declared. */
export function scopeWithVariables(
  spec: PolicySpec,
  { makesPatches }: { makesPatches: boolean },
): Omit<PolicyScope, "variableErrors"> {
  const scope = policyScope(spec, makesPatches);
  for (const { name, expression } of spec.variables ?? []) scope.variableErrors(name, expression, "");
  return scope;
}

function paramKindErrors({ apiVersion = "", kind = "" }: ParamKind, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const at = `${field}.apiVersion`;
  if (apiVersion === "") errors.push(fieldError.required(at));
  else if (apiVersion.split("/").length > 2) {
    errors.push(fieldError.invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  } else {
    const { group, version } = parseApiVersion(apiVersion);
    if (group !== "") errors.push(...joinedFaults(at, group, dnsSubdomainFaults(group)));
    if (version === "") errors.push(fieldError.invalid(at, apiVersion, "version must be specified"));
    else errors.push(...joinedFaults(at, version, dns1035LabelFaults(version)));
  }
  if (kind === "") return [...errors, fieldError.required(`${field}.kind`)];
  const faults = dns1035LabelFaults(kind.toLowerCase());
  if (faults.length === 0) return errors;
  const why = `may have mixed case, but should otherwise match: ${faults.join(",")}`;
  return [...errors, fieldError.invalid(`${field}.kind`, kind, why)];
}

/** Several faults of a value as one error. */
function joinedFaults(field: string, value: string, faults: readonly string[]): FieldError[] {
  return faults.length === 0 ? [] : [fieldError.invalid(field, value, faults.join(","))];
}

export function bindingErrors({ spec }: PolicyBinding): FieldError[] {
  const { policyName = "", paramRef, matchResources } = spec;
  return [
    ...(policyName === ""
      ? [fieldError.required("spec.policyName")]
      : invalidFor("spec.policyName", policyName, dnsSubdomainFaults(policyName))),
    ...(paramRef ? paramRefErrors(paramRef, "spec.paramRef") : []),
    ...(matchResources ? matchResourcesErrors(matchResources, "spec.matchResources") : []),
  ];
}

function paramRefErrors(
  { name = "", selector, parameterNotFoundAction: action }: ParamRef,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const both = "name and selector are mutually exclusive";
  if (name !== "") {
    errors.push(...invalidFor(`${field}.name`, name, pathSegmentFaults(name)));
    if (selector) errors.push(fieldError.forbidden(`${field}.name`, both));
  }
  if (selector) {
    errors.push(...validateLabelSelector(selector, `${field}.selector`));
    if (name !== "") errors.push(fieldError.forbidden(`${field}.selector`, both));
  } else if (name === "") {
    errors.push(fieldError.required(field, "one of name or selector must be specified"));
  }
  return [...errors, ...policyErrors(action, `${field}.parameterNotFoundAction`, NOT_FOUND_ACTIONS)];
}

export function actionErrors(actions: readonly string[], field: string): FieldError[] {
  const seen = new Set<string>();
  const errors = actions.flatMap((action, index) => {
    const at = `${field}[${index}]`;
    const faults = ACTIONS.includes(action) ? [] : [fieldError.notSupported(at, action, ACTIONS)];
    if (seen.has(action)) faults.push(fieldError.duplicate(at, action));
    seen.add(action);
    return faults;
  });
  if (seen.has("Deny") && seen.has("Warn")) {
    const why =
      "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
    errors.push(fieldError.invalid(field, actions, why));
  }
  return seen.size === 0
    ? [...errors, fieldError.required(field, "at least one validation action is required")]
    : errors;
}

export function paramKindCell({ paramKind }: PolicySpec): string {
  return paramKind ? `${paramKind.apiVersion ?? ""}/${paramKind.kind ?? ""}` : "<unset>";
}

export const bindingColumns: readonly PrinterColumn<PolicyBinding>[] = [
  nameColumn,
  text("PolicyName", "The policy that is bound.", ({ spec }) => spec.policyName ?? ""),
  text("ParamRef", "Where its parameters are.", paramRefCell),
  ageColumn,
];

function paramRefCell({ spec: { paramRef } }: PolicyBinding): string {
  const { name = "", namespace = "", selector } = paramRef ?? {};
  if (name !== "") return `${namespace || "*"}/${name}`;
  return selector ? goSelectorText(selector) : "<unset>";
}

/** As Go prints it: the method String that k8s.io/apimachinery/pkg/apis/meta/v1/generated.pb.go has for the type. */
function goSelectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.entries(matchLabels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const pairs = labels.map(([key, value]) => `${key}: ${value},`).join("");
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(" ")}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${pairs}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join("")}},}`;
}
