/** What a pod says about where it may run: affinity, tolerations, spreading. */
import { dnsSubdomainFaults, labelValueFaults, qualifiedNameFaults } from "../../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import { invalidFor, validateLabelSelector, validateOneOf } from "../../../../machinery/validation.ts";
import { validateLabels } from "../../../../machinery/validate-meta.ts";
import type {
  NodeAffinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from "../types.ts";

export const TAINT_EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function validateScheduling(spec: PodSpec, field: string): FieldError[] {
  const { affinity } = spec;
  const at = `${field}.affinity`;
  return [
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...(affinity?.nodeAffinity ? nodeAffinityErrors(affinity.nodeAffinity, `${at}.nodeAffinity`) : []),
    ...(affinity?.podAffinity ? podAffinityErrors(affinity.podAffinity, `${at}.podAffinity`) : []),
    ...(affinity?.podAntiAffinity ? podAffinityErrors(affinity.podAntiAffinity, `${at}.podAntiAffinity`) : []),
    ...validateTolerations(spec.tolerations, `${field}.tolerations`),
    ...spreadErrors(spec.topologySpreadConstraints ?? [], `${field}.topologySpreadConstraints`),
  ];
}

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";

function nodeAffinityErrors(affinity: NodeAffinity, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const required = affinity[REQUIRED];
  if (required) errors.push(...validateNodeSelector(required, `${field}.${REQUIRED}`));
  (affinity[PREFERRED] ?? []).forEach(({ weight, preference }, index) => {
    const at = `${field}.${PREFERRED}[${index}]`;
    errors.push(...weightErrors(weight, at), ...termErrors(preference, `${at}.preference`));
  });
  return errors;
}

export function validateNodeSelector({ nodeSelectorTerms: terms = [] }: NodeSelector, field: string): FieldError[] {
  const at = `${field}.nodeSelectorTerms`;
  if (terms.length === 0) return [fieldError.required(at, "must have at least one node selector term")];
  return terms.flatMap((term, index) => termErrors(term, `${at}[${index}]`));
}

function weightErrors(weight: number, field: string): FieldError[] {
  return weight >= 1 && weight <= 100
    ? []
    : [fieldError.invalid(`${field}.weight`, weight, "must be in the range 1-100")];
}

function termErrors({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, field: string): FieldError[] {
  return [
    ...matchExpressions.flatMap((requirement, index) => {
      const at = `${field}.matchExpressions[${index}]`;
      return [
        ...operatorErrors(requirement, at),
        ...invalidFor(`${at}.key`, requirement.key, qualifiedNameFaults(requirement.key)),
      ];
    }),
    ...matchFields.flatMap((requirement, index) => matchFieldErrors(requirement, `${field}.matchFields[${index}]`)),
  ];
}

function operatorErrors({ operator, values = [] }: NodeSelectorRequirement, field: string): FieldError[] {
  const at = `${field}.values`;
  switch (operator) {
    case "In":
    case "NotIn":
      return values.length > 0 ? [] : [fieldError.required(at, "must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      return values.length === 0
        ? []
        : [fieldError.forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    case "Gt":
    case "Lt":
      return values.length === 1
        ? []
        : [fieldError.required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
    default:
      return [fieldError.invalid(`${field}.operator`, operator, "not a valid selector operator")];
  }
}

function matchFieldErrors({ key, operator, values = [] }: NodeSelectorRequirement, field: string): FieldError[] {
  if (key !== "metadata.name") {
    return [fieldError.invalid(`${field}.key`, key, "not a valid field selector key")];
  }
  if (operator !== "In" && operator !== "NotIn") {
    return [fieldError.invalid(`${field}.operator`, operator, "not a valid selector operator")];
  }
  if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    return [fieldError.required(`${field}.values`, why)];
  }
  return invalidFor(`${field}.values[0]`, values[0], dnsSubdomainFaults(values[0] ?? ""));
}

function podAffinityErrors(affinity: PodAffinity, field: string): FieldError[] {
  return [
    ...(affinity[REQUIRED] ?? []).flatMap((term, index) => podTermErrors(term, `${field}.${REQUIRED}[${index}]`)),
    ...(affinity[PREFERRED] ?? []).flatMap(({ weight, podAffinityTerm }, index) => {
      const at = `${field}.${PREFERRED}[${index}]`;
      return [...weightErrors(weight, at), ...podTermErrors(podAffinityTerm, `${at}.podAffinityTerm`)];
    }),
  ];
}

function podTermErrors(term: PodAffinityTerm, field: string): FieldError[] {
  return [
    ...validateLabelSelector(term.labelSelector, `${field}.labelSelector`),
    ...validateLabelSelector(term.namespaceSelector, `${field}.namespaceSelector`),
    ...topologyKeyErrors(term.topologyKey, `${field}.topologyKey`),
  ];
}

function topologyKeyErrors(key: string, field: string): FieldError[] {
  if (!key) return [fieldError.required(field, "can not be empty")];
  return invalidFor(field, key, qualifiedNameFaults(key));
}

export function validateTolerations(tolerations: readonly Toleration[] | undefined, field: string): FieldError[] {
  return (tolerations ?? []).flatMap((toleration, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    const { key, operator, value, effect, tolerationSeconds } = toleration;
    if (key) errors.push(...invalidFor(`${at}.key`, key, qualifiedNameFaults(key)));
    if (!key && operator !== "Exists") {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(fieldError.invalid(`${at}.operator`, operator ?? "", why));
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      errors.push(fieldError.invalid(`${at}.effect`, effect ?? "", why));
    }
    if (operator === undefined || operator === "Equal") {
      const faults = labelValueFaults(value ?? "").join(";");
      if (faults !== "") errors.push(fieldError.invalid(`${at}.operator`, value, faults));
    } else if (operator === "Exists") {
      if (value)
        errors.push(
          fieldError.invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'"),
        );
    } else {
      errors.push(fieldError.notSupported(`${at}.operator`, operator, ["Equal", "Exists"]));
    }
    if (effect) errors.push(...validateOneOf(effect, `${at}.effect`, TAINT_EFFECTS));
    return errors;
  });
}

function spreadErrors(constraints: readonly TopologySpreadConstraint[], field: string): FieldError[] {
  const pairs = new Set<string>();
  return constraints.flatMap((constraint, index) => {
    const at = `${field}[${index}]`;
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint;
    const errors: FieldError[] = [];
    if (maxSkew <= 0) errors.push(fieldError.invalid(`${at}.maxSkew`, maxSkew, "must be greater than zero"));
    errors.push(...topologyKeyErrors(topologyKey, `${at}.topologyKey`));
    const supported = ["DoNotSchedule", "ScheduleAnyway"];
    if (!supported.includes(whenUnsatisfiable)) {
      errors.push(fieldError.notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, supported));
    }
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (pairs.has(pair)) errors.push(fieldError.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair));
    pairs.add(pair);
    if (minDomains !== undefined && minDomains <= 0) {
      errors.push(fieldError.invalid(`${at}.minDomains`, minDomains, "must be greater than zero"));
    }
    return [...errors, ...validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`)];
  });
}
