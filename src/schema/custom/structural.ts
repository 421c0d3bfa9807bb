/**
 * Whether a schema is structural: it says the type of everything outside of logical junctors, which only narrow values down. Rules,
 * texts and order are those of k8s.io/apiextensions-apiserver/pkg/apiserver/schema (validation.go, complete.go, convert.go).
 */
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { parseRegexp, RegexpError } from "../../regexp/parse.ts";
import { itemsOf, propertiesOf, propertyOf, valuesOf, type JsonSchema } from "./json-schema.ts";

/** More are not told anyway, and a body can have a hundred thousand. */
const ERRORS_MAX = 2_000;

type Level = "root" | "item" | "field";

/** All faults, sorted by text. Of a schema that can be structural at all: see `unsupportedPart`. */
export function structuralErrors(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = [];
  invariants(schema, "root", path, errors);
  valueCompleteness(schema, schema, { at: path, from: path }, errors);
  const texts = errors.map((error) => ({ error, text: `${error.field}: ${error.message}` }));
  return texts.toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)).map(({ error }) => error);
}

/** What NewStructural fails with: a part that no structural schema has. */
export function unsupportedPart(schema: JsonSchema): string | undefined {
  const own = unsupportedField(schema);
  if (own) return own;
  const { not, allOf = [], anyOf = [], oneOf = [], items } = schema;
  const ofJunctors =
    firstUnsupported(not ? [not] : []) ?? firstUnsupported(allOf) ?? firstUnsupported(anyOf) ?? firstUnsupported(oneOf);
  if (ofJunctors) return ofJunctors;
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  }
  if (Array.isArray(items)) {
    return items.length > 0 ? "OpenAPIV3Schema 'items' must be a schema, but is an array" : undefined;
  }
  const ofItems = items && unsupportedPart(items);
  if (ofItems) return ofItems;
  for (const [, property] of propertiesOf(schema)) {
    const found = unsupportedPart(property);
    if (found) return found;
  }
  const values = valuesOf(schema);
  return values && unsupportedPart(values);
}

function firstUnsupported(schemas: readonly JsonSchema[]): string | undefined {
  for (const schema of schemas) {
    const found = unsupportedPart(schema);
    if (found) return found;
  }
  return undefined;
}

function unsupportedField(schema: JsonSchema): string | undefined {
  const { id, $schema, $ref, patternProperties, dependencies, additionalItems, definitions } = schema;
  if (id) return unsupported("id");
  if ($schema) return unsupported("schema");
  if ($ref) return unsupported("$ref");
  if (isFilled(patternProperties)) return unsupported("patternProperties");
  if (isFilled(dependencies)) return unsupported("dependencies");
  if (additionalItems !== undefined) return unsupported("additionalItems");
  return isFilled(definitions) ? unsupported("definitions") : undefined;
}

function unsupported(name: string): string {
  return `OpenAPIV3Schema '${name}' is not supported`;
}

function isFilled(map: object | undefined): boolean {
  return map !== undefined && Object.keys(map).length > 0;
}

function invariants(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  if (errors.length >= ERRORS_MAX) return;
  const items = itemsOf(schema);
  if (schema.type === "array" && !items) errors.push(fieldError.required(`${path}.items`, "must be specified"));
  if (items) invariants(items, "item", `${path}.items`, errors);
  for (const [name, property] of propertiesOf(schema)) {
    invariants(property, "field", `${path}.properties[${name}]`, errors);
  }
  if (schema.additionalProperties !== undefined) {
    const at = `${path}.additionalProperties`;
    if (level === "root") errors.push(fieldError.forbidden(at, "must not be used at the root"));
    const values = valuesOf(schema);
    if (values) invariants(values, "field", at, errors);
  }
  extensionInvariants(schema, path, errors);
  const skips = {
    anyOf: isIntOrString(schema.anyOf),
    firstAllOfAnyOf: isIntOrString(schema.allOf?.[0]?.anyOf),
  };
  valueInvariants(schema, skips, path, errors);
  typeInvariants(schema, level, path, errors);
  metaInvariants(schema, level, path, errors);
}

