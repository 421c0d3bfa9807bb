/**
 * The types that Terraform's provider for Kubernetes makes of OpenAPI, with its limits: no recursion, no type that it cannot name. After
 * terraform-provider-kubernetes/manifest/openapi.
 */

export type TerraformType =
  | { form: "string"; isIntOrString?: true }
  | { form: "number" | "bool" | "dynamic" }
  /** A tuple is a list whose elements are not all of one type, because that type is not wholly known. */
  | { form: "list"; element: TerraformType }
  | { form: "tuple"; element: TerraformType }
  | { form: "map"; element: TerraformType }
  | { form: "object"; attributes: Readonly<Record<string, TerraformType>> };

/** A node of OpenAPI as a client finds it: nothing is known of its keywords. */
export type SchemaNode = Readonly<Record<string, unknown>>;
type Definitions = Readonly<Record<string, SchemaNode>>;

/** Whoever nests deeper than this is taken to be recursive. */
const DEPTH_MAX = 50;

/** Schemas of schemas are recursive by nature, so no type is sought in them. */
const UNTYPED = /^io\.k8s\.apiextensions-apiserver\.pkg\.apis\.apiextensions\.v1(beta1)?\.JSONSchemaProps$/;

const OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

export interface Foundry {
  /** The type of a kind without its status, its metadata complete. Throws where there is none. */
  typeOf(gvk: { group: string; version: string; kind: string }): TerraformType;
  /** The same of the schema that a definition has for a version. */
  typeOfSchema(openAPIV3Schema: SchemaNode): TerraformType;
}

/** Of a whole document of OpenAPI v2. Throws for one that the provider would not read. */
export function createFoundry({ definitions }: { definitions: Definitions }): Foundry {
  const byKind = new Map<string, string>();
  for (const [name, node] of Object.entries(definitions)) {
    // The last one wins, as in the provider's index.
    for (const { group, version, kind } of kindsOf(node)) byKind.set(`${group}/${version}/${kind}`, name);
  }
  const resolve = (node: SchemaNode): SchemaNode => resolved(node, definitions);
  return {
    typeOf({ group, version, kind }) {
      const name = byKind.get(`${group}/${version}/${kind}`);
      if (name === undefined) throw new Error(`${group}/${version} ${kind} is not in the index of OpenAPI`);
      return asResource(typeOfNode(definitions[name] ?? {}, { resolve, depth: 0 }), resolve);
    },
    typeOfSchema: (schema) => asResource(typeOfNode(schema, { resolve, depth: 0 }), resolve),
  };
}

function kindsOf(node: SchemaNode): { group: string; version: string; kind: string }[] {
  return (node["x-kubernetes-group-version-kind"] ?? []) as { group: string; version: string; kind: string }[];
}

function resolved(node: SchemaNode, definitions: Definitions): SchemaNode {
  const { $ref } = node;
  if (typeof $ref !== "string") return node;
  const name = $ref.split("/").at(-1) ?? "";
  if (UNTYPED.test(name)) return {};
  const target = definitions[name];
  if (!target) throw new Error(`there is no definition ${$ref}`);
  return resolved(target, definitions);
}

/** Types of definitions lack some parts that every object has. */
function asResource(type: TerraformType, resolve: (node: SchemaNode) => SchemaNode): TerraformType {
  if (type.form !== "object") return type;
  const { status: _status, ...attributes } = type.attributes;
  const metadata = typeOfNode(resolve({ $ref: `#/definitions/${OBJECT_META}` }), { resolve, depth: 0 });
  return {
    form: "object",
    attributes: { apiVersion: { form: "string" }, kind: { form: "string" }, ...attributes, metadata },
  };
}

interface Place {
  resolve: (node: SchemaNode) => SchemaNode;
  depth: number;
}

function typeOfNode(node: SchemaNode, { resolve, depth }: Place): TerraformType {
  if (depth >= DEPTH_MAX) throw new Error("recursion without end");
  const inner = (child: unknown): TerraformType =>
    typeOfNode(resolve(child as SchemaNode), { resolve, depth: depth + 1 });
  switch (node["type"]) {
    case "string":
      return node["format"] === "int-or-string" ? { form: "string", isIntOrString: true } : { form: "string" };
    case "boolean":
      return { form: "bool" };
    case "number":
    case "integer":
      return { form: "number" };
    case undefined:
      return node["x-kubernetes-int-or-string"] === true
        ? { form: "string", isIntOrString: true }
        : { form: "dynamic" };
    case "array":
      return typeOfArray(inner(node["items"]));
    case "object":
      return typeOfObject(node, inner);
    default:
      throw new Error(`the type ${JSON.stringify(node["type"])} is none`);
  }
}

function typeOfArray(element: TerraformType): TerraformType {
  return isWhollyKnown(element) ? { form: "list", element } : { form: "tuple", element };
}

function typeOfObject(node: SchemaNode, inner: (child: unknown) => TerraformType): TerraformType {
  const { properties, additionalProperties } = node;
  // True and false say nothing of a type, and count as if they were not there.
  const ofValues = typeof additionalProperties === "object" ? additionalProperties : undefined;
  if (properties && ofValues) throw new Error("both properties and additionalProperties");
  if (ofValues) return { form: "map", element: inner(ofValues) };
  if (!properties) return { form: "dynamic" };
  const attributes = Object.entries(properties).map(([name, child]) => [name, inner(child)] as const);
  return { form: "object", attributes: Object.fromEntries(attributes) };
}

function isWhollyKnown(type: TerraformType): boolean {
  switch (type.form) {
    case "dynamic":
      return false;
    case "object":
      return Object.values(type.attributes).every(isWhollyKnown);
    case "list":
    case "map":
    case "tuple":
      return isWhollyKnown(type.element);
    default:
      return true;
  }
}
