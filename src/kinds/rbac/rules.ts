/** The rules of roles: pkg/apis/rbac/validation of Kubernetes. */
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import type { PolicyRule } from "./types.ts";

export function validateRules(rules: readonly PolicyRule[], { namespaced }: { namespaced: boolean }): FieldError[] {
  return rules.flatMap((rule, index) => ruleErrors(rule, namespaced, `rules[${index}]`));
}

function ruleErrors(rule: PolicyRule, namespaced: boolean, field: string): FieldError[] {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const errors: FieldError[] = [];
  if (verbs.length === 0) errors.push(fieldError.required(`${field}.verbs`, "verbs must contain at least one value"));
  if (nonResourceURLs.length > 0) {
    const at = `${field}.nonResourceURLs`;
    const refuse = (why: string) => errors.push(fieldError.invalid(at, nonResourceURLs, why));
    if (namespaced) refuse("namespaced rules cannot apply to non-resource URLs");
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      refuse("rules cannot apply to both regular resources and non-resource URLs");
    }
    return errors;
  }
  if (apiGroups.length === 0) {
    errors.push(fieldError.required(`${field}.apiGroups`, "resource rules must supply at least one api group"));
  }
  if (resources.length === 0) {
    errors.push(fieldError.required(`${field}.resources`, "resource rules must supply at least one resource"));
  }
  return errors;
}
