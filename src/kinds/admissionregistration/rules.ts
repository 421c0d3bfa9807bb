/** What requests a webhook or policy is asked about: pkg/apis/admissionregistration/validation of Kubernetes. */
import { pathSegmentFaults, qualifiedNameFaults } from "../../machinery/names.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { invalidFor, tooManyError, validateLabelSelector } from "../../machinery/validation.ts";
import { expressionEnvironment, expressionErrors } from "./expressions.ts";
import type { MatchCondition, MatchResources, NamedRule, RuleWithOperations } from "./types.ts";

const OPERATIONS = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES = ["*", "Cluster", "Namespaced"];
export const FAILURE_POLICIES = ["Fail", "Ignore"];
export const MATCH_POLICIES = ["Equivalent", "Exact"];
const CONDITIONS_MAX = 64;

export function ruleErrors(rule: RuleWithOperations, field: string): FieldError[] {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const errors = listErrors(operations, `${field}.operations`, "operations");
  operations.forEach((operation, index) => {
    if (OPERATIONS.includes(operation)) return;
    errors.push(fieldError.notSupported(`${field}.operations[${index}]`, operation, OPERATIONS));
  });
  errors.push(...listErrors(apiGroups, `${field}.apiGroups`, "API groups"));
  errors.push(...listErrors(apiVersions, `${field}.apiVersions`, "API versions"));
  apiVersions.forEach((version, index) => {
    if (version === "") errors.push(fieldError.required(`${field}.apiVersions[${index}]`));
  });
  errors.push(...resourceErrors(resources, `${field}.resources`));
  if (scope !== undefined && !SCOPES.includes(scope)) {
    errors.push(fieldError.notSupported(`${field}.scope`, scope, SCOPES));
  }
  return errors;
}

function listErrors(list: readonly string[], field: string, what: string): FieldError[] {
  if (list.length === 0) return [fieldError.required(field)];
  if (list.length === 1 || !list.includes("*")) return [];
  return [fieldError.invalid(field, list, `if '*' is present, must not specify other ${what}`)];
}

function resourceErrors(resources: readonly string[], field: string): FieldError[] {
  if (resources.length === 0) return [fieldError.required(field)];
  const errors: FieldError[] = [];
  const withAllSubresources = new Set<string>();
  const ofAllResources = new Set<string>();
  resources.forEach((text, index) => {
    const at = `${field}[${index}]`;
    if (text === "") errors.push(fieldError.required(at));
    const slash = text.indexOf("/");
    if (slash < 0) return;
    const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)];
    const refuse = (what: string) =>
      errors.push(fieldError.invalid(at, text, `if '${what}' is present, must not specify ${text}`));
    if (withAllSubresources.has(resource)) refuse(`${resource}/*`);
    if (ofAllResources.has(subresource)) refuse(`*/${subresource}`);
    if (subresource === "*") withAllSubresources.add(resource);
    if (resource === "*") ofAllResources.add(subresource);
  });
  if (resources.length > 1 && resources.includes("*/*")) {
    errors.push(fieldError.invalid(field, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes("*") && resources.some((text) => text !== "*" && !text.includes("/"))) {
    const why = "if '*' is present, must not specify other resources without subresources";
    errors.push(fieldError.invalid(field, resources, why));
  }
  return errors;
}

export function matchResourcesErrors(match: MatchResources, field: string): FieldError[] {
  const { matchPolicy, namespaceSelector, objectSelector, resourceRules = [], excludeResourceRules = [] } = match;
  return [
    ...policyErrors(matchPolicy, `${field}.matchPolicy`, MATCH_POLICIES),
    ...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...validateLabelSelector(objectSelector, `${field}.objectSelector`),
    ...resourceRules.flatMap((rule, index) => namedRuleErrors(rule, `${field}.resourceRules[${index}]`)),
    ...excludeResourceRules.flatMap((rule, index) => namedRuleErrors(rule, `${field}.excludeResourceRules[${index}]`)),
  ];
}

/** An absent one is required, as defaults set it. */
export function policyErrors(policy: string | undefined, field: string, supported: readonly string[]): FieldError[] {
  if (policy === undefined) return [fieldError.required(field)];
  return supported.includes(policy) ? [] : [fieldError.notSupported(field, policy, supported)];
}

function namedRuleErrors(rule: NamedRule, field: string): FieldError[] {
  const seen = new Set<string>();
  const errors = (rule.resourceNames ?? []).flatMap((name, index) => {
    const at = `${field}.resourceNames[${index}]`;
    const faults = invalidFor(at, name, pathSegmentFaults(name));
    if (seen.has(name)) faults.push(fieldError.duplicate(at, name));
    seen.add(name);
    return faults;
  });
  return [...errors, ...ruleErrors(rule, field)];
}

/** `hasParams`: the conditions are of a policy with parameters. */
export function matchConditionErrors(
  conditions: readonly MatchCondition[],
  field: string,
  { hasParams }: { hasParams: boolean },
): FieldError[] {
  if (conditions.length === 0) return [];
  const environment = expressionEnvironment({ hasParams, hasAuthorizer: true });
  const names = new Set<string>();
  const errors = conditions.length > CONDITIONS_MAX ? [tooManyError(field, conditions.length, CONDITIONS_MAX)] : [];
  conditions.forEach(({ name, expression }, index) => {
    const at = `${field}[${index}]`;
    const trimmed = expression.trim();
    if (trimmed === "") errors.push(fieldError.required(`${at}.expression`));
    else errors.push(...expressionErrors(environment, trimmed, { field: `${at}.expression`, wanted: "bool" }));
    if (name === "") {
      errors.push(fieldError.required(`${at}.name`));
      return;
    }
    errors.push(...invalidFor(`${at}.name`, name, qualifiedNameFaults(name)));
    if (names.has(name)) errors.push(fieldError.duplicate(`${at}.name`, name));
    names.add(name);
  });
  return errors;
}
