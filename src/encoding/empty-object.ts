/**
 * What Go prints of an object of a type in which nothing is set: required scalars at their zero value, plain structs, and null
 * for lists, maps and pointers that are not `omitempty`. Whoever creates an object owns what differs from this.
 */
import { fieldFacts, type FieldFact } from "./field-facts.ts";

/** Undefined when there are no facts of the definition. Shared by callers: never change it. */
export function emptyObjectOf(definition: string): Record<string, unknown> | undefined {
  const fact = fieldFacts.struct(definition);
  if (!fact) return undefined;
  const out: Record<string, unknown> = {};
  for (const field of fact.fields) {
    const value = emptyField(field);
    if (value !== undefined) out[field.name] = value;
  }
  return out;
}

function emptyField({ type, omitEmpty, omitZero }: FieldFact): unknown {
  if (type.pointer) return omitEmpty ? undefined : null;
  switch (type.form) {
    case "struct":
      return omitZero ? undefined : emptyObjectOf(type.definition);
    case "list":
    case "map":
    case "bytes":
      return omitEmpty ? undefined : null;
    case "special":
      if (type.special === "quantity") return "0";
      if (type.special === "int-or-string") return omitZero ? undefined : 0;
      return omitEmpty || omitZero ? undefined : null;
    case "string":
      return omitEmpty ? undefined : "";
    case "bool":
      return omitEmpty ? undefined : false;
    default:
      return omitEmpty ? undefined : 0;
  }
}
