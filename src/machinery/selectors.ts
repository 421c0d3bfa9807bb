/** Label and field selectors as requirements: matching. Their text is parsed in selector-text.ts; storage turns them into SQL. */

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
    default: {
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

/** What no labels meet. */
const NOTHING: readonly LabelRequirement[] = [{ key: "", operator: "In", values: [] }];

/**
 * The requirements of an object's selector. As in Kubernetes (LabelSelectorAsSelector) an absent selector selects nothing, and an
 * empty one everything. An operator that validation would have refused selects nothing.
 */
export function requirementsOf(selector: LabelSelector | undefined): LabelRequirement[] {
  if (!selector) return [...NOTHING];
  const requirements: LabelRequirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    operator: "In",
    values: [value],
  }));
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    if (operator === "In" || operator === "NotIn") {
      requirements.push({ key, operator, values: [...new Set(values)].toSorted() });
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      requirements.push({ key, operator });
    } else {
      return [...NOTHING];
    }
  }
  return requirements;
}

/** A map of labels as a selector (Services, node selectors): every pair must be there. */
export function requirementsOfMap(labels: Readonly<Record<string, string>>): LabelRequirement[] {
  return Object.entries(labels).map(([key, value]) => ({ key, operator: "In", values: [value] }));
}

/** The text of a selector, sorted by key, as query strings and `status.selector` of scales carry it; "" for an empty one. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  const terms = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const list = `(${values.toSorted().join(",")})`;
    if (operator === "In") terms.push({ key, text: `${key} in ${list}` });
    else if (operator === "NotIn") terms.push({ key, text: `${key} notin ${list}` });
    else terms.push({ key, text: operator === "DoesNotExist" ? `!${key}` : key });
  }
  return terms
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ text }) => text)
    .join(",");
}

/** "a=1,b=2", sorted by key: a map of labels as `kubectl get` shows it; "" for an empty one. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  return formatLabelSelector({ matchLabels: { ...labels } });
}
