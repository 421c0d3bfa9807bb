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
