/**
 * Are the defaults of a schema values that it takes, and nothing more? ValidateDefaults of
 * k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting, with what its objectmeta says of embedded resources. Of a schema that is
 * structural.
 */
import { dns1035LabelFaults } from "../../machinery/names.ts";
import type { ObjectMeta } from "../../machinery/meta.ts";
import { fieldError, type FieldError } from "../../machinery/status-error.ts";
import { validateObjectMeta } from "../../machinery/validate-meta.ts";
import { ruleFaults, type RuleEvaluation } from "./evaluate-rules.ts";
import { itemsOf, propertiesOf, propertyOf, valuesOf, type JsonSchema } from "./json-schema.ts";
import { pruned } from "./prune.ts";
import { valueErrors } from "./validate-value.ts";

/** More are not told anyway. */
const ERRORS_MAX = 1_000;

/** `mayHaveUnknown`: a definition that is stored has defaults with undeclared members, so new ones may too. */
export function defaultErrors(root: JsonSchema, path: string, { mayHaveUnknown = false } = {}): FieldError[] {
  const errors: FieldError[] = [];
  visit(root, path, { isRoot: true, mayHaveUnknown, errors });
  return errors;
}

/** Whether defaults hold to the rules of their schema. Of schemas whose rules compile. */
export function defaultRuleErrors(schema: JsonSchema, path: string, deps: RuleEvaluation): FieldError[] {
  const own = schema.default === undefined ? [] : ruleFaults(schema.default, schema, `${path}.default`, deps);
  const items = itemsOf(schema);
  return [
    ...own,
    ...(items ? defaultRuleErrors(items, `${path}.items`, deps) : []),
    ...propertiesOf(schema).flatMap(([name, property]) =>
      defaultRuleErrors(property, `${path}.properties[${name}]`, deps),
    ),
  ];
}

interface Walk {
  isRoot: boolean;
  mayHaveUnknown: boolean;
  errors: FieldError[];
}

function visit(schema: JsonSchema, path: string, walk: Walk): void {
  const { errors, mayHaveUnknown } = walk;
  if (errors.length >= ERRORS_MAX) return;
  if (schema.default !== undefined) errors.push(...oneErrors(schema, `${path}.default`, walk));
  const inner = { isRoot: false, mayHaveUnknown, errors };
  const items = itemsOf(schema);
  if (items) visit(items, `${path}.items`, inner);
  // What is in values of maps has no defaults: there are none of its kind to be set.
  for (const [name, property] of propertiesOf(schema)) visit(property, `${path}.properties[${name}]`, inner);
}

function oneErrors(schema: JsonSchema, path: string, { isRoot, mayHaveUnknown }: Walk): FieldError[] {
  const value = schema.default;
  const errors: FieldError[] = [];
  const isResource = isRoot || schema["x-kubernetes-embedded-resource"] === true;
  if (!mayHaveUnknown && pruned(value, schema, { isResource }) !== value) {
    errors.push(fieldError.invalid(path, value, "must not have unknown fields"));
  }
  const ofMeta = metaErrors(value, schema, path, isResource);
  return [...errors, ...(ofMeta.length > 0 ? ofMeta : valueErrors(value, schema, path))];
}

/** Embedded resources inside of a value: they are named as all are. */
function metaErrors(value: unknown, schema: JsonSchema | undefined, path: string, isResource: boolean): FieldError[] {
  if (!schema || typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    const isEmbedded = items?.["x-kubernetes-embedded-resource"] === true;
    return value.flatMap((item, index) => metaErrors(item, items, `${path}[${index}]`, isEmbedded));
  }
  const errors = isResource ? resourceErrors(value as Record<string, unknown>, path) : [];
  for (const [name, member] of Object.entries(value)) {
    const property = propertyOf(schema, name);
    const inner = property ?? valuesOf(schema);
    const at = property ? `${path}.${name}` : `${path}[${name}]`;
    errors.push(...metaErrors(member, inner, at, inner?.["x-kubernetes-embedded-resource"] === true));
  }
  return errors;
}

function resourceErrors(value: Readonly<Record<string, unknown>>, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["apiVersion", "kind"]) {
    const at = `${path}.${name}`;
    const text = value[name];
    if (!Object.hasOwn(value, name)) errors.push(fieldError.required(at));
    else if (typeof text !== "string") errors.push(fieldError.invalid(at, text, "must be a string"));
    else if (text === "") errors.push(fieldError.invalid(at, text, "must not be empty"));
    else if (name === "apiVersion" && text.split("/").length > 2) {
      errors.push(fieldError.invalid(at, text, `unexpected GroupVersion string: ${text}`));
    } else if (name === "kind") {
      const faults = dns1035LabelFaults(text.toLowerCase());
      const why = `may have mixed case, but should otherwise match: ${faults.join(",")}`;
      if (faults.length > 0) errors.push(fieldError.invalid(at, text, why));
    }
  }
  return [...errors, ...objectMetaErrors(value["metadata"], `${path}.metadata`)];
}

/** What cannot be metadata at all is a fault of its own; the rest goes by the rules of all metadata. */
function objectMetaErrors(metadata: unknown, path: string): FieldError[] {
  if (metadata === undefined) return [];
  if (!isObject(metadata)) return [fieldError.invalid(path, metadata, "must be an object")];
  for (const [name, isRight] of Object.entries(META_TYPES)) {
    if (metadata[name] === undefined || isRight(metadata[name])) continue;
    return [fieldError.invalid(path, metadata, `${name} is of another type in metadata`)];
  }
  const meta = { name: "fakename", ...metadata };
  const namespaced = ((meta as ObjectMeta).namespace ?? "") !== "";
  return validateObjectMeta(meta, { namespaced, nameRule: "path-segment", field: path });
}

const META_TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: isString,
  generateName: isString,
  namespace: isString,
  generation: (value) => typeof value === "number",
  labels: isStringMap,
  annotations: isStringMap,
  finalizers: (value) => Array.isArray(value) && value.every(isString),
  ownerReferences: (value) => Array.isArray(value) && value.every(isObject),
};

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStringMap(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isString);
}
