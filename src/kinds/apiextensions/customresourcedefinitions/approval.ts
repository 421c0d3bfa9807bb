/** Groups of the Kubernetes project are not for everybody: validateAPIApproval, k8s.io/apiextensions-apiserver/pkg/apihelpers. */
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import type { CustomResourceDefinition } from "./types.ts";

const ANNOTATION = "api-approved.kubernetes.io";
const MORE = "see https://github.com/kubernetes/enhancements/pull/1111";

/** Does the group belong to the project? */
export function isProtectedGroup(group: string): boolean {
  return /(^|\.)(k8s|kubernetes)\.io$/.test(group);
}

type Approval = "missing" | "bypassed" | "approved" | "invalid";

export function approvalOf({ metadata }: CustomResourceDefinition): Approval {
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
