/** The types of Kubernetes as SchemaNodes, made lazily from the structure that `npm run setup` generates. */
import { specification, structure } from "../../.generated/structure.js";
import type { SchemaNode } from "../machinery/schema.ts";
import { publishedDefaults } from "./published-defaults.ts";

/** An OpenAPI v2 schema as the generated structure holds it: no descriptions, and `$ref` is the bare definition name. */
export interface StructureSchema {
  $ref?: string;
  type?: SchemaNode["type"];
  format?: string;
  default?: unknown;
  properties?: Readonly<Record<string, StructureSchema>>;
  additionalProperties?: StructureSchema;
  items?: StructureSchema;
  required?: readonly string[];
  "x-kubernetes-group-version-kind"?: readonly { group: string; version: string; kind: string }[];
  "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  "x-kubernetes-list-map-keys"?: readonly string[];
  "x-kubernetes-map-type"?: "atomic" | "granular";
  "x-kubernetes-patch-strategy"?: string;
  "x-kubernetes-patch-merge-key"?: string;
  "x-kubernetes-unions"?: unknown;
}

export interface Schema {
  /**
   * The node of a definition ("io.k8s.api.core.v1.Pod"); the same one on every call. Members are resolved when they are first
   * read. Nodes are shared: never change one.
   */
  node(definition: string): SchemaNode | undefined;
  /** The definition as published, for OpenAPI documents. */
  definition(name: string): StructureSchema | undefined;
  /** All definition names, sorted. */
  names(): readonly string[];
  /** Names the document that the definitions are from: another one has another name. */
  readonly specification: string;
}

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";
const EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";

/** Definitions whose JSON is not what their OpenAPI says, or is said there too coarsely. */
const SPECIAL: Readonly<Record<string, SchemaNode>> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": { type: "string", format: "quantity" },
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": { type: "string", format: "int-or-string" },
  "io.k8s.apimachinery.pkg.runtime.RawExtension": { type: "object", preserveUnknown: true },
  [`${META}.Time`]: { type: "string", format: "date-time" },
  [`${META}.MicroTime`]: { type: "string", format: "micro-time" },
  [`${META}.FieldsV1`]: { type: "object", preserveUnknown: true, mapType: "atomic" },
  [`${EXTENSIONS}.JSON`]: { type: "any", preserveUnknown: true },
  [`${EXTENSIONS}.JSONSchemaPropsOrArray`]: { type: "any", preserveUnknown: true },
  [`${EXTENSIONS}.JSONSchemaPropsOrBool`]: { type: "any", preserveUnknown: true },
  [`${EXTENSIONS}.JSONSchemaPropsOrStringArray`]: { type: "any", preserveUnknown: true },
};

/** With the defaults that the published OpenAPI v2 leaves out: they tell items of a list apart. */
function withDefaults(name: string, schema: StructureSchema): StructureSchema {
  const defaults = publishedDefaults[name];
  if (!defaults) return schema;
  const properties = Object.entries(schema.properties ?? {}).map(([member, of]) =>
    Object.hasOwn(defaults, member) ? [member, { ...of, default: defaults[member] }] : [member, of],
  );
  return { ...schema, properties: Object.fromEntries(properties) as Record<string, StructureSchema> };
}

/** What a schema says of merging, at its definition or where it is used. */
function merging(schema: StructureSchema): Partial<SchemaNode> {
  const listType = schema["x-kubernetes-list-type"];
  const listMapKeys = schema["x-kubernetes-list-map-keys"];
  const mapType = schema["x-kubernetes-map-type"];
  const patchStrategy = schema["x-kubernetes-patch-strategy"];
  const patchMergeKey = schema["x-kubernetes-patch-merge-key"];
  return {
    ...(listType ? { listType } : {}),
    ...(listMapKeys ? { listMapKeys } : {}),
    ...(mapType ? { mapType } : {}),
    ...(patchStrategy ? { patchStrategy } : {}),
    ...(patchMergeKey ? { patchMergeKey } : {}),
  };
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

/** A copy with more said of it; what is lazy stays lazy. */
function overlaid(node: SchemaNode, extra: Partial<SchemaNode>): SchemaNode {
  const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(node)) as SchemaNode;
  return Object.assign(copy, extra);
}

function indexLines(text: string): Map<string, { start: number; end: number }> {
  const index = new Map<string, { start: number; end: number }>();
  for (let at = 0; at < text.length;) {
    const tab = text.indexOf("\t", at);
    const newline = text.indexOf("\n", tab);
    const end = newline < 0 ? text.length : newline;
    index.set(text.slice(at, tab), { start: tab + 1, end });
    at = end + 1;
  }
  return index;
}

/** Cheap to make; keep one per process all the same, for its memory of resolved nodes. */
export function createSchema(): Schema {
  const lines = indexLines(structure);
  const definitions = new Map<string, StructureSchema>();
  const nodes = new Map<string, SchemaNode>();

  function definition(name: string): StructureSchema | undefined {
    const known = definitions.get(name);
    if (known) return known;
    const line = lines.get(name);
    if (!line) return undefined;
    const parsed = JSON.parse(structure.slice(line.start, line.end)) as StructureSchema;
    definitions.set(name, parsed);
    return parsed;
  }

  function node(name: string): SchemaNode | undefined {
    const known = nodes.get(name);
    if (known) return known;
    const found = definition(name);
    if (!found) return undefined;
    const special = SPECIAL[name];
    const made = special ?? build(withDefaults(name, found));
    nodes.set(name, made);
    return made;
  }

  function resolve(schema: StructureSchema): SchemaNode {
    if (schema.$ref === undefined) return build(schema);
    const target = node(schema.$ref);
    if (!target) throw new Error(`the OpenAPI document refers to ${schema.$ref}, which it does not define`);
    const extra = merging(schema);
    return isEmpty(extra) ? target : overlaid(target, extra);
  }

  function build(schema: StructureSchema): SchemaNode {
    const made: SchemaNode = {
      type: schema.type ?? (schema.$ref === undefined ? "any" : "object"),
      ...(schema.format === undefined ? {} : { format: schema.format }),
      ...(schema.default === undefined ? {} : { default: schema.default }),
      ...(schema.required ? { required: schema.required } : {}),
      ...(schema.type === undefined ? { preserveUnknown: true } : {}),
      ...merging(schema),
    };
    const { properties, additionalProperties, items } = schema;
    if (properties) lazily(made, "properties", () => propertiesOf(properties));
    else if (schema.type === "object" && !additionalProperties) made.properties = new Map();
    if (additionalProperties) lazily(made, "additional", () => resolve(additionalProperties));
    if (items) lazily(made, "items", () => resolve(items));
    return made;
  }

  function propertiesOf(properties: Readonly<Record<string, StructureSchema>>): ReadonlyMap<string, SchemaNode> {
    return new Map(Object.entries(properties).map(([name, schema]) => [name, resolve(schema)]));
  }

  return { node, definition, names: () => [...lines.keys()], specification };
}

/** Defines a member that is computed when first read and is an ordinary one from then on. */
function lazily<K extends "properties" | "additional" | "items">(
  node: SchemaNode,
  key: K,
  compute: () => NonNullable<SchemaNode[K]>,
): void {
  Object.defineProperty(node, key, {
    enumerable: true,
    configurable: true,
    get() {
      const value = compute();
      Object.defineProperty(this, key, { enumerable: true, configurable: true, writable: true, value });
      return value;
    },
  });
}
