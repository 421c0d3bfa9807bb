/** The schema of one version, or of all: validateCustomResourceDefinitionValidation. */
import type { CelEnvironment } from "../../../cel/environment.ts";
import { fieldError, type FieldError } from "../../../machinery/status-error.ts";
import type { JsonSchema } from "../../../schema/custom/json-schema.ts";
import { defaultErrors, defaultRuleErrors } from "../../../schema/custom/defaults.ts";
import { openApiFindings, type SchemaLeniency } from "../../../schema/custom/openapi-rules.ts";
import { RuleTypes } from "../../../schema/custom/rule-types.ts";
import { expressionErrors } from "../../../schema/custom/rule-expressions.ts";
import { structuralErrors, unsupportedPart } from "../../../schema/custom/structural.ts";

export interface SchemaChecks {
  hasStatus: boolean;
  leniency: SchemaLeniency;
  /** The schema is stored just so. */
  isStored: boolean;
  environment: CelEnvironment;
}

/** `field` is the path of the schema's holder, e.g. `spec.validation`. */
export function schemaErrors(schema: JsonSchema, field: string, checks: SchemaChecks): FieldError[] {
  const path = `${field}.openAPIV3Schema`;
  const { hasStatus, leniency, isStored, environment } = checks;
  const errors = hasStatus ? rootErrors(schema, path) : [];
  if (schema.nullable) errors.push(fieldError.forbidden(`${path}.nullable`, "nullable cannot be true at the root"));
  const unsupported = unsupportedPart(schema);
  const ofStructure = unsupported === undefined ? structuralErrors(schema, path) : [];
  const isStructural = unsupported === undefined && ofStructure.length === 0;
  const ofDefaults = isStructural ? defaultErrors(schema, path, { mayHaveUnknown: leniency.unknownFields }) : [];
  const { errors: ofOpenApi, ruled } = openApiFindings(schema, path, leniency);
  errors.push(...ofStructure, ...ofDefaults, ...ofOpenApi);
  // Rules are judged where the schema is sound: their types are made of it.
  if (isStructural && ofDefaults.length === 0) errors.push(...expressionErrors(ruled, { path, isStored, environment }));
  if (errors.length === 0 && ruled.length > 0) {
    errors.push(...defaultRuleErrors(schema, path, { types: new RuleTypes(), environment }));
  }
  if (errors.length > 0 || unsupported === undefined) return errors;
  return [fieldError.invalid(path, "", unsupported)];
}

/** What may stand at the root where there is a status, as Kubernetes lists it. */
const ROOT_FIELDS = [
  "description",
  "type",
  "format",
  "title",
  "maximum",
  "exclusiveMaximum",
  "minimum",
  "exclusiveMinimum",
  "maxLength",
  "minLength",
  "pattern",
  "maxItems",
  "minItems",
  "uniqueItems",
  "multipleOf",
  "required",
  "items",
  "properties",
  "externalDocs",
  "example",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-validations",
];

/** These are looked at before the type is. */
const BEFORE_TYPE = ["id", "$schema", "$ref"];

/** The status is validated on its own: nothing at the root may speak of it. The first fault alone is told. */
function rootErrors(schema: JsonSchema, path: string): FieldError[] {
  const isAllowed = (name: string): boolean => ROOT_FIELDS.includes(name);
  const early = BEFORE_TYPE.some((name) => Object.hasOwn(schema, name));
  if (!early && schema.type && schema.type !== "object") {
    const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    return [fieldError.invalid(`${path}.type`, schema.type, why)];
  }
  if (Object.keys(schema).every(isAllowed)) return [];
  const names = ROOT_FIELDS.map((name) => (name.startsWith("x-kubernetes-") ? `X${inGo(name.slice(13))}` : inGo(name)));
  const why = `only [${names.join(" ")}] fields are allowed at the root of the schema if the status subresource is enabled`;
  return [fieldError.invalid(path, schema, why)];
}

/** `preserve-unknown-fields` as a field of a Go struct. */
function inGo(name: string): string {
  return name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
