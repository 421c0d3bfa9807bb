/** Selectors as SQL over the `labels` and `fields` columns. Means what machinery/selectors.ts means in memory. */
import type { FieldRequirement, LabelRequirement } from "../machinery/selectors.ts";
import type { SqlValue } from "./database.ts";
import type { Selector } from "./storage.ts";

/** The edge allows 100 bound parameters a statement; the rest of a query needs fewer than 20. */
const BOUND_MAX = 80;

type Bind = (value: string | number) => string;

/** `AND …` for each requirement, or "". The text depends on the selector's shape alone, so prepared statements are reused. */
export function selectorSql(selector: Selector | undefined): { sql: string; args: SqlValue[] } {
  if (selector === undefined) return { sql: "", args: [] };
  const args: (string | number)[] = [];
  const sql = build(selector, (value) => {
    args.push(value);
    return "?";
  });
  if (args.length <= BOUND_MAX) return { sql, args };
  // Too many: they travel as one JSON array.
  const packed: (string | number)[] = [];
  const packedSql = build(selector, (value) => `json_extract(selector.args, '$[${packed.push(value) - 1}]')`);
  return {
    sql: ` AND EXISTS (SELECT 1 FROM (SELECT ? AS args) AS selector WHERE 1${packedSql})`,
    args: [JSON.stringify(packed)],
  };
}

function build(selector: Selector, bind: Bind): string {
  return (
    selector.labels.map((requirement) => ` AND ${labelSql(requirement, bind)}`).join("") +
    selector.fields.map((requirement) => ` AND ${fieldSql(requirement, bind)}`).join("")
  );
}

/** The member of a JSON column, NULL where it is missing. Keys contain dots and slashes, hence the quotes. */
function member(column: "labels" | "fields", key: string, bind: Bind): string {
  return /["\\]/.test(key)
    ? `(SELECT value FROM json_each(${column}) WHERE key = ${bind(key)})`
    : `json_extract(${column}, ${bind(`$."${key}"`)})`;
}

function labelSql(requirement: LabelRequirement, bind: Bind): string {
  const label = () => member("labels", requirement.key, bind);
  switch (requirement.operator) {
    case "In":
      if (requirement.values.length === 1) return `${label()} = ${bind(requirement.values[0] ?? "")}`;
      return `${label()} IN (SELECT value FROM json_each(${bind(JSON.stringify(requirement.values))}))`;
    case "NotIn":
      return `coalesce(${label()} NOT IN (SELECT value FROM json_each(${bind(JSON.stringify(requirement.values))})), 1)`;
    case "Exists":
      return `${label()} IS NOT NULL`;
    case "DoesNotExist":
      return `${label()} IS NULL`;
    default: {
      const digits = `substr(${label()}, 2) NOT GLOB '*[^0-9]*'`;
      const integer = `(${label()} GLOB '[0-9]*' OR ${label()} GLOB '[-+][0-9]*')`;
      const comparison = requirement.operator === "Gt" ? ">" : "<";
      return `(${digits} AND ${integer} AND CAST(${label()} AS INTEGER) ${comparison} ${bind(requirement.value)})`;
    }
  }
}

function fieldSql({ field, operator, value }: FieldRequirement, bind: Bind): string {
  const comparison = operator === "=" ? "=" : "<>";
  return `${fieldExpression(field, bind)} ${comparison} ${bind(value)}`;
}

function fieldExpression(field: string, bind: Bind): string {
  if (field === "metadata.name") return "name";
  if (field === "metadata.namespace") return "namespace";
  return `coalesce(${member("fields", field, bind)}, '')`;
}
