/** What each version has, or all have alike: columns, subresources, selectable fields. */
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import { tooManyError } from "../../../machinery/validation.ts";
import { resolveFieldPath } from "../../../schema/custom/field-path.ts";
import type { JsonSchema } from "../../../schema/custom/json-schema.ts";
import type { SharedParts } from "./internal-spec.ts";

const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const SELECTABLE_MAX = 8;
const SELECTABLE_TYPES = new Set(["string", "boolean", "integer"]);

export function columnErrors({ additionalPrinterColumns: columns = [] }: SharedParts, field: string): FieldError[] {
  return columns.flatMap(({ name, type, jsonPath, format }, index) => {
    const at = `${field}.additionalPrinterColumns[${index}]`;
    const errors: FieldError[] = [];
    if (!name) errors.push(fieldError.required(`${at}.name`));
    const types = `must be one of ${COLUMN_TYPES.join(",")}`;
    if (!type) errors.push(fieldError.required(`${at}.type`, types));
    else if (!COLUMN_TYPES.includes(type)) errors.push(fieldError.invalid(`${at}.type`, type, types));
    if (format && !COLUMN_FORMATS.includes(format)) {
      errors.push(fieldError.invalid(`${at}.format`, format, `must be one of ${COLUMN_FORMATS.join(",")}`));
    }
    return [
      ...errors,
      ...(jsonPath ? pathErrors(jsonPath, `${at}.JSONPath`) : [fieldError.required(`${at}.JSONPath`)]),
    ];
  });
}

function pathErrors(path: string, field: string): FieldError[] {
  return path.startsWith(".") ? [] : [fieldError.invalid(field, path, "must be a simple json path starting with .")];
}

export function scaleErrors({ subresources }: SharedParts, field: string): FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const at = `${field}.subresources.scale`;
  const errors = (["spec", "status"] as const).flatMap((part) => {
    const name = `${part}ReplicasPath` as const;
    if (!scale[name]) return [fieldError.required(`${at}.${name}`)];
    return pathUnderErrors(scale[name], `${at}.${name}`, [part], `should be a json path under .${part}`);
  });
  const selector = scale.labelSelectorPath;
  if (!selector) return errors;
  const why = "should be a json path under either .spec or .status";
  return [...errors, ...pathUnderErrors(selector, `${at}.labelSelectorPath`, ["spec", "status"], why)];
}

function pathUnderErrors(path: string, field: string, parts: readonly string[], why: string): FieldError[] {
  const errors = pathErrors(path, field);
  if (errors.length > 0 || parts.some((part) => path.startsWith(`.${part}.`))) return errors;
  return [fieldError.invalid(field, path, why)];
}

/** `mayHaveMany`: the stored definition has too many as well, and the same. */
export function selectableErrors(
  { selectableFields = [] }: SharedParts,
  schema: JsonSchema | undefined,
  { field, mayHaveMany }: { field: string; mayHaveMany: boolean },
): FieldError[] {
  if (selectableFields.length === 0) return [];
  const list = `${field}.selectableFields`;
  if (!schema) {
    const why =
      field === "spec"
        ? "may only be set when validations.schema is included"
        : "may only be set when `version.schema.openAPIV3Schema` is not included";
    return [fieldError.invalid(list, "", why)];
  }
  const seen = new Set<string>();
  const errors = selectableFields.flatMap(({ jsonPath }, index): FieldError[] => {
    const at = `${list}[${index}].jsonPath`;
    if (!jsonPath) return [fieldError.required(at)];
    const found = resolveFieldPath(jsonPath, schema, { brackets: false });
    if ("fault" in found) return [fieldError.invalid(at, jsonPath, `is an invalid path: ${found.fault}`)];
    const faults: FieldError[] = [];
    if (found.root === "metadata") {
      faults.push(fieldError.invalid(at, jsonPath, "must not point to fields in metadata"));
    }
    if (!SELECTABLE_TYPES.has(found.schema.type ?? "")) {
      const why =
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
      faults.push(fieldError.invalid(at, jsonPath, why));
    }
    if (seen.has(found.path)) faults.push(fieldError.duplicate(at, jsonPath));
    seen.add(found.path);
    return faults;
  });
  if (seen.size <= SELECTABLE_MAX || mayHaveMany) return errors;
  return [...errors, tooManyError(list, seen.size, SELECTABLE_MAX)];
}
