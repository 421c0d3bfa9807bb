/** Label and field selectors as requirements. Parsing and matching live here; storage turns them into SQL. */

/** All requirements of a selector must hold. `values` is sorted and unique. */
export type LabelRequirement =
  | { key: string; operator: "In" | "NotIn"; values: readonly string[] }
  | { key: string; operator: "Exists" | "DoesNotExist" }
  | { key: string; operator: "Gt" | "Lt"; value: number };

export interface FieldRequirement {
  /** e.g. "metadata.name", "spec.nodeName" */
  field: string;
  operator: "=" | "!=";
  value: string;
}

/** Do these labels meet all requirements? A missing label meets NotIn and DoesNotExist, and never Gt or Lt. */
export function matchesLabels(
  requirements: readonly LabelRequirement[],
  labels: Readonly<Record<string, string>>,
): boolean {
  return requirements.every((requirement) => matchesLabel(requirement, labels));
}

function matchesLabel(requirement: LabelRequirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case "In":
      return value !== undefined && requirement.values.includes(value);
    case "NotIn":
      return value === undefined || !requirement.values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt": {
      if (value === undefined || !/^[+-]?[0-9]+$/.test(value)) return false;
      return requirement.operator === "Gt" ? Number(value) > requirement.value : Number(value) < requirement.value;
    }
  }
}

/** Do these fields meet all requirements? `get` answers "" for a field that is not set. */
export function matchesFields(requirements: readonly FieldRequirement[], get: (field: string) => string): boolean {
  return requirements.every(({ field, operator, value }) => (get(field) === value) === (operator === "="));
}

/** metav1.LabelSelector, as objects carry it. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: LabelSelectorRequirement[];
}

export interface LabelSelectorRequirement {
  key: string;
  operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  values?: string[];
}
