/** ResourceQuota: pkg/apis/core/validation of Kubernetes. */
import { readQuantity } from "../../../machinery/quantity.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { sameJson } from "../../../registry/same-json.ts";
import type { StrategyContext } from "../../../registry/strategy.ts";
import { IMMUTABLE } from "../../immutable.ts";
import type { ResourceList } from "../pods/types.ts";
import { isWholeResource, resourceNameErrors } from "../pods/validation/resource-names.ts";
import type { ResourceQuota } from "./types.ts";

const SCOPES = [
  "Terminating",
  "NotTerminating",
  "BestEffort",
  "NotBestEffort",
  "PriorityClass",
  "CrossNamespacePodAffinity",
  "VolumeAttributesClass",
];
const CONFLICTS = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;
/** What these scopes can count. */
const SCOPED: ReadonlyMap<string, readonly string[]> = new Map([
  ["BestEffort", ["pods"]],
  ["VolumeAttributesClass", ["persistentvolumeclaims", "requests.storage"]],
]);
const POD_RESOURCES = [
  "cpu",
  "memory",
  "limits.cpu",
  "limits.memory",
  "requests.cpu",
  "requests.memory",
  "pods",
  "ephemeral-storage",
  "requests.ephemeral-storage",
  "limits.ephemeral-storage",
];
const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"];

export function validateQuota({ spec }: ResourceQuota): FieldError[] {
  return [
    ...amountsErrors(spec.hard ?? {}, "spec.hard"),
    ...scopeErrors(spec.scopes ?? [], spec.hard ?? {}, "spec.scopes"),
    ...selectorErrors(spec, "spec.scopeSelector.matchExpressions"),
  ];
}

function amountsErrors(list: ResourceList, field: string): FieldError[] {
  return Object.entries(list).flatMap(([name, text]) => {
    const at = `${field}[${name}]`;
    const errors = resourceNameErrors(name, { field: at, of: "quota" });
    const quantity = readQuantity(text);
    if (!quantity || quantity.nano < 0n) {
      return [...errors, fieldError.invalid(at, text, "must be greater than or equal to 0")];
    }
    return isWholeResource(name) && quantity.nano % 1_000_000_000n !== 0n
      ? [...errors, fieldError.invalid(at, text, "must be an integer")]
      : errors;
  });
}

function scopeErrors(scopes: readonly string[], hard: ResourceList, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const scope of scopes) {
    if (!SCOPES.includes(scope)) errors.push(fieldError.invalid(field, scopes, "unsupported scope"));
    const counted = Object.keys(hard).filter((name) => !name.includes("/"));
    for (const _ of counted.filter((name) => !(SCOPED.get(scope) ?? POD_RESOURCES).includes(name))) {
      errors.push(fieldError.invalid(field, scopes, "unsupported scope applied to resource"));
    }
  }
  return CONFLICTS.some((pair) => pair.every((scope) => scopes.includes(scope)))
    ? [...errors, fieldError.invalid(field, scopes, "conflicting scopes")]
    : errors;
}

function selectorErrors({ scopeSelector, hard = {} }: ResourceQuota["spec"], field: string): FieldError[] {
  const expressions = scopeSelector?.matchExpressions ?? [];
  const errors: FieldError[] = [];
  for (const { scopeName, operator, values = [] } of expressions) {
    if (!SCOPES.includes(scopeName))
      errors.push(fieldError.invalid(`${field}.scopeName`, scopeName, "unsupported scope"));
    for (const _ of Object.keys(hard).filter((name) => !(SCOPED.get(scopeName) ?? POD_RESOURCES).includes(name))) {
      errors.push(fieldError.invalid(field, scopeSelector, "unsupported scope applied to resource"));
    }
    const fixed = scopeName !== "PriorityClass" && scopeName !== "VolumeAttributesClass";
    if (fixed && operator !== "Exists") {
      const why =
        "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
      errors.push(fieldError.invalid(`${field}.operator`, operator, why));
    }
    if (operator === "In" || operator === "NotIn") {
      const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) errors.push(fieldError.required(`${field}.values`, why));
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) errors.push(fieldError.invalid(`${field}.values`, values, why));
    }
    if (!OPERATORS.includes(operator)) {
      errors.push(fieldError.invalid(`${field}.operator`, operator, "not a valid selector operator"));
    }
  }
  const names = expressions.map(({ scopeName }) => scopeName);
  return CONFLICTS.some((pair) => pair.every((scope) => names.includes(scope)))
    ? [...errors, fieldError.invalid(field, scopeSelector, "conflicting scopes")]
    : errors;
}

export function validateQuotaUpdate(
  now: ResourceQuota,
  old: ResourceQuota,
  { subresource }: StrategyContext,
): FieldError[] {
  if (subresource === "status") {
    const { hard = {}, used = {} } = now.status ?? {};
    return [...amountsErrors(hard, "status.hard"), ...amountsErrors(used, "status.used")];
  }
  return sameJson(scopesOf(now), scopesOf(old))
    ? []
    : [fieldError.invalid("spec.scopes", now.spec.scopes ?? null, IMMUTABLE)];
}

function scopesOf({ spec }: ResourceQuota): string[] {
  return (spec.scopes ?? []).toSorted();
}
