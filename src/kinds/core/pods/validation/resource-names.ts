/** Names of resources, and what each place knows of them: pkg/apis/core/helper and validation of Kubernetes. */
import { qualifiedNameFaults } from "../../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../../machinery/status-error.ts";
import { invalidFor } from "../../../../machinery/validation.ts";

const CONTAINER = ["cpu", "memory", "ephemeral-storage"];
const WHOLE = [
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
];
const QUOTA = new Set([
  ...CONTAINER,
  ...CONTAINER.map((name) => `requests.${name}`),
  ...CONTAINER.map((name) => `limits.${name}`),
  ...WHOLE,
  "requests.storage",
]);
const STANDARD = new Set([...QUOTA, "storage"]);
const CONTAINER_SET = new Set(CONTAINER);

/** Where a name stands: of a container, a quota, or the type of a limit. */
export type ResourcePlace = string;

export function resourceNameErrors(name: string, { field, of }: { field: string; of: ResourcePlace }): FieldError[] {
  const faults = qualifiedNameFaults(name);
  if (faults.length > 0) return invalidFor(field, name, faults);
  if (name.includes("/")) return [];
  const huge = name.startsWith("hugepages-");
  const errors: FieldError[] = [];
  if (!huge && !STANDARD.has(name) && !(of === "quota" && name.startsWith("requests.hugepages-"))) {
    errors.push(fieldError.invalid(field, name, "must be a standard resource type or fully qualified"));
  }
  if (of === "quota" && !huge && !QUOTA.has(name) && !name.startsWith("requests.hugepages-")) {
    errors.push(fieldError.invalid(field, name, "must be a standard resource for quota"));
  }
  if ((of === "Container" || of === "Pod") && !huge && !CONTAINER_SET.has(name)) {
    errors.push(fieldError.invalid(field, name, "must be a standard resource for containers"));
  }
  return errors;
}

/** A resource of a device plugin: with a domain that is not Kubernetes' own. */
export function isExtendedResource(name: string): boolean {
  return name.includes("/") && !name.startsWith("requests.") && !/(^|\.)kubernetes\.io\//.test(name);
}

/** Does it come in whole pieces only? */
export function isWholeResource(name: string): boolean {
  return WHOLE.includes(name) || name.startsWith("hugepages-") || isExtendedResource(name);
}
