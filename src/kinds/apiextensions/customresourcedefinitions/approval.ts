/** Groups of the Kubernetes project are not for everybody: validateAPIApproval, k8s.io/apiextensions-apiserver/pkg/apihelpers. */
import { goQuote } from "../../../machinery/go-text.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import type { CustomResourceDefinition, DefinitionCondition } from "./types.ts";

const ANNOTATION = "api-approved.kubernetes.io";
const MORE = "see https://github.com/kubernetes/enhancements/pull/1111";

/** Does the group belong to the project? */
function isProtectedGroup(group: string): boolean {
  return /(^|\.)(k8s|kubernetes)\.io$/.test(group);
}

type Approval = "missing" | "bypassed" | "approved" | "invalid";

function approvalOf({ metadata }: CustomResourceDefinition): Approval {
  const value = metadata.annotations?.[ANNOTATION] ?? "";
  if (value === "") return "missing";
  if (value.startsWith("unapproved")) return "bypassed";
  const url = URL.parse(value);
  return url && url.host !== "" ? "approved" : "invalid";
}

/** An update that changes nothing of it is not judged again. */
export function approvalErrors(now: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  if (!isProtectedGroup(now.spec.group)) return [];
  const approval = approvalOf(now);
  if (old && approvalOf(old) === approval) return [];
  const field = `metadata.annotations[${ANNOTATION}]`;
  const must = `protected groups must have approval annotation "${ANNOTATION}"`;
  if (approval === "missing") return [fieldError.required(field, `${must}, ${MORE}`)];
  if (approval !== "invalid") return [];
  const why = `${must} with either a URL or a reason starting with "unapproved", ${MORE}`;
  return [fieldError.invalid(field, now.metadata.annotations?.[ANNOTATION], why)];
}

const REASONS: Readonly<Record<Approval, string>> = {
  missing: "MissingAnnotation",
  bypassed: "UnapprovedAnnotation",
  approved: "ApprovedAnnotation",
  invalid: "InvalidAnnotation",
};

/** What is to be said of a definition in one of the project's groups: apiapproval_controller.go. */
export function approvalCondition(definition: CustomResourceDefinition): DefinitionCondition | undefined {
  if (!isProtectedGroup(definition.spec.group)) return undefined;
  const approval = approvalOf(definition);
  const value = definition.metadata.annotations?.[ANNOTATION] ?? "";
  const must = `protected groups must have approval annotation "${ANNOTATION}"`;
  const messages: Readonly<Record<Approval, string>> = {
    missing: `${must}, ${MORE}`,
    bypassed: `not approved: ${goQuote(value)}`,
    approved: `approved in ${value}`,
    invalid: `${must} with either a URL or a reason starting with "unapproved", ${MORE}`,
  };
  return {
    type: "KubernetesAPIApprovalPolicyConformant",
    status: approval === "approved" ? "True" : "False",
    reason: REASONS[approval],
    message: messages[approval],
  };
}
