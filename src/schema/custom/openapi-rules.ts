/**
 * What may stand in the schema of a custom resource: ValidateCustomResourceDefinitionOpenAPISchema of
 * k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation, rules, texts and order. Expressions are found here and compiled
 * elsewhere (`Expressions`).
 */
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { itemsOf, propertiesOf, propertyOf, valuesOf, type JsonSchema } from "./json-schema.ts";
import { ruleErrors } from "./validation-rules.ts";

const TYPES = ["array", "boolean", "integer", "number", "object", "string"];
/** More are not told anyway. */
const ERRORS_MAX = 2_000;
const JUNCTORS = ["allOf", "oneOf", "anyOf"] as const;
const UNSUPPORTED = ["additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] as const;
const META_FIELDS = new Set(["metadata", "kind", "apiVersion"]);

/** What an update does not have to hold to, as the stored definition does not either. */
export interface SchemaLeniency {
  invalidTypes: boolean;
  nonAtomicSets: boolean;
  mapListKeys: boolean;
  /** In defaults. */
  unknownFields: boolean;
}

export const STRICT: SchemaLeniency = {
  invalidTypes: false,
  nonAtomicSets: false,
  mapListKeys: false,
  unknownFields: false,
};

/** A schema with rules, none of whose parts has a fault. Children come before what they are part of. */
export interface RuledSchema {
  schema: JsonSchema;
  path: string;
  /** From the root: which schema is reached how; undefined inside of junctors, where there are no rules. */
  place: SchemaPlace;
  /** The path of the outermost schema inside of which old and new values cannot be told to belong together. */
  uncorrelatable?: string;
}

/** Where a schema stands among its ancestors, for the cost of its rules: how often its values may occur. */
export interface SchemaPlace {
  schema: JsonSchema;
  parent?: SchemaPlace;
}

export interface OpenApiFindings {
  errors: FieldError[];
  ruled: RuledSchema[];
}

interface Step {
  path: string;
  isRoot?: true;
  /** Why no defaults may stand here. */
  noDefaults?: string;
  insideMeta?: true;
  uncorrelatable?: string;
  place?: SchemaPlace;
}

export function openApiFindings(schema: JsonSchema, path: string, leniency: SchemaLeniency = STRICT): OpenApiFindings {
  const walk = new OpenApiWalk(leniency);
  walk.visit(schema, { path, isRoot: true, place: { schema } });
  return { errors: walk.errors, ruled: walk.ruled };
}

class OpenApiWalk implements OpenApiFindings {
  readonly errors: FieldError[] = [];
  readonly ruled: RuledSchema[] = [];
  private readonly leniency: SchemaLeniency;

  constructor(leniency: SchemaLeniency) {
    this.leniency = leniency;
  }

  visit(schema: JsonSchema, step: Step): void {
    if (this.errors.length >= ERRORS_MAX) return;
    const before = this.errors.length;
    const { path, place } = step;
    this.errors.push(...fieldFaults(schema, step, this.leniency));
    if (schema.uniqueItems) {
      const why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
      this.errors.push(fieldError.forbidden(`${path}.uniqueItems`, why));
    }
    this.members(schema, step);
    this.junctors(schema, step);
    this.items(schema, step);
    for (const [name, dependency] of schema.dependencies ? Object.entries(schema.dependencies) : []) {
      if (!Array.isArray(dependency)) this.visit(dependency, inJunctor(step, `.dependencies[${name}]`));
    }
    this.errors.push(...extensionErrors(schema, path, this.leniency));
    if (!this.leniency.mapListKeys) this.errors.push(...keyErrors(schema, path));
    const rules = schema["x-kubernetes-validations"];
    if (!rules?.length) return;
    this.errors.push(...ruleErrors(schema, `${path}.x-kubernetes-validations`));
    if (this.errors.length > before || !place) return;
    const { uncorrelatable } = step;
    this.ruled.push({ schema, path, place, ...(uncorrelatable === undefined ? {} : { uncorrelatable }) });
  }

  private members(schema: JsonSchema, step: Step): void {
    const { path, place, isRoot } = step;
    const inherited = inheritedBy(step);
    const values = valuesOf(schema);
    const properties = propertiesOf(schema);
    if (schema.additionalProperties !== undefined) {
      const at = `${path}.additionalProperties`;
      if (properties.length > 0 && schema.additionalProperties !== true) {
        this.errors.push(fieldError.forbidden(at, "additionalProperties and properties are mutual exclusive"));
      }
      const noDefaults = step.insideMeta && "inside additionalProperties applying to object metadata";
      if (values) {
        this.visit(values, { ...inherited, path: at, ...under(place, values), ...(noDefaults ? { noDefaults } : {}) });
      }
    }
    const isCorrelatable = (schema["x-kubernetes-map-type"] ?? "granular") === "granular";
    for (const [name, property] of properties) {
      const next: Step = { ...inherited, path: `${path}.properties[${name}]`, ...under(place, property) };
      if (!isCorrelatable) next.uncorrelatable ??= path;
      if ((isRoot || schema["x-kubernetes-embedded-resource"]) && META_FIELDS.has(name)) {
        next.insideMeta = true;
        if (isRoot) next.noDefaults = `in top-level ${name}`;
      }
      this.visit(property, next);
    }
  }

  private junctors(schema: JsonSchema, step: Step): void {
    if (schema.not) this.visit(schema.not, inJunctor(step, ".not"));
    for (const junctor of JUNCTORS) {
      schema[junctor]?.forEach((one, index) => this.visit(one, inJunctor(step, `.${junctor}[${index}]`)));
    }
    for (const [name, definition] of schema.definitions ? Object.entries(schema.definitions) : []) {
      this.visit(definition, inJunctor(step, `.definitions[${name}]`));
    }
  }

  private items(schema: JsonSchema, parent: Step): void {
    const { path, place } = parent;
    const inherited = inheritedBy(parent);
    const { items } = schema;
    if (!items) return;
    // Items of other lists have no identity by which old and new ones belong together.
    const isMap = schema["x-kubernetes-list-type"] === "map";
    const step = isMap ? inherited : { ...inherited, uncorrelatable: inherited.uncorrelatable ?? path };
    if (Array.isArray(items)) {
      items.forEach((one, index) =>
        this.visit(one, { ...step, path: `${path}.items[${index}]`, ...under(place, one) }),
      );
    } else this.visit(items, { ...step, path: `${path}.items`, ...under(place, items) });
  }
}

function under(parent: SchemaPlace | undefined, schema: JsonSchema): { place?: SchemaPlace } {
  return parent ? { place: { schema, parent } } : {};
}

/** Without a place: nothing in a junctor has rules. */
function inJunctor(step: Step, inner: string): Step {
  return { ...inheritedBy(step), path: step.path + inner };
}

function inheritedBy({ noDefaults, insideMeta, uncorrelatable }: Step): Omit<Step, "path"> {
  return {
    ...(noDefaults === undefined ? {} : { noDefaults }),
    ...(insideMeta ? { insideMeta } : {}),
    ...(uncorrelatable === undefined ? {} : { uncorrelatable }),
  };
}

function fieldFaults(schema: JsonSchema, step: Step, leniency: SchemaLeniency): FieldError[] {
  const { path, noDefaults, insideMeta } = step;
  const { type } = schema;
  const errors: FieldError[] = [];
  const forbid = (name: string, why: string): void => void errors.push(fieldError.forbidden(`${path}.${name}`, why));
  if (type && !leniency.invalidTypes && !TYPES.includes(type)) {
    errors.push(fieldError.notSupported(`${path}.type`, type, TYPES));
  }
  if (schema.default !== undefined && noDefaults !== undefined) forbid("default", `must not be set ${noDefaults}`);
  if (schema.id) forbid("id", "id is not supported");
  for (const name of UNSUPPORTED) {
    if (schema[name] !== undefined) forbid(name, `${name} is not supported`);
  }
  if (type === "null") forbid("type", "type cannot be set to null, use nullable as an alternative");
  if (Array.isArray(schema.items) && schema.items.length > 0) {
    forbid("items", "items must be a schema object and not an array");
  }
  if (insideMeta && schema["x-kubernetes-embedded-resource"]) {
    forbid("x-kubernetes-embedded-resource", "must not be used inside of resource meta");
  }
  return errors;
}

function extensionErrors(schema: JsonSchema, path: string, leniency: SchemaLeniency): FieldError[] {
  const errors: FieldError[] = [];
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    const at = `${path}.x-kubernetes-preserve-unknown-fields`;
    errors.push(fieldError.invalid(at, false, "must be true or undefined"));
  }
  const mapType = schema["x-kubernetes-map-type"];
  if (mapType !== undefined) {
    errors.push(...typeErrors(schema, path, { type: "object", extension: "x-kubernetes-map-type" }));
    errors.push(...oneOf(mapType, `${path}.x-kubernetes-map-type`, ["atomic", "granular"]));
  }
  return [...errors, ...listErrors(schema, path, leniency)];
}

