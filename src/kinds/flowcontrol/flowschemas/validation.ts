/** FlowSchema: pkg/apis/flowcontrol/validation of Kubernetes. */
import { dnsLabelFaults, dnsSubdomainFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { invalidFor } from "../../../machinery/validation.ts";
import { sameJson } from "../../../registry/same-json.ts";
import { conditionErrors } from "../conditions.ts";
import { MANDATORY_SCHEMAS } from "../mandatory.ts";
import type { FlowRule, FlowSchema, FlowSubject } from "../types.ts";

const PRECEDENCE_MAX = 10_000;
const DISTINGUISHERS = ["ByNamespace", "ByUser"];
const SUBJECT_KINDS = ["Group", "ServiceAccount", "User"];
const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

export function validateFlowSchema({ metadata, spec, status }: FlowSchema): FieldError[] {
  const { matchingPrecedence: precedence = 0, distinguisherMethod, rules = [] } = spec;
  const errors: FieldError[] = [];
  const refuse = (why: string) => errors.push(fieldError.invalid("spec.matchingPrecedence", precedence, why));
  if (precedence <= 0) refuse("must be a positive value");
  if (precedence > PRECEDENCE_MAX) refuse(`must not be greater than ${PRECEDENCE_MAX}`);
  if (precedence === 1 && metadata.name !== "exempt")
    refuse("only the schema named 'exempt' may have matchingPrecedence 1");
  if (distinguisherMethod && !DISTINGUISHERS.includes(distinguisherMethod.type)) {
    errors.push(fieldError.notSupported("spec.distinguisherMethod.type", distinguisherMethod, DISTINGUISHERS));
  }
  const level = spec.priorityLevelConfiguration.name;
  const at = "spec.priorityLevelConfiguration.name";
  if (level) errors.push(...invalidFor(at, level, dnsSubdomainFaults(level)));
  else errors.push(fieldError.required(at, "must reference a priority level"));
  rules.forEach((rule, index) => errors.push(...ruleErrors(rule, `spec.rules[${index}]`)));
  const fixed = MANDATORY_SCHEMAS.find((known) => known.metadata.name === metadata.name);
  if (fixed && !sameJson(spec, fixed.spec)) {
    errors.push(fieldError.invalid("spec", spec, `spec of '${metadata.name ?? ""}' must equal the fixed value`));
  }
  return [...errors, ...conditionErrors(status?.conditions ?? [])];
}

function ruleErrors(
  { subjects = [], resourceRules = [], nonResourceRules = [] }: FlowRule,
  field: string,
): FieldError[] {
  const errors = subjects.flatMap((subject, index) => subjectErrors(subject, `${field}.subjects[${index}]`));
  if (subjects.length === 0) {
    errors.push(fieldError.required(`${field}.subjects`, "subjects must contain at least one value"));
  }
  if (resourceRules.length + nonResourceRules.length === 0) {
    const why = "at least one of resourceRules and nonResourceRules has to be non-empty";
    errors.push(fieldError.required(field, why));
  }
  resourceRules.forEach((rule, index) => errors.push(...resourceErrors(rule, `${field}.resourceRules[${index}]`)));
  nonResourceRules.forEach((rule, index) => errors.push(...urlErrors(rule, `${field}.nonResourceRules[${index}]`)));
  return errors;
}

const MEMBERS = { ServiceAccount: "serviceAccount", User: "user", Group: "group" } as const;

function subjectErrors(subject: FlowSubject, field: string): FieldError[] {
  const { kind } = subject;
  if (kind !== "ServiceAccount" && kind !== "User" && kind !== "Group") {
    return [fieldError.notSupported(`${field}.kind`, kind, SUBJECT_KINDS)];
  }
  const own = MEMBERS[kind];
  const errors: FieldError[] = [];
  const at = `${field}.${own}`;
  const named = subject[own];
  if (!named) errors.push(fieldError.required(at, `${own} is required when subject kind is '${kind}'`));
  else if (!named.name) errors.push(fieldError.required(`${at}.name`));
  if (subject.serviceAccount && kind === "ServiceAccount") errors.push(...accountErrors(subject.serviceAccount, at));
  for (const [other, member] of Object.entries(MEMBERS)) {
    if (member === own || !subject[member]) continue;
    errors.push(
      fieldError.forbidden(`${field}.${member}`, `${member} is forbidden when subject kind is not '${other}'`),
    );
  }
  return errors;
}

function accountErrors({ name, namespace }: NonNullable<FlowSubject["serviceAccount"]>, field: string): FieldError[] {
  const errors = name && name !== "*" ? invalidFor(`${field}.name`, name, dnsSubdomainFaults(name)) : [];
  const at = `${field}.namespace`;
  if (!namespace) return [...errors, fieldError.required(at, "must specify namespace for service account")];
  return [...errors, ...invalidFor(at, namespace, dnsLabelFaults(namespace))];
}

/** "*" stands alone. */
function aloneErrors(list: readonly string[], field: string, what: string): FieldError[] {
  return list.length > 1 && list.includes("*")
    ? [fieldError.invalid(field, list, `if '*' is present, must not specify other ${what}`)]
    : [];
}

function verbErrors(verbs: readonly string[], field: string): FieldError[] {
  if (verbs.length === 0) return [fieldError.required(field, "verbs must contain at least one value")];
  if (verbs.includes("*")) return aloneErrors(verbs, field, "verbs");
  return verbs.every((verb) => VERBS.includes(verb)) ? [] : [fieldError.notSupported(field, verbs, VERBS)];
}

function resourceErrors(rule: NonNullable<FlowRule["resourceRules"]>[number], field: string): FieldError[] {
  const { verbs = [], apiGroups = [], resources = [], namespaces = [], clusterScope } = rule;
  const errors = verbErrors(verbs, `${field}.verbs`);
  if (apiGroups.length === 0) {
    errors.push(fieldError.required(`${field}.apiGroups`, "resource rules must supply at least one api group"));
  }
  errors.push(...aloneErrors(apiGroups, `${field}.apiGroups`, "api groups"));
  if (resources.length === 0) {
    errors.push(fieldError.required(`${field}.resources`, "resource rules must supply at least one resource"));
  }
  errors.push(...aloneErrors(resources, `${field}.resources`, "resources"));
  const at = `${field}.namespaces`;
  if (namespaces.length === 0 && !clusterScope) {
    const why = "resource rules that are not cluster scoped must supply at least one namespace";
    errors.push(fieldError.required(at, why));
  }
  if (namespaces.includes("*")) return [...errors, ...aloneErrors(namespaces, at, "namespaces")];
  namespaces.forEach((namespace, index) => {
    const faults = dnsLabelFaults(namespace).map(
      (fault) => `each member of this list must be '*' or a DNS-1123 label; ${fault}`,
    );
    errors.push(...invalidFor(`${at}[${index}]`, namespace, faults));
  });
  return errors;
}

function urlErrors(
  { verbs = [], nonResourceURLs: urls = [] }: NonNullable<FlowRule["nonResourceRules"]>[number],
  field: string,
): FieldError[] {
  const errors = verbErrors(verbs, `${field}.verbs`);
  const at = `${field}.nonResourceURLs`;
  if (urls.length === 0) {
    return [...errors, fieldError.required(at, "nonResourceURLs must contain at least one value")];
  }
  if (urls.includes("*")) return [...errors, ...aloneErrors(urls, at, "non-resource URLs")];
  return [
    ...errors,
    ...urls.flatMap((url, index) => {
      const fault = urlFault(url);
      return fault === undefined ? [] : [fieldError.invalid(`${at}[${index}]`, url, fault)];
    }),
  ];
}

function urlFault(url: string): string | undefined {
  if (url === "") return "must not be empty";
  if (!url.startsWith("/")) return "must start with slash";
  if (url.includes(" ")) return "must not contain white-space";
  if (url.includes("//")) return "must not contain double slash";
  const stars = url.split("*").length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith("/*")) ? "wildcard can only do suffix matching" : undefined;
}
