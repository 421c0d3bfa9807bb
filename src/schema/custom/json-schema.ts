/** The schema of a custom resource as its definition holds it: apiextensions.k8s.io/v1 JSONSchemaProps, decoded and canonical. */

export interface ValidationRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** Zero values are absent, as Go leaves them out; pointers (`maxLength`, `x-kubernetes-list-type` …) may hold them. */
export interface JsonSchema {
  id?: string;
  $schema?: string;
  $ref?: string;
  description?: string;
  type?: string;
  format?: string;
  title?: string;
  default?: unknown;
  maximum?: number;
  exclusiveMaximum?: boolean;
  minimum?: number;
  exclusiveMinimum?: boolean;
  maxLength?: number;
  minLength?: number;
  pattern?: string;
  maxItems?: number;
  minItems?: number;
  uniqueItems?: boolean;
  multipleOf?: number;
  enum?: unknown[];
  maxProperties?: number;
  minProperties?: number;
  required?: string[];
  items?: JsonSchema | JsonSchema[];
  allOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  not?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  patternProperties?: Record<string, JsonSchema>;
  dependencies?: Record<string, JsonSchema | string[]>;
  additionalItems?: JsonSchema | boolean;
  definitions?: Record<string, JsonSchema>;
  externalDocs?: object;
  example?: unknown;
  nullable?: boolean;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-embedded-resource"?: boolean;
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-list-type"?: string;
  "x-kubernetes-map-type"?: string;
  "x-kubernetes-validations"?: ValidationRule[];
}

/** The one schema of a list's items; undefined where there is none, or one for each place. */
export function itemsOf(schema: JsonSchema): JsonSchema | undefined {
  return Array.isArray(schema.items) ? undefined : schema.items;
}

/** The schema of the values of a map. */
export function valuesOf(schema: JsonSchema): JsonSchema | undefined {
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

/** A declared member, never one of Object's own. */
export function propertyOf(schema: JsonSchema, name: string): JsonSchema | undefined {
  const { properties } = schema;
  return properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** Not by Object.entries, which takes three times as long for thousands of them. */
export function propertiesOf({ properties }: JsonSchema): [string, JsonSchema][] {
  return properties ? Object.keys(properties).map((name) => [name, properties[name] as JsonSchema]) : [];
}

/** Every schema inside of this one, itself first. */
export function schemasIn(schema: JsonSchema): JsonSchema[] {
  const found: JsonSchema[] = [];
  collect(schema, found);
  return found;
}

type Part = JsonSchema | readonly Part[] | readonly string[] | boolean | undefined;

function collect(part: Part, found: JsonSchema[]): void {
  if (typeof part !== "object") return;
  if (Array.isArray(part)) {
    for (const one of part) if (typeof one === "object") collect(one as Part, found);
    return;
  }
  const schema = part as JsonSchema;
  found.push(schema);
  // Only what is there: most schemas have two or three members of forty.
  for (const name in schema) {
    const member = schema[name as keyof JsonSchema];
    if (typeof member !== "object") continue;
    if (PARTS.has(name)) collect(member as Part, found);
    else if (MAPS_OF_PARTS.has(name)) for (const key in member) collect(member[key as keyof typeof member], found);
  }
}

const PARTS = new Set(["items", "allOf", "anyOf", "oneOf", "not", "additionalProperties", "additionalItems"]);
const MAPS_OF_PARTS = new Set(["properties", "patternProperties", "definitions", "dependencies"]);