function extensionInvariants(schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (!schema["x-kubernetes-int-or-string"]) return;
  for (const name of ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] as const) {
    if (!schema[name]) continue;
    errors.push(fieldError.invalid(`${path}.${name}`, true, "must be false if x-kubernetes-int-or-string is true"));
  }
}

const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function typeInvariants(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  const { type = "" } = schema;
  const at = `${path}.type`;
  const embedded = schema["x-kubernetes-embedded-resource"] === true;
  if (embedded && type !== "object") {
    const why = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type === "" ? fieldError.required(at, why) : fieldError.invalid(at, type, why));
  } else if (type === "" && !schema["x-kubernetes-int-or-string"] && !schema["x-kubernetes-preserve-unknown-fields"]) {
    errors.push(fieldError.required(at, EMPTY_TYPE[level]));
  }
  if (embedded && schema.additionalProperties !== undefined) {
    const why = "must not be used if x-kubernetes-embedded-resource is set";
    errors.push(fieldError.forbidden(`${path}.additionalProperties`, why));
  }
  if (level === "root" && type !== "" && type !== "object") {
    errors.push(fieldError.invalid(at, type, "must be object at the root"));
  }
}

/** What every object has, kind, apiVersion and metadata, can hardly be said anew. */
function metaInvariants(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  const embedded = schema["x-kubernetes-embedded-resource"] === true;
  const isObject = level === "root" || embedded;
  for (const name of ["kind", "apiVersion"]) {
    const property = propertyOf(schema, name);
    if (!property || !isObject || property.type === "string") continue;
    errors.push(fieldError.invalid(`${path}.properties[${name}].type`, property.type ?? "", "must be string"));
  }
  const metadata = propertyOf(schema, "metadata");
  if (metadata) {
    const at = `${path}.properties[metadata]`;
    if (isObject && metadata.type !== "object") {
      errors.push(fieldError.invalid(`${at}.type`, metadata.type ?? "", "must be object"));
    }
    if (level === "root" && saysMoreThanNames(metadata)) {
      const why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
      errors.push(fieldError.forbidden(at, why));
    }
  }
  if (embedded && !schema["x-kubernetes-preserve-unknown-fields"] && propertiesOf(schema).length === 0) {
    const why =
      "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
    errors.push(fieldError.required(`${path}.properties`, why));
  }
}

function saysMoreThanNames(metadata: JsonSchema): boolean {
  const said = Object.keys(metadata).filter((name) => !["type", "default", "properties"].includes(name));
  const others = Object.keys(metadata.properties ?? {}).filter((name) => name !== "name" && name !== "generateName");
  return said.length > 0 || others.length > 0;
}

/** `anyOf: [{type: integer}, {type: string}]`, the one place where junctors may name types. */
function isIntOrString(anyOf: readonly JsonSchema[] | undefined): boolean {
  if (anyOf?.length !== 2) return false;
  return ["integer", "string"].every((type, index) => {
    const one = anyOf[index] ?? {};
    return one.type === type && Object.keys(one).length === 1;
  });
}

const NO_SKIPS = { anyOf: false, firstAllOfAnyOf: false };

function valueInvariants(schema: JsonSchema, skips: typeof NO_SKIPS, path: string, errors: FieldError[]): void {
  const { anyOf = [], allOf = [], oneOf = [], not, pattern } = schema;
  if (!skips.anyOf) anyOf.forEach((one, index) => nested(one, NO_SKIPS, `${path}.anyOf[${index}]`, errors));
  allOf.forEach((one, index) =>
    nested(one, { ...NO_SKIPS, anyOf: skips.firstAllOfAnyOf && index === 0 }, `${path}.allOf[${index}]`, errors),
  );
  oneOf.forEach((one, index) => nested(one, NO_SKIPS, `${path}.oneOf[${index}]`, errors));
  if (not) nested(not, NO_SKIPS, `${path}.not`, errors);
  if (pattern) errors.push(...patternErrors(pattern, `${path}.pattern`));
}

