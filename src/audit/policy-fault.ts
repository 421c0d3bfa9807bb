/** What is wrong with a policy that somebody wrote (k8s.io/apiserver/pkg/apis/audit/validation). */
import { dnsSubdomainFaults } from "../machinery/names.ts";
import { AUDIT_LEVELS, AUDIT_STAGES } from "./policy.ts";

/** Undefined when nothing is. */
export function policyFault(policy: unknown): string | undefined {
  const { kind, apiVersion, rules, omitStages } = fieldsOf(policy);
  if (kind !== "Policy" || apiVersion !== "audit.k8s.io/v1") return "it is no Policy of audit.k8s.io/v1";
  if (!Array.isArray(rules) || rules.length === 0) return "it has no rules";
  const faults = [stagesFault(omitStages), managedFieldsFault(policy)];
  for (const [at, rule] of rules.entries()) {
    const fault = ruleFault(rule);
    if (fault !== undefined) faults.push(`rules[${at}]: ${fault}`);
  }
  return faults.find((fault) => fault !== undefined);
}

const TEXTS = ["users", "userGroups", "verbs", "namespaces", "nonResourceURLs"] as const;

function ruleFault(rule: unknown): string | undefined {
  const given = fieldsOf(rule);
  if (!AUDIT_LEVELS.some((level) => level === given["level"])) return `level must be one of ${AUDIT_LEVELS.join(", ")}`;
  const wrong = TEXTS.find((name) => given[name] !== undefined && !isTexts(given[name]));
  if (wrong !== undefined) return `${wrong} must be a list of strings`;
  const { resources = [], namespaces = [], nonResourceURLs = [], omitStages } = given;
  if (!Array.isArray(resources)) return RESOURCES_FAULT;
  const paths = nonResourceURLs as string[];
  if (paths.length > 0 && (resources.length > 0 || (namespaces as string[]).length > 0)) {
    return "rules cannot apply to both regular resources and non-resource URLs";
  }
  const faults = [...paths.map(pathFault), ...resources.map(resourcesFault)];
  return [...faults, stagesFault(omitStages), managedFieldsFault(rule)].find((fault) => fault !== undefined);
}

function pathFault(path: string): string | undefined {
  if (path === "*") return undefined;
  if (!path.startsWith("/")) return "non-resource URL rules must begin with a '/' character";
  const isWildInside = path.slice(0, -1).includes("*");
  return isWildInside ? "non-resource URL wildcards '*' must be the final character of the rule" : undefined;
}

const RESOURCES_FAULT = "resources must be a list of groups with lists of strings";

function resourcesFault(of: unknown): string | undefined {
  const { group = "", resources = [], resourceNames = [] } = fieldsOf(of);
  if (typeof group !== "string" || !isTexts(resources) || !isTexts(resourceNames)) return RESOURCES_FAULT;
  if (group !== "" && group !== "*") {
    const faults = dnsSubdomainFaults(group);
    if (faults.length > 0) return `group "${group}": ${faults.join(",")}`;
  }
  if (resourceNames.length > 0 && resources.length === 0) return "using resourceNames requires at least one resource";
  return undefined;
}

function stagesFault(stages: unknown): string | undefined {
  if (stages === undefined) return undefined;
  const areKnown = isTexts(stages) && stages.every((stage) => AUDIT_STAGES.some((known) => known === stage));
  return areKnown ? undefined : `omitStages: allowed stages are ${AUDIT_STAGES.join(",")}`;
}

function managedFieldsFault(of: unknown): string | undefined {
  const { omitManagedFields } = fieldsOf(of);
  const isKnown = omitManagedFields === undefined || typeof omitManagedFields === "boolean";
  return isKnown ? undefined : "omitManagedFields must be true or false";
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}