function typeErrors(schema: JsonSchema, path: string, must: { type: string; extension: string }): FieldError[] {
  const { type } = schema;
  if (type === must.type) return [];
  const why = `must be ${must.type} if ${must.extension} is specified`;
  return [type ? fieldError.invalid(`${path}.type`, type, why) : fieldError.required(`${path}.type`, why)];
}

function oneOf(value: string, path: string, supported: readonly string[]): FieldError[] {
  return supported.includes(value) ? [] : [fieldError.notSupported(path, value, supported)];
}

function listErrors(schema: JsonSchema, path: string, leniency: SchemaLeniency): FieldError[] {
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const at = `${path}.x-kubernetes-list-type`;
  const errors: FieldError[] = [];
  if (listType !== undefined) {
    const ofType = typeErrors(schema, path, { type: "array", extension: "x-kubernetes-list-type" });
    errors.push(...ofType);
    if (ofType.length === 0 && !leniency.nonAtomicSets && listType === "set") errors.push(...setErrors(schema, path));
    errors.push(...oneOf(listType, at, ["atomic", "set", "map"]));
  }
  if (keys.length > 0 && listType !== "map") {
    const why = "must be map if x-kubernetes-list-map-keys is non-empty";
    errors.push(listType === undefined ? fieldError.required(at, why) : fieldError.invalid(at, listType, why));
  }
  return listType === "map" ? [...errors, ...mapErrors(schema, keys, path)] : errors;
}