function patternErrors(pattern: string, path: string): FieldError[] {
  try {
    parseRegexp(pattern);
    return [];
  } catch (error) {
    if (!(error instanceof RegexpError)) throw error;
    return [fieldError.invalid(path, pattern, `must be a valid regular expression, but isn't: ${error.message}`)];
  }
}

const FORBIDDEN_IN_JUNCTORS = [
  ["default", "must be undefined to be structural"],
  ["title", "must be empty to be structural"],
  ["description", "must be empty to be structural"],
  ["nullable", "must be false to be structural"],
  ["x-kubernetes-preserve-unknown-fields", "must be false to be structural"],
  ["x-kubernetes-embedded-resource", "must be false to be structural"],
  ["x-kubernetes-int-or-string", "must be false to be structural"],
  ["x-kubernetes-list-map-keys", "must be empty to be structural"],
  ["x-kubernetes-list-type", "must be undefined to be structural"],
  ["x-kubernetes-map-type", "must be undefined to be structural"],
  ["x-kubernetes-validations", "must be empty to be structural"],
] as const satisfies readonly (readonly [keyof JsonSchema, string])[];

/** Inside of a junctor. */
function nested(schema: JsonSchema, skips: typeof NO_SKIPS, path: string, errors: FieldError[]): void {
  if (errors.length >= ERRORS_MAX) return;
  valueInvariants(schema, skips, path, errors);
  const items = itemsOf(schema);
  if (items) nested(items, NO_SKIPS, `${path}.items`, errors);
  for (const [name, property] of propertiesOf(schema)) {
    nested(property, NO_SKIPS, `${path}.properties[${name}]`, errors);
  }
  if (schema.type) errors.push(fieldError.forbidden(`${path}.type`, "must be empty to be structural"));
  if (schema.additionalProperties) {
    errors.push(fieldError.forbidden(`${path}.additionalProperties`, "must be undefined to be structural"));
  }
  for (const [name, why] of FORBIDDEN_IN_JUNCTORS) {
    if (schema[name] !== undefined) errors.push(fieldError.forbidden(`${path}.${name}`, why));
  }
  if (propertyOf(schema, "metadata")) {
    const why = "must not be specified in a nested context";
    errors.push(fieldError.forbidden(`${path}.properties[metadata]`, why));
  }
}

/** Where a value's schema stands, or should, and where a junctor speaks of it. */
interface Places {
  at: string;
  from: string;
}

/** What a junctor speaks of must be declared outside of it. */
function valueCompleteness(value: JsonSchema, of: JsonSchema, { at, from }: Places, errors: FieldError[]): void {
  if (value.not) completeness(value.not, of, { at, from: `${from}.not` }, errors);
  for (const junctor of ["allOf", "anyOf", "oneOf"] as const) {
    value[junctor]?.forEach((one, index) =>
      completeness(one, of, { at, from: `${from}.${junctor}[${index}]` }, errors),
    );
  }
}

function completeness(value: JsonSchema, of: JsonSchema | undefined, { at, from }: Places, errors: FieldError[]): void {
  if (!of) {
    errors.push(fieldError.required(at, `because it is defined in ${from}`));
    return;
  }
  valueCompleteness(value, of, { at, from }, errors);
  const items = itemsOf(value);
  if (items) completeness(items, itemsOf(of), { at: `${at}.items`, from: `${from}.items` }, errors);
  for (const [name, property] of propertiesOf(value)) {
    const inner = `.properties[${name}]`;
    completeness(property, propertyOf(of, name), { at: at + inner, from: from + inner }, errors);
  }
}
