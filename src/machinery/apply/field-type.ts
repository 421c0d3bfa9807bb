/** What server-side apply needs to know of a type, worked out of its SchemaNode once and kept with it. */
import { isRawNumber } from "../patch/json-value.ts";
import type { SchemaNode } from "../schema.ts";

export type Scalar = "numeric" | "string" | "boolean" | "untyped";

/** A declared member of an object. */
export interface Field {
  /** "f:spec" */
  element: string;
  type: FieldType;
}

export interface FieldType {
  /** "deduced": as its value is; a map is then granular, a list atomic. */
  form: "map" | "list" | "scalar" | "deduced";
  scalar: Scalar;
  /** Is a map or list owned as a whole? */
  atomic: boolean;
  /** Declared members of a map. */
  readonly fields: ReadonlyMap<string, Field>;
  /** Undeclared members of a map, items of a list. Undefined: there are no other members than the declared ones. */
  readonly element: FieldType | undefined;
  /** Sorted names of the keys that tell the items of a list apart; none for a set. */
  keys: readonly ListKey[];
}

export interface ListKey {
  name: string;
  /** `"name":`, ready to be put together. */
  label: string;
  /** Stands in for a missing key: `protocol: TCP` of a port. */
  fallback: unknown;
}

/** The type of a node; the same object for the same node. */
export type FieldTypes = (node: SchemaNode) => FieldType;

const NO_FIELDS: ReadonlyMap<string, Field> = new Map();

function leafType(form: "scalar" | "deduced", scalar: Scalar): FieldType {
  return { form, scalar, atomic: false, fields: NO_FIELDS, element: undefined, keys: [] };
}

/** What nothing is known of. */
export const DEDUCED: FieldType = leafType("deduced", "untyped");
const DEDUCED_MAP: FieldType = { ...DEDUCED, form: "map", element: DEDUCED };
const DEDUCED_LIST: FieldType = { ...DEDUCED, form: "list", atomic: true, element: DEDUCED };
const DEDUCED_SCALAR: FieldType = leafType("scalar", "untyped");

export type ValueForm = "absent" | "null" | "map" | "list" | "scalar";

export function formOfValue(value: unknown): ValueForm {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  if (typeof value !== "object") return "scalar";
  if (Array.isArray(value)) return "list";
  return isRawNumber(value) ? "scalar" : "map";
}

/** The type to treat a value by: `type` itself unless it is deduced. What is absent is what the other one is. */
export function typeFor(type: FieldType, value: unknown, other?: unknown): FieldType {
  if (type.form !== "deduced") return type;
  const form = formOfValue(value ?? other);
  if (form === "list") return DEDUCED_LIST;
  return form === "scalar" ? DEDUCED_SCALAR : DEDUCED_MAP;
}

function scalarOf(node: SchemaNode): Scalar {
  switch (node.type) {
    case "integer":
    case "number":
      return "numeric";
    case "boolean":
      return "boolean";
    default:
      return node.format !== undefined && UNTYPED.has(node.format) ? "untyped" : "string";
  }
}

/** Strings in OpenAPI v2 whose published type is any scalar. */
const UNTYPED: ReadonlySet<string> = new Set(["quantity", "int-or-string", "date-time", "micro-time"]);

export function createFieldTypes(): FieldTypes {
  const known = new WeakMap<SchemaNode, FieldType>();

  function typeOf(node: SchemaNode): FieldType {
    const found = known.get(node);
    if (found) return found;
    const made = build(node);
    known.set(node, made);
    return made;
  }

  function build(node: SchemaNode): FieldType {
    if (node.type === "any") return DEDUCED;
    if (node.type !== "object" && node.type !== "array") return leafType("scalar", scalarOf(node));
    return new NodeType(node, typeOf);
  }

  return typeOf;
}

/** A map or a list. Types are cyclic, so what is below one is looked up when it is first read. */
class NodeType implements FieldType {
  readonly form: "map" | "list";
  readonly scalar = "untyped";
  readonly atomic: boolean;
  readonly keys: readonly ListKey[];
  private readonly node: SchemaNode;
  private readonly typeOf: FieldTypes;
  private knownFields: ReadonlyMap<string, Field> | undefined;
  private knownElement: FieldType | undefined | null = null;

  constructor(node: SchemaNode, typeOf: FieldTypes) {
    const associative = node.listType === "map" || node.listType === "set";
    this.form = node.type === "object" ? "map" : "list";
    this.atomic = this.form === "map" ? node.mapType === "atomic" : !associative;
    this.keys = this.form === "list" && associative ? keysOf(node) : [];
    this.node = node;
    this.typeOf = typeOf;
  }

  get fields(): ReadonlyMap<string, Field> {
    return (this.knownFields ??= this.readFields());
  }

  get element(): FieldType | undefined {
    if (this.knownElement === null) this.knownElement = this.readElement();
    return this.knownElement;
  }

  private readFields(): ReadonlyMap<string, Field> {
    const { properties } = this.node;
    if (!properties || this.form === "list") return NO_FIELDS;
    return new Map([...properties].map(([name, node]) => [name, { element: `f:${name}`, type: this.typeOf(node) }]));
  }

  private readElement(): FieldType | undefined {
    const { additional, items, preserveUnknown } = this.node;
    if (this.form === "list") return items ? this.typeOf(items) : DEDUCED;
    if (additional) return this.typeOf(additional);
    return preserveUnknown ? DEDUCED : undefined;
  }
}

function keysOf(node: SchemaNode): ListKey[] {
  return (node.listMapKeys ?? []).toSorted().map((name) => ({
    name,
    label: `${JSON.stringify(name)}:`,
    fallback: node.items?.properties?.get(name)?.default,
  }));
}

/** The step to an item of a list that is not atomic, or what is wrong with it. */
export type ItemElement = { element: string } | { fault: string };

export function itemElement(type: FieldType, item: unknown): ItemElement {
  const form = formOfValue(item);
  if (type.keys.length === 0) {
    if (form === "map") return { fault: "associative list without keys has an element that's a map type" };
    if (form === "list") return { fault: "not supported: associative list with lists as elements" };
    if (form === "null") return { fault: "associative list without keys has an element that's an explicit null" };
    return { element: `v:${JSON.stringify(item)}` };
  }
  if (form === "null") return { fault: "associative list with keys may not have a null element" };
  if (form !== "map") return { fault: "associative list with keys may not have non-map elements" };
  let text = "";
  for (const { name, label, fallback } of type.keys) {
    const value = (item as Record<string, unknown>)[name] ?? fallback;
    if (value !== undefined) text += `${text === "" ? "" : ","}${label}${JSON.stringify(value)}`;
  }
  if (text !== "") return { element: `k:{${text}}` };
  const names = type.keys.map(({ name }) => JSON.stringify(name)).join(" ");
  return {
    fault: `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
  };
}

/** Step and type of a member of a map; undeclared ones take the map's element. */
export function memberOf(type: FieldType, name: string): { element: string; type: FieldType } {
  return type.fields.get(name) ?? { element: `f:${name}`, type: type.element ?? DEDUCED };
}

/** The type below a step of a path. */
export function typeBelow(type: FieldType, element: string): FieldType {
  if (element.startsWith("f:")) return memberOf(type, element.slice(2)).type;
  return type.element ?? DEDUCED;
}
