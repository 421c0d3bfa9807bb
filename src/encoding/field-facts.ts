/**
 * What Go's types know and OpenAPI does not say: which zero values are meaning (pointers) and which are noise (`omitempty`),
 * protobuf numbers, and the names Go prints. Read from field-facts.json, which `npm run facts` generates.
 *
 * The table maps package → type → fields in struct order, joined by commas: `name:number:flags type`. Flags: `?` omitempty,
 * `!` omitzero. Type: `*` pointer, `[` list, `{` map, `w` list inside a message of its own, then a scalar or `@definition`
 * (of the same package when it has no dot); `=name` is the Go name of a named scalar, `#name` that of a named list or map.
 * `~:number:@definition` is an embedded struct: inlined in JSON, a message in protobuf.
 */
import table from "./field-facts.json" with { type: "json" };

export type ScalarForm = "bool" | "int32" | "int64" | "float64" | "string" | "bytes";

/** Types whose JSON is not that of their fields. */
export type SpecialForm =
  | "quantity"
  | "time"
  | "micro-time"
  | "int-or-string"
  | "raw"
  | "schema-or-array"
  | "schema-or-bool"
  | "schema-or-strings";

/** `goType` is how Go prints the type in an error, without leading pointers. */
export type TypeFact =
  | { form: ScalarForm; goType: string; pointer: boolean }
  | { form: "special"; special: SpecialForm; goType: string; pointer: boolean }
  | { form: "struct"; definition: string; goType: string; pointer: boolean }
  | { form: "list"; of: TypeFact; wrapped: boolean; goType: string; pointer: boolean }
  | { form: "map"; of: TypeFact; goType: string; pointer: boolean };

export interface FieldFact {
  /** JSON name; "" for an embedded struct. */
  name: string;
  /** Protobuf number; 0 for a field that protobuf does not carry (kind, apiVersion). */
  number: number;
  omitEmpty: boolean;
  omitZero: boolean;
  type: TypeFact;
}

export interface StructFact {
  /** e.g. "io.k8s.api.apps.v1.DeploymentSpec" */
  definition: string;
  /** e.g. "DeploymentSpec" */
  name: string;
  /** Own fields as protobuf numbers them; embedded structs are fields without a name. */
  byNumber: ReadonlyMap<number, FieldFact>;
  /** Fields of the JSON object in struct order, embedded ones spread out. */
  fields: readonly FieldFact[];
  /** Index into `fields` by JSON name. */
  index: ReadonlyMap<string, number>;
  /** Indices of those that are printed although they were never set, ascending. */
  always: readonly number[];
}

export interface FieldFacts {
  struct(definition: string): StructFact | undefined;
  /** The names of all definitions that have facts. */
  definitions(): string[];
}

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";
const EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";

const SPECIAL: ReadonlyMap<string, { special: SpecialForm; goType: string }> = new Map([
  ["io.k8s.apimachinery.pkg.api.resource.Quantity", { special: "quantity", goType: "resource.Quantity" }],
  ["io.k8s.apimachinery.pkg.util.intstr.IntOrString", { special: "int-or-string", goType: "intstr.IntOrString" }],
  ["io.k8s.apimachinery.pkg.runtime.RawExtension", { special: "raw", goType: "runtime.RawExtension" }],
  [`${META}.Time`, { special: "time", goType: "v1.Time" }],
  [`${META}.MicroTime`, { special: "micro-time", goType: "v1.MicroTime" }],
  [`${META}.FieldsV1`, { special: "raw", goType: "v1.FieldsV1" }],
  [`${EXTENSIONS}.JSON`, { special: "raw", goType: "v1.JSON" }],
  [`${EXTENSIONS}.JSONSchemaPropsOrArray`, { special: "schema-or-array", goType: "v1.JSONSchemaPropsOrArray" }],
  [`${EXTENSIONS}.JSONSchemaPropsOrBool`, { special: "schema-or-bool", goType: "v1.JSONSchemaPropsOrBool" }],
  [
    `${EXTENSIONS}.JSONSchemaPropsOrStringArray`,
    { special: "schema-or-strings", goType: "v1.JSONSchemaPropsOrStringArray" },
  ],
]);

/** The definition of CRD schemas, which the three "schema-or-…" forms hold. */
export const JSON_SCHEMA_PROPS = `${EXTENSIONS}.JSONSchemaProps`;
export const VALIDATION_RULE = `${EXTENSIONS}.ValidationRule`;

