/** Names of a resource, asked for or accepted: ValidateCustomResourceDefinitionNames. */
import { dns1035LabelFaults } from "../../../machinery/names.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import type { DefinitionNames } from "./types.ts";

const MIXED_CASE = "may have mixed case, but should otherwise match: ";

/** Several faults of a value as one error. */
export function joinedFaults(field: string, value: string, faults: readonly string[], before = ""): FieldError[] {
  return faults.length === 0 ? [] : [fieldError.invalid(field, value, `${before}${faults.join(",")}`)];
}

/** What a definition must name, and an accepted name need not be there. */
export function requiredNameErrors({ plural, singular, kind, listKind }: DefinitionNames, field: string): FieldError[] {
  return Object.entries({ plural, singular, kind, listKind }).flatMap(([name, value]) =>
    value ? [] : [fieldError.required(`${field}.${name}`)],
  );
}

export function nameErrors(names: Partial<DefinitionNames>, field: string): FieldError[] {
  const { plural = "", singular = "", kind = "", listKind = "", shortNames = [], categories = [] } = names;
  const errors: FieldError[] = [];
  if (plural) errors.push(...label(`${field}.plural`, plural));
  if (singular) errors.push(...label(`${field}.singular`, singular));
  for (const [name, value] of Object.entries({ kind, listKind })) {
    if (!value) continue;
    errors.push(...joinedFaults(`${field}.${name}`, value, dns1035LabelFaults(value.toLowerCase()), MIXED_CASE));
  }
  shortNames.forEach((name, index) => errors.push(...label(`${field}.shortNames[${index}]`, name)));
  if (kind && kind === listKind) {
    errors.push(fieldError.invalid(`${field}.listKind`, listKind, "kind and listKind may not be the same"));
  }
  categories.forEach((name, index) => errors.push(...label(`${field}.categories[${index}]`, name)));
  return errors;
}

function label(field: string, value: string): FieldError[] {
  return joinedFaults(field, value, dns1035LabelFaults(value));
}
