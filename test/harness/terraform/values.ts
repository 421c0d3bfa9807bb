/**
 * Values as Terraform's provider for Kubernetes has them: null where a thing has no value, UNKNOWN where only the server can tell it. An
 * object always has all attributes of its type. After terraform-provider-kubernetes/manifest/{morph,payload}.
 */
import type { TerraformType } from "./types.ts";

export const UNKNOWN = Symbol("known after apply");

export type Value = string | number | boolean | null | typeof UNKNOWN | Value[] | { [key: string]: Value };

type Fields = { [key: string]: Value };

const ANY: TerraformType = { form: "dynamic" };

export function isFields(value: Value | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands in a configuration, in the form of a type. Throws where it does not fit. */
export function fromConfiguration(value: unknown, type: TerraformType, path = ""): Value {
  if (value === null || value === undefined) return null;
  switch (type.form) {
    case "string":
      if (typeof value === "object") throw new Error(`${path}: a string is expected`);
      return typeof value === "string" ? value : JSON.stringify(value);
    case "number":
    case "bool":
      if (typeof value !== (type.form === "bool" ? "boolean" : "number"))
        throw new Error(`${path}: a ${type.form} is expected`);
      return value as Value;
    case "dynamic":
      return value as Value;
    default:
      return ofParts(value, { type, path, part: fromConfiguration, isClosed: true });
  }
}

/** What the server answered, in the form of a type. Throws where it does not fit. */
export function fromServer(value: unknown, type: TerraformType, path = ""): Value {
  if (value === null || value === undefined) return null;
  const found = typeof value;
  switch (type.form) {
    case "string":
      if (found === "string") return value as string;
      if (found === "number" && Number.isInteger(value) && type.isIntOrString) return JSON.stringify(value);
      throw new Error(`${path}: ${found} instead of a string`);
    case "number":
    case "bool":
      if (found !== (type.form === "bool" ? "boolean" : "number"))
        throw new Error(`${path}: ${found} instead of a ${type.form}`);
      return value as Value;
    case "dynamic":
      return value as Value;
    default:
      return ofParts(value, { type, path, part: fromServer, isClosed: false });
  }
}

interface Parts {
  type: Extract<TerraformType, { element: TerraformType } | { attributes: unknown }>;
  path: string;
  part: (value: unknown, type: TerraformType, path: string) => Value;
  /** An attribute that the type has not is an error, and else passed over. */
  isClosed: boolean;
}

function ofParts(value: unknown, { type, path, part, isClosed }: Parts): Value {
  if (type.form === "list" || type.form === "tuple") {
    if (!Array.isArray(value)) throw new Error(`${path}: a list is expected`);
    return value.map((item, index) => part(item, type.element, `${path}[${index}]`));
  }
  if (typeof value !== "object" || Array.isArray(value)) throw new Error(`${path}: a ${type.form} is expected`);
  const fields = value as Readonly<Record<string, unknown>>;
  if (type.form === "map")
    return mapped(Object.keys(fields), (key) => part(fields[key], type.element, `${path}.${key}`));
  const foreign = Object.keys(fields).filter((key) => !Object.hasOwn(type.attributes, key));
  if (isClosed && foreign.length > 0) throw new Error(`${path}: the type has no ${foreign.join(", ")}`);
  return attributesOf(type, (key, of) => part(fields[key], of, `${path}.${key}`));
}

function attributesOf(
  { attributes }: Extract<TerraformType, { form: "object" }>,
  make: (key: string, of: TerraformType) => Value,
): Fields {
  return Object.fromEntries(Object.entries(attributes).map(([key, of]) => [key, make(key, of)]));
}

function mapped(keys: readonly string[], make: (key: string) => Value): Fields {
  return Object.fromEntries(keys.map((key) => [key, make(key)]));
}

/** With everything that has no value unknown, and the attributes of every object there. */
export function completed(value: Value, type: TerraformType): Value {
  if (type.form === "object") {
    const fields = isFields(value) ? value : {};
    return attributesOf(type, (key, of) => completed(fields[key] ?? null, of));
  }
  if (value === null) return UNKNOWN;
  if (type.form === "map" && isFields(value))
    return mapped(Object.keys(value), (key) => completed(value[key] ?? null, type.element));
  if ((type.form === "list" || type.form === "tuple") && Array.isArray(value))
    return value.map((item) => completed(item, type.element));
  return value;
}

/** With null for what is unknown. */
export function known(value: Value): Value {
  if (value === UNKNOWN) return null;
  if (Array.isArray(value)) return value.map(known);
  return isFields(value) ? mapped(Object.keys(value), (key) => known(value[key] ?? null)) : value;
}

/**
 * As it is sent: without nulls, and without objects that have nothing in them unless `configured` (the manifest) has them. What is a
 * number or a string goes as the number that it spells.
 */
export function toPayload(value: Value, type: TerraformType, configured: Value | undefined): unknown {
  if (value === null) return undefined;
  if (type.form === "string" && type.isIntOrString && typeof value === "string")
    return /^[+-]?\d+$/.test(value) ? Number(value) : value;
  if ((type.form === "list" || type.form === "tuple") && Array.isArray(value)) {
    const items = Array.isArray(configured) ? configured : [];
    return value.map((item, index) => toPayload(item, type.element, items[index])).filter((item) => item !== undefined);
  }
  if ((type.form !== "object" && type.form !== "map") || !isFields(value)) return value;
  const set = isFields(configured) ? configured : {};
  const entries = Object.entries(value).flatMap(([key, of]) => {
    const sent = toPayload(of, type.form === "map" ? type.element : (type.attributes[key] ?? ANY), set[key]);
    return sent === undefined ? [] : [[key, sent] as const];
  });
  return entries.length === 0 && !isFields(configured) ? undefined : Object.fromEntries(entries);
}

/** Where what came of an apply is not what was planned: Terraform reports such a thing as an error of the provider. By path. */
export function inconsistencies(planned: Value, actual: Value, path = ""): string[] {
  if (planned === UNKNOWN) return [];
  if (Array.isArray(planned) && Array.isArray(actual)) {
    if (planned.length !== actual.length) return [path];
    return planned.flatMap((item, index) => inconsistencies(item, actual[index] ?? null, `${path}[${index}]`));
  }
  if (isFields(planned) && isFields(actual)) {
    return [...new Set([...Object.keys(planned), ...Object.keys(actual)])].flatMap((key) =>
      inconsistencies(planned[key] ?? null, actual[key] ?? null, path === "" ? key : `${path}.${key}`),
    );
  }
  return planned === actual ? [] : [path];
}