/** "io.k8s.api.apps.v1.DeploymentSpec" → ["io.k8s.api.apps.v1", "DeploymentSpec"] */
function splitName(definition: string): [string, string] {
  const dot = definition.lastIndexOf(".");
  return [definition.slice(0, dot), definition.slice(dot + 1)];
}

/** Reads a type from the table. `around` is the `#name` of the whole field, which belongs to its outermost list or map. */
function parseType(text: string, from: string, around: string): TypeFact {
  if (text.startsWith("*")) return { ...parseType(text.slice(1), from, around), pointer: true };
  if (text.startsWith("[") || text.startsWith("w")) {
    const of = parseType(text.slice(1), from, "");
    return { form: "list", of, wrapped: text.startsWith("w"), goType: around || `[]${printed(of)}`, pointer: false };
  }
  if (text.startsWith("{")) {
    const keyOnly = around.startsWith("map[") || around === "";
    const inner = text[1] === "w" ? around : "";
    const of = parseType(text.slice(1), from, inner);
    const goType = keyOnly || inner ? `${around.startsWith("map[") ? around : "map[string]"}${printed(of)}` : around;
    return { form: "map", of, goType, pointer: false };
  }
  if (text.startsWith("@")) {
    const definition = text.includes(".") ? text.slice(1) : `${from}.${text.slice(1)}`;
    const special = SPECIAL.get(definition);
    if (special) return { form: "special", ...special, pointer: false };
    const [pkg, name] = splitName(definition);
    return { form: "struct", definition, goType: `${splitName(pkg)[1]}.${name}`, pointer: false };
  }
  const [form, goName] = text.split("=") as [ScalarForm, string | undefined];
  return { form, goType: goName ?? (form === "bytes" ? "[]uint8" : form), pointer: false };
}

function printed(type: TypeFact): string {
  return type.pointer ? `*${type.goType}` : type.goType;
}

function parseField(text: string, from: string): FieldFact {
  const [name = "", number = "0", rest = ""] = text.split(":", 3);
  const flags = /^[?!]*/.exec(rest)?.[0] ?? "";
  const [type = "", around = ""] = rest.slice(flags.length).split("#");
  return {
    name: name === "~" ? "" : name,
    number: Number(number),
    omitEmpty: flags.includes("?"),
    omitZero: flags.includes("!"),
    type: parseType(type, from, around),
  };
}

/** Pointers, lists and maps that are not set are left out, structs and quantities are not, scalars as `omitempty` says. */
function isPrintedUnset({ type, omitEmpty, omitZero }: FieldFact): boolean {
  if (type.pointer) return false;
  switch (type.form) {
    case "struct":
      return !omitZero;
    case "special":
      return type.special === "quantity" || (type.special === "int-or-string" && !omitEmpty);
    case "list":
    case "map":
    case "bytes":
      return false;
    default:
      return !omitEmpty;
  }
}

/** Facts are parsed type by type when first asked for and never change. */
export function createFieldFacts(): FieldFacts {
  const packages = new Map<string, Readonly<Record<string, string>>>(Object.entries(table));
  const structs = new Map<string, StructFact>();

  function struct(definition: string): StructFact | undefined {
    const known = structs.get(definition);
    if (known) return known;
    const [pkg, name] = splitName(definition);
    const types = packages.get(pkg);
    if (!types || !Object.hasOwn(types, name)) return undefined;
    const text = types[name] ?? "";
    const made = build(definition, pkg, text === "" ? [] : text.split(","));
    structs.set(definition, made);
    return made;
  }

  function build(definition: string, pkg: string, texts: readonly string[]): StructFact {
    const own = texts.map((text) => parseField(text, pkg));
    const fields = own.flatMap((field) => (field.name === "" ? embedded(field) : [field]));
    return {
      definition,
      name: splitName(definition)[1],
      byNumber: new Map(own.filter((field) => field.number > 0).map((field) => [field.number, field])),
      fields,
      index: new Map(fields.map((field, index) => [field.name, index])),
      always: fields.flatMap((field, index) => (isPrintedUnset(field) ? [index] : [])),
    };
  }

  function embedded(field: FieldFact): readonly FieldFact[] {
    const inner = field.type.form === "struct" ? struct(field.type.definition) : undefined;
    if (!inner) throw new Error("the table of field facts embeds a type that it does not list");
    return inner.fields;
  }

  function definitions(): string[] {
    return [...packages].flatMap(([pkg, types]) => Object.keys(types).map((name) => `${pkg}.${name}`));
  }

  return { struct, definitions };
}

/** The facts of the published types: constants, shared by all decoders. */
export const fieldFacts: FieldFacts = createFieldFacts();
