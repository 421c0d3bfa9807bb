/**
 * Definitions of types as OpenAPI documents carry them. Version 3 has what version 2 leaves out: defaults, the
 * values of enumerations, and which types are one of two. After k8s.io/kube-openapi/pkg/{generators,builder3}.
 */
import { fieldFacts, type TypeFact } from "../../encoding/field-facts.ts";
import { publishedDefaults } from "../../schema/published-defaults.ts";
import publishedEnums from "../../schema/published-enums.json" with { type: "json" };
import type { Schema, StructureSchema } from "../../schema/schema.ts";
import type { OpenApiVersion } from "./path-items.ts";

type Json = Record<string, unknown>;

export interface Rendering {
  version: OpenApiVersion;
  /** The prose of a definition or of one of its fields. */
  describe(definition: string, field?: string): string | undefined;
}

/** Types whose JSON is one of two. */
const UNIONS: Readonly<Record<string, readonly string[]>> = {
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ["integer", "string"],
  "io.k8s.apimachinery.pkg.api.resource.Quantity": ["string", "number"],
};

/** Values by the name that Go prints of the type. */
type Enums = Readonly<Record<string, readonly string[]>>;

/** By the package of the definition that has the field; `npm run facts` writes it. */
const ENUMS: Readonly<Record<string, Enums>> = publishedEnums;

/** The definitions that these need, themselves included, by name. */
export function definitionsFor(schema: Schema, roots: Iterable<string>, rendering: Rendering): Json {
  const names = [...reachable(schema, roots)].toSorted();
  return Object.fromEntries(names.map((name) => [name, definition(schema, name, rendering)]));
}

function reachable(schema: Schema, roots: Iterable<string>): Set<string> {
  const found = new Set<string>();
  const queue = [...roots];
  const visit = (node: StructureSchema | undefined): void => {
    if (!node) return;
    if (node.$ref !== undefined) queue.push(node.$ref);
    visit(node.items);
    visit(node.additionalProperties);
    for (const member of Object.values(node.properties ?? {})) visit(member);
  };
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const node = found.has(name) ? undefined : schema.definition(name);
    if (!node) continue;
    found.add(name);
    visit(node);
  }
  return found;
}

function definition(schema: Schema, name: string, rendering: Rendering): Json {
  const node = schema.definition(name) ?? {};
  const description = rendering.describe(name);
  const union = rendering.version === 3 ? UNIONS[name] : undefined;
  const { type, ...rest } = rendered(node, { rendering });
  const out: Json = {
    ...(description === undefined ? {} : { description }),
    ...(union ? { oneOf: union.map((of) => ({ type: of })) } : type === undefined ? {} : { type }),
    ...rest,
  };
  if (!node.properties) return out;
  const known = rendering.version === 3 ? knownFields(name) : undefined;
  const fields = Object.entries(node.properties).map(([field, member]) => {
    const inner = rendering.describe(name, field);
    const at = { rendering, ...(inner === undefined ? {} : { description: inner }), ...known?.get(field) };
    return [field, rendered(member, at)] as const;
  });
  return { ...out, properties: Object.fromEntries(fields) };
}

/** What is said of a schema at the place where it is used. */
interface Place extends Known {
  rendering: Rendering;
  description?: string;
}

/** What the Go types say and the published document does not. */
interface Known {
  default?: unknown;
  /** All values that there are, sorted. */
  enum?: readonly string[];
  /** Of its items or values. */
  inner?: Known;
}

/** A schema in place, with its references as the version writes them. */
function rendered(node: StructureSchema, place: Place): Json {
  const { rendering, description, inner } = place;
  const { $ref, items, additionalProperties, properties: _properties, ...rest } = node;
  const out: Json = {
    ...(description === undefined ? {} : { description }),
    ...rest,
    ...(place.default === undefined ? {} : { default: place.default }),
    ...(place.enum === undefined ? {} : { enum: place.enum }),
  };
  if (items) out["items"] = rendered(items, { rendering, ...inner });
  if (additionalProperties) out["additionalProperties"] = rendered(additionalProperties, { rendering, ...inner });
  if ($ref === undefined) return out;
  if (rendering.version === 2) return { ...out, $ref: `#/definitions/${$ref}` };
  const target = { $ref: `#/components/schemas/${$ref}` };
  // In version 3 a reference hides what stands beside it.
  return Object.keys(out).length === 0 ? target : { ...out, allOf: [target] };
}

/**
 * The fields of a type by name. A default is what a field is when a client leaves it out: what the type's author wrote, or the zero of
 * what Go always writes (no pointer, no omitempty; a struct always). The rule is that of kube-openapi's generator.
 */
function knownFields(name: string): Map<string, Known> | undefined {
  const facts = fieldFacts.struct(name);
  if (!facts) return undefined;
  const explicit = explicitDefaults(name);
  const enums: Enums = ENUMS[name.slice(0, name.lastIndexOf("."))] ?? {};
  return new Map(
    facts.fields.map((field) => {
      const known = knownOf(field.type, { omitEmpty: field.omitEmpty, enums });
      return [field.name, field.name in explicit ? { ...known, default: explicit[field.name] } : known];
    }),
  );
}

/** With those of the structs that it embeds. */
function explicitDefaults(name: string): Readonly<Record<string, unknown>> {
  const embedded = [...(fieldFacts.struct(name)?.byNumber.values() ?? [])].flatMap(({ name: field, type }) =>
    field === "" && type.form === "struct" ? [explicitDefaults(type.definition)] : [],
  );
  return Object.assign({}, ...embedded, publishedDefaults[name]) as Record<string, unknown>;
}

function knownOf(type: TypeFact, { omitEmpty, enums }: { omitEmpty: boolean; enums: Enums }): Known {
  const zero = zeroOf(type, omitEmpty);
  const values = type.form === "string" ? enums[type.goType] : undefined;
  return {
    ...(zero === undefined ? {} : { default: zero }),
    ...(values ? { enum: values } : {}),
    ...(type.form === "list" || type.form === "map" ? { inner: knownOf(type.of, { omitEmpty: false, enums }) } : {}),
  };
}

function zeroOf(type: TypeFact, omitEmpty: boolean): unknown {
  if (type.pointer) return undefined;
  switch (type.form) {
    case "struct":
      return {};
    case "string":
      return omitEmpty ? undefined : "";
    case "bool":
      return omitEmpty ? undefined : false;
    case "int32":
    case "int64":
    case "float64":
      return omitEmpty ? undefined : 0;
    default:
      return undefined;
  }
}
