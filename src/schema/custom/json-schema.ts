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

export function propertiesOf(schema: JsonSchema): [string, JsonSchema][] {
  return schema.properties ? Object.entries(schema.properties) : [];
}

/** Every schema inside of this one, itself first, in document order. */
export function* schemasIn(schema: JsonSchema): Generator<JsonSchema> {
  yield schema;
  for (const inner of schemasDirectlyIn(schema)) yield* schemasIn(inner);
}

function schemasDirectlyIn(schema: JsonSchema): JsonSchema[] {
  const { items, allOf = [], anyOf = [], oneOf = [], not, additionalProperties, additionalItems } = schema;
  const maps = [schema.properties, schema.patternProperties, schema.definitions, schema.dependencies];
  const inner = [items, allOf, anyOf, oneOf, not, additionalProperties, additionalItems, ...maps.map(valuesIn)];
  return inner.flat().filter((one): one is JsonSchema => typeof one === "object" && !Array.isArray(one));
}

function valuesIn(map: Record<string, JsonSchema | string[]> | undefined): (JsonSchema | string[])[] {
  return map ? Object.values(map) : [];
}