/** Members of a set are equal or not: they have no parts of their own. */
function setErrors(schema: JsonSchema, path: string): FieldError[] {
  const items = itemsOf(schema);
  const listType = items?.["x-kubernetes-list-type"];
  const why = "must be atomic as item of a list with x-kubernetes-list-type=set";
  if (items?.type === "array" && listType !== undefined && listType !== "atomic") {
    return [fieldError.invalid(`${path}.items.x-kubernetes-list-type`, listType, why)];
  }
  if (items?.type === "object" && items["x-kubernetes-map-type"] !== "atomic") {
    // Upstream shows the list type here.
    return [fieldError.invalid(`${path}.items.x-kubernetes-map-type`, listType ?? null, why)];
  }
  return [];
}

function mapErrors(schema: JsonSchema, keys: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const at = `${path}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) {
    errors.push(fieldError.required(at, "must not be empty if x-kubernetes-list-type is map"));
  }
  if (!schema.items) {
    errors.push(fieldError.required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map"));
    return errors;
  }
  const items = itemsOf(schema);
  if (!items) {
    const why = "must only have a single schema if x-kubernetes-list-type is map";
    return [...errors, fieldError.invalid(`${path}.items`, schema.items, why)];
  }
  if (items.type !== "object") {
    const why = "must be object if parent array's x-kubernetes-list-type is map";
    return [...errors, fieldError.invalid(`${path}.items.type`, items.type ?? "", why)];
  }
  const seen = new Set<string>();
  for (const key of keys) {
    const property = propertyOf(items, key);
    if (!property) errors.push(fieldError.invalid(at, keys, "entries must all be names of item properties"));
    else if (property.type === "array" || property.type === "object") {
      const why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.push(fieldError.invalid(`${path}.items.properties[${key}].type`, items.type, why));
    }
    if (seen.has(key)) errors.push(fieldError.invalid(at, keys, "must not contain duplicate entries"));
    seen.add(key);
  }
  return errors;
}

/** What tells items apart must be there: neither null nor left out. */
export function keyErrors(schema: JsonSchema, path: string): FieldError[] {
  const listType = schema["x-kubernetes-list-type"];
  const items = itemsOf(schema);
  if (!items || (listType !== "set" && listType !== "map")) return [];
  const errors: FieldError[] = [];
  if (items.nullable) {
    const why = `cannot be nullable when x-kubernetes-list-type is ${listType}`;
    errors.push(fieldError.forbidden(`${path}.items.nullable`, why));
  }
  if (listType === "set") return errors;
  const required = new Set(items.required);
  for (const key of schema["x-kubernetes-list-map-keys"] ?? []) {
    const property = propertyOf(items, key);
    if (!property) continue;
    const at = `${path}.items.properties[${key}]`;
    const why = "this property is in x-kubernetes-list-map-keys, so it";
    if (!required.has(key) && property.default === undefined) {
      errors.push(fieldError.required(`${at}.default`, `${why} must have a default or be a required property`));
    }
    if (property.nullable) errors.push(fieldError.forbidden(`${at}.nullable`, `${why} cannot be nullable`));
  }
  return errors;
}

/** @see SchemaLeniency */
export function leniencyOf(
  schemas: readonly JsonSchema[],
  all: (schema: JsonSchema) => Iterable<JsonSchema>,
): SchemaLeniency {
  const leniency = { ...STRICT };
  for (const root of schemas) {
    for (const schema of all(root)) {
      if (schema.type && !TYPES.includes(schema.type)) leniency.invalidTypes = true;
      if (schema["x-kubernetes-list-type"] === "set" && setErrors(schema, "").length > 0) leniency.nonAtomicSets = true;
      if (keyErrors(schema, "").length > 0) leniency.mapListKeys = true;
    }
  }
  return leniency;
}
