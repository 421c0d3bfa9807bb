/** What bodies look like: JSON Schema (2020-12) as it stands in the OpenAPI document, a check along it, and its TypeScript type. */

export interface JsonSchema {
  type?: string | readonly string[];
  description?: string;
  format?: string;
  enum?: readonly unknown[];
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  properties?: Readonly<Record<string, JsonSchema>>;
  required?: readonly string[];
  additionalProperties?: boolean;
  items?: JsonSchema;
  $ref?: string;
}

declare const VALUE: unique symbol;
export interface Schema<T> {
  json: JsonSchema;
  /** Exists in types alone. */
  [VALUE]?: T;
}
export type ValueOf<S> = S extends Schema<infer T> ? T : never;

export interface SchemaError {
  /** JSON pointer (RFC 6901) into the body. */
  pointer: string;
  detail: string;
}

const ERRORS_MAX = 20;

export function text(options: Pick<JsonSchema, "description" | "minLength" | "maxLength" | "pattern" | "format"> = {}) {
  const schema: Schema<string> = { json: { type: "string", ...options } };
  return schema;
}

export function oneOf<const T extends string>(values: readonly T[], description?: string): Schema<T> {
  return { json: { type: "string", enum: values, ...(description === undefined ? {} : { description }) } };
}

export function flag(description: string): Schema<boolean> {
  return { json: { type: "boolean", description } };
}

export function nullable<T>({ json }: Schema<T>): Schema<T | null> {
  const { type } = json;
  return { json: { ...json, type: [...(typeof type === "string" ? [type] : (type ?? [])), "null"] } };
}

export function list<T>({ json }: Schema<T>): Schema<T[]> {
  return { json: { type: "array", items: json } };
}

type Members = Readonly<Record<string, Schema<unknown>>>;
type Required<R extends Members> = { [K in keyof R]: ValueOf<R[K]> };
type Optional<O extends Members> = { [K in keyof O]?: ValueOf<O[K]> };

export function object<R extends Members>(required: R): Schema<Required<R>>;
export function object<R extends Members, O extends Members>(
  required: R,
  optional: O,
): Schema<Required<R> & Optional<O>>;
export function object(required: Members, optional: Members = {}): Schema<unknown> {
  const members = Object.entries({ ...required, ...optional });
  const properties = Object.fromEntries(members.map(([name, { json }]) => [name, json]));
  return { json: { type: "object", properties, required: Object.keys(required), additionalProperties: false } };
}

/** Returns [] when valid; at most a few errors. Never mutates. */
export function check(schema: JsonSchema, value: unknown): SchemaError[] {
  const errors: SchemaError[] = [];
  walk(schema, value, "", errors);
  return errors.slice(0, ERRORS_MAX);
}

function walk(schema: JsonSchema, value: unknown, pointer: string, errors: SchemaError[]): void {
  const wrong = (detail: string): void => void errors.push({ pointer, detail });
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  const found = typeOf(value);
  if (types.length > 0 && !types.includes(found)) return wrong(`must be ${types.join(" or ")}, not ${found}`);
  if (schema.enum && !schema.enum.includes(value)) return wrong(`must be one of ${schema.enum.join(", ")}`);
  if (typeof value === "string") checkText(schema, value, wrong);
  if (found === "object" && schema.properties) walkObject(schema, value as Record<string, unknown>, pointer, errors);
}

function checkText(schema: JsonSchema, value: string, wrong: (detail: string) => void): void {
  const { minLength = 0, maxLength = Infinity, pattern, format } = schema;
  if (value.length < minLength) return wrong(minLength === 1 ? "must not be empty" : `needs ${minLength} characters`);
  if (value.length > maxLength) return wrong(`must be no longer than ${maxLength} characters`);
  if (pattern !== undefined && !new RegExp(pattern, "u").test(value)) return wrong(`must match ${pattern}`);
  if (format === "date-time" && !isDateTime(value)) wrong("must be a time like 2026-01-31T12:00:00Z");
  if (format === "email" && !EMAIL.test(value)) wrong("must be an e-mail address");
}

/** Whether it is one tells only a message to it. */
const EMAIL = /^[^@\s]{1,64}@[^@\s]{1,255}$/;

function walkObject(schema: JsonSchema, value: Record<string, unknown>, pointer: string, errors: SchemaError[]): void {
  const { properties = {}, required = [] } = schema;
  for (const name of required) {
    if (!Object.hasOwn(value, name)) errors.push({ pointer: `${pointer}/${name}`, detail: "is required" });
  }
  for (const [name, member] of Object.entries(value)) {
    const at = `${pointer}/${name.slice(0, 64).replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known) walk(known, member, at, errors);
    else if (schema.additionalProperties === false) errors.push({ pointer: at, detail: "is unknown" });
    if (errors.length >= ERRORS_MAX) return;
  }
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** RFC 3339, as far as Date reads it. */
function isDateTime(value: string): boolean {
  return (
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))
  );
}
