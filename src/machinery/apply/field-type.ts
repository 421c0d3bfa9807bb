/** What server-side apply needs to know of a type, worked out of its SchemaNode once and kept with it. */
import { isRawNumber } from "../patch/json-value.ts";
import type { SchemaNode } from "../schema.ts";

export type Scalar = "numeric" | "string" | "boolean" | "untyped";

/** A declared member of an object. */
export interface Field {
  /** "f:spec" */
  element: string;
  readonly type: FieldType;
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
    if (node.type === "object") {
      return lazy({
        form: "map",
        atomic: node.mapType === "atomic",
        keys: [],
        fields: () => fieldsOf(node),
        element: () => (node.additional ? typeOf(node.additional) : node.preserveUnknown ? DEDUCED : undefined),
      });
    }
    if (node.type !== "array") return leafType("scalar", scalarOf(node));
    const associative = node.listType === "map" || node.listType === "set";
    return lazy({
      form: "list",
      atomic: !associative,
      keys: associative ? keysOf(node) : [],
      fields: () => NO_FIELDS,
      element: () => (node.items ? typeOf(node.items) : DEDUCED),
    });
  }

  function fieldsOf(node: SchemaNode): ReadonlyMap<string, Field> {
    const fields = new Map<string, Field>();
    for (const [name, child] of node.properties ?? []) {
      fields.set(name, {
        element: `f:${name}`,
        get type() {
          const type = typeOf(child);
          Object.defineProperty(this, "type", { value: type });
          return type;
        },
      });
    }
    return fields;
  }

  return typeOf;
}

function keysOf(node: SchemaNode): ListKey[] {
  return (node.listMapKeys ?? []).toSorted().map((name) => ({
    name,
    label: `${JSON.stringify(name)}:`,
    fallback: node.items?.properties?.get(name)?.default,
  }));
}

/** Types are cyclic: what is below one is looked up when it is first read. */
function lazy(
  parts: Pick<FieldType, "form" | "atomic" | "keys"> & {
    fields: () => ReadonlyMap<string, Field>;
    element: () => FieldType | undefined;
  },
): FieldType {
  let fields: ReadonlyMap<string, Field> | undefined;
  let element: FieldType | undefined;
  let elementKnown = false;
  return {
    form: parts.form,
    scalar: "untyped",
    atomic: parts.atomic,
    keys: parts.keys,
    get fields() {
      fields ??= parts.fields();
      return fields;
    },
    get element() {
      if (!elementKnown) {
        element = parts.element();
        elementKnown = true;
      }
      return element;
    },
  };
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
